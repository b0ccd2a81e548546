#!/usr/bin/env bats
# Which state is believed: the one that is there, and no older or foreign one.
load helpers

setup() {
    setup_environment
    repo=$(fake_estate estate)
    commit_all "$repo" start
    state=$repo/env/terraform.tfstate
    must plumb -C "$repo" audit >/dev/null
}

@test "an older serial is refused until it is accepted" {
    cp "$state" "$state.new"
    sed -i 's/"serial": [0-9]*/"serial": 0/' "$state"
    must_fail 1 plumb -C "$repo" audit
    says "serial 0 and plumb has seen 1" "--accept-state"
    must plumb -C "$repo" audit --accept-state
    must plumb -C "$repo" audit
}

@test "another lineage is refused" {
    sed -i 's/"lineage": "[^"]*"/"lineage": "other"/' "$state"
    must_fail 1 plumb -C "$repo" audit
    says "lineage 'other'" "plumb audit --accept-state"
    must plumb -C "$repo" audit --accept-state
    must plumb -C "$repo" audit
}

@test "a state that is gone, empty or cut off is refused, never read as nothing" {
    mv "$state" "$state.kept"
    must_fail 1 plumb -C "$repo" audit
    says "is gone"
    : >"$state"
    must_fail 1 plumb -C "$repo" audit
    says "is empty" "backup"
    head -c 300 "$state.kept" >"$state"
    must_fail 1 plumb -C "$repo" audit
    says "damaged or cut off"
}

@test "content that changed under the same serial is spoken of" {
    sed -i 's/"one"/"two"/' "$state"
    output=$(plumb -C "$repo" audit) # what it says differs is the plan's business
    says "other content than before under the same serial"
}

@test "a variable without a value: where plumb takes it from is said, too" {
    cat >"$BATS_TEST_TMPDIR/estate.tool.plan" <<'SH'
tr -d '\n' <<'JSON'
{"type": "diagnostic", "diagnostic": {"severity": "error",
 "summary": "No value for required variable", "detail": "The root module input variable \"size\"
 is not set, and has no default value. Use a -var or -var-file command line argument to provide a
 value for this variable."}}
JSON
exit 1
SH
    echo 'variable "size" {}' >>"$repo/env/main.tf"
    commit_all "$repo" variable
    must_fail 1 plumb -C "$repo" audit
    says "command line argument to provide a value for this variable." \
        "; for plumb it goes into 'vars' or 'var_files' of the unit in plumb.yaml, or TF_VAR_NAME"
}
