#!/usr/bin/env bats
# A provider that an init has checked is not installed and hashed again for each plan: see
# backends/terraform/lend.h.
load helpers
load sim

setup() {
    setup_environment
    need terraform
    sim_up
    export SIM_TOKEN=sim-ops-token
    mirror=$BATS_TEST_TMPDIR/mirror
    cp -r "$SIM_BIN/mirror" "$mirror"
    provider=$(find "$mirror" -type f -name 'terraform-provider-sim*')
    sim_mirror "$mirror"
    tool=$BATS_TEST_TMPDIR/terraform.logged
    # shellcheck disable=SC2016
    printf '#!/bin/sh\necho "$*" >>"$0.log"\nexec terraform "$@"\n' >"$tool"
    chmod +x "$tool"
    repo=$(temp_repo estate)
    mkdir "$repo/mod"
    cat >"$repo/main.tf" <<TF
terraform {
  backend "local" {}
  required_providers {
    sim = { source = "example/sim", version = "1.0.0" }
  }
}
provider "sim" {
  endpoint = "$SIM_URL"
  token    = "sim-ops-token"
}
module "m" {
  source = "./mod"
}
TF
    cat >"$repo/mod/main.tf" <<'TF'
terraform {
  required_providers {
    sim = { source = "example/sim" }
  }
}
resource "sim_network" "n" {
  name = "n"
  cidr = "10.0.0.0/16"
}
TF
    printf '.terraform/\n*.tfstate*\n' >"$repo/.gitignore"
    printf 'version: 1\nunits:\n  - {name: u, path: ., tool: %s}\n' "$tool" >"$repo/plumb.yaml"
    must terraform -chdir="$repo" init -input=false >/dev/null
    must terraform -chdir="$repo" apply -input=false -auto-approve >/dev/null
    commit_all "$repo" start
}

# asked TEXT: audits a new commit; what Terraform was asked, by its first word
asked() {
    echo "# $1" >>"$repo/main.tf"
    commit_all "$repo" "$1"
    : >"$tool.log"
    report=$(must plumb -C "$repo" audit)
    words=$(cut -d' ' -f1 "$tool.log" | grep -v version | sort | tr '\n' ' ')
    inits=$(grep -c -e '^init .*-lockfile' "$tool.log") || true
}

@test "the second plan needs no init for providers, and says the same" {
    asked one
    [ "$inits" = 1 ]
    [ "$words" = "init plan providers show " ]
    asked two
    [ "$inits" = 0 ]
    [ "$words" = "get init plan show " ]
    [[ $report == *"1 in sync"* ]]
    asked three
    [ "$inits" = 0 ]
}

@test "a package that was touched, and another requirement, are checked again" {
    asked one
    cp "$provider" "$provider.new" && mv "$provider.new" "$provider"
    asked two
    [ "$inits" = 1 ]
    asked three
    [ "$inits" = 0 ]
    sed -i 's/version = "1.0.0"/version = ">= 1.0.0"/' "$repo/main.tf"
    asked four
    [ "$inits" = 1 ]
    sed -i 's/version = ">= 1.0.0"/version = "> 1.0.0"/' "$repo/main.tf"
    commit_all "$repo" five
    must_fail 1 plumb -C "$repo" audit
    says "locked provider" "does not match configured version constraint"
}

@test "a package that is not what the lock file says is refused, before and after" {
    asked one
    echo more >>"$provider"
    echo "# two" >>"$repo/main.tf"
    commit_all "$repo" two
    must_fail 1 plumb -C "$repo" audit
    says "checksum"
}

@test "what only Terraform misses it gets by an init" {
    asked one
    printf 'resource "other_thing" "x" {\n}\n' >>"$repo/main.tf"
    commit_all "$repo" two
    : >"$tool.log"
    must_fail 1 plumb -C "$repo" audit
    says "hashicorp/other"
    [[ $(grep -v version "$tool.log" | cut -d' ' -f1 | tr '\n' ' ') == "init get plan init"* ]]
}

@test "people with overrides of their own keep them" {
    sed -i '1a\  dev_overrides {\n    "example/none" = "/nowhere"\n  }' "$TF_CLI_CONFIG_FILE"
    asked one
    asked two
    [ "$inits" = 1 ]
}
