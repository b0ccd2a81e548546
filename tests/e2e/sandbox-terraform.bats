#!/usr/bin/env bats
# shellcheck disable=SC2154 # sim.bash sets $repo
# Terraform in plumb's sandbox, as a change that is not trusted is planned.
load helpers
load sim
load sandbox

setup() {
    setup_environment
    need terraform
    need_box
    tree=$BATS_TEST_TMPDIR/tree
    work=$BATS_TEST_TMPDIR/worktree
    mkdir "$tree" "$work"
    export PLUMB_CACHE_DIR=$BATS_TEST_TMPDIR/cache PLUMB_STATE_DIR=$BATS_TEST_TMPDIR/state
}

# A unit with one resource whose input is what an expression comes to.
expression() {
    printf 'resource "terraform_data" "a" {\n  input = %s\n}\n' "$1" >"$tree/main.tf"
}

try() {
    declared --worktree "$work" "$@" "$tree"
}

@test "the simulated estate is declared in there as it is outside" {
    need_plain_provider
    sim_applied
    rm -rf "$tree" "$work/.terraform"
    git -C "$repo" worktree add -q "$tree" HEAD
    sed -i 's/small/large/' "$tree/sizes.tf"
    cp -r "$tree" "$tree-bare"
    must declared --bare --worktree "$repo" "$tree-bare" >"$BATS_TEST_TMPDIR/bare"
    rm -rf "$PLUMB_CACHE_DIR"
    output=$(declared --worktree "$repo" --network "${SIM_URL#http://}" "$tree")
    [ "$(json '[(x["address"], x["action"], x["planned"]) for x in d["declared"]]')" = \
        "$(json '[(x["address"], x["action"], x["planned"]) for x in d["declared"]]' \
            "$BATS_TEST_TMPDIR/bare")" ]
    [ "$(json 'd["schemas"]')" = "$(json 'd["schemas"]' "$BATS_TEST_TMPDIR/bare")" ]
    says '"large"'
    # What a program says that is not trusted is kept for nobody else.
    [ ! -d "$PLUMB_CACHE_DIR/schemas" ]
    [ ! -d "$PLUMB_CACHE_DIR/packages" ]
    [ "$(git -C "$tree" status --porcelain)" = " M sizes.tf" ]
}

@test "packages that the base uses are used in there, as they lie" {
    need_plain_provider
    sim_applied
    rm -rf "$tree"
    git -C "$repo" worktree add -q "$tree" HEAD
    must declared --bare --worktree "$repo" "$tree" >/dev/null
    [ -d "$PLUMB_CACHE_DIR/packages" ]
    # Nothing to install from: it works because of what is remembered.
    sim_mirror "$BATS_TEST_TMPDIR/nothing"
    mkdir "$BATS_TEST_TMPDIR/nothing"
    output=$(declared --worktree "$repo" --network "${SIM_URL#http://}" "$tree")
    [ "$(json 'len(d["declared"]) > 5')" = true ]
}

@test "functions read nothing of the machine, and not the environment" {
    mkdir -p "$HOME/.aws"
    echo hunter2 >"$HOME/.aws/credentials"
    echo hunter2 >"$work/secret.tfvars"
    try_file() { printf 'try(%s, "none")\n' "$1"; }
    expression "{
    env    = $(try_file 'file("/proc/self/environ")')
    parent = $(try_file 'file("/proc/1/environ")')
    home   = $(try_file "file(\"$HOME/.aws/credentials\")")
    tilde  = $(try_file 'file(pathexpand("~/.aws/credentials"))')
    shadow = $(try_file 'templatefile("/etc/shadow", {})')
    other  = $(try_file "file(\"$work/secret.tfvars\")")
    seal   = $(try_file "filebase64(\"$PLUMB_STATE_DIR/seal.key\")")
    users  = file(\"/etc/passwd\")
    tmp    = fileset(\"/tmp\", \"**\")
  }"
    output=$(VAULT_TOKEN=hunter2hunter2 TF_VAR_key=hunter2hunter2 try --network a.example)
    says_not hunter2 root:x
    output=$(json 'd["declared"][0]["planned"]["input"]')
    [ "$(json 'len([v for v in d.values() if v == "none"])')" = 7 ]
    [ "$(json 'd["users"]')" = "sandbox:x:$(id -u):$(id -g)::/sandbox:/bin/sh" ]
    [ "$(json '[f for f in d["tmp"] if not f.startswith("plumb-work-")]')" = "[]" ]
    # Bare it is read: that is what the sandbox is for.
    expression 'strcontains(file("/proc/self/environ"), "hunter2hunter2")'
    output=$(VAULT_TOKEN=hunter2hunter2 try --bare)
    [ "$(json 'd["declared"][0]["planned"]["input"]')" = true ]
}

@test "links in the tree lead nowhere" {
    echo hunter2 >"$BATS_TEST_TMPDIR/secret"
    ln -s "$BATS_TEST_TMPDIR/secret" "$tree/link"
    ln -s /etc/shadow "$tree/shadow"
    ln -s "$BATS_TEST_TMPDIR" "$tree/folder"
    # shellcheck disable=SC2016 # Terraform's
    expression '[for f in ["link", "shadow", "folder/secret"] :
      try(file("${path.module}/${f}"), "none")]'
    must_fail 3 try
    says "left a link to '$BATS_TEST_TMPDIR"
    says_not hunter2
}

@test "credentials are given where there is something to use them at, and shown nowhere" {
    cp "$PLUMB_ROOT/tests/support/fake-terraform" "$BATS_TEST_TMPDIR/tool"
    # Its log would be written beside it, where it may not write.
    sed -i "s/^echo .*//" "$BATS_TEST_TMPDIR/tool"
    sed -i "/^name=/i all=\$(env | sort | tr '\\\\n' '|')\nattributes=\${attributes/one/\$all}" \
        "$BATS_TEST_TMPDIR/tool"
    touch "$tree/main.tf"
    export VAULT_TOKEN=vault-hunter2 AWS_SECRET_ACCESS_KEY=aws-hunter2 AWS_PROFILE=prod \
        SSH_AUTH_SOCK=/run/ssh GITHUB_TOKEN=github-hunter2 TF_VAR_password=var-hunter2 \
        HTTPS_PROXY=http://proxy.example:1 AWS_REGION=eu-west-1 KUBECONFIG=/etc/kube
    output=$(try --tool "$BATS_TEST_TMPDIR/tool")
    # A text with a secret in it is one.
    [ "$(json 'd["declared"][0]["planned"]["input"]')" = "(sensitive)" ]
    says_not hunter2
    sed -i 's/env | sort/env | sort | sed s,hunter.,shown,/' "$BATS_TEST_TMPDIR/tool"
    output=$(try --tool "$BATS_TEST_TMPDIR/tool")
    says "AWS_REGION=eu-west-1|" "HOME=/sandbox|" "TF_VAR_password=var-shown|"
    says_not VAULT_TOKEN AWS_SECRET AWS_PROFILE SSH_AUTH GITHUB_ HTTPS_PROXY KUBECONFIG "$HOME"
    output=$(try --tool "$BATS_TEST_TMPDIR/tool" --network api.example)
    says "VAULT_TOKEN=vault-shown|" "AWS_SECRET_ACCESS_KEY=aws-shown|"
    says_not AWS_PROFILE SSH_AUTH GITHUB_ HTTPS_PROXY KUBECONFIG "$HOME"
}

@test "a tool that is the tree's is not run, and what fails says where it ran" {
    cp "$PLUMB_ROOT/tests/support/fake-terraform" "$work/tool"
    touch "$tree/main.tf"
    must_fail 3 try --tool "$work/tool"
    says "'$work/tool' is in the repository, and plumb runs nothing of it"
    cat >"$tree/main.tf" <<'TF'
terraform {
  required_providers {
    x = { source = "host.example/a/x" }
  }
}
resource "x_thing" "a" {}
TF
    export TF_CLI_CONFIG_FILE=$BATS_TEST_TMPDIR/direct
    echo 'provider_installation { direct {} }' >"$TF_CLI_CONFIG_FILE"
    must_fail 1 try
    says "(it ran in a sandbox: no credentials, no network and no files of this machine, since" \
        "'check.network' in plumb.yaml of the base lists no host)"
    # Whatever it fails of: what is missing there is not missing here.
    expression 'file("/etc/hostname")'
    must_fail 1 try --network a.example --network b.example:8443
    says "Invalid function argument" "credentials of the environment alone" \
        "no network but 'check.network' in plumb.yaml of the base: a.example, b.example:8443)"
}

@test "planning that takes all it can ends in a refusal" {
    expression '"x"'
    cp "$PLUMB_ROOT/tests/support/fake-terraform" "$BATS_TEST_TMPDIR/tool"
    sed -i "s/^echo .*//; s|^plan)|plan) . ./plan.sh ;;\nplan-)|" "$BATS_TEST_TMPDIR/tool"
    for bomb in "ran more than 60 processes at once: b() { b | b & }; b; sleep 300 # $MARK" \
        "wrote more than 48 MiB: yes $MARK" \
        "wrote more than 48 MiB: yes $MARK >\$TF_DATA_DIR/file" \
        "took longer than 3000 ms: trap '' INT TERM; while :; do sleep 1; done" \
        "left a link to '/etc/passwd': ln -s /etc/passwd \$TF_DATA_DIR/modules"; do
        echo "${bomb#*: }" >"$tree/plan.sh"
        must_fail 3 try --tool "$BATS_TEST_TMPDIR/tool" --processes 60 --disk 48 --time 3000
        says "planning of 'net' ${bomb%%: *}"
        nothing_left
    done
}
