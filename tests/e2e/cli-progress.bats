#!/usr/bin/env bats
# Progress: on a terminal alone, after a second, and gone at the end.
load helpers

setup() {
    setup_environment
    repo=$(fake_estate estate)
    echo 'sleep 2.5' >"$BATS_TEST_TMPDIR/estate.tool.plan"
    commit_all "$repo" start
}

# on_terminal ARG...: an audit whose stderr is a terminal; prints [stdout, stderr] as JSON
on_terminal() {
    "$PLUMB_TEST_PYTHON" - "$PLUMB" -C "$repo" audit "$@" <<'PY'
import json, os, pty, subprocess, sys

ours, theirs = pty.openpty()
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=theirs,
                         stdin=subprocess.DEVNULL)
os.close(theirs)
seen = b""
while True:
    try:
        chunk = os.read(ours, 65536)
    except OSError:  # the other end is closed
        break
    if not chunk:
        break
    seen += chunk
out = child.stdout.read()
assert child.wait() == 0, (out, seen)
print(json.dumps([out.decode(), seen.decode()]))
PY
}

@test "on a terminal work of more than a second is shown, and wiped off" {
    output=$(on_terminal)
    [ "$(json '"\r\x1b[Kplumb: plan" in d[1]')" = true ]
    [ "$(json 'd[1].endswith("\r\x1b[K")')" = true ]
    [ "$(json '"\n" in d[1]')" = false ]
    [ "$(json '"\x1b" in d[0] or "\r" in d[0]')" = false ]
    output=$(on_terminal) # from the cache: over before there is anything to show
    [ "$(json 'd[1]')" = "" ]
}

@test "JSON on stdout is whole beside it, and --quiet says nothing" {
    output=$(on_terminal --format json)
    [ "$(json '"plumb: plan" in d[1]')" = true ]
    [ "$(json 'json.loads(d[0])["summary"]["exit_code"]')" = 0 ]
    rm -r "$XDG_CACHE_HOME"
    output=$(on_terminal --quiet)
    [ "$(json 'd[1]')" = "" ]
}

@test "without a terminal nothing is shown" {
    output=$("$PLUMB" -C "$repo" audit 2>&1 >/dev/null)
    [ -z "$output" ]
}

@test "no more is shown as done than there is" {
    {
        printf 'for i in 1 2 3; do echo %s; done\n' "'{\"type\":\"planned_change\"}'"
        echo 'sleep 2.5'
    } >"$BATS_TEST_TMPDIR/estate.tool.plan"
    output=$(on_terminal) # the state has one resource, and the plan tells of three changes
    [ "$(json '"\x1b[Kplumb: plan\r" in d[1]')" = true ]
    [ "$(json '"3/1" in d[1]')" = false ]
}
