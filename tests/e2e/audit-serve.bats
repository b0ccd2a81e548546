#!/usr/bin/env bats
# shellcheck disable=SC2153 # helpers.bash sets $PLUMB
# A provider with one configuration is started once for all that Terraform does to plan: see
# backends/terraform/serve.h.
load helpers
load sim

setup() {
    setup_environment
    need terraform
    ! grep -q __asan_init "$PLUMB" ||
        skip "plumb is built with AddressSanitizer, whose allocator does not go with lending"
    sim_up
    export SIM_TOKEN=sim-admin-token
    mirror=$BATS_TEST_TMPDIR/mirror
    cp -r "$SIM_BIN/mirror" "$mirror"
    provider=$(find "$mirror" -type f -name 'terraform-provider-sim*')
    started=$BATS_TEST_TMPDIR/started
    sim_mirror "$mirror"
    greeting=
}

# begin TF: an estate whose provider tells of each time that it is started
begin() {
    mv "$provider" "$BATS_TEST_TMPDIR/program"
    cat >"$provider" <<SH
#!/bin/sh
echo "\$\$ \$PPID \$(tr '\\0' ' ' </proc/\$PPID/cmdline)" >>"$started"
$greeting
exec "$BATS_TEST_TMPDIR/program"
SH
    chmod 755 "$provider"
    repo=$(temp_repo estate)
    cat >"$repo/main.tf" <<TF
terraform {
  backend "local" {}
  required_providers {
    sim = { source = "example/sim" }
  }
}
provider "sim" {}
$1
resource "sim_network" "n" {
  name = "n"
  cidr = "10.0.0.0/16"
}
TF
    printf '.terraform/\n*.tfstate*\n' >"$repo/.gitignore"
    printf 'version: 1\nunits: [{name: u, path: .}]\n' >"$repo/plumb.yaml"
    must terraform -chdir="$repo" init -input=false >/dev/null
    must terraform -chdir="$repo" apply -input=false -auto-approve >/dev/null
    commit_all "$repo" start
}

# A second configuration of the provider, and what uses it.
another='provider "sim" {
  alias = "other"
  token = "sim-ops-token"
}
resource "sim_network" "o" {
  provider = sim.other
  name     = "o"
  cidr     = "10.1.0.0/16"
}'

# audited TEXT: audits a new commit; how often plumb started the provider, and Terraform
audited() {
    echo "# $1" >>"$repo/main.tf"
    commit_all "$repo" "$1"
    : >"$started"
    report=$(must plumb -C "$repo" audit)
    by_plumb=$(grep -c "^[0-9 ]*$PLUMB" "$started") || true
    by_terraform=$(grep -c 'terraform ' "$started") || true
    gone
}

# Each that was started has ended, a moment later at the most.
gone() {
    local pid tries=0
    while read -r pid _; do
        while [ -d "/proc/$pid" ]; do
            [ $((tries += 1)) -lt 50 ]
            sleep 0.1
        done
    done <"$started"
}

@test "one that is served is started once, whether its package is new or known" {
    begin ""
    audited one
    [ "$by_plumb $by_terraform" = "1 0" ]
    [[ $report == *"1 in sync"* ]]
    audited two
    [ "$by_plumb $by_terraform" = "1 0" ]
    [[ $report == *"1 in sync"* ]]
}

@test "one with two configurations is not: each has a process of its own" {
    begin "$another"
    audited one
    [ "$by_plumb" = 0 ]
    [ "$by_terraform" -gt 1 ]
    [[ $report == *"2 in sync"* ]]
}

@test "one with a configuration in a module is not, either" {
    begin ""
    printf 'module "m" {\n  source = "./mod"\n}\n' >>"$repo/main.tf"
    mkdir "$repo/mod"
    cat >"$repo/mod/main.tf" <<'TF'
terraform {
  required_providers {
    sim = { source = "example/sim" }
  }
}
provider "sim" {
}
resource "sim_network" "m" {
  name = "m"
  cidr = "10.2.0.0/16"
}
TF
    must terraform -chdir="$repo" init -input=false >/dev/null
    must terraform -chdir="$repo" apply -input=false -auto-approve >/dev/null
    audited one
    [ "$by_plumb" = 0 ]
    [[ $report == *"2 in sync"* ]]
}

@test "what does not greet as a provider does is left to Terraform" {
    # The first time it is started it says something else.
    # shellcheck disable=SC2016 # the script's
    greeting='[ "$(wc -l <"'$started'")" -gt 1 ] || { echo hello; sleep 300; }'
    : >"$started"
    echo first >"$started"
    begin ""
    audited one
    [ "$by_plumb" = 1 ]
    [ "$by_terraform" -gt 0 ]
    [[ $report == *"1 in sync"* ]]
}

@test "an apply is lent one of its own, and of the types that it needs" {
    begin ""
    sed -i 's/name = "n"/name = "renamed"/' "$repo/main.tf"
    commit_all "$repo" renamed
    : >"$started"
    must plumb -C "$repo" apply --auto-approve >&2
    [ -s "$started" ]
    [ "$(grep -c 'terraform ' "$started")" = 0 ]
    gone
}

@test "what Terraform says of types that do not exist is the same" {
    begin ""
    printf 'resource "sim_srver" "x" {\n  name = "x"\n}\n' >>"$repo/main.tf"
    commit_all "$repo" mistyped
    must_fail 1 plumb -C "$repo" audit
    says 'does not support resource type "sim_srver"' 'Did you mean "sim_server"?'
    gone
}

# apply_more: an apply that makes a network is under way; its pid in $plumb, its stream in $out
apply_more() {
    local tries=0
    sim_fault '{"match": "POST /v1/networks", "kind": "delay", "delay_ms": 1500}'
    cat >>"$repo/main.tf" <<'TF'
resource "sim_network" "m" {
  name = "m"
  cidr = "10.3.0.0/16"
}
TF
    commit_all "$repo" more
    "$PLUMB" -C "$repo" apply --auto-approve >"$BATS_TEST_TMPDIR/said" 2>&1 3>&- &
    plumb=$!
    until out=$(find "$HOME" -name apply.out) && [ -n "$out" ] && grep -q '"apply_start"' "$out"; do
        [ $((tries += 1)) -lt 400 ]
        sleep 0.05
    done
}

@test "an apply has its provider until its end when plumb is killed, and no longer" {
    begin ""
    apply_more
    kill -9 "$plumb"
    wait "$plumb" || true
    gone
    grep -q '"apply_complete"' "$out"
    grep -q '"name": "m"' "$repo/terraform.tfstate"
}

@test "what a provider was in the middle of when it ended is looked for" {
    begin ""
    apply_more
    read -r pid _ < <(tail -n 1 "$started")
    kill -9 "$pid"
    code=0
    wait "$plumb" || code=$?
    [ "$code" = 1 ]
    output=$(cat "$BATS_TEST_TMPDIR/said")
    says "the provider 'sim' was not there to the end: it ended (signal 9)" \
        "'plumb recover' goes on"
    output=$(must plumb -C "$repo" recover)
    says "'sim_network.m' may exist, and the state does not have it"
    gone
}

@test "nor is one that Terraform started itself taken for settled when it ended" {
    begin "$another"
    apply_more
    while read -r pid _; do
        kill -9 "$pid" 2>/dev/null || true
    done <"$started"
    code=0
    wait "$plumb" || code=$?
    [ "$code" = 1 ]
    output=$(cat "$BATS_TEST_TMPDIR/said")
    says "a provider gave no answer to a change that it was asked for" "'plumb recover' goes on"
    output=$(must plumb -C "$repo" recover)
    says "'sim_network.m' may exist, and the state does not have it"
    gone
}

@test "none is left when plumb is killed" {
    begin ""
    sim_fault '{"match": "GET /v1/images*", "kind": "delay", "delay_ms": 3000}'
    printf 'data "sim_image" "d" {\n  family = "debian"\n}\n' >>"$repo/main.tf"
    commit_all "$repo" slow
    : >"$started"
    "$PLUMB" -C "$repo" audit >/dev/null 2>&1 3>&- &
    plumb=$!
    local tries=0
    until [ -s "$started" ]; do
        [ $((tries += 1)) -lt 200 ]
        sleep 0.05
    done
    kill -9 "$plumb"
    wait "$plumb" || true
    gone
}
