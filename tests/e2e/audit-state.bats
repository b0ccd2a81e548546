#!/usr/bin/env bats
# Which state is believed: the one that is there, and no older or foreign one.
load helpers

setup() {
    setup_environment
    need terraform
    repo=$(temp_repo estate)
    cat >"$repo/main.tf" <<'TF'
terraform {
  backend "local" {}
}
resource "terraform_data" "a" {
  input = "one"
}
TF
    printf '.terraform*\n*.tfstate*\n' >"$repo/.gitignore"
    commit_all "$repo" start
    must terraform -chdir="$repo" init -input=false >/dev/null
    must terraform -chdir="$repo" apply -input=false -auto-approve >/dev/null
    state=$repo/terraform.tfstate
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
    says "lineage 'other'" "--accept-state"
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
    must_fail 2 plumb -C "$repo" audit
    says "other content than before under the same serial"
}
