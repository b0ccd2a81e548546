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

# It once named the last commit of the file, whoever's resource that was about.
@test "the commit is the last one of its block, not of its file" {
    printf 'version: 1\nunits:\n  - {name: one, path: a}\n' >"$repo/plumb.yaml"
    commit_all "$repo" "the first of x"
    printf '\nresource "terraform_data" "other" {}\n' >>"$repo/a/main.tf"
    commit_all "$repo" "the other one"
    sed -i '1i # of x' "$repo/a/main.tf"
    commit_all "$repo" "a remark"
    output=$(plumb -C "$repo" explain terraform_data.x)
    says "written in a/main.tf:2" "last changed by" ": the first of x"
    says_not "the other one" "a remark" "the file was"
    output=$(plumb -C "$repo" explain terraform_data.other)
    says ": the other one"
}

@test "a unit that could not be audited is not said to lack the address" {
    printf 'version: 1\nunits:\n  - {name: bad, path: broken}\n' >"$repo/plumb.yaml"
    commit_all "$repo" broken
    must_fail 1 plumb -C "$repo" explain terraform_data.x
    says "unit 'bad'"
    says_not "no resource"
}

@test "an address that may be in another unit is not said to be nowhere" {
    printf 'version: 1\nunits:\n  - {name: one, path: a}\n  - {name: two, path: b}\n' \
        >"$repo/plumb.yaml"
    printf 'resource "terraform_data" "only_here" {}\n' >>"$repo/b/main.tf"
    commit_all "$repo" two
    must_fail 1 plumb -C "$repo" -u one explain terraform_data.only_here
    says "1 other unit was not looked at: leave out --unit"
    must_fail 1 plumb -C "$repo" -u one explain terraform_data.y
    says "did you mean 'terraform_data.x'? 1 other unit was not looked at"
    must_fail 1 plumb -C "$repo" explain terraform_data.nothing_of_the_kind
    says "no resource 'terraform_data.nothing_of_the_kind' is declared or recorded; 'plumb audit"
    output=$(plumb -C "$repo" -u two explain terraform_data.only_here)
    says "unit two"
}
