#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2030,SC2031 # sim.bash sets $repo
# What the gate rests on and what it refuses, with real Terraform on the simulated cloud.
load helpers
load sim
load gate

evidence() {
    json "d['units'][0]['evidence']"
}

@test "the evidence is the same on two machines, and another one when something moved" {
    sim_applied
    later
    plan_json 2
    first=$(evidence)
    must_fail 2 plumb -C "$repo" plan
    says "evidence: sha256:$first"
    git clone -q "$repo" "$BATS_TEST_TMPDIR/there/shop"
    cp "$repo/terraform.tfstate" "$BATS_TEST_TMPDIR/there/shop"
    here=$repo repo=$BATS_TEST_TMPDIR/there/shop
    mkdir "$BATS_TEST_TMPDIR/there/home"
    HOME=$BATS_TEST_TMPDIR/there/home XDG_CACHE_HOME=$BATS_TEST_TMPDIR/there/cache plan_json 2
    [ "$(evidence)" = "$first" ]
    repo=$here
    sim_change servers web-0 '{"tags": {"by": "hand"}}'
    plan_json 2
    [ "$(evidence)" != "$first" ]
}

runs() { # NAME COMMAND [MORE]
    printf 'resource "terraform_data" "%s" {\n  triggers_replace = local.n\n' "$1"
    printf '  provisioner "local-exec" {\n    command = "%s"\n%s  }\n}\n' "$2" "${3-}"
}

starts() {
    json "' '.join('%s %s %s %s' % (c['decision'], s['what'], s['where'], s['origin'])
        for u in d['units'] for c in u['changes'] for s in c['starts'])"
}

@test "a provisioner is asked for unless it was verified, and denied when no commit has it" {
    sim_applied
    echo 'locals { n = 1 }' >"$repo/n.tf"
    runs a true >"$repo/run.tf"
    commit_all "$repo" "a"
    plan_json 2
    [ "$(starts)" = "ask local-exec run.tf:1 committed" ]
    says "'local-exec' of run.tf:1, of which no plan tells what it does" "gate: provisioners: allow"
    sim_terraform apply -input=false -auto-approve
    must plumb -C "$repo" audit --save-baseline
    # The same lines elsewhere in the file; replaced, it runs again; and another one, that does not.
    { echo '# more'; runs a true; runs b true $'    when = destroy\n'; } >"$repo/run.tf"
    echo 'locals { n = 2 }' >"$repo/n.tf"
    commit_all "$repo" "b"
    plan_json 2
    [ "$(starts)" = "allow local-exec run.tf:2 verified" ]
    sed -i 's/"true"/"false"/' "$repo/run.tf"
    commit_all "$repo" "false"
    plan_json 2
    [ "$(starts)" = "ask local-exec run.tf:2 committed" ]
    gate '  provisioners: deny'
    plan_json 3
    [ "$(starts)" = "deny local-exec run.tf:2 committed" ]
    gate '  provisioners: allow'
    plan_json 2
    [ "$(starts)" = "ask local-exec run.tf:2 committed" ]
    says "since the rules of "
    output=$(plumb -C "$repo" audit --save-baseline || true)
    sed -i 's/"false"/"exit 1"/' "$repo/run.tf"
    commit_all "$repo" "exit"
    plan_json 2
    [ "$(starts)" = "allow local-exec run.tf:2 committed" ]
    # Not there any more, it runs nothing that is for its creation.
    sed -i 's/^resource.*/&\n  count = 0/' "$repo/run.tf"
    commit_all "$repo" "none"
    plan_json 2
    [ "$(cause 'terraform_data.a[0]')" = "git allow" ]
    [ -z "$(starts)" ]
}

@test "a provisioner of a downloaded module is in no commit" {
    sim_applied
    mkdir "$BATS_TEST_TMPDIR/elsewhere"
    { echo 'locals { n = 1 }'; runs a true; } >"$BATS_TEST_TMPDIR/elsewhere/main.tf"
    git init -q -b main "$BATS_TEST_TMPDIR/elsewhere"
    commit_all "$BATS_TEST_TMPDIR/elsewhere" module
    printf 'module "far" {\n  source = "git::file://%s"\n}\n' "$BATS_TEST_TMPDIR/elsewhere" \
        >"$repo/far.tf"
    commit_all "$repo" far
    plan_json 3
    [ "$(starts)" = "deny local-exec None none" ]
    says "no commit of this repository has it"
}

# by ADDRESS: whose commit is behind a change.
by() {
    json "next((c['by'] and ' '.join(str(c['by'][k])
            for k in ('author', 'summary', 'file', 'line', 'scope'))
        for u in d['units'] for c in u['changes'] if c['address'] == '$1'), 'none')"
}

commit_as() { # NAME MESSAGE
    git -C "$repo" add -A
    git -C "$repo" commit -q --author "$1 <$1@example.com>" -m "$2"
}

@test "each change names the commit, the author and the lines that explain it" {
    sim_applied 'resource "sim_record" "x" {
  zone   = "example.org"
  name   = "x"
  type   = "A"
  values = ["192.0.2.7"]
  ttl    = local.wait
}
locals { wait = 60 }'
    must plumb -C "$repo" audit --save-baseline
    sed -i 's/192.0.2.7/192.0.2.8/' "$repo/more.tf"
    commit_as Ann "another address"
    echo '# nothing' >>"$repo/more.tf"
    commit_as Ben "a remark"
    must_fail 2 plumb -C "$repo" plan
    says 'changed by Ann, ' '"another address" (more.tf:5)'
    plan_json 2
    [ "$(by sim_record.x)" = "Ann another address more.tf 5 block" ]
    # The block is as it was verified: something that it depends on was changed.
    sed -i -e 's/192.0.2.8/192.0.2.7/' -e 's/wait = 60/wait = 70/' "$repo/more.tf"
    commit_as Cleo "longer"
    must_fail 2 plumb -C "$repo" plan
    says 'last change to what it depends on by Cleo, ' '"longer" (more.tf)'
    # Undone is what somebody declared, whenever that was.
    sim_change servers web-0 '{"tags": {"by": "hand"}}'
    plan_json 2
    [ "$(by 'sim_server.web[0]' | cut -d ' ' -f 2-)" = "$(git -C "$repo" log --format='%an %s' \
        --reverse | head -n 1 | cut -d ' ' -f 2-) main.tf $(grep -n '"sim_server" "web"' \
        "$repo/main.tf" | cut -d : -f 1) block" ]
}

@test "the rules of what was verified last hold, too" {
    sim_applied
    gate '  rules:
    - {cause: [revert], decide: deny, reason: not by hand}
  max_replace: 0'
    must plumb -C "$repo" audit --save-baseline
    sim_change servers web-0 '{"tags": {"by": "hand"}}'
    gate '  rules:
    - {cause: [revert], decide: allow}'
    plan_json 3
    [ "$(cause 'sim_server.web[0]')" = "revert deny" ]
    says "plumb.yaml:4 of $(git -C "$repo" rev-parse HEAD~1 | cut -c 1-8) (not by hand)"
    output=$(plumb -C "$repo" audit --save-baseline || true)
    plan_json 2
    [ "$(cause 'sim_server.web[0]')" = "revert allow" ]
}

@test "outside of its windows nothing is applied, and it says when it opens" {
    sim_applied
    gate '  windows:
    - {days: [mon, tue, wed, thu, fri], from: "09:00", to: "17:00", timezone: "+01:00"}
  freezes:
    - {from: 2026-12-20, until: 2027-01-04, reason: holidays}'
    later
    PLUMB_NOW=2026-11-20T10:00:00Z plan_json 2
    PLUMB_NOW=2026-11-20T17:00:00Z plan_json 3
    [ "$(refusals)" = closed ]
    says "it opens again at 2026-11-23T08:00:00Z"
    PLUMB_NOW=2026-12-21T10:00:00Z plan_json 3
    says "frozen by plumb.yaml:6 (holidays)" "it opens again at 2027-01-05T08:00:00Z"
    gate '  windows:
    - {timezone: Europe/Berlin}'
    must_fail 1 plumb -C "$repo" plan
    says "plumb.yaml:4: 'timezone' cannot be 'Europe/Berlin'"
}

@test "a state that is gone is not made again from nothing" {
    sim_applied
    must plumb -C "$repo" audit --save-baseline
    mv "$repo/terraform.tfstate" "$BATS_TEST_TMPDIR/old.tfstate"
    rm -r "$HOME/.local/state/plumb/seen"
    plan_json 3
    [ "$(refusals)" = state-lost ]
    says "there is no state, and 9 resources were verified" "accept-state --save-baseline"
    # It once was forgotten when a remote was added.
    git -C "$repo" remote add origin https://example.com/x/y.git
    plan_json 3
    [ "$(refusals)" = state-lost ]
    output=$(plumb -C "$repo" audit --accept-state --save-baseline || true)
    output=$(plumb -C "$repo" plan --format json || true)
    [ -z "$(refusals)" ]
}

# signed KEY MESSAGE: everything as a commit that is signed with that SSH key.
signed() {
    git -C "$repo" add -A
    git -C "$repo" -c gpg.format=ssh -c "user.signingkey=$BATS_TEST_TMPDIR/$1" commit -qS -m "$2"
}

@test "only who was allowed to sign before has a say" {
    sim_applied
    for key in ann ben; do
        ssh-keygen -q -t ed25519 -N '' -f "$BATS_TEST_TMPDIR/$key"
    done
    echo "ann@example.com $(cat "$BATS_TEST_TMPDIR/ann.pub")" >"$repo/signers"
    gate '  signatures: all
  allowed_signers: signers'
    plan_json 3
    [ "$(refusals)" = not-signed ]
    says "has no good signature of somebody in 'signers'"
    signed ann nothing || git -C "$repo" -c gpg.format=ssh \
        -c "user.signingkey=$BATS_TEST_TMPDIR/ann" commit -qS --amend --no-edit
    plan_json 0
    must plumb -C "$repo" audit --save-baseline
    # Whoever lets himself in is not let in; nor is the rule taken away by who is not.
    echo "ben@example.com $(cat "$BATS_TEST_TMPDIR/ben.pub")" >"$repo/signers"
    signed ben "me, too"
    plan_json 3
    [ "$(refusals)" = not-signed ]
    rm "$repo/signers" "$repo/plumb.yaml"
    signed ben "no rules"
    plan_json 3
    [ "$(refusals)" = not-signed ]
    # One that is good on top does not make up for what is below it.
    later
    signed ann "on top" || git -C "$repo" -c gpg.format=ssh \
        -c "user.signingkey=$BATS_TEST_TMPDIR/ann" commit -qS --amend --no-edit
    plan_json 3
    [ "$(refusals)" = not-signed ]
    says "$(git -C "$repo" rev-parse HEAD~1 | cut -c 1-8) has no good signature"
}

# policy BODY: a program on PATH named 'judge'.
policy() {
    mkdir -p "$BATS_TEST_TMPDIR/bin"
    printf '#!/bin/sh\n%s\n' "$1" >"$BATS_TEST_TMPDIR/bin/${2-judge}"
    chmod 755 "$BATS_TEST_TMPDIR/bin/${2-judge}"
}

@test "a policy of somebody else's is asked, and whatever is no answer denies" {
    sim_applied
    gate '  policies:
    - {name: freeze, command: [judge, x], timeout: 2s}'
    later
    plan_json 3
    says "there is no program 'judge' on PATH"
    PATH=$BATS_TEST_TMPDIR/bin:$PATH
    # shellcheck disable=SC2016 # its own
    policy 'cat >"$0.in"; env >"$0.env"; echo "{\"decision\": \"allow\"}"'
    plan_json 2
    [ "$(cause sim_record.www)" = "git allow" ]
    grep -q '"changes":\[{"action":"update"' "$BATS_TEST_TMPDIR/bin/judge.in"
    [ "$(cat "$BATS_TEST_TMPDIR"/bin/judge.* | grep -c 'sim-admin-token\|SIM_')" = 0 ]
    policy 'echo "{\"decision\": \"ask\", \"reasons\": [\"look\"]}"'
    plan_json 2
    [ "$(cause sim_record.www)" = "git ask" ]
    says "policy 'freeze' (plumb.yaml:4): look"
    while read -r want body; do
        policy "$body"
        plan_json 3
        [ "$(refusals)" = policy ]
        says "${want//_/ }"
    done <<'END'
no_really echo '{"decision": "deny", "reasons": ["no really"]}'
it_ended_with_3 echo '{"decision": "allow"}'; exit 3
no_JSON echo yes
does_not_answer echo '{"decision": "sure"}'
no_JSON true
longer_than_2000_ms exec sleep 60
over_1048576_bytes head -c 2000000 /dev/zero
killed_by_signal_9 kill -9 $$
END
}

@test "a policy of the repository is that of the last verified commit" {
    sim_applied
    printf '#!/bin/sh\necho %s\n' \
        "'{\"decision\": \"deny\", \"reasons\": [\"old\"]}'" >"$repo/judge"
    chmod 755 "$repo/judge"
    gate '  policies:
    - {name: own, command: [./judge]}'
    sed 's/old/new/' "$repo/judge" >"$BATS_TEST_TMPDIR/new"
    later
    plan_json 3
    says "nothing was verified yet"
    git -C "$repo" revert --no-edit -q HEAD 2>/dev/null || git -C "$repo" revert --no-edit HEAD
    must plumb -C "$repo" audit --save-baseline
    cp "$BATS_TEST_TMPDIR/new" "$repo/judge"
    rm "$repo/plumb.yaml"
    later
    plan_json 3
    says "policy 'own' (plumb.yaml:4 of $(git -C "$repo" rev-parse HEAD~1 | cut -c 1-8)): old"
    says_not '"decision":"new"'
    gate "  policies:
    - {name: tree, command: ['$repo/judge']}"
    plan_json 3
    says "lies in the work tree"
}

@test "rego goes to conftest, or to opa, and to nobody else" {
    sim_applied
    echo 'package main' >"$repo/p.rego"
    gate '  policies:
    - {name: rules, rego: p.rego}'
    later
    PATH=$BATS_TEST_TMPDIR/bin:$PATH
    command -v conftest opa || { plan_json 3; says "neither conftest nor opa is on PATH"; }
    opa='{"result": [{"expressions": [{"value": %s}]}]}'
    # shellcheck disable=SC2059 # it is the format
    policy "echo '$(printf "$opa" '{"deny": [], "warn": ["hm"]}')'" opa
    plan_json 2
    [ "$(cause sim_record.www)" = "git ask" ]
    # shellcheck disable=SC2059
    policy "echo '$(printf "$opa" '{}')'" opa
    plan_json 3
    says "has no set 'deny'"
    policy 'echo "[{\"successes\": 1, \"failures\": [{\"msg\": \"no\"}]}]"; exit 1' conftest
    plan_json 3
    says "policy 'rules' (plumb.yaml:4): no"
    policy 'echo "[{\"successes\": 0}]"' conftest
    plan_json 3
    says "no rule of it was tried"
    policy 'echo "[{\"successes\": 2}]"' conftest
    plan_json 2
    [ "$(cause sim_record.www)" = "git allow" ]
}
