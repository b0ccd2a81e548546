#!/usr/bin/env bats
# shellcheck disable=SC2154 # sim.bash sets $repo
# A recorded state and plan audited against the simulated cloud, without Terraform.
load helpers
load sim

setup() {
    setup_environment
    sim_recorded
}

@test "nothing changed: all is what Git says, and every resource was seen" {
    must plumb -C "$repo" audit
    output=$(plumb -C "$repo" audit)
    says "plumb: all 9 resources are what Git says" "9 of 9 resources, 71 of 71 attributes"
}

@test "what was changed outside has its path, what was deleted is missing, no secret is shown" {
    sim_change firewalls web '{"rules": [{"protocol": "tcp", "port_from": 22, "port_to": 22}]}'
    sim_change buckets shop-assets '{"policy": {"write": ["deploy"], "read": ["nobody"]}}'
    sim_change servers web-1 '{"tags": {"by": "hand"}}'
    sim_change secrets api-key '{"value": "another-secret"}'
    sim_change records mail
    must_fail 2 plumb -C "$repo" audit
    says "4 drifted" "1 missing" "(sensitive, changed)"
    says_not "another-secret" "correct-horse"
    must_fail 2 plumb -C "$repo" audit --format json
    says_not "another-secret" "correct-horse"
    [[ "$(sim_verdict sim_firewall.web)" = "drifted "*"rule[0].port_from=drifted"* ]]
    [ "$(sim_verdict sim_bucket.assets)" = "drifted policy=drifted" ]
    [ "$(sim_verdict 'sim_server.web[1]')" = "drifted tags.by=drifted" ]
    [ "$(sim_verdict sim_secret.api_key)" = "drifted revision=computed value=drifted" ]
    [ "$(sim_verdict sim_record.mail)" = "missing" ]
}

@test "JSON spelled otherwise is the same policy, a set in another order the same set" {
    sim_change buckets shop-assets '{"policy": {"write": ["deploy"], "read": ["everybody"]}}'
    sim_change firewalls web '{"labels": {}, "rules": [{"description": "HTTPS",
        "protocol": "tcp", "port_to": 443, "port_from": 443, "sources": ["0.0.0.0/0"]}]}'
    must plumb -C "$repo" audit
    sim_change buckets shop-assets '{"policy": {"write": ["deploy"], "read": []}}'
    must_fail 2 plumb -C "$repo" audit
    says "sim_bucket.assets  drifted" "policy"
}

@test "a new commit is pending, with the same by hand converged, with another conflict" {
    cp "$SIM_DEMO/later/sizes.tf" "$repo"
    commit_all "$repo" "larger servers, shorter ttl"
    sim_change servers web-1 '{"size": "medium"}'
    sim_change records www '{"ttl": 3600}'
    must_fail 2 plumb -C "$repo" audit --format json
    [ "$(sim_verdict 'sim_server.web[0]')" = "pending size=pending" ]
    [ "$(sim_verdict 'sim_server.web[1]')" = "converged size=converged" ]
    [ "$(sim_verdict sim_record.www)" = "conflict ttl=conflict" ]
    must_fail 2 plumb -C "$repo" audit --rev HEAD~1 --format json
    [ "$(sim_verdict sim_record.www)" = "drifted ttl=drifted" ]
}

# A fault, and what it must not be taken for.
refuses_to_guess() {
    sim_as sim-control-token DELETE /control/faults
    sim_fault "$1"
    must_fail 4 plumb -C "$repo" audit --target sim_network.main --format json
    [[ "$(sim_verdict sim_network.main)" = un* ]]
}

@test "whatever goes wrong on the way is unknown: never missing, never in sync" {
    match='"match": "GET /v1/networks*"'
    refuses_to_guess "{$match, \"kind\": \"status\", \"status\": 403}"
    refuses_to_guess "{$match, \"kind\": \"status\", \"status\": 404, \"code\": \"no_route\"}"
    refuses_to_guess "{$match, \"kind\": \"status\", \"status\": 404, \"body\": \"not found\"}"
    refuses_to_guess "{$match, \"kind\": \"truncate\"}"
    refuses_to_guess "{$match, \"kind\": \"reset\"}"
    refuses_to_guess "{$match, \"kind\": \"content_type\", \"body\": \"<html>\"}"
}

@test "not found, where nothing else can be seen either, is not missing" {
    sim_change records mail
    local others
    for others in "[!r]*" "records/$(sim_id records www)"; do
        sim_fault "{\"match\": \"GET /v1/$others\", \"kind\": \"status\", \"status\": 401}"
    done
    must_fail 4 plumb -C "$repo" audit --target sim_record.mail --format json
    [[ "$(sim_verdict sim_record.mail)" = un* ]]
    sim_as sim-control-token DELETE /control/faults
    must_fail 2 plumb -C "$repo" audit --target sim_record.mail --format json
    [ "$(sim_verdict sim_record.mail)" = missing ]
}
