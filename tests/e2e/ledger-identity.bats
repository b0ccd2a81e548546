#!/usr/bin/env bats
# Whose ledger it is: of the repository, whatever its remote is called meanwhile.
load helpers

setup() {
    setup_environment
    unset XDG_STATE_HOME
    remote=$BATS_TEST_TMPDIR/remote.git
    git init -q -b main --bare "$remote"
    repo=$(fake_estate estate)
    echo 'ledger: {name: first, remote: origin}' >>"$repo/plumb.yaml"
    commit_all "$repo" start
    state="$HOME/.local/state/plumb"
}

with_remote() {
    git -C "$repo" remote add origin "$remote"
    git -C "$repo" push -q origin main
}

record() {
    must plumb -C "$1" audit --record --quiet >/dev/null
}

# the_same N CLONE: there is one ledger, which stands and has N audits.
the_same() {
    output=$(plumb -C "$2" log verify)
    says "the ledger stands"
    [ "$(plumb -C "$2" log --kind audit | grep -c ' audit ')" = "$1" ]
    [ "$(find "$state/ledger" -mindepth 1 -maxdepth 1 | wc -l)" = 1 ]
}

@test "a URL that is spelled otherwise is the same, for this clone and another" {
    with_remote
    record "$repo"
    git -C "$repo" remote set-url origin "file://${remote%.git}.git/"
    the_same 1 "$repo"
    record "$repo"
    the_same 2 "$repo"
    git clone -q "file://$remote" "$BATS_TEST_TMPDIR/clone"
    the_same 2 "$BATS_TEST_TMPDIR/clone"
}

@test "a remote that is added, and one that moves, changes nothing for this clone" {
    sed -i 's/, remote: origin//' "$repo/plumb.yaml"
    commit_all "$repo" local
    record "$repo"
    with_remote
    the_same 1 "$repo"
    record "$repo"
    mv "$remote" "$BATS_TEST_TMPDIR/moved.git"
    git -C "$repo" remote set-url origin "$BATS_TEST_TMPDIR/moved.git"
    the_same 2 "$repo"
    record "$repo"
    # From then on it is known under that name, too.
    git clone -q "$BATS_TEST_TMPDIR/moved.git" "$BATS_TEST_TMPDIR/clone"
    the_same 3 "$BATS_TEST_TMPDIR/clone"
}

@test "a copy that goes its own way is another repository" {
    sed -i '/^ledger:/d' "$repo/plumb.yaml"
    commit_all "$repo" local
    record "$repo"
    cp -r "$repo" "$BATS_TEST_TMPDIR/copy"
    git -C "$BATS_TEST_TMPDIR/copy" remote add origin https://git.example/other.git
    record "$BATS_TEST_TMPDIR/copy"
    [ "$(find "$state/ledger" -mindepth 1 -maxdepth 1 | wc -l)" = 2 ]
    the_ids=$(cat "$repo/.git/plumb-repository" "$BATS_TEST_TMPDIR/copy/.git/plumb-repository")
    [ "$(sed -n '2p;4p' <<<"$the_ids")" = "$repo/.git
https://git.example/other.git" ]
}

# two URL COMMAND...: two repositories, N in whose URL is 1 and 2; COMMAND is done in each before.
two() {
    local n
    sed -i '/^ledger:/d' "$repo/plumb.yaml"
    commit_all "$repo" local
    for n in 1 2; do
        mkdir "$BATS_TEST_TMPDIR/$n"
        git init -q -b main --bare "$BATS_TEST_TMPDIR/$n/origin.git"
        cp -r "$repo" "$BATS_TEST_TMPDIR/$n/work"
        git -C "$BATS_TEST_TMPDIR/$n/work" remote add origin "${1//N/$n}"
        "${@:2}" "$BATS_TEST_TMPDIR/$n/work"
        record "$BATS_TEST_TMPDIR/$n/work"
    done
    [ "$(find "$state/ledger" -mindepth 1 -maxdepth 1 | wc -l)" = 2 ]
    output=$(plumb -C "$BATS_TEST_TMPDIR/1/work" log --kind audit)
    [ "$(grep -c ' audit ' <<<"$output")" -le 2 ]
}

on_a_branch_of_the_template() {
    git -C "$1" remote add template https://git.example/template
    git -C "$1" checkout -q -b sync
    git -C "$1" config branch.sync.remote template
    record "$1"
    git -C "$1" checkout -q main
    git -C "$1" branch -q -D sync
}

@test "what looks alike is two: a path from here" {
    two ../origin.git true
}

@test "what looks alike is two: a path below somebody's home" {
    two "ssh://ownerN@git.example/~/infra" true
}

@test "what looks alike is two: a branch that follows another remote" {
    two "https://git.example/N" on_a_branch_of_the_template
}

@test "reading writes nothing, and a damaged file says nothing" {
    with_remote
    must plumb -C "$repo" audit >/dev/null
    must plumb -C "$repo" log >/dev/null 2>&1
    [ ! -e "$repo/.git/plumb-repository" ]
    [ ! -e "$state/repositories" ]
    record "$repo"
    [ "$(stat -c %a "$repo/.git/plumb-repository" "$state"/repositories/*)" = "600
600" ]
    printf 'half a li' >"$repo/.git/plumb-repository"
    : >"$(echo "$state"/repositories/*)"
    the_same 1 "$repo"
}
