#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2154 # each test has its own shell; sim.bash sets $repo
# plumb under Terraform's name: what changes something goes through the gate, or not at all.
load helpers
load sim

setup() {
    setup_environment
    shim=$BATS_TEST_TMPDIR/shim
    mkdir "$shim"
    ln -s "$PLUMB" "$shim/terraform"
}

teardown() {
    sim_down
}

# A terraform that says what it got, in $fake.
fake_tool() {
    fake=$BATS_TEST_TMPDIR/fake
    mkdir "$fake"
    cat >"$fake/terraform" <<'SH'
#!/bin/sh
printf '%s|' "$@"
printf '%s %s\n' "${TF_CLI_ARGS-none}" "$PWD"
exit "${FAKE_EXIT-0}"
SH
    chmod +x "$fake/terraform"
}

@test "what changes the state past the gate is refused, with what to do instead" {
    local line
    fake_tool
    while IFS='|' read -r line text; do
        # shellcheck disable=SC2086 # words are words
        PATH=$shim:$fake:$PATH must_fail 3 terraform $line
        says "'terraform ${line%% x*}' is not passed on" "$text"
    done <<'LINES'
import x y|import block
taint x|apply -replace=ADDRESS
untaint x|removed and an import block
state rm x|removed block
state mv x y|moved block
state push x|plumb recover
state replace-provider x y|by its path
force-unlock x|plumb recover
refresh|plumb audit
workspace delete x|apply -destroy
LINES
    PATH=$shim:$fake:$PATH must_fail 3 terraform init -migrate-state
    says "moves the state"
    PATH=$shim:$fake:$PATH must_fail 3 terraform aply
    says "plumb does not know it"
    TF_CLI_ARGS='apply -auto-approve' PATH=$shim:$fake:$PATH must_fail 3 terraform
    says "TF_CLI_ARGS"
}

@test "apply and destroy are plumb's, and nothing goes past the gate" {
    fake_tool
    repo=$(temp_repo)
    printf 'terraform {\n  backend "local" {}\n}\n' >"$repo/main.tf"
    commit_all "$repo" "one"
    cd "$repo"
    export PATH=$shim:$fake:$PATH
    must_fail 64 terraform apply tfplan
    says "'terraform apply' goes through the gate" "'tfplan' is not taken"
    must_fail 64 terraform apply -lock=false
    says "'-lock' is not taken"
    output=$(terraform apply -auto-approve -help 2>&1)
    says "Usage: plumb apply"
    must_fail 64 terraform destroy -json
    says "'terraform destroy' goes through the gate" "'-json' is not taken"
    TF_CLI_ARGS_apply=-lock=false must_fail 3 terraform apply
    says "TF_CLI_ARGS_apply is set"
    TF_CLI_ARGS=-lock=false must_fail 3 terraform -chdir=. destroy
    says "TF_CLI_ARGS is set"
    TF_WORKSPACE=prod must_fail 3 terraform apply
    says "workspace 'prod' is selected" "unit 'repo' is that of workspace 'default'"
    mkdir .terraform
    printf 'prod' >.terraform/environment
    must_fail 3 terraform apply -auto-approve
    says "workspace 'prod' is selected"
    mkdir elsewhere
    must_fail 3 terraform -chdir=elsewhere apply
    says "no unit is in this folder"
}

@test "a CI job works as it is, and is held back where the gate does" {
    need terraform
    sim_applied
    must plumb -C "$repo" audit --save-baseline
    cp "$SIM_DEMO/later/sizes.tf" "$repo"
    commit_all "$repo" "larger servers, shorter ttl"
    cat >"$BATS_TEST_TMPDIR/job" <<'SH'
set -e
terraform init -input=false -no-color >/dev/null
terraform plan -input=false -no-color >/dev/null
terraform apply -input=false -auto-approve -no-color
SH
    cd "$repo"
    output=$(echo no | PATH=$shim:$PATH terraform apply 2>&1) && return 1
    says "nobody can be asked here"
    output=$(PATH=$shim:$PATH sh "$BATS_TEST_TMPDIR/job" 2>&1)
    says "'terraform apply' goes through the gate" "verified"
    [ "$(terraform state show -no-color sim_record.www | grep -c 'ttl *= 60')" = 1 ]
    sim_change records www '{"ttl": 3600}'
    PATH=$shim:$PATH must_fail 3 sh "$BATS_TEST_TMPDIR/job"
    says "somebody has to say yes to this plan"
    PATH=$shim:$PATH must_fail 3 terraform destroy -auto-approve
    says "requested" "somebody has to say yes to this plan"
    [ "$(terraform state list | wc -l)" -gt 8 ]
}
