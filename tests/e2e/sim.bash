# shellcheck shell=bash disable=SC2034
# The simulated cloud for end-to-end tests: `load sim` behind `load helpers`. Most of them want a
# real Terraform; those that do not, or want more, have their own setup().
#
#   sim_up [OPTION...]          starts one for this test (fixtures/sim/simcloud); sets SIM_URL
#   sim_down                    ends it; teardown() does
#   sim METHOD PATH [JSON]      one request by the hand from outside; body in $output, status in
#                               $status
#   sim_as TOKEN METHOD PATH..  the same as somebody else
#   sim_fault JSON              adds a fault
#   sim_settings JSON           lag_ms, page_size, seed

SIM_BIN=${PLUMB_BUILD:-$PLUMB_ROOT/build/release}/fixtures/sim

setup() {
    setup_environment
    need terraform
}

teardown() {
    sim_down
}

sim_up() {
    local tries=0 file=$BATS_TEST_TMPDIR/sim-url
    : >"$file"
    "$SIM_BIN/simcloud" "$@" >"$file" 2>"$BATS_TEST_TMPDIR/sim-errors" 3>&- &
    SIM_PID=$!
    until SIM_URL=$(head -n 1 "$file") && [ -n "$SIM_URL" ]; do
        tries=$((tries + 1))
        if [ "$tries" -gt 200 ] || ! kill -0 "$SIM_PID" 2>/dev/null; then
            cat "$BATS_TEST_TMPDIR/sim-errors" >&2
            return 1
        fi
        sleep 0.05
    done
    export SIM_URL
}

sim_down() {
    [ -n "${SIM_PID-}" ] || return 0
    kill "$SIM_PID" 2>/dev/null || true
    wait "$SIM_PID" || true
    SIM_PID=
}

sim_as() { # TOKEN METHOD PATH [JSON]
    local body=$BATS_TEST_TMPDIR/sim-body
    : >"$body"
    status=$(curl -sS --max-time 20 -o "$body" -w '%{http_code}' -X "$2" \
        -H "Authorization: Bearer $1" ${4:+--data-binary "$4"} "$SIM_URL$3") || status=000
    output=$(cat "$body")
}

sim() {
    sim_as sim-ops-token "$@"
}

sim_fault() {
    sim_as sim-control-token POST /control/faults "$1"
    [ "$status" = 200 ]
}

sim_settings() {
    sim_as sim-control-token PUT /control/settings "$1"
    [ "$status" = 200 ]
}

# The estate of fixtures/demo, applied, as $repo (a unit named 'shop'):
#
#   sim_recorded                without terraform: its recorded state, plans and cloud
#   sim_applied [TF...]         with a real one; TF is more configuration
#   sim_initialised [TF...]     the same without the apply, and in a cloud that is there
#   sim_mirror DIR              the mirror that Terraform takes providers from
#   sim_terraform ARG...        terraform in $repo, quietly: its output goes to $output
#   sim_id KIND NAME            prints the id of an object
#   sim_change KIND NAME [JSON] changes an object by hand from outside; without JSON deletes it
#   sim_verdict ADDRESS         from the JSON report in $output: verdict, and its attributes

SIM_DEMO=$PLUMB_ROOT/fixtures/demo

sim_repo() {
    repo=$(temp_repo shop)
    cp "$SIM_DEMO/main.tf" "$SIM_DEMO/sizes.tf" "$repo"
    printf '*.tfstate*\n.terraform/\n' >"$repo/.gitignore"
    export SIM_TOKEN=sim-admin-token
}

sim_recorded() {
    cp "$SIM_DEMO/recorded/cloud.json" "$BATS_TEST_TMPDIR/cloud.json"
    sim_up --state "$BATS_TEST_TMPDIR/cloud.json"
    sim_repo
    cp "$SIM_DEMO/recorded/terraform.tfstate" "$repo"
    (cd "$repo" && SIM_MIRROR=$SIM_BIN/mirror "$SIM_DEMO/recorded/terraform" init)
    printf "version: 1\nunits:\n  - {name: shop, path: ., tool: '%s'}\n" \
        "$SIM_DEMO/recorded/terraform" >"$repo/plumb.yaml"
    commit_all "$repo" "the shop"
}

sim_terraform() {
    local code=0
    output=$(terraform -chdir="$repo" "$@" -no-color 2>&1) || code=$?
    [ "$code" = 0 ] || printf 'terraform %s: exit %s\n%s\n' "$*" "$code" "$output" >&2
    return "$code"
}

sim_mirror() {
    export TF_CLI_CONFIG_FILE=$BATS_TEST_TMPDIR/terraformrc
    printf 'provider_installation {\n  filesystem_mirror {\n    path = "%s"\n  }\n}\n' "$1" \
        >"$TF_CLI_CONFIG_FILE"
}

# Terraform finds the provider in the mirror that `make sim` fills.
sim_initialised() { # [TF...]
    sim_repo
    [ $# = 0 ] || printf '%s\n' "$@" >"$repo/more.tf"
    sim_mirror "${SIM_MIRROR:-$SIM_BIN/mirror}"
    sim_terraform init -input=false
    commit_all "$repo" "the shop"
}

sim_applied() { # [TF...]
    sim_up --state "$BATS_TEST_TMPDIR/cloud.json" --page-size 3
    sim_initialised "$@"
    sim_terraform apply -input=false -auto-approve
}

sim_id() {
    local status output
    sim GET "/v1/$1?name=$2"
    json 'd["items"][0]["id"]'
}

sim_change() {
    local id
    id=$(sim_id "$1" "$2")
    if [ -n "${3-}" ]; then
        sim PATCH "/v1/$1/$id" "$3"
        [ "$status" = 200 ]
    else
        sim DELETE "/v1/$1/$id"
        [ "$status" = 204 ]
    fi
}

sim_verdict() {
    json "next((' '.join([r['verdict']] + sorted('%s=%s' % (a['path'], a['verdict'])
        for a in r['attributes'])) for u in d['units'] for r in u['resources']
        if r['address'] == '$1'), 'none')"
}
