#!/usr/bin/env bats
# A commit is hostile until shown otherwise: nothing outside is written, nothing of it is run.

load helpers

@test "every hostile kind ends in a refusal or an error, and runs nothing" {
    make=$PLUMB_ROOT/fixtures/hostile/make
    for kind in $("$make" --list | awk '$2 == "refuse" { print $1 }'); do
        dir=$BATS_TEST_TMPDIR/$kind
        must "$make" "$kind" "$dir"
        before=$(find "$BATS_TEST_TMPDIR" -name PWNED | wc -l)
        code=0
        output=$("$PLUMB" -C "$dir" --config <(printf 'version: 1\nunits: [{name: x, path: .}]\n') \
            audit 2>&1) || code=$?
        [ "$code" -gt 0 ] && [ "$code" -lt 128 ]
        [ "$(find "$BATS_TEST_TMPDIR" -name PWNED | wc -l)" = "$before" ]
    done
}
