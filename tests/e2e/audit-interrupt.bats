#!/usr/bin/env bats
# Ctrl-C in the middle of a plan: the tool gets one INT, and nothing is left behind.
load helpers

setup() {
    setup_environment
    need terraform
    export TMPDIR=$BATS_TEST_TMPDIR/tmp
    mkdir "$TMPDIR"
    repo=$(temp_repo estate)
    printf 'terraform {\n  backend "local" {}\n}\nresource "terraform_data" "a" {}\n' \
        >"$repo/main.tf"
    # A tool that plans for ever, with a child of its own, and ends politely when told to.
    cat >"$BATS_TEST_TMPDIR/tool" <<'SH'
#!/bin/bash
case " $* " in
*" plan "*)
    sleep 300 &
    child=$!
    trap 'echo int >>"$0.ints"; kill $child; wait $child; exit 1' INT
    echo "$$ $child" >"$0.pids"
    wait $child
    ;;
*) exec terraform "$@" ;;
esac
SH
    chmod +x "$BATS_TEST_TMPDIR/tool"
    printf 'version: 1\nunits:\n  - {name: slow, path: ., tool: %s}\n' "$BATS_TEST_TMPDIR/tool" \
        >"$repo/plumb.yaml"
    commit_all "$repo" start
}

interrupt_with() {
    # shellcheck disable=SC2153 # helpers.bash sets it
    "$PLUMB" -C "$repo" audit >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
    local plumb=$! i code=0
    for ((i = 0; i < 200; i++)); do
        [ ! -s "$BATS_TEST_TMPDIR/tool.pids" ] || break
        sleep 0.1
    done
    [ -s "$BATS_TEST_TMPDIR/tool.pids" ] || {
        cat "$BATS_TEST_TMPDIR/out" >&2
        return 1
    }
    kill "-$1" "$plumb"
    wait "$plumb" || code=$?
    [ "$code" = 130 ] || {
        echo "exit $code" >&2
        cat "$BATS_TEST_TMPDIR/out" >&2
        return 1
    }
    local pid pids
    read -ra pids <"$BATS_TEST_TMPDIR/tool.pids"
    for pid in "${pids[@]}"; do
        if kill -0 "$pid" 2>/dev/null; then
            echo "process $pid is left behind" >&2
            return 1
        fi
    done
    [ "$(wc -l <"$BATS_TEST_TMPDIR/tool.ints")" = 1 ]
    [ -z "$(find "$TMPDIR" -mindepth 1)" ]
}

@test "INT during the plan: exit 130, no process, no file" {
    # A background job of a script ignores INT unless it is told otherwise.
    set -m
    interrupt_with INT
}

@test "TERM during the plan: the same" {
    set -m
    interrupt_with TERM
}
