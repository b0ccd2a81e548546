# shellcheck shell=bash
# What every end-to-end test uses: `load helpers` in a bats file of tests/e2e, or
# `load ../e2e/helpers` elsewhere.
#
#   plumb ARG...            the program under test ($PLUMB, build/plumb without scripts/check)
#   must COMMAND...         runs it; the test ends if it fails
#   must_fail CODE CMD...   the command has to exit with exactly CODE; output is in $output
#   ends CODE COMMAND...    the same, where CODE may be 0; then $output has no errors in it
#   says TEXT...            $output contains each TEXT
#   says_not TEXT...        $output contains none of them
#   temp_repo NAME          a new Git repository with an identity; prints its path
#   commit_all DIR MESSAGE  adds everything there and commits
#   fake_estate NAME        a repository that a fake terraform plans; prints its path
#   need TOOL...            skips the test, saying why, unless terraform|tofu|moto|aws is there
#   fits SCHEMA [FILE]      the JSON of $output, or FILE (YAML too), is as schemas/SCHEMA says
#   json FILTER [FILE]      evaluates a Python expression over the JSON `d` of $output or FILE
#
# The environment is the same everywhere: no Git configuration and no cloud credentials of the
# person who runs the tests, a HOME of the test's own.

PLUMB_ROOT=${PLUMB_ROOT:-$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)}
PLUMB=${PLUMB:-$PLUMB_ROOT/build/plumb}
# shellcheck source=scripts/test-env
. "$PLUMB_ROOT/scripts/test-env"

setup_environment() {
    export HOME=$BATS_TEST_TMPDIR/home XDG_CACHE_HOME=$BATS_TEST_TMPDIR/cache
    export XDG_CONFIG_HOME=$BATS_TEST_TMPDIR/config
    mkdir -p "$HOME"
    export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
    export GIT_AUTHOR_NAME=plumb GIT_AUTHOR_EMAIL=plumb@example.com
    export GIT_COMMITTER_NAME=plumb GIT_COMMITTER_EMAIL=plumb@example.com
    export CHECKPOINT_DISABLE=1 NO_COLOR=1
    unset "${!AWS_@}" "${!TF_VAR_@}" TF_CLI_ARGS TF_WORKSPACE TF_DATA_DIR TF_LOG
}

# A test file that needs more calls setup_environment in its own setup().
setup() {
    setup_environment
}

plumb() {
    "$PLUMB" "$@"
}

must() {
    local code=0
    "$@" || code=$?
    if [ "$code" != 0 ]; then
        echo "exit $code: $*" >&2
        return 1
    fi
}

# A death by signal is 128 and more: it fails the test even if the test asked for that number.
must_fail() {
    local want=$1 code=0
    shift
    output=$("$@" 2>&1) || code=$?
    if [ "$code" = "$want" ] && [ "$code" -lt 128 ] && [ "$code" -gt 0 ]; then
        return 0
    fi
    printf 'exit %s, wanted %s: %s\n%s\n' "$code" "$want" "$*" "$output" >&2
    return 1
}

ends() {
    if [ "$1" = 0 ]; then
        shift
        output=$("$@")
    else
        must_fail "$@"
    fi
}

# Reports are wrapped, so a line's end and a blank are the same here.
flat() {
    local words
    read -rd '' -a words <<<"$output" || true
    printf '%s' "${words[*]}"
}

says() {
    local text all
    all=$(flat)
    for text in "$@"; do
        if [[ $output != *"$text"* && $all != *"$text"* ]]; then
            printf "the output does not say '%s':\n%s\n" "$text" "$output" >&2
            return 1
        fi
    done
}

says_not() {
    local text all
    all=$(flat)
    for text in "$@"; do
        if [[ $output == *"$text"* || $all == *"$text"* ]]; then
            printf "the output says '%s':\n%s\n" "$text" "$output" >&2
            return 1
        fi
    done
}

temp_repo() {
    local dir=$BATS_TEST_TMPDIR/${1:-repo}
    git init -q -b main "$dir" >&2
    printf '%s\n' "$dir"
}

commit_all() {
    git -C "$1" add -A
    git -C "$1" commit -q --allow-empty -m "$2"
}

# fake_estate NAME: a repository whose one unit 'u' in env/ is planned by a fake terraform of its
# own, $BATS_TEST_TMPDIR/NAME.tool; prints its path. Commit it to begin.
fake_estate() {
    local dir tool=$BATS_TEST_TMPDIR/$1.tool
    dir=$(temp_repo "$1")
    cp "$PLUMB_ROOT/tests/support/fake-terraform" "$tool"
    mkdir "$dir/env"
    cat >"$dir/env/main.tf" <<'TF'
terraform {
  backend "local" {}
}
resource "terraform_data" "a" {
  input = "one"
}
TF
    cat >"$dir/env/terraform.tfstate" <<'JSON'
{"version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "L", "outputs": {},
 "resources": [{"mode": "managed", "type": "terraform_data", "name": "a",
  "provider": "provider[\"terraform.io/builtin/terraform\"]", "instances": [{"schema_version": 0,
   "attributes": {"id": "a1", "input": {"value": "one", "type": "string"},
    "output": {"value": "one", "type": "string"}, "triggers_replace": null},
   "sensitive_attributes": []}]}]}
JSON
    echo '*.tfstate*' >"$dir/.gitignore"
    printf 'version: 1\nunits:\n  - {name: u, path: env, tool: %s}\n' "$tool" >"$dir/plumb.yaml"
    printf '%s\n' "$dir"
}

need() {
    local tool missing=
    for tool in "$@"; do
        case $tool in
        terraform) [ "$PLUMB_TEST_HAVE_TERRAFORM" = 1 ] || missing+="terraform is not on PATH; " ;;
        tofu) [ "$PLUMB_TEST_HAVE_TOFU" = 1 ] || missing+="tofu is not on PATH; " ;;
        moto) [ "$PLUMB_TEST_HAVE_MOTO" = 1 ] || missing+="moto_server is not on PATH; " ;;
        aws) [ "$PLUMB_TEST_HAVE_AWS_PROVIDER" = 1 ] ||
            missing+="no mirror with hashicorp/aws (set PLUMB_TEST_TF_MIRROR); " ;;
        *)
            echo "need: no such tool: $tool" >&2
            return 1
            ;;
        esac
    done
    [ -z "$missing" ] || skip "${missing%; }"
}

json() {
    if [ -n "${2-}" ]; then cat "$2"; else printf '%s' "$output"; fi |
        "$PLUMB_TEST_PYTHON" -c 'import json, sys
d = json.load(sys.stdin)
v = eval(sys.argv[1])
print(v if isinstance(v, str) else json.dumps(v))' "$1"
}

fits() {
    if [ -n "${2-}" ]; then cat "$2"; else printf '%s' "$output"; fi |
        "$PLUMB_TEST_PYTHON" -c 'import json, sys, yaml, jsonschema
read = yaml.safe_load if sys.argv[2].endswith(".yaml") else json.load
jsonschema.validate(read(sys.stdin), json.load(open(sys.argv[1])))' \
            "$PLUMB_ROOT/schemas/$1" "${2-}"
}
