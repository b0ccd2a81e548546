#!/usr/bin/env bats
# scripts/check counts what fails, crashes, stops before its plan or is skipped.

load ../e2e/helpers

# The runner looks at tests/ beside its own folder, so it gets a house of its own.
setup() {
    setup_environment
    house=$BATS_TEST_TMPDIR/house
    mkdir -p "$house"/{scripts,tests/{e2e,unit},build/release/tests/unit}
    cp "$PLUMB_ROOT"/scripts/{check,alone,test-env,unittest-tap} "$house/scripts/"
}

# program NAME LINE...: a unit test that is a shell script
program() {
    local file=$house/build/release/tests/unit/$1
    : >"$house/tests/unit/$1.c"
    shift
    printf '%s\n' '#!/bin/sh' "$@" >"$file"
    chmod +x "$file"
}

check() {
    (cd "$house" && timeout 30 scripts/check "$@" 2>&1)
}

@test "what passes is counted" {
    program test_a 'echo 1..2' 'echo ok 1 - a__one' 'echo ok 2 - a__two'
    output=$(check)
    [[ $output == *"2 passed, 0 failed" ]]
}

@test "a failed case fails the run and is named with its log" {
    program test_a 'echo 1..2' 'echo ok 1 - a__one' 'echo why' 'echo not ok 2 - a__two' 'exit 1'
    must_fail 1 check
    says '| why' 'failed: unit/test_a: a__two' '1 passed, 1 failed'
}

@test "a crash is a failure" {
    # shellcheck disable=SC2016
    program test_a 'echo 1..1' 'echo ok 1 - a__one' 'kill -SEGV $$'
    must_fail 1 check
    says 'died of SIGSEGV' '1 passed, 1 failed'
}

@test "an end before the plan is a failure" {
    program test_a 'echo 1..3' 'echo ok 1 - a__one'
    must_fail 1 check
    says 'ended after 1 of 3 cases'
}

@test "no case at all is a failure, and so is a run of no tests" {
    program test_a 'exit 0'
    must_fail 1 check
    says 'ran no cases'
    rm "$house/tests/unit/test_a.c"
    must_fail 1 check
    says '0 passed, 0 failed'
}

@test "an exit status without a failed case is a failure" {
    program test_a 'echo 1..1' 'echo ok 1 - a__one' 'exit 3'
    must_fail 1 check
    says 'exit status 3, with no failed case'
}

@test "a program that was not built is a failure" {
    : >"$house/tests/unit/test_a.c"
    must_fail 1 check
    says 'No such file'
}

@test "a hanging test ends, and takes its children along" {
    sed -i 's/"unit": (300,/"unit": (1,/' "$house/scripts/check"
    program test_a 'echo 1..1' 'sleep 777 & echo $! >child' 'wait'
    must_fail 1 check
    says 'did not end in time'
    [ ! -e "/proc/$(cat "$house/child")" ]
}

@test "what a test leaves running fails it and is ended, in whatever session it is" {
    sed -i 's/^GRACE = 5/GRACE = 0.2/' "$house/scripts/alone"
    program test_a 'echo 1..1' 'setsid -f sh -c "echo \$\$ >child; exec sleep 777"' \
        'while [ ! -s child ]; do :; done' 'echo ok 1 - a__one'
    must_fail 1 check
    says 'failed: unit/test_a: (the file): left running: sleep 777' '1 passed, 1 failed'
    [ ! -e "/proc/$(cat "$house/child")" ]
}

@test "what ends by itself soon is waited for, and the dead are buried" {
    program test_a 'echo 1..1' 'setsid -f sh -c "echo \$\$ >child; sleep 0.5"' \
        'while [ ! -s child ]; do :; done' 'echo ok 1 - a__one'
    output=$(check)
    says '1 passed, 0 failed'
    [ ! -e "/proc/$(cat "$house/child")" ]
}

@test "a run that is stopped takes along what it started" {
    program test_a 'echo 1..1' 'setsid -f sh -c "echo \$\$ >child; exec sleep 777"' 'exec sleep 777'
    (cd "$house" && exec scripts/check 3>&-) >/dev/null 2>&1 &
    until [ -s "$house/child" ]; do sleep 0.1; done
    kill -TERM $!
    wait $! || [ $? = 143 ]
    [ ! -e "/proc/$(cat "$house/child")" ]
}

@test "skips are counted and say why, in bats, C and Python" {
    program test_a 'echo 1..1' 'echo "# skip: no moon"' 'echo "ok 1 # skip a__one"'
    printf '%s\n' '@test "b" {' 'skip "no sun"' '}' >"$house/tests/e2e/b.bats"
    printf '%s\n' 'import unittest' 'class T(unittest.TestCase):' \
        '    @unittest.skip("no star")' '    def test_c(self): pass' >"$house/tests/e2e/test_c.py"
    output=$(check) || true
    says 'no moon' 'no sun' 'no star' '0 passed, 0 failed, 3 skipped'
}

@test "a class of Python cases that is skipped as a whole counts with each of them" {
    printf '%s\n' 'import unittest' 'class T(unittest.TestCase):' '    @classmethod' \
        '    def setUpClass(cls): raise unittest.SkipTest("no comet")' \
        '    def test_a(self): pass' '    def test_b(self): pass' 'class U(unittest.TestCase):' \
        '    def test_c(self): pass' >"$house/tests/e2e/test_c.py"
    output=$(check)
    says 'T.test_a: no comet' 'T.test_b: no comet' '1 passed, 0 failed, 2 skipped'
}

@test "one suite, and files by name" {
    program test_a 'echo 1..1' 'echo ok 1 - a__one'
    program test_b 'echo 1..1' 'echo ok 1 - b__one'
    output=$(check --only test_b unit)
    says '1 passed, 0 failed'
    says_not test_a
}
