#!/usr/bin/env bats
# explain where several units have the address, or a unit could not be audited.
load helpers

setup() {
    setup_environment
    need terraform
    repo=$(temp_repo estate)
    mkdir "$repo/a" "$repo/b" "$repo/broken"
    printf 'resource "terraform_data" "x" {\n  input = 1\n}\n' >"$repo/a/main.tf"
    cp "$repo/a/main.tf" "$repo/b/"
    printf 'resource "terraform_data" "x" {\n' >"$repo/broken/main.tf"
}

@test "every unit that has it is told of" {
    printf 'version: 1\nunits:\n  - {name: one, path: a}\n  - {name: two, path: b}\n' \
        >"$repo/plumb.yaml"
    commit_all "$repo" two
    output=$(plumb -C "$repo" explain terraform_data.x)
    says "unit one" "unit two" "terraform_data.x  pending (create)" "a/main.tf:1" "b/main.tf:1"
}

@test "a unit that could not be audited is not said to lack the address" {
    printf 'version: 1\nunits:\n  - {name: bad, path: broken}\n' >"$repo/plumb.yaml"
    commit_all "$repo" broken
    must_fail 1 plumb -C "$repo" explain terraform_data.x
    says "unit 'bad'"
    says_not "no resource"
}
