#!/usr/bin/env bats
# shellcheck disable=SC2154 # sim.bash sets $repo
# The audit with real Terraform, a real provider and the simulated cloud.
load helpers
load sim

# shellcheck disable=SC2016 # Terraform's ${}, not ours
more='resource "sim_record" "more" {
  count  = 8
  zone   = "shop.example"
  name   = "n${count.index}"
  type   = "TXT"
  values = ["v"]
}
resource "sim_secret" "wo" {
  name             = "wo"
  value_wo         = "never-stored"
  value_wo_version = 1
}'

@test "clean, drifted, pending, conflict, missing, and after an apply all is well" {
    sim_applied "$more"
    must plumb -C "$repo" audit
    output=$(plumb -C "$repo" audit)
    says "all 18 resources are what Git says" "18 of 18 resources"
    sim_change servers web-0 '{"tags": {"by": "hand"}}'
    sim_change disks data '{"server_id": null}'
    sim_change records www '{"ttl": 3600}'
    sim_change records n3
    must_fail 2 plumb -C "$repo" audit --format json
    [ "$(sim_verdict 'sim_server.web[0]')" = "drifted tags.by=drifted" ]
    [[ "$(sim_verdict sim_disk.data)" = "drifted attachment"*"=drifted"* ]]
    [ "$(sim_verdict sim_record.www)" = "drifted ttl=drifted" ]
    [ "$(sim_verdict 'sim_record.more[3]')" = missing ]
    cp "$SIM_DEMO/later/sizes.tf" "$repo"
    commit_all "$repo" "larger servers, shorter ttl"
    must_fail 2 plumb -C "$repo" audit --format json
    [ "$(sim_verdict 'sim_server.web[1]')" = "pending size=pending" ]
    [ "$(sim_verdict 'sim_server.web[0]')" = "drifted size=pending tags.by=drifted" ]
    [ "$(sim_verdict sim_record.www)" = "conflict ttl=conflict" ]
    sim_terraform apply -input=false -auto-approve
    must plumb -C "$repo" audit
}

@test "a refresh hides drift in the state, and a baseline finds it" {
    sim_applied
    must plumb -C "$repo" audit --save-baseline
    sim_change records www '{"ttl": 3600}'
    sim_terraform apply -refresh-only -input=false -auto-approve
    must_fail 2 plumb -C "$repo" audit --format json
    [ "$(sim_verdict sim_record.www)" = "laundered ttl=laundered" ]
}

# What the README says of nights.
@test "without a baseline what a refresh hid is pending; a state folder that is kept has one" {
    local narrow=drifted,missing,conflict,laundered other=$BATS_TEST_TMPDIR/other
    sim_applied
    PLUMB_STATE_DIR=$BATS_TEST_TMPDIR/kept must plumb -C "$repo" audit --save-baseline
    sim_change records www '{"ttl": 3600}'
    sim_change disks data
    sim_terraform apply -refresh-only -input=false -auto-approve
    output=$(plumb -C "$repo" audit --fail-on "$narrow" --format json)
    [ "$(sim_verdict sim_record.www)" = "pending ttl=pending" ]
    [ "$(sim_verdict sim_disk.data)" = "pending" ]
    git clone -q "$repo" "$other"
    cp "$repo/terraform.tfstate" "$other"
    export PLUMB_STATE_DIR=$BATS_TEST_TMPDIR/kept
    must_fail 2 plumb -C "$other" audit --fail-on "$narrow" --format json
    [ "$(sim_verdict sim_record.www)" = "laundered ttl=laundered" ]
    [ "$(sim_verdict sim_disk.data)" = "laundered" ]
    # It is accepted: in Git first, then in the baseline.
    sed -i 's/= local.ttl/= 3600/' "$repo/main.tf"
    commit_all "$repo" "a longer ttl"
    output=$(plumb -C "$repo" audit --save-baseline --format json || true)
    [ "$(sim_verdict sim_record.www)" = "in_sync" ]
    # What is not settled yet is not forgotten by that.
    [ "$(sim_verdict sim_disk.data)" = "laundered" ]
    must_fail 2 plumb -C "$repo" audit --fail-on "$narrow" --format json
    [ "$(sim_verdict sim_disk.data)" = "laundered" ]
    sim_change records www '{"ttl": 300}'
    sim_terraform apply -refresh-only -input=false -auto-approve
    must_fail 2 plumb -C "$repo" audit --fail-on "$narrow" --format json
    [ "$(sim_verdict sim_record.www)" = "laundered ttl=laundered" ]
}

@test "pages: all of many objects are seen, and none of a lost or cut page is missing" {
    sim_applied "$more"
    must plumb -C "$repo" audit
    for kind in lost_page cut_list; do
        sim_as sim-control-token DELETE /control/faults
        sim_fault "{\"match\": \"GET /v1/records\", \"kind\": \"$kind\"}"
        sim_fault '{"match": "GET /v1/records/*", "kind": "status", "status": 503}'
        must_fail 4 plumb -C "$repo" audit --format json
        says_not '"verdict":"missing"'
        [ "$(sim_verdict sim_firewall.web)" = "in_sync" ]
    done
    sim_as sim-control-token DELETE /control/faults
    sim_fault '{"match": "GET /v1/records", "kind": "cut_list"}'
    must plumb -C "$repo" audit
}

@test "a changed write-only value cannot be seen, and plumb says so" {
    sim_applied "$more"
    sim_change secrets wo '{"value": "changed-by-hand"}'
    output=$(plumb -C "$repo" explain sim_secret.wo || true)
    says "write-only: nobody can read it back" "revision   computed"
    says_not "never-stored" "changed-by-hand"
    # A provider answers null for it, which is no agreement.
    output=$(plumb -C "$repo" audit --observer provider --all --format json || true)
    [[ "$(sim_verdict sim_secret.wo)" = *" value_wo=unchecked"* ]]
}

@test "objects that are seen late make no drift once they are there" {
    sim_up --lag 300
    sim_initialised
    sim_terraform apply -input=false -auto-approve
    must plumb -C "$repo" audit
}

@test "a provider gets the variables named after it, and the plan is kept as long as they stay" {
    sim_applied
    must plumb -C "$repo" audit
    output=$(plumb -C "$repo" audit)
    says "from the cache"
    SIM_URL=http://127.0.0.1:1 must_fail 1 plumb -C "$repo" audit
    says "Cannot find the image"
    says_not sim-admin-token
}

# It once was told nowhere, and explain said that all agree.
@test "what rules ignore is counted with the reason, and explain does not call it agreement" {
    sim_applied
    sim_change records www '{"ttl": 3600}'
    printf 'version: 1\nignore:\n%s\n%s\n' \
        '  - {address: sim_record.www, path: ttl, reason: "the <ops> set it"}' \
        '  - {address: sim_disk.data, reason: gone in March}' \
        >"$repo/plumb.yaml"
    commit_all "$repo" "a rule"
    output=$(plumb -C "$repo" audit)
    says 'not shown: 1 attribute that rules ignore ("the <ops> set it"); --all shows everything'
    output=$(plumb -C "$repo" audit --all)
    says_not "not shown"
    output=$(plumb -C "$repo" audit --format json)
    [ "$(json 'd["summary"]["ignored_attributes"]')" = 1 ]
    output=$(plumb -C "$repo" audit --format markdown)
    says 'not shown: 1 attribute that rules ignore'
    output=$(plumb -C "$repo" audit --format html)
    says 'not shown: 1 attribute that rules ignore (&quot;the &lt;ops&gt; set it&quot;)'
    output=$(plumb -C "$repo" explain sim_record.www)
    says "all that differs is ignored"
    says_not "the world agree"
    [ "$(grep -c "the <ops> set it" <<<"$output")" = 1 ]
    output=$(plumb -C "$repo" explain sim_disk.data)
    says "ignored as a whole: gone in March"
    [ "$(grep -c "gone in March" <<<"$output")" = 1 ]
}
