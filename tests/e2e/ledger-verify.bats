#!/usr/bin/env bats
# scripts/ledger-verify was written from the format's page alone: it and plumb have to agree.
load helpers

setup() {
    setup_environment
    unset XDG_STATE_HOME GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL
    repo=$(fake_estate estate)
    git -C "$repo" config user.name $'Zo\xc3\xab "q" \\ \xf0\x9f\xa6\x86\tb\x01c'
    git -C "$repo" config user.email zoe@example.com
    echo 'ledger: {name: first}' >>"$repo/plumb.yaml"
    commit_all "$repo" start
}

# record COUNT: so many audits, one entry each.
record() {
    local i
    for ((i = 0; i < $1; i++)); do
        must plumb -C "$repo" audit --record --quiet >/dev/null
    done
    ledger=$(echo "$HOME"/.local/state/plumb/ledger/*)
}

verify() {
    "$PLUMB_TEST_PYTHON" "$PLUMB_ROOT/scripts/ledger-verify" "$@"
}

# damage TURN...: of a ledger whose one witness is the pin.
damage() {
    git -C "$repo" update-ref -d refs/plumb/ledger/first
    output=
    local turn
    for turn in "$@"; do
        output+=$("$PLUMB_TEST_PYTHON" "$PLUMB_ROOT/tests/e2e/ledger_damage.py" "$PLUMB" \
            "$PLUMB_ROOT/scripts/ledger-verify" "$repo" "$ledger/log" "$turn")$'\n'
    done
    echo "$output"
}

@test "ledger-verify: the same checkpoint at every size to 20, and at 300" {
    record 1
    must plumb -C "$repo" log checkpoint >"$BATS_TEST_TMPDIR/pin.2"
    record 18
    must plumb -C "$repo" log checkpoint >"$BATS_TEST_TMPDIR/pin.20"
    grep -qF 'Zoë \"q\" \\ 🦆\tb\u0001c' "$ledger/log"
    verify "$ledger" --root 2 | cmp - "$BATS_TEST_TMPDIR/pin.2"
    verify "$ledger" --root 20 | cmp - "$BATS_TEST_TMPDIR/pin.20"
    output=$(verify "$ledger" --pin "$BATS_TEST_TMPDIR/pin.2" --pin "$BATS_TEST_TMPDIR/pin.20")
    says "the ledger stands: 20 entries" "pin.2: the first 2 entries"
    must_fail 1 verify "$ledger" --root 21
    damage sizes
    says "24 stand"
}

@test "ledger-verify: agrees on flipped bits and cut ends" {
    record 6
    damage flips cuts
    says "70 damages"
}

@test "ledger-verify: agrees on moved entries, torn ends and wrong pins" {
    record 6
    damage moves ends pins
    says "36 damages"
}

@test "ledger-verify: agrees on a ledger of 200 entries" {
    record 6
    damage many
    says "damages"
}

@test "ledger-verify: agrees on every form of JSON and on forgeries, which a pin alone tells" {
    record 3
    damage forms forgeries
    says "damages"
}

@test "ledger-verify: reads the copy in Git, and exits 1 and 64 for what it cannot read" {
    record 2
    output=$(verify --git "$repo")
    says "refs/plumb/ledger/first: the ledger stands: 3 entries" "fits  refs/plumb/ledger/first"
    verify --git "$repo" --root 3 | cmp - <(plumb -C "$repo" log checkpoint)
    local ref=refs/plumb/ledger/first blob tree
    blob=$(git -C "$repo" show $ref:entries/000000 | sed 's/in_sync/drifted/' |
        git -C "$repo" hash-object -w --stdin)
    tree=$(printf '100644 blob %s\t000000\n' "$blob" | git -C "$repo" mktree)
    tree=$({
        git -C "$repo" ls-tree $ref checkpoint
        printf '040000 tree %s\tentries\n' "$tree"
    } | git -C "$repo" mktree)
    git -C "$repo" update-ref $ref "$(git -C "$repo" commit-tree -m x "$tree")"
    must_fail 6 verify --git "$repo" --ref $ref
    says "entry 1 at byte" "its hash does not fit"
    must_fail 1 verify "$repo"
    must_fail 1 verify --git "$repo" --ref refs/heads/none
    must_fail 1 verify "$ledger" --pin "$repo/none"
    must_fail 64 verify
    must_fail 64 verify "$ledger" --git "$repo"
}
