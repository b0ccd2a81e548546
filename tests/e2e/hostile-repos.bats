#!/usr/bin/env bats
# A commit is hostile until shown otherwise: nothing outside is written, nothing of it is run.

load helpers

setup() {
    setup_environment
    export TMPDIR=$BATS_TEST_TMPDIR/tmp
    mkdir "$TMPDIR"
}

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

# hostile_unit YAML: the estate's one unit with more settings, committed, in $repo
hostile_unit() {
    repo=${repo:-$(fake_estate hostile)}
    printf "version: 1\nunits:\n  - {name: u, path: env, %s}\n" "$1" >"$repo/plumb.yaml"
    commit_all "$repo" settings
}

@test "a workspace is a name and leads nowhere" {
    hostile_unit "tool: $BATS_TEST_TMPDIR/hostile.tool, workspace: ../../PWNED"
    must_fail 1 plumb -C "$repo" audit
    says "plumb.yaml:3: 'workspace' in unit 'u' is '../../PWNED'"
    [ -z "$(find "$BATS_TEST_TMPDIR" -name PWNED)" ]
}

@test "a tool that the repository brings along is not run" {
    repo=$(fake_estate hostile)
    printf '#!/bin/sh\ntouch "%s/PWNED"\n' "$BATS_TEST_TMPDIR" >"$repo/env/evil"
    chmod +x "$repo/env/evil"
    ln -s "$repo/env/evil" "$BATS_TEST_TMPDIR/link"
    for tool in ./env/evil "$repo/env/evil" "$BATS_TEST_TMPDIR/link" /proc/self/cwd/env/evil; do
        hostile_unit "tool: $tool"
        must_fail 1 plumb -C "$repo" audit
        says "is in the repository, and plumb runs nothing of it"
        must_fail 1 plumb -C "$repo" doctor
        says "is in the repository"
    done
    hostile_unit "tool: ./nowhere"
    must_fail 1 plumb -C "$repo" audit
    says "there is no './nowhere': correct 'tool' in plumb.yaml"
    [ ! -e "$BATS_TEST_TMPDIR/PWNED" ]
}

@test "no message drives the terminal" {
    repo=$(fake_estate hostile)
    printf 'version: 1\nunits: [{name: "a\\e[31m", path: env}]\n' >"$repo/plumb.yaml"
    commit_all "$repo" escape
    must_fail 1 plumb -C "$repo" audit
    says "'name' in unit 'a\\x1b[31m'"
    must_fail 1 plumb -C "$repo" audit --rev $'\e[2J'
    [[ $output != *$'\e'* ]]
}

@test "a file that may not grow is an error, and nothing is left behind" {
    repo=$(fake_estate hostile)
    commit_all "$repo" start
    limited() { (ulimit -f 0 && plumb -C "$repo" audit | cat; exit "${PIPESTATUS[0]}"); }
    must_fail 1 limited
    says "File too large"
    [ -z "$(find "$TMPDIR" -mindepth 1)" ]
}
