#!/usr/bin/env bats
# shellcheck disable=SC2154 # sim.bash sets $repo
# refs/plumb/live/: reality under version control, written by audit --record.
load helpers
load sim

setup() {
    setup_environment
    git init -q -b main --bare "$BATS_TEST_TMPDIR/remote.git"
    sim_recorded
    echo 'ledger: {name: first, remote: origin}' >>"$repo/plumb.yaml"
    commit_all "$repo" ledger
    git -C "$repo" remote add origin "$BATS_TEST_TMPDIR/remote.git"
    live=refs/plumb/live/shop
    PLUMB_NOW=2026-11-19T14:00:00Z must plumb -C "$repo" audit --record --quiet >/dev/null
}

# record [OPTION...]: what happens is a difference, or cannot be seen
record() {
    local code=0
    PLUMB_NOW=2026-11-19T15:00:00Z plumb -C "$repo" audit --record --quiet "$@" >/dev/null ||
        code=$?
    [[ $code = 2 || $code = 4 ]]
}

commits() {
    git -C "$repo" rev-list --count "$live"
}

# objects REPO: the content of everything that is there, reachable or not
objects() {
    git -C "$1" cat-file --batch-all-objects --batch-check='%(objectname) %(objecttype)' |
        while read -r id type; do
            git -C "$1" cat-file "$type" "$id" | tr '\0' '\n'
        done
}

@test "live: a file for each resource, a commit for each change, the same on the remote" {
    [ "$(commits)" = 1 ]
    [ "$(git -C "$repo" ls-tree -r --name-only "$live" | wc -l)" = 9 ]
    git -C "$repo" cat-file -e "$live:sim_server.web[0].json"
    must plumb -C "$repo" audit --record --quiet >/dev/null
    [ "$(commits)" = 1 ]
    sim_change firewalls web '{"rules": [{"protocol": "tcp", "port_from": 22, "port_to": 22}]}'
    sim_change records mail
    record
    output=$(git -C "$repo" log -p -1 "$live")
    says "live shop: 1 changed, 1 gone" "seen 2026-11-19T15:00:00Z" \
        "commit $(git -C "$repo" rev-parse HEAD)" "deleted file" '-        "port_from": 443,' \
        '+        "port_from": 22,'
    says_not "sim_server"
    [ "$(git -C "$repo" rev-parse "$live")" = \
        "$(git -C "$BATS_TEST_TMPDIR/remote.git" rev-parse "$live")" ]
    must git -C "$repo" fsck --strict
}

@test "live: what cannot be seen keeps its file, with --target the others keep theirs" {
    sim_change firewalls web '{"name": "other"}'
    sim_fault '{"match": "GET /v1/records*", "kind": "status", "status": 403}'
    record
    output=$(git -C "$repo" log -1 --format=%B "$live")
    says "live shop: 1 changed" "not seen, and left as they were" "sim_record.mail" "sim_record.www"
    [ "$(git -C "$repo" ls-tree -r --name-only "$live" | wc -l)" = 9 ]
    sim_change firewalls other
    record --target sim_firewall.web
    [ "$(git -C "$repo" ls-tree -r --name-only "$live" | wc -l)" = 8 ]
    [ -z "$(git -C "$repo" ls-tree "$live" sim_firewall.web.json)" ]
}

@test "live: a resource that no state has any more goes" {
    "$PLUMB_TEST_PYTHON" -c 'import json, sys
s = json.load(open(sys.argv[1]))
s["serial"] += 1
s["resources"] = [r for r in s["resources"] if r["type"] != "sim_record"]
json.dump(s, open(sys.argv[1], "w"))' "$repo/terraform.tfstate"
    record
    output=$(git -C "$repo" show --stat --format=%s "$live")
    says "live shop: 2 gone" "sim_record.www.json"
}

@test "live: no secret is in any object of the repository or its remote" {
    sim_change secrets api-key '{"value": "planted-in-the-cloud"}'
    sim_change servers web-1 '{"user_data": "planted-too-1", "tags": {"copy": "is planted-too-1"}}'
    sed -i 's/correct-horse[a-z-]*/planted-in-the-state/g' "$repo/terraform.tfstate"
    record
    [ "$(commits)" = 2 ]
    for where in "$repo" "$BATS_TEST_TMPDIR/remote.git"; do
        output=$(objects "$where")
        says '"value": "(sensitive)"' '"user_data": "(sensitive)"'
        says_not "planted"
    done
}

@test "live: the configuration keeps it here, or away" {
    sed -i '/^ledger:/d' "$repo/plumb.yaml"
    echo 'ledger: {name: first, remote: origin, live: local}' >>"$repo/plumb.yaml"
    commit_all "$repo" local
    sim_change firewalls web '{"name": "other"}'
    record
    [ "$(commits)" = 2 ]
    [ "$(git -C "$BATS_TEST_TMPDIR/remote.git" rev-list --count "$live")" = 1 ]
    sed -i 's/live: local/live: none/' "$repo/plumb.yaml"
    commit_all "$repo" none
    sim_change firewalls other '{"name": "another"}'
    record
    [ "$(commits)" = 2 ]
    sed -i 's/live: none/live: never/' "$repo/plumb.yaml"
    commit_all "$repo" never
    must_fail 1 plumb -C "$repo" audit
    says "push" "local" "none"
}
