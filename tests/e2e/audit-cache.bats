#!/usr/bin/env bats
# What the declared side depends on: nothing of it changes without a plan, and without a change
# there is none.
load helpers

setup() {
    setup_environment
    repo=$(fake_estate estate)
    tool=$BATS_TEST_TMPDIR/estate.tool
    unset TF_CLI_CONFIG_FILE
    : >"$tool.log"
    mkdir "$repo/mod" "$repo/other" "$repo/env/sub"
    echo 'a = "1"' >"$repo/x.tfvars"
    echo '# m' >"$repo/mod/main.tf"
    printf 'module "m" {\n  source = "../mod"\n}\n' >>"$repo/env/main.tf"
    echo '# lock' >"$repo/env/.terraform.lock.hcl"
    units "var_files: [x.tfvars]"
    commit_all "$repo" start
}

# units TEXT: plumb.yaml with more about its unit
units() {
    printf 'version: 1\nunits:\n  - {name: u, path: env, tool: %s, %s}\n' "$tool" "$1" \
        >"$repo/plumb.yaml"
}

# planned N COMMAND...: an audit that N plans were made for, then one that makes none
planned() {
    local want=$1 before after
    shift
    before=$(grep -c '^plan' "$tool.log") || true
    must "$@" "${PLUMB_COPY:-$PLUMB}" -C "$repo" audit >/dev/null
    after=$(grep -c '^plan' "$tool.log")
    [ $((after - before)) = "$want" ] || {
        echo "$((after - before)) plans, wanted $want" >&2
        return 1
    }
    must "$@" "${PLUMB_COPY:-$PLUMB}" -C "$repo" audit >/dev/null
    [ "$(grep -c '^plan' "$tool.log")" = "$after" ]
}

@test "what Git holds: each file that the unit reaches, and no other" {
    planned 1 env
    for file in env/main.tf env/.terraform.lock.hcl env/sub/x.json mod/main.tf x.tfvars; do
        echo '# more' >>"$repo/$file"
        planned 0 env # not committed
        commit_all "$repo" "$file"
        planned 1 env
    done
    echo more >"$repo/other/file"
    commit_all "$repo" other
    planned 0 env
    git -C "$repo" revert --no-edit -n HEAD~1 >/dev/null
    commit_all "$repo" back
    planned 0 env # as it was before: still known
}

@test "what plumb.yaml says of the unit" {
    planned 1 env
    for setting in 'vars: {a: "1"}' 'vars: {a: "2"}' 'workspace: blue' \
        'backend_config: {workspace_dir: w}' 'providers: {terraform: {x: 1}}' 'var_files: []'; do
        units "$setting"
        commit_all "$repo" "$setting"
        [ "$setting" != 'workspace: blue' ] || blue
        planned 1 env
    done
}

# The state of the other workspace.
blue() {
    mkdir -p "$repo/env/terraform.tfstate.d/blue"
    cp "$repo/env/terraform.tfstate" "$repo/env/terraform.tfstate.d/blue/"
}

@test "what the environment says, and not who asks" {
    planned 1 env
    planned 1 env TF_VAR_a=1
    planned 1 env TF_VAR_a=2
    planned 1 env AWS_REGION=eu-west-1
    planned 1 env AWS_PROFILE=other
    planned 0 env AWS_ACCESS_KEY_ID=AKIDEXAMPLE AWS_SECRET_ACCESS_KEY=k
    planned 0 env UNRELATED=1
    echo 'disable_checkpoint = true' >"$HOME/.terraformrc"
    planned 1 env
    echo 'disable_checkpoint = false' >"$BATS_TEST_TMPDIR/rc"
    planned 1 env TF_CLI_CONFIG_FILE="$BATS_TEST_TMPDIR/rc"
}

@test "the state, the tool and plumb itself" {
    planned 1 env
    sed -i 's/"serial": 1/"serial": 2/' "$repo/env/terraform.tfstate"
    planned 1 env
    sed -i 's/1\.11\.4/1.11.5/' "$tool"
    planned 1 env
    sed -i 's/^set -eu/set -eu # patched/' "$tool"
    planned 1 env
    sed 's/declared 1 ./declared 1 X/' "$PLUMB" >"$BATS_TEST_TMPDIR/newer"
    chmod +x "$BATS_TEST_TMPDIR/newer"
    PLUMB_COPY=$BATS_TEST_TMPDIR/newer planned 1 env \
        PLUMB_DATA_DIR="${PLUMB_DATA_DIR:-$PLUMB_ROOT}"
    planned 0 env
}

@test "what no commit holds is believed for a while only" {
    sed -i 's/^version: 1/version: 1\ncache: {data_source_ttl: 1s}/' "$repo/plumb.yaml"
    commit_all "$repo" ttl
    planned 1 env
    sleep 2.1
    planned 0 env
    printf 'locals {\n  a = file(pathexpand("~/x"))\n}\n' >>"$repo/env/main.tf"
    commit_all "$repo" outside
    must plumb -C "$repo" audit >/dev/null
    before=$(grep -c '^plan' "$tool.log")
    sleep 2.1
    must plumb -C "$repo" audit >/dev/null
    [ "$(grep -c '^plan' "$tool.log")" = $((before + 1)) ]
}

# kept: whether anything that plumb keeps holds the text
kept() {
    grep -rqF "$1" "$XDG_CACHE_HOME" "$HOME"
}

@test "secrets of provider blocks are not kept, and nothing is planned for that" {
    cat >>"$repo/env/main.tf" <<'TF'
variable "secret" {
  sensitive = true
}
variable "plain" {}
provider "terraform" {
  region = "here-1"
  opaque = var.secret
  token  = var.plain
  login { password = "hunter-text" }
}
TF
    commit_all "$repo" secrets
    planned 1 env TF_VAR_secret=hunter-env TF_VAR_plain=hunter-plain
    kept here-1
    must_fail 1 kept hunter
    planned 1 env TF_VAR_secret=hunter-other TF_VAR_plain=hunter-plain
    planned 0 env TF_VAR_secret=hunter-env TF_VAR_plain=hunter-plain
    # What stands where they were read is another one: as when something else than Git and the
    # environment says it.
    sed -i -E 's/("password":.{0,40}")[0-9a-f]{64}/\1'"$(printf '%064d' 0)/" \
        "$XDG_CACHE_HOME"/plumb/declared/*.json
    planned 1 env TF_VAR_secret=hunter-env TF_VAR_plain=hunter-plain
}
