#!/usr/bin/env bats
# The ledger: written by audit --record, anchored in Git, read and verified by log.
load helpers

setup() {
    setup_environment
    unset XDG_STATE_HOME
    git init -q -b main --bare "$BATS_TEST_TMPDIR/remote.git"
    repo=$(fake_estate estate)
    cat >>"$repo/plumb.yaml" <<'YAML'
ledger: {name: first, remote: origin}
YAML
    commit_all "$repo" start
    git -C "$repo" remote add origin "$BATS_TEST_TMPDIR/remote.git"
    git -C "$repo" push -q origin main
    ledger="$HOME/.local/state/plumb/ledger"
}

# record TIME [CLONE]
record() {
    PLUMB_NOW=$1 must plumb -C "${2:-$repo}" audit --record --quiet >/dev/null
}

@test "nothing is recorded unless asked, and log says so" {
    must plumb -C "$repo" audit >/dev/null
    output=$(plumb -C "$repo" log 2>&1)
    says "nothing was recorded here yet"
    output=$(plumb -C "$repo" log verify)
    [ "$output" = "there is no ledger yet" ]
    must_fail 1 plumb -C "$repo" log checkpoint
    [ ! -e "$ledger" ]
    [ -z "$(git -C "$repo" for-each-ref refs/plumb)" ]
}

@test "an audit is recorded, anchored here and on the remote, and found again" {
    record 2026-11-19T14:00:00Z
    sed -i 's/"one"/"two"/' "$repo/env/main.tf"
    commit_all "$repo" two
    sed -i 's/"input": "one", "output"/"input": "two", "output"/; s/"no-op"/"update"/' \
        "$BATS_TEST_TMPDIR/estate.tool"
    PLUMB_NOW=2026-11-19T16:30:00Z must_fail 2 plumb -C "$repo" audit --record
    record_two=$(git -C "$repo" rev-parse --short=8 HEAD)
    output=$(plumb -C "$repo" log)
    says "2026-11-19 14:00:00Z  audit  u" "1 in sync" "2026-11-19 16:30:00Z  audit  u" \
        "$record_two  1 pending" "pending     terraform_data.a  input"
    output=$(plumb -C "$repo" log --since 2026-11-19T15:00:00Z --until 2026-11-19T17:00:00Z)
    says "16:30:00Z"
    says_not "14:00:00Z"
    output=$(plumb -C "$repo" log --until 2026-11-19T16:30:00Z)
    says "14:00:00Z"
    says_not "16:30:00Z"
    output=$(plumb -C "$repo" log --who nobody-of-that-name 2>&1)
    says "no entry fits; there are 3"
    output=$(plumb -C "$repo" log --unit u --kind audit --verdict pending \
        --address terraform_data.a)
    [ "$(grep -c audit <<<"$output")" = 1 ]
    output=$(plumb -C "$repo" log --who "$(id -un)" --format json)
    fits log.schema.json
    [ "$(json 'len(d["entries"])')" = 3 ]
    [ "$(json 'd["entries"][2]["entry"]["body"]["verdicts"]')" = '{"pending": 1}' ]
    output=$(plumb -C "$repo" log --unit other 2>&1)
    says "no entry fits; there are 3"
    [ "$(git -C "$repo" rev-parse refs/plumb/ledger/first)" = \
        "$(git -C "$BATS_TEST_TMPDIR/remote.git" rev-parse refs/plumb/ledger/first)" ]
}

@test "a unit that failed is recorded with the reason" {
    rm "$BATS_TEST_TMPDIR/estate.tool"
    must_fail 1 plumb -C "$repo" audit --record
    output=$(plumb -C "$repo" log)
    says "failed: " "estate.tool"
    output=$(plumb -C "$repo" log --format json)
    fits log.schema.json
}

@test "verify: stands, and says what it cannot show" {
    record 2026-11-19T14:00:00Z
    output=$(plumb -C "$repo" log verify)
    says "the ledger stands: 2 entries" "fits  refs/plumb/ledger/first: the first 2 entries"
    says_not "not shown"
    plumb -C "$repo" log checkpoint >"$BATS_TEST_TMPDIR/pin"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/pin")" = 3 ]
    sed -i '/^ledger:/d' "$repo/plumb.yaml"
    commit_all "$repo" "no remote"
    output=$(plumb -C "$repo" log verify)
    says "not shown: that it was not written anew as a whole"
    output=$(plumb -C "$repo" log verify --pin "$BATS_TEST_TMPDIR/pin")
    says_not "not shown"
    must plumb -C "$repo" audit --record --quiet >/dev/null
    output=$(plumb -C "$repo" log verify --pin "$BATS_TEST_TMPDIR/pin")
    says "not shown: that no entry was cut off behind entry 1"
}

@test "an altered ledger is exit 6, for reading, verifying and writing" {
    record 2026-11-19T14:00:00Z
    sed -i 's/"in_sync":1/"in_sync":2/' "$ledger"/*/log
    must_fail 6 plumb -C "$repo" log verify
    says "is not what was written: entry 1 at byte" "its hash does not fit"
    must_fail 6 plumb -C "$repo" log
    rm "$ledger"/*/head
    must_fail 6 plumb -C "$repo" audit --record
}

@test "a copy in Git that was altered is exit 6, though its checkpoint is right" {
    record 2026-11-19T14:00:00Z
    export GIT_INDEX_FILE=$BATS_TEST_TMPDIR/index
    local blob tree
    git -C "$repo" read-tree refs/plumb/ledger/first
    blob=$(git -C "$repo" cat-file blob refs/plumb/ledger/first:entries/000000 |
        sed 's/"in_sync":1/"in_sync":2/' | git -C "$repo" hash-object -w --stdin)
    git -C "$repo" update-index --cacheinfo "100644,$blob,entries/000000"
    tree=$(git -C "$repo" write-tree)
    unset GIT_INDEX_FILE
    git -C "$repo" update-ref refs/plumb/ledger/first \
        "$(git -C "$repo" commit-tree -m x "$tree")"
    must_fail 6 plumb -C "$repo" log verify
    says "refs/plumb/ledger/first" "its hash does not fit"
}

@test "a log that is gone is exit 6, and a person's odd name does not stop the record" {
    git -C "$repo" config user.name $'An\nn <x>'
    git -C "$repo" config user.email $'<a@example.com\n>'
    record 2026-11-19T14:00:00Z
    must git -C "$repo" fsck --strict
    rm "$ledger"/*/log
    git -C "$repo" update-ref -d refs/plumb/ledger/first
    git -C "$repo" update-ref -d refs/plumb/remote/origin/ledger/first
    must_fail 6 plumb -C "$repo" log verify
    says "is gone"
}

forget_copies() {
    git -C "$repo" for-each-ref --format='delete %(refname)' refs/plumb |
        git -C "$repo" update-ref --stdin
}

@test "a ledger that was cut is exit 6, by what its last writer knew" {
    sed -i '/^ledger:/d' "$repo/plumb.yaml"
    commit_all "$repo" "no copies"
    record 2026-11-19T14:00:00Z
    forget_copies
    log=$(echo "$ledger"/*/log)
    cp "$log" "$log.old"
    record 2026-11-19T15:00:00Z
    forget_copies
    must plumb -C "$repo" log verify >/dev/null
    cp "$log" "$log.new"
    cp "$log.old" "$log"
    must_fail 6 plumb -C "$repo" log verify
    says "is not what its last writer left: it has 2 entries, and had 3"
    head -c -20 "$log.new" >"$log"
    must_fail 6 plumb -C "$repo" log verify
    # A damaged shortcut says nothing of the ledger.
    cp "$log.new" "$log"
    echo nonsense >"${log%log}head"
    must plumb -C "$repo" log verify >/dev/null
}

@test "a ledger that was cut is exit 6, by the copy on the remote" {
    record 2026-11-19T14:00:00Z
    cp -a "$ledger" "$ledger.early"
    record 2026-11-19T15:00:00Z
    rm -r "$ledger"
    mv "$ledger.early" "$ledger"
    must_fail 6 plumb -C "$repo" log verify
    says "entries at its end are gone"
    git -C "$repo" update-ref -d refs/plumb/ledger/first
    git -C "$repo" update-ref -d refs/plumb/remote/origin/ledger/first
    output=$(plumb -C "$repo" log verify)
    says "the ledger stands: 2 entries"
    must_fail 6 plumb -C "$repo" log verify --fetch
    says "entries at its end are gone"
    must_fail 6 plumb -C "$repo" audit --record
}

# push_junk NAME: what is no ledger, as somebody's ledger on the remote
push_junk() {
    local git="git -C $BATS_TEST_TMPDIR/remote.git" blob tree
    blob=$(printf '\033[2Jjunk' | $git hash-object -w --stdin)
    tree=$(printf '100644 blob %s\tjunk\n' "$blob" | $git mktree)
    $git update-ref "refs/plumb/ledger/$1" "$($git commit-tree "$tree" -m junk </dev/null)"
}

@test "what somebody pushed as a ledger and is none silences no other" {
    record 2026-11-19T14:00:00Z
    push_junk evil
    must_fail 6 plumb -C "$repo" log --fetch
    says "2026-11-19 14:00:00Z  audit" "'refs/plumb/remote/origin/ledger/evil' is not a whole copy"
    git -C "$BATS_TEST_TMPDIR/remote.git" update-ref refs/plumb/ledger/evil \
        "$(git -C "$BATS_TEST_TMPDIR/remote.git" rev-parse refs/plumb/ledger/evil:junk)"
    must_fail 6 plumb -C "$repo" log --fetch
    says "2026-11-19 14:00:00Z  audit" "ledger/evil"
    must_fail 6 plumb -C "$repo" log verify
    says "the ledger stands: 2 entries" "ledger/evil"
    push_junk first
    must_fail 6 plumb -C "$repo" log verify --fetch
    must_fail 6 plumb -C "$repo" audit --record
}

@test "another clone reads the ledger, and an empty machine goes on with it" {
    record 2026-11-19T14:00:00Z
    local other=$BATS_TEST_TMPDIR/other
    git clone -q "$BATS_TEST_TMPDIR/remote.git" "$other"
    export HOME=$BATS_TEST_TMPDIR/home2
    mkdir "$HOME"
    output=$(plumb -C "$other" log 2>&1)
    says "nothing was recorded here yet"
    output=$(plumb -C "$other" log --fetch)
    says "2026-11-19 14:00:00Z  audit"
    cp "$repo"/env/terraform.tfstate "$other/env/"
    record 2026-11-19T15:00:00Z "$other"
    output=$(plumb -C "$other" log)
    says "14:00:00Z" "15:00:00Z"
    output=$(plumb -C "$other" log verify --fetch)
    says "the ledger stands: 3 entries"
}

@test "ledgers of several machines are one story, in the order of time" {
    record 2026-11-19T14:00:00Z
    local other=$BATS_TEST_TMPDIR/other
    git clone -q "$BATS_TEST_TMPDIR/remote.git" "$other"
    cp "$repo"/env/terraform.tfstate "$other/env/"
    sed -i 's/name: first/name: another/' "$other/plumb.yaml"
    commit_all "$other" another
    PLUMB_STATE_DIR=$BATS_TEST_TMPDIR/state2 record 2026-11-19T13:00:00Z "$other"
    PLUMB_STATE_DIR=$BATS_TEST_TMPDIR/state2 record 2026-11-19T15:00:00Z "$other"
    output=$(plumb -C "$repo" log --fetch --kind audit |
        grep -o '[0-9:]*Z  audit\|in \(first\|another\)' | xargs)
    [ "$output" = "13:00:00Z audit in another 14:00:00Z audit in first 15:00:00Z audit in another" ]
}

# forge: rewrites the past of the ledger and all that goes with it, so that the chain holds
forge() {
    "$PLUMB_TEST_PYTHON" - "$ledger"/*/log <<'PY'
import hashlib, re, sys
log, prev, out, at = open(sys.argv[1], "rb").read(), b"0" * 64, b"", 0
while at < len(log):
    size = int(log[at + 1:at + 9], 16)
    json = log[at + 75:at + 75 + size].replace(b'"in_sync":1', b'"in_sync":7')
    json = re.sub(rb'"prev":"[0-9a-f]{64}"', b'"prev":"%s"' % prev, json, count=1)
    prev = hashlib.sha256(b"\0" + json).hexdigest().encode()
    out += b"=%08x %s\n%s\n" % (len(json), prev, json)
    at += 76 + size
open(sys.argv[1], "wb").write(out)
PY
    rm "$ledger"/*/head
    git -C "$repo" for-each-ref --format='delete %(refname)' refs/plumb |
        git -C "$repo" update-ref --stdin
}

@test "a ledger that was written anew is exit 6 by its signature, or by a pin" {
    command -v ssh-keygen >/dev/null || skip "ssh-keygen (openssh-client) is not on PATH"
    local key=$BATS_TEST_TMPDIR/key
    ssh-keygen -q -t ed25519 -N '' -f "$key"
    ssh-keygen -q -t ed25519 -N '' -f "$key.forger"
    echo "ann@example.com $(cat "$key.pub")" >"$repo/signers"
    sed -i '/^ledger:/d' "$repo/plumb.yaml"
    echo "ledger: {name: first, signing_key: '$key', allowed_signers: signers}" >>"$repo/plumb.yaml"
    commit_all "$repo" signed
    record 2026-11-19T14:00:00Z
    record 2026-11-19T15:00:00Z
    output=$(plumb -C "$repo" log verify)
    says "signed by ann@example.com"
    plumb -C "$repo" log checkpoint >"$BATS_TEST_TMPDIR/pin"
    forge
    output=$(plumb -C "$repo" log verify)
    says "the ledger stands: 3 entries" "not shown: that it was not written anew as a whole"
    must_fail 6 plumb -C "$repo" log verify --pin "$BATS_TEST_TMPDIR/pin"
    says "what it covers was changed since"
    cp "$key.forger" "$key"
    cp "$key.forger.pub" "$key.pub"
    must plumb -C "$repo" log anchor
    must_fail 6 plumb -C "$repo" log verify
    says "refs/plumb/ledger/first" "signed with a key that is not allowed"
}

@test "wrong times and words are exit 64" {
    must_fail 64 plumb -C "$repo" log --since yesterday-ish
    says "--since 'yesterday-ish' is not a time" "24h"
    must_fail 64 plumb -C "$repo" log --since 1h --until 2h
    must_fail 64 plumb -C "$repo" log nonsense
    says "verify, checkpoint and anchor"
    must_fail 64 plumb -C "$repo" log checkpoint --pin x
    sed -i '/^ledger:/d' "$repo/plumb.yaml"
    commit_all "$repo" "no remote"
    must_fail 1 plumb -C "$repo" log --fetch
    says "name a remote as 'ledger: remote:'"
}
