#!/usr/bin/env bats
# shellcheck disable=SC2154 # sim.bash sets $repo
# What the gate rests on and what it refuses, with real Terraform on the simulated cloud.
load helpers
load sim

setup() {
    setup_environment
    need terraform
}

teardown() {
    sim_down
}

# cause ADDRESS: cause and decision in the JSON of $output.
cause() {
    json "next((c['cause'] + ' ' + c['decision'] for u in d['units'] for c in u['changes']
        if c['address'] == '$1'), 'none')"
}

refusals() {
    json "' '.join(r['code'] for u in d['units'] for r in u['refusals'])"
}

evidence() {
    json "d['units'][0]['evidence']"
}

plan_json() { # CODE [ARG...]
    local code=$1
    shift
    if [ "$code" = 0 ]; then
        output=$(plumb -C "$repo" plan --format json "$@")
    else
        must_fail "$code" plumb -C "$repo" plan --format json "$@"
    fi
    printf '%s' "$output" >"$BATS_TEST_TMPDIR/plan.json"
    "$PLUMB_TEST_PYTHON" -c 'import json, sys, jsonschema
jsonschema.validate(json.load(open(sys.argv[1])), json.load(open(sys.argv[2])))' \
        "$BATS_TEST_TMPDIR/plan.json" "$PLUMB_ROOT/schemas/plan.schema.json"
}

later() {
    cp "$SIM_DEMO/later/sizes.tf" "$repo"
    commit_all "$repo" "larger servers, shorter ttl"
}

gate() {
    printf 'version: 1\ngate:\n%s\n' "$1" >"$repo/plumb.yaml"
    commit_all "$repo" "gate"
}

@test "the evidence is the same on two machines, and another one when something moved" {
    sim_applied
    later
    plan_json 2
    first=$(evidence)
    must_fail 2 plumb -C "$repo" plan
    says "evidence: sha256:$first"
    git clone -q "$repo" "$BATS_TEST_TMPDIR/there/shop"
    cp "$repo/terraform.tfstate" "$BATS_TEST_TMPDIR/there/shop"
    here=$repo repo=$BATS_TEST_TMPDIR/there/shop
    mkdir "$BATS_TEST_TMPDIR/there/home"
    HOME=$BATS_TEST_TMPDIR/there/home XDG_CACHE_HOME=$BATS_TEST_TMPDIR/there/cache plan_json 2
    [ "$(evidence)" = "$first" ]
    repo=$here
    sim_change servers web-0 '{"tags": {"by": "hand"}}'
    plan_json 2
    [ "$(evidence)" != "$first" ]
}
