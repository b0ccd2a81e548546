# shellcheck shell=bash disable=SC2034
# The simulated cloud for end-to-end tests: `load sim` behind `load helpers`.
#
#   sim_up [OPTION...]          starts one for this test (fixtures/sim/simcloud); sets SIM_URL
#   sim_down                    ends it; call it in teardown()
#   sim METHOD PATH [JSON]      one request by the hand from outside; body in $output, status in
#                               $status
#   sim_as TOKEN METHOD PATH..  the same as somebody else
#   sim_fault JSON              adds a fault
#   sim_settings JSON           lag_ms, page_size, seed

SIM_BIN=${PLUMB_BUILD:-$PLUMB_ROOT/build/release}/fixtures/sim

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
