#!/usr/bin/env bats
# Where plumb is run, and what plumb.yaml says: one message with file, line and remedy.

load helpers

@test "outside of a repository" {
    mkdir "$BATS_TEST_TMPDIR/bare"
    must_fail 1 plumb -C "$BATS_TEST_TMPDIR/bare" audit
    says "plumb: " "repository"
}

@test "a repository without a root module" {
    repo=$(temp_repo empty)
    echo hello >"$repo/README"
    commit_all "$repo" "first"
    must_fail 1 plumb -C "$repo" audit
    says "no unit in commit" "plumb init"
}

@test "an unknown revision" {
    repo=$(temp_repo rev)
    echo hello >"$repo/README"
    commit_all "$repo" "first"
    must_fail 1 plumb -C "$repo" audit --rev nowhere
    says "nowhere"
}

@test "a mistake in plumb.yaml names file, line and the nearest key" {
    repo=$(temp_repo typo)
    printf 'version: 1\nunits:\n  - name: prod\n    path: .\n    worksapce: x\n' >"$repo/plumb.yaml"
    commit_all "$repo" "first"
    must_fail 1 plumb -C "$repo" audit
    says "plumb.yaml:5" "worksapce" "did you mean 'workspace'"
}

@test "plumb.yaml of the commit counts, not the one that lies there" {
    repo=$(temp_repo committed)
    printf 'version: 1\nnonsense: true\n' >"$repo/plumb.yaml"
    commit_all "$repo" "first"
    printf 'version: 1\n' >"$repo/plumb.yaml"
    must_fail 1 plumb -C "$repo" audit
    says "nonsense"
}

@test "init finds root modules and leaves a file that is there alone" {
    repo=$(temp_repo init)
    mkdir -p "$repo/envs/prod" "$repo/modules/net"
    cat >"$repo/envs/prod/main.tf" <<'TF'
terraform {
  backend "local" {}
}
module "net" {
  source = "../../modules/net"
}
TF
    echo 'resource "terraform_data" "x" {}' >"$repo/modules/net/main.tf"
    commit_all "$repo" "first"
    must plumb -C "$repo" init
    output=$(cat "$repo/plumb.yaml")
    says "envs/prod"
    says_not "modules/net"
    must_fail 1 plumb -C "$repo" init
    says "plumb.yaml"
}
