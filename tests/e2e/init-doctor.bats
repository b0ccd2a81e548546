#!/usr/bin/env bats
load helpers

root_module() {
    mkdir -p "$1"
    printf 'terraform {\n  backend "local" {}\n}\n%s\n' "${2-}" >"$1/main.tf"
}

@test "init finds root modules, not what they call, and does not overwrite" {
    repo=$(temp_repo)
    root_module "$repo/prod" 'module "net" { source = "../modules/net" }'
    root_module "$repo/stage"
    mkdir -p "$repo/modules/net"
    echo 'provider "example" {}' >"$repo/modules/net/main.tf"
    mkdir -p "$repo/modules/plain"
    echo 'variable "x" {}' >"$repo/modules/plain/main.tf"
    commit_all "$repo" start
    must plumb -C "$repo" init
    output=$("$PLUMB_TEST_PYTHON" -c 'import sys, yaml
print([u["path"] for u in yaml.safe_load(open(sys.argv[1]))["units"]])' "$repo/plumb.yaml")
    [ "$output" = "['prod', 'stage']" ]
    # A folder that looks like no root module may be one: once it was left out without a word.
    grep -qx '  #   path: "modules/plain"' "$repo/plumb.yaml"
    cp "$repo/plumb.yaml" "$BATS_TEST_TMPDIR/before"
    must_fail 1 plumb -C "$repo" init
    says "is there already and stays as it is"
    cmp "$repo/plumb.yaml" "$BATS_TEST_TMPDIR/before"
}

@test "the file that init writes fits the schema" {
    repo=$(temp_repo)
    root_module "$repo"
    commit_all "$repo" start
    plumb -C "$repo" init --stdout >"$BATS_TEST_TMPDIR/plumb.yaml"
    fits config.schema.json "$BATS_TEST_TMPDIR/plumb.yaml"
    [ ! -e "$repo/plumb.yaml" ]
}

@test "a mistake in plumb.yaml is named with its line, and only once it is committed" {
    repo=$(temp_repo)
    root_module "$repo"
    commit_all "$repo" start
    printf 'version: 1\nunits:\n  - name: top\n    path: .\n    ingore: []\n' >"$repo/plumb.yaml"
    must plumb -C "$repo" init --stdout
    commit_all "$repo" mistake
    must_fail 1 plumb -C "$repo" audit
    says "plumb.yaml:5: unknown key 'ingore' in unit 'top'; did you mean 'ignore'?"
    must_fail 64 plumb -C "$repo" audit --config <(printf 'version: 1\n') --unit tp
    says "no unit 'tp'"
}

@test "an audit says which folders and which plumb.yaml it did not look at" {
    need terraform
    repo=$(temp_repo)
    root_module "$repo/prod"
    mkdir "$repo/other"
    echo 'resource "terraform_data" "x" {}' >"$repo/other/main.tf"
    commit_all "$repo" start
    output=$(plumb -C "$repo" audit)
    says "notice: 'other' was not audited: no module calls it"
    output=$(plumb -C "$repo" init 2>&1)
    says "with 1 unit; commit it"
    output=$(plumb -C "$repo" audit)
    says "plumb.yaml is not committed as it is here"
    commit_all "$repo" units
    output=$(plumb -C "$repo" audit)
    says_not "not audited" "not committed"
}

@test "doctor says what is wrong, with a remedy, as text and JSON" {
    mkdir "$BATS_TEST_TMPDIR/bare"
    must_fail 1 plumb -C "$BATS_TEST_TMPDIR/bare" doctor
    says "fail  repository" "-> start plumb inside a Git repository"
    repo=$(temp_repo)
    root_module "$repo"
    commit_all "$repo" start
    output=$(plumb -C "$repo" doctor --format json) || true
    [ "$(json '[c["status"] for c in d["checks"] if c["name"] == "repository"]')" = '["ok"]' ]
    [ "$(json '[c["status"] for c in d["checks"] if c["name"] == "remote"]')" = '["warn"]' ]
    [ "$(json 'all(c["remedy"] for c in d["checks"] if c["status"] != "ok")')" = true ]
}

@test "doctor: nothing is committed yet, and then no lock file" {
    repo=$(temp_repo)
    root_module "$repo" 'terraform {
  required_providers {
    acme = { source = "example/acme" }
  }
}
provider "acme" {}'
    must_fail 1 plumb -C "$repo" doctor
    says "fail  configuration" "no commit for 'HEAD' yet" "-> commit something: git commit"
    says_not "mend it"
    commit_all "$repo" start
    output=$(plumb -C "$repo" doctor) || true
    says "warn  plugin" "which version of provider 'registry.terraform.io/example/acme' is meant" \
        "-> run 'terraform init' in the unit's folder, and commit .terraform.lock.hcl"
    echo 'version: 2' >"$repo/plumb.yaml"
    commit_all "$repo" wrong
    must_fail 1 plumb -C "$repo" doctor
    says "-> mend it and commit"
}

@test "doctor reads the state as an audit does" {
    repo=$(temp_repo)
    root_module "$repo"
    commit_all "$repo" start
    output=$(plumb -C "$repo" doctor) || true
    says "ok    tfstate        repo: there is none yet"
    : >"$repo/terraform.tfstate"
    must_fail 1 plumb -C "$repo" doctor
    says "fail  tfstate        repo: " "is empty" "-> plumb audit needs it"
    echo '{"version":4,"terraform_version":"1.11.4","serial":7,"lineage":"l","resources":[]}' \
        >"$repo/terraform.tfstate"
    output=$(plumb -C "$repo" doctor) || true
    says "ok    tfstate        repo: serial 7, 0 resources"
    # Of a backend that is not a file, too.
    printf 'terraform {\n  backend "http" {\n    address = "http://127.0.0.1:9"\n  }\n}\n' \
        >"$repo/main.tf"
    commit_all "$repo" http
    must_fail 1 plumb -C "$repo" doctor
    says "fail  tfstate        repo: " "http://127.0.0.1:9"
}

@test "doctor says who holds a state's lock" {
    repo=$(temp_repo)
    root_module "$repo"
    commit_all "$repo" start
    echo '{}' >"$repo/terraform.tfstate"
    printf '{"ID":"b0c1","Who":"ann@there","Operation":"OperationTypeApply","Created":"%s"}' \
        2026-11-19T14:00:00Z >"$repo/.terraform.tfstate.lock.info"
    output=$(plumb -C "$repo" doctor) || true
    says "ok    lock" "nobody holds the state's lock" # it was left behind
    python3 -c 'import fcntl, sys, time
f = open(sys.argv[1], "r+")
fcntl.lockf(f, fcntl.LOCK_EX)
open(sys.argv[2], "w").close()
time.sleep(60)' "$repo/terraform.tfstate" "$BATS_TEST_TMPDIR/held" 3>&- &
    holder=$!
    while [ ! -e "$BATS_TEST_TMPDIR/held" ]; do sleep 0.05; done
    output=$(plumb -C "$repo" doctor) || true
    kill "$holder"
    says "warn  lock" \
        "locked by ann@there since 2026-11-19T14:00:00Z for OperationTypeApply, id b0c1"
    # Asking for a lock would take it for a moment: nothing is said then.
    printf 'terraform {\n  backend "http" {\n    address = "http://127.0.0.1:9"\n  }\n}\n' \
        >"$repo/main.tf"
    commit_all "$repo" http
    output=$(plumb -C "$repo" doctor) || true
    says_not " lock "
}

@test "outside of a repository audit says so" {
    mkdir "$BATS_TEST_TMPDIR/bare"
    must_fail 1 plumb -C "$BATS_TEST_TMPDIR/bare" audit
    says "plumb: "
}
