#!/usr/bin/env bats
# shellcheck disable=SC2154 # sim.bash sets $repo
# Plan, gate, apply, verify, record, with real Terraform on the simulated cloud.
load helpers
load sim
load gate

sim_world() {
    sim_up --state "$BATS_TEST_TMPDIR/cloud.json" --page-size 3
    sim_initialised
}

apply() { # CODE [ARG...]; output in $output
    ends "$1" plumb -C "$repo" apply "${@:2}"
}

evidence() { # [ARG...]
    plumb -C "$repo" plan --format json "$@" >"$BATS_TEST_TMPDIR/plan.json" || true
    output=$(cat "$BATS_TEST_TMPDIR/plan.json")
    json "d['units'][0]['evidence']"
}

no_area_left() {
    [ -z "$(find "$HOME/.local/state/plumb/apply" -name current)" ]
}

@test "the first apply makes everything, verifies it and remembers it" {
    sim_world
    apply 0
    says "allow  create  sim_network.main  git" "done    create   sim_network.main" \
        "applied: 9 created; verified"
    [ -s "$repo/terraform.tfstate" ]
    no_area_left
    output=$(plumb -C "$repo" audit)
    output=$(plumb -C "$repo" plan)
    says "nothing to apply" "last verified at commit"
    apply 0
    says "nothing to apply"
    sim_terraform plan -input=false -detailed-exitcode
    output=$(plumb -C "$repo" log --kind apply)
    says "shop" "$(git -C "$repo" rev-parse --short=8 HEAD)"
    output=$(plumb -C "$repo" log verify)
    [ "$(git -C "$repo" ls-tree -r --name-only refs/plumb/live/shop | wc -l)" = 9 ]
}

@test "the result as JSON is what its schema says" {
    sim_world
    apply 0 --format json
    printf '%s' "$output" >"$BATS_TEST_TMPDIR/apply.json"
    "$PLUMB_TEST_PYTHON" -c 'import json, sys, jsonschema
jsonschema.validate(json.load(open(sys.argv[1])), json.load(open(sys.argv[2])))' \
        "$BATS_TEST_TMPDIR/apply.json" "$PLUMB_ROOT/schemas/apply.schema.json"
    [ "$(json "' '.join([d['end'], d['verified'], str(d['exit_code']), d['approval']])")" = \
        "applied yes 0 policy" ]
    [ "$(json "all(c['state'] == 'done' and c['verified'] == 'yes' and bool(c['id'])
        for c in d['changes'])")" = true ]
    [ "$(json "d['before']['lineage'] is None and d['after']['serial'] > 0")" = true ]
}

# After an apply that was interrupted the next commit was refused as if somebody had been there.
@test "an apply that finds nothing to do has verified what is there" {
    sim_world
    apply 0
    later
    sim_terraform apply -auto-approve -input=false
    apply 0
    says "nothing to apply"
    cp "$SIM_DEMO/sizes.tf" "$repo"
    commit_all "$repo" "as before"
    apply 0
    says "git" "updated; verified"
}

@test "what Git changes is applied, and what is destroyed is gone" {
    sim_world
    apply 0
    later
    apply 0
    says "applied: " "updated" "verified"
    sed -i '/^resource "sim_record" "www"/,/^}/d' "$repo/main.tf"
    commit_all "$repo" "no www"
    apply 0
    says "applied: 1 deleted; verified"
    sim GET "/v1/records?name=www"
    [ "$(json "len(d['items'])")" = 0 ]
}

@test "the founding story: a fix by hand, and an apply from a stale branch" {
    sim_world
    apply 0
    git -C "$repo" branch old
    later
    apply 0
    # Somebody opens the firewall by hand.
    sim_change firewalls web '{"rules": [{"protocol": "tcp", "port_from": 22, "port_to": 22}]}'
    git -C "$repo" checkout -q old
    apply 3
    says "stale-commit" "would take back what others applied" "not applied" "nothing was touched"
    says "sim_firewall.web" "(\"larger servers, shorter ttl\"), which was applied last"
    git -C "$repo" rebase -q main
    # The commit is fine now; what was done by hand needs a yes, and there is no terminal.
    apply 3 --auto-approve
    says "ask  update  sim_firewall.web  revert" "'--approve" "not applied"
    local hash
    hash=$(evidence)
    apply 3 --approve "${hash:0:11}0000"
    says "look at the plan again"
    apply 0 --approve "${hash:0:16}"
    says "applied: 1 updated; verified"
    output=$(plumb -C "$repo" log --since 1h --kind apply --format json)
    [ "$(json "' '.join(e['entry']['kind'].split('.')[1] for e in d['entries'])")" = \
        "started finished started finished refused refused refused started finished" ]
    output=$(plumb -C "$repo" log --address sim_firewall.web)
    says "stale-commit"
    output=$(plumb -C "$repo" log verify)
    no_area_left
}

@test "what fails half way is said, recorded, and goes on with the next apply" {
    sim_world
    sim_fault '{"match": "POST /v1/records", "kind": "status", "status": 500}'
    apply 1
    says "failed after" "sim_record.www"
    sim_as sim-control-token DELETE /control/faults
    apply 0
    says "applied: 2 created; verified"
    output=$(plumb -C "$repo" log --kind apply)
    output=$(plumb -C "$repo" log verify)
    no_area_left
}

@test "what comes late is waited for; what does not come is not called verified" {
    sim_world
    sim_settings '{"lag_ms": 1500}'
    apply 0
    says "applied: 9 created; verified"
}

@test "outputs alone are applied too, beside a state that Git was not told to ignore" {
    sim_world
    git -C "$repo" rm -q .gitignore
    git -C "$repo" commit -q -m "nothing is ignored"
    apply 0
    printf 'output "added" {\n  value = "x"\n}\n' >"$repo/out.tf"
    apply 3
    says "dirty-tree" "'out.tf' is not committed"
    git -C "$repo" add out.tf
    git -C "$repo" commit -q -m "an output"
    apply 0
    says "applied: no resource changed; verified"
    output=$(terraform -chdir="$repo" output -raw added)
    [ "$output" = x ]
}

@test "of two applies at once one waits or is turned away" {
    sim_world
    sim_fault '{"match": "POST /v1/networks", "kind": "delay", "delay_ms": 3000}'
    plumb -C "$repo" apply >"$BATS_TEST_TMPDIR/first" 2>&1 &
    local first=$!
    until compgen -G "$HOME/.local/state/plumb/apply/*/current/journal" >/dev/null; do
        kill -0 $first
        sleep 0.1
    done
    apply 5
    says "another apply of this unit is under way"
    wait $first
    output=$(cat "$BATS_TEST_TMPDIR/first")
    says "applied: 9 created; verified"
}

holds_the_lock() { # runs terraform apply as somebody else; $other is its process
    sim_terraform apply -input=false -auto-approve >/dev/null 2>&1 &
    other=$!
    until [ -e "$repo/.terraform.tfstate.lock.info" ]; do
        kill -0 $other
        sleep 0.1
    done
}

@test "a state that somebody else has locked is left alone, and said to be" {
    sim_world
    sim_fault '{"match": "POST /v1/networks", "kind": "delay", "delay_ms": 6000}'
    holds_the_lock
    apply 5 # the file is empty while the first apply holds it
    wait $other
    later
    sim_fault '{"match": "PATCH /v1/records/*", "kind": "delay", "delay_ms": 6000}'
    holds_the_lock
    apply 5
    says "the state of 'shop' is locked by " "OperationTypeApply" "--lock-timeout"
    wait $other
    apply 0
    says "nothing to apply"
}

@test "options of the command line: a target, a replacement, the destruction of all" {
    sim_world
    apply 0
    apply 3 -replace=sim_record.www -auto-approve
    says "sim_record.www"
    local hash
    hash=$(evidence -replace=sim_record.www)
    apply 0 -replace=sim_record.www --approve "$hash"
    says "applied: 1 replaced; verified"
    apply 0 -target=sim_record.www
    says "nothing to apply"
    sim_change records www '{"ttl": 5}'
    apply 0 -target=sim_record.www --approve "$(evidence -target=sim_record.www)"
    says "applied: 1 updated; verified"
    [ "$(git -C "$repo" ls-tree -r --name-only refs/plumb/live/shop | wc -l)" = 9 ]
    output=$(plumb -C "$repo" audit)
    apply 0 -destroy --approve "$(evidence -destroy)"
    says "applied: 9 deleted; verified"
    [ -z "$(git -C "$repo" ls-tree -r --name-only refs/plumb/live/shop)" ]
}

# at_terminal CODE PROMPT ANSWER [ARG...]
at_terminal() {
    local code=$1 prompt=$2 answer=$3 got=0
    shift 3
    output=$("$PLUMB_TEST_PYTHON" "$PLUMB_ROOT/tests/support/typed" "$prompt" "$answer" \
        "$PLUMB" -C "$repo" apply "$@") || got=$?
    [ "$got" = "$code" ] || {
        printf 'exit %s, not %s\n%s\n' "$got" "$code" "$output" >&2
        return 1
    }
}

@test "at a terminal somebody is asked, and types the name of the unit where something goes" {
    sim_world
    at_terminal 3 "type 'yes'" no
    says "not applied: nobody said yes" "nothing was touched"
    at_terminal 3 "type 'yes'" ^D
    at_terminal 130 "type 'yes'" ^C
    at_terminal 130 "type 'yes'" '^C*'
    at_terminal 0 "type 'yes'" yes
    says "applied: 9 created; verified" "applying ["
    sed -i '/^resource "sim_record" "www"/,/^}/d' "$repo/main.tf"
    commit_all "$repo" "no www"
    at_terminal 3 "type the unit's name ('shop')" yes
    at_terminal 0 "type the unit's name ('shop')" shop
    says "applied: 1 deleted; verified"
    output=$(plumb -C "$repo" log --kind apply --format json)
    [ "$(json "d['entries'][-1]['entry']['body']['verified']")" = true ]
    no_area_left
}

@test "Ctrl-C ends it in good order, and what was made is recorded" {
    sim_world
    sim_fault '{"match": "POST /v1/servers", "kind": "delay", "delay_ms": 2000}'
    at_terminal 130 "create   sim_server.web" ^C --auto-approve
    says "interrupted after"
    sim_as sim-control-token DELETE /control/faults
    no_area_left
    apply 0
    says "; verified"
    [ "$(sim GET /v1/servers && json "len(d['items'])")" = 2 ]
}

@test "the live view fits into a small terminal, where what scrolls away cannot be erased" {
    sim_world
    sim_fault '{"match": "POST /v1/*", "kind": "delay", "delay_ms": 3000}'
    TYPED_SIZE=6x38 TYPED_RAW=1 at_terminal 0 "applying" "" --auto-approve
    printf '%s' "$output" >"$BATS_TEST_TMPDIR/raw"
    "$PLUMB_TEST_PYTHON" - "$BATS_TEST_TMPDIR/raw" <<'PY'
import re, sys
drawn = re.findall(r"(?m)(?:^|\x1b\[J)(applying [^\x1b]*)", open(sys.argv[1], newline="").read())
rows = [[line for line in d.split("\n") if line.strip()] for d in drawn]
assert len(rows) > 3 and max(map(len, rows)) <= 5, rows
assert max(len(line) for r in rows for line in r) < 38, rows
assert any("[" in r[0] and re.fullmatch("  and [1-9] more", r[-1]) for r in rows), rows
PY
}
