#!/usr/bin/env bats
# Ctrl-C in the middle of planning: each tool gets one INT, and nothing is left behind.
load helpers

setup() {
    setup_environment
    export TMPDIR=$BATS_TEST_TMPDIR/tmp
    mkdir "$TMPDIR"
    repo=$(fake_estate estate)
    tool=$BATS_TEST_TMPDIR/estate.tool
}

# hang TOOL: it plans for ever, with a child of its own, and ends politely when told to.
hang() {
    cat >"$1.plan" <<'SH'
sleep 300 &
child=$!
trap 'echo int >>"$0.ints"; kill $child; wait $child; exit 1' INT
echo "$$ $child" >"$0.pids"
wait $child
SH
}

# until_planning TOOL...: waits for all of them
until_planning() {
    local tool i
    for tool in "$@"; do
        for ((i = 0; i < 200; i++)); do
            [ ! -s "$tool.pids" ] || break
            sleep 0.1
        done
        [ -s "$tool.pids" ] || {
            cat "$BATS_TEST_TMPDIR/out" >&2
            return 1
        }
    done
}

# interrupted SIGNAL TOOL...: an audit, ended while all of these plan
interrupted() {
    local signal=$1 audit code=0 pid pids
    shift
    # A background job of a script ignores INT unless it is told otherwise.
    set -m
    # shellcheck disable=SC2153 # helpers.bash sets it
    "$PLUMB" -C "$repo" audit >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
    audit=$!
    until_planning "$@"
    kill "-$signal" "$audit"
    wait "$audit" || code=$?
    [ "$code" = 130 ] || {
        echo "exit $code" >&2
        cat "$BATS_TEST_TMPDIR/out" >&2
        return 1
    }
    for tool in "$@"; do
        read -ra pids <"$tool.pids"
        for pid in "${pids[@]}"; do
            if kill -0 "$pid" 2>/dev/null; then
                echo "process $pid is left behind" >&2
                return 1
            fi
        done
        [ "$(wc -l <"$tool.ints")" = 1 ]
    done
}

nothing_left() {
    [ -z "$(find "$TMPDIR" -mindepth 1)" ]
}

@test "INT during the plan: exit 130, no process, no file" {
    hang "$tool"
    commit_all "$repo" start
    interrupted INT "$tool"
    nothing_left
}

@test "TERM during the plan: the same" {
    hang "$tool"
    commit_all "$repo" start
    interrupted TERM "$tool"
    nothing_left
}

@test "QUIT during the plan: the same, and no core" {
    hang "$tool"
    commit_all "$repo" start
    interrupted QUIT "$tool"
    nothing_left
}

# three_units: one, two and three instead of the estate's own, each with a tool of its own
three_units() {
    local name
    printf 'version: 1\nunits:\n' >"$repo/plumb.yaml"
    for name in one two three; do
        cp "$PLUMB_ROOT/tests/support/fake-terraform" "$BATS_TEST_TMPDIR/$name.tool"
        cp -r "$repo/env" "$repo/$name"
        printf '  - {name: %s, path: %s, tool: %s}\n' "$name" "$name" \
            "$BATS_TEST_TMPDIR/$name.tool" >>"$repo/plumb.yaml"
    done
    commit_all "$repo" start
}

@test "several units at once, and INT: every tool ends, and afterwards all is well" {
    local tools=("$BATS_TEST_TMPDIR"/{one,two,three}.tool) tool
    three_units
    for tool in "${tools[@]}"; do hang "$tool"; done
    interrupted INT "${tools[@]}"
    nothing_left
    rm "$BATS_TEST_TMPDIR"/*.plan
    output=$(plumb -C "$repo" audit)
    says "plumb: all 3 resources are what Git says"
    for tool in "${tools[@]}"; do [ "$(grep -c '^plan' "$tool.log")" = 2 ]; done
}

@test "INT while units wait for their turn: those are not begun" {
    three_units
    # All in one folder: one after the other, whatever their workspaces.
    sed -i 's/path: [a-z]*/path: one/; s/tool: [^}]*/&, state: one\/terraform.tfstate/' \
        "$repo/plumb.yaml"
    commit_all "$repo" same
    hang "$BATS_TEST_TMPDIR/one.tool"
    interrupted INT "$BATS_TEST_TMPDIR/one.tool"
    nothing_left
    # Whether they asked for a version before their turn does not matter.
    output=$(cat "$BATS_TEST_TMPDIR"/{two,three}.tool.log 2>/dev/null) || true
    says_not plan
    rm "$BATS_TEST_TMPDIR/one.tool.plan"
    must plumb -C "$repo" audit >/dev/null
}

@test "audits at once share a cache; INT to one of them leaves the others alone" {
    local pids=() pid i
    three_units
    hang "$BATS_TEST_TMPDIR/two.tool"
    for ((i = 0; i < 3; i++)); do
        cp -r "$repo" "$BATS_TEST_TMPDIR/copy$i"
        "$PLUMB" -C "$BATS_TEST_TMPDIR/copy$i" audit --unit one --unit three \
            >"$BATS_TEST_TMPDIR/out$i" 2>&1 3>&- &
        pids+=($!)
    done
    interrupted INT "$BATS_TEST_TMPDIR/two.tool"
    for pid in "${pids[@]}"; do must wait "$pid"; done
    grep -q "all 2 resources" "$BATS_TEST_TMPDIR/out2"
    nothing_left
}
