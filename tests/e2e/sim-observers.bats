#!/usr/bin/env bats
# shellcheck disable=SC2154 # sim.bash sets $repo
# The packs and the provider, two ways that share no code, tell the same of the same cloud.
load helpers
load sim

setup() {
    setup_environment
    sim_recorded
}

verdicts() { # OBSERVER: a line for each resource and each attribute that differs
    local output code=0
    output=$(plumb -C "$repo" audit --observer "$1" --format json 2>&1) || code=$?
    [ "$code" = 0 ] || [ "$code" = 2 ] || { echo "$output"; return 1; }
    json '"\n".join(" ".join([r["address"], r["verdict"], r["observer"] == "'"$1"'" and "seen" or
        str(r["observer"])] + [a["path"] + "=" + a["verdict"] + ":" + str(a["live"])
        for a in r["attributes"]]) for u in d["units"] for r in u["resources"])'
}

same() {
    local packs provider
    packs=$(verdicts rest)
    provider=$(verdicts provider)
    diff <(echo "$packs") <(echo "$provider" )
    [ "$(echo "$provider" | grep -c " seen")" = 9 ]
}

@test "both say the same of an estate in sync, and of every type changed outside" {
    same
    sim_change networks main '{"mtu": 9000, "labels": {"team": "ops"}}'
    sim_change firewalls web '{"rules": [{"protocol": "udp"}], "labels": {"a": "b"}}'
    sim_change servers web-0 '{"size": "large", "user_data": "x", "protected": true}'
    sim_change disks data '{"server_id": null, "size_gb": 40}'
    sim_change records www '{"ttl": 1, "values": ["10.0.0.1"]}'
    sim_change buckets shop-assets '{"versioning": false, "policy": null}'
    sim_change secrets api-key '{"value": "another", "description": "by hand"}'
    sim_change records mail
    same
}

@test "what packs do not find in sync is confirmed by the provider" {
    sim_change records www '{"ttl": 1}'
    must_fail 2 plumb -C "$repo" audit
    says "sim_record.www  drifted" "observed by provider"
    must plumb -C "$repo" audit --target sim_network.main
}

# A provider that finds nothing is not believed, so it is asked for something that is there, too.
@test "what packs find missing is confirmed by a provider that finds something else" {
    sim_change records mail
    must_fail 2 plumb -C "$repo" audit --format json
    [ "$(sim_verdict sim_record.mail)" = missing ]
    [ "$(json 'next(r["observer"] for u in d["units"] for r in u["resources"]
        if r["address"] == "sim_record.mail")')" = provider ]
    [ "$(json 'd["diagnostics"]')" = "[]" ]
    sim_fault '{"match": "GET /v1/*/*", "kind": "status", "status": 404, "code": "not_found"}'
    must_fail 2 plumb -C "$repo" audit
    says "sim_record.mail  missing" "only the pack says so"
}

@test "what an API says when it refuses a secret is not shown" {
    sim_fault '{"match": "GET /v1/secrets/*/value", "kind": "status", "status": 400,
        "content_type": "application/json",
        "body": "{\"error\": {\"code\": \"too_long\", \"message\": \"not hunter2\"}}"}'
    must_fail 4 plumb -C "$repo" audit --observer rest
    says "400 too_long from" "(what it says is not shown: the step is sensitive)"
    says_not hunter2
}

@test "however many are missing, one that is there is asked for" {
    local what
    for what in "records mail" "records www" "buckets shop-assets" "secrets api-key" \
        "disks data"; do
        # shellcheck disable=SC2086 # two words
        sim_change $what
    done
    must_fail 2 plumb -C "$repo" audit --format json
    [ "$(json 'len([r for u in d["units"] for r in u["resources"]
        if r["verdict"] == "missing" and r["observer"] == "provider"])')" = 5 ]
    [ "$(json 'd["diagnostics"]')" = "[]" ]
}

# unmapped WHERE: a pack for records that maps everything but `ttl`, of which WHERE says why
unmapped() {
    mkdir -p "$repo/packs/sim"
    cp "$PLUMB_ROOT/schemas/observers/sim/provider.yaml" "$repo/packs/sim"
    { grep -v '^  ttl:' "$PLUMB_ROOT/schemas/observers/sim/sim_record.yaml" && echo "$1"; } \
        >"$repo/packs/sim/sim_record.yaml"
    printf 'packs: [packs]\n' >>"$repo/plumb.yaml"
    commit_all "$repo" packs
}

@test "what Git sets and no pack maps is read through the provider" {
    unmapped 'left_to_provider: {ttl: for this test}'
    output=$(must plumb -C "$repo" audit)
    says "all 9 resources are what Git says"
    sim_change records www '{"ttl": 1}'
    must_fail 2 plumb -C "$repo" audit
    says "sim_record.www  drifted" "ttl" "observed by provider"
    output=$(must plumb -C "$repo" audit --observer rest)
    says "unchecked" "nobody looked at what Git sets: ttl"
}

@test "what nobody can see is not looked for" {
    unmapped 'not_mapped: {ttl: exists only in this test}'
    sim_change records www '{"ttl": 1}'
    output=$(must plumb -C "$repo" audit)
    says "all 9 resources are what Git says"
}
