#!/usr/bin/env bats
load helpers

@test "a wrong word is answered with the nearest right one, exit 64" {
    must_fail 64 plumb aduit
    says "unknown command 'aduit'; did you mean 'audit'?"
    must_fail 64 plumb audit --formt json
    says "did you mean '--format'?"
    must_fail 64 plumb audit --format yml
    says "there is: text, json"
    must_fail 64 plumb
    says "Usage: plumb"
    must_fail 64 plumb completion tcsh
    says "there is: bash, zsh, fish"
    must_fail 64 plumb audit --format yaml
    says_not "did you mean"
    must_fail 64 plumb audit --out x
    says "did you mean '--output'?"
    must_fail 64 plumb help finding
    says "did you mean 'findings'?"
    must_fail 64 plumb check --base main --post-to gitlab
    says "'--post-to' says how to post, and nothing is to be posted: add '--post'"
}

@test "help is the same by both ways, and fits" {
    local command
    for command in audit explain observe init doctor help version completion; do
        diff <(plumb help "$command") <(plumb "$command" --help)
    done
    plumb help | awk 'length > 80 {exit 1}'
    # What is the same as another option follows it.
    plumb help audit | grep -A 1 -e '--dir DIR' | grep -e '--chdir DIR .*the same'
}

@test "the manual page is roff that man can read" {
    plumb help --man >"$BATS_TEST_TMPDIR/plumb.1"
    command -v man >/dev/null || skip "man is not on PATH"
    cd "$BATS_TEST_TMPDIR"
    output=$(MANWIDTH=80 man --warnings -l plumb.1 2>warnings)
    says "EXIT STATUS" "plumb audit" "--save-baseline"
    [ ! -s warnings ]
}

@test "completion completes commands, options, values and branches in bash" {
    git init -q -b work "$BATS_TEST_TMPDIR/r"
    git -C "$BATS_TEST_TMPDIR/r" commit -q --allow-empty -m x
    # shellcheck disable=SC2016 # a name that would be a program
    git -C "$BATS_TEST_TMPDIR/r" branch 'w$(touch${IFS}x)'
    # shellcheck disable=SC2016
    output=$(bash -c 'source <("$1" completion bash)
        try() {
            COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
            _plumb
            echo "${COMPREPLY[*]}"
        }
        try plumb ex
        try plumb audit --form
        try plumb audit --format js
        try plumb -C dir completion z
        try plumb check --post status,co
        cd "$2" && try plumb check --base w' _ "$PLUMB" "$BATS_TEST_TMPDIR/r")
    [ "$output" = $'explain\n--format\njson\nzsh\nstatus,comment\nw$(touch${IFS}x) work' ]
    [ ! -e "$BATS_TEST_TMPDIR/r/x" ]
}

@test "completion scripts are accepted by the other shells" {
    local shell missing=
    for shell in zsh fish; do
        if command -v "$shell" >/dev/null; then
            plumb completion "$shell" | must "$shell" -n /dev/stdin
        else
            missing+="$shell is not on PATH; "
        fi
    done
    [ -z "$missing" ] || skip "${missing%; }"
}

@test "a full disk is an error, not a success" {
    [ -e /dev/full ] || skip "no /dev/full"
    into_full() { plumb "$@" >/dev/full; }
    must_fail 1 into_full version
    says "cannot write the whole output"
    must_fail 1 into_full help --man
}

@test "the tables in the README are those of the program" {
    [ -f "$PLUMB_ROOT/README.md" ] || skip "no README.md"
    local line
    while read -r line; do
        case $line in '| `'* | '| '[0-9]*) ;; *) continue ;; esac
        grep -qF -- "$line" "$PLUMB_ROOT/README.md" || {
            echo "README.md lacks: $line (plumb help --markdown)" >&2
            return 1
        }
    done < <(plumb help --markdown)
}

# They bring thirty libraries along, which took two thirds of the time to start.
@test "libcurl and libgit2 are loaded when they are wanted, not to start" {
    output=$(LD_TRACE_LOADED_OBJECTS=1 "$PLUMB")
    says "libcrypto.so"
    says_not "libcurl" "libgit2"
}

@test "the help of a command says what its own 0 means" {
    output=$(plumb help explain)
    says "0  the resource was shown, whatever its verdict"
    output=$(plumb help doctor)
    says_not "is what Git says"
    output=$(plumb help check)
    says "0  merging would change nothing" "2  merging would change something"
    says_not "drift or"
    output=$(plumb help audit)
    says "0  everything that was looked at is what Git says"
}

@test "a wrong --ignore is named as it was written" {
    repo=$(fake_estate estate)
    commit_all "$repo" start
    must_fail 64 plumb -C "$repo" audit --ignore '/(/'
    says "plumb: --ignore '/(/': pattern '/(/' at character"
    must_fail 64 plumb -C "$repo" audit --ignore 'a.b:/(/'
    must_fail 64 plumb -C "$repo" audit --ignore 'terraform_data.*'
}
