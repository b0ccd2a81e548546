#!/usr/bin/env bats
# make demo is the first thing that people see: it has to show every verdict it promises, with
# Terraform and without, and leave nothing behind.
load helpers

setup() {
    setup_environment
    export TMPDIR=$BATS_TEST_TMPDIR/tmp
    mkdir "$TMPDIR"
}

shows_the_main_job() {
    says "all 9 resources are what Git says" "(exit code 0)" \
        "1 conflict, 1 missing, 3 drifted, 2 pending" "(exit code 2)" \
        "sim_firewall.web  drifted" "just for now" "(sensitive, changed)" \
        "1 could not be observed in full" "(exit code 4)"
    says_not "another-secret" "correct-horse"
    [ -z "$(ls "$TMPDIR")" ]
    [ -z "$(find /proc/[0-9]* -maxdepth 1 -name cwd -lname "$TMPDIR*" 2>/dev/null)" ]
}

@test "the demo with real Terraform" {
    need terraform
    output=$(must "$PLUMB_ROOT/scripts/demo" 2>&1)
    says "applied: 9 created; verified" "refused  stale-commit" "deny  update  sim_record.www" \
        "ask  update  sim_firewall.web  revert" "nothing was touched" "apply.finished" \
        "apply.refused" "(demo@example.com)" "(exit code 3)"
    shows_the_main_job
}

@test "the demo without Terraform says how to get it, and shows the same" {
    local dir=$BATS_TEST_TMPDIR/bin tool
    mkdir "$dir"
    for tool in base64 bash cat cmp cp curl cut dirname env git grep head ls mkdir mktemp printf \
        rm sed sh sha256sum sleep; do
        ln -s "$(command -v "$tool")" "$dir/$tool"
    done
    output=$(PATH=$dir must "$PLUMB_ROOT/scripts/demo" 2>&1)
    says "terraform is not on PATH: HashiCorp's package repository" "recorded"
    shows_the_main_job
}
