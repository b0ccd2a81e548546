#!/usr/bin/env bats
# A state of another lineage is refused until somebody says that it is meant.

load helpers

@test "a foreign lineage is refused, and --accept-state believes it from then on" {
    need terraform
    repo=$(temp_repo foreign)
    printf 'terraform {\n  backend "local" {}\n}\nresource "terraform_data" "x" {\n}\n' \
        >"$repo/main.tf"
    printf '*.tfstate*\n.terraform/\n' >"$repo/.gitignore"
    commit_all "$repo" "first"
    must terraform -chdir="$repo" init -input=false >/dev/null
    must terraform -chdir="$repo" apply -auto-approve >/dev/null
    must plumb -C "$repo" audit
    sed -i 's/"lineage": "[^"]*"/"lineage": "11111111-2222-3333-4444-555555555555"/' \
        "$repo/terraform.tfstate"
    must_fail 1 plumb -C "$repo" audit
    says "lineage '11111111-2222" "plumb audit --accept-state"
    must plumb -C "$repo" audit --accept-state
    must plumb -C "$repo" audit
}
