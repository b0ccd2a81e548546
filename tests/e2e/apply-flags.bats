#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2154 # each test has its own shell; sim.bash sets $repo
# Terraform's own options on plumb apply, by their effect in the world.
load helpers
load sim

setup() {
    setup_environment
    need terraform
    sim_applied
    must plumb -C "$repo" audit --save-baseline
}

teardown() {
    sim_down
}

objects() { # KIND: names and ids
    local status output
    sim GET "/v1/$1"
    json "' '.join(sorted('%s=%s' % (o['name'], o['id']) for o in d['items']))"
}

approved() { # ARG...: applies what plumb plan shows with the same options
    local evidence
    must_fail 2 plumb -C "$repo" plan --format json "$@"
    evidence=$(json 'd["units"][0]["evidence"]')
    must plumb -C "$repo" apply --approve "$evidence" "$@"
}

@test "-target changes that alone, and the rest is still to do" {
    cp "$SIM_DEMO/later/sizes.tf" "$repo"
    commit_all "$repo" "larger servers, shorter ttl"
    must plumb -C "$repo" apply -auto-approve -target='sim_server.web[0]'
    must_fail 2 plumb -C "$repo" plan --format json
    [ "$(json "' '.join(c['address'] + ' ' + c['cause'] for u in d['units']
        for c in u['changes'])")" = "sim_record.www git sim_server.web[1] git" ]
}

@test "-replace makes a new one, once somebody said yes to that" {
    local before
    before=$(objects disks)
    must_fail 3 plumb -C "$repo" apply -auto-approve -replace=sim_disk.data
    says "requested" "somebody has to say yes"
    [ "$(objects disks)" = "$before" ]
    approved -replace=sim_disk.data
    [ "$(objects disks)" != "$before" ]
}

@test "-destroy leaves nothing, once somebody said yes to that" {
    approved -destroy
    [ -z "$(objects servers)$(objects records)$(objects networks)" ]
    # Git still says that it should be there.
    must_fail 2 plumb -C "$repo" audit
}

@test "a yes is for its options too: others are another plan" {
    local evidence
    must_fail 2 plumb -C "$repo" plan --format json -replace=sim_disk.data
    evidence=$(json 'd["units"][0]["evidence"]')
    must_fail 3 plumb -C "$repo" apply --approve "$evidence" -replace=sim_record.www
    must_fail 3 plumb -C "$repo" apply --approve "$evidence" -destroy
    [ -n "$(objects servers)" ]
}
