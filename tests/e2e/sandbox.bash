# shellcheck shell=bash
# plumb's sandbox by itself and around Terraform: `load sandbox` behind `load helpers`.
#
#   box OPTION... -- PROGRAM ...   tests/tools/boxtry
#   declared OPTION... TREE        tests/tools/declaretry
#   need_box                       skips where there can be no sandbox, saying why
#   need_plain_provider            skips where the simulated provider wants what nobody has in there
#   $MARK, nothing_left            a word for arguments, and that no process has it any more

BOX=${PLUMB_BUILD:-$PLUMB_ROOT/build/release}/tests/tools/boxtry
MARK=plumb-sandbox-$$-$RANDOM

need_box() {
    command -v bwrap >/dev/null || skip "bwrap is not on PATH (install bubblewrap)"
    local why
    why=$("$BOX" -- /bin/true 2>&1) || skip "${why#boxtry: }"
}

# AddressSanitizer reads /proc when a program starts.
need_plain_provider() {
    local found
    found=$(find "$SIM_BIN/mirror" -type f -name 'terraform-provider-sim_*' | head -n 1)
    ! grep -q __asan_init "$found" ||
        skip "the simulated provider is built with AddressSanitizer, which needs /proc"
}

box() {
    "$BOX" "$@"
}

declared() {
    "${BOX%/*}/declaretry" "$@"
}

# By what grep prints: others' processes that end meanwhile make it exit with an error.
alive() {
    grep -aslF "$MARK" /proc/[0-9]*/cmdline || true
}

nothing_left() {
    local tries=0
    while [ -n "$(alive)" ] && [ "$tries" -lt 30 ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
    [ -z "$(alive)" ]
}
