#!/usr/bin/env bats
# shellcheck disable=SC2154 # sim.bash sets $repo
# What an apply would do and whether the gate lets it, with real Terraform on the simulated cloud.
load helpers
load sim
load gate

@test "nothing to do, and what Git asks for is allowed" {
    sim_applied
    output=$(plumb -C "$repo" plan)
    says "nothing to apply" "no changes" "nothing was verified yet"
    must plumb -C "$repo" audit --save-baseline
    later
    must_fail 2 plumb -C "$repo" plan
    says "allowed: " "all explained by Git" "last verified at commit" \
        "allow  update  sim_record.www" "decided by the default for git"
    plan_json 2
    [ "$(cause sim_record.www)" = "git allow" ]
    [ -z "$(refusals)" ]
}

@test "an outside change is undone only after a yes, and overwritten not at all" {
    sim_applied
    must plumb -C "$repo" audit --save-baseline
    sim_change servers web-0 '{"tags": {"by": "hand"}}'
    sim_change records www '{"ttl": 3600}'
    plan_json 2
    [ "$(cause 'sim_server.web[0]')" = "revert ask" ]
    [ "$(cause sim_record.www)" = "revert ask" ]
    later
    must_fail 3 plumb -C "$repo" plan
    says "refused: 1 of" "deny  update  sim_record.www" \
        "overwrites a change made outside of Git with another"
    plan_json 3
    [ "$(cause sim_record.www)" = "overwrite deny" ]
}

# Once it said 'nothing to apply', since the audit calls this computed.
@test "a default that the provider takes back is planned, though Git is silent about it" {
    sim_applied 'resource "sim_record" "silent" {
  zone   = "example.org"
  name   = "silent"
  type   = "A"
  values = ["192.0.2.7"]
}'
    must plumb -C "$repo" audit --save-baseline
    sim_change records silent '{"ttl": 77}'
    output=$(plumb -C "$repo" audit --format json)
    [ "$(sim_verdict sim_record.silent)" = "computed ttl=computed" ]
    plan_json 2
    [ "$(cause sim_record.silent)" = "revert ask" ]
}

@test "a stale branch is refused: it would take back what was applied" {
    sim_applied
    git -C "$repo" branch old
    later
    sim_terraform apply -input=false -auto-approve
    must plumb -C "$repo" audit --save-baseline
    git -C "$repo" checkout -q old
    must_fail 3 plumb -C "$repo" plan
    says "stale-commit" "would take back what others applied" "remedy: rebase or merge"
    refused_for stale-commit
    git -C "$repo" merge -q main
    output=$(plumb -C "$repo" plan)
    says "nothing to apply"
}

@test "what is not committed is no plan, and a named commit does not mind" {
    sim_applied
    cp "$SIM_DEMO/later/sizes.tf" "$repo"
    must_fail 3 plumb -C "$repo" plan
    says "dirty-tree" "'sizes.tf' is not committed"
    output=$(plumb -C "$repo" plan --rev HEAD)
    says "nothing to apply"
    git -C "$repo" checkout -q .
    mkdir "$repo/shop"
    git -C "$repo" mv main.tf sizes.tf .terraform.lock.hcl shop
    printf 'version: 1\nunits:\n  - {name: shop, path: shop}\n' >"$repo/plumb.yaml"
    commit_all "$repo" "in a folder"
    echo '# no unit has it, and it decides' >>"$repo/plumb.yaml"
    must_fail 3 plumb -C "$repo" plan
    says "dirty-tree" "'plumb.yaml' is not committed"
}

@test "something deleted outside is made again, and something Git drops is told from a stranger" {
    sim_applied
    must plumb -C "$repo" audit --save-baseline
    sim_change records www
    plan_json 2
    [ "$(cause sim_record.www)" = "revert ask" ]
    sed -i '/^resource "sim_record" "www"/,/^}/d' "$repo/main.tf"
    commit_all "$repo" "no www"
    output=$(plumb -C "$repo" plan || true)
    says_not "deny"
    rm -r "$HOME/.local/state/plumb/baseline"
    sed -i '/^resource "sim_firewall" "web"/,/^}/d' "$repo/main.tf"
    commit_all "$repo" "no firewall"
    output=$(plumb -C "$repo" plan --format json || true)
    [ "$(cause sim_firewall.web)" = "unexplained deny" ]
}

# Once it was deleted as if nobody had touched it: without a block there is no declared value.
@test "what somebody changed is not deleted unasked because Git drops it" {
    sim_applied
    must plumb -C "$repo" audit --save-baseline
    sim_change records www '{"ttl": 3600}'
    sed -i '/^resource "sim_record" "www"/,/^}/d' "$repo/main.tf"
    commit_all "$repo" "no www"
    must_fail 3 plumb -C "$repo" plan
    says "deny delete sim_record.www overwrite" "ttl: somebody changed it outside of Git"
}

@test "the rules, the protected and the limits of plumb.yaml" {
    sim_applied
    must plumb -C "$repo" audit --save-baseline
    sim_change servers web-0 '{"tags": {"by": "hand"}}'
    gate '  rules:
    - {cause: [revert], address: "sim_server.web", decide: deny, reason: ask the web team}
  protected:
    - {address: sim_record.www, reason: customers know it}
  max_delete: 0'
    plan_json 3
    [ "$(cause 'sim_server.web[0]')" = "revert deny" ]
    says "plumb.yaml:4 (ask the web team)"
    # A commit that takes the protection away and deletes at once finds the old one.
    must_fail 2 plumb -C "$repo" audit --save-baseline
    sed -i '/^resource "sim_record" "www"/,/^}/d' "$repo/main.tf"
    rm "$repo/plumb.yaml"
    commit_all "$repo" "no www, no rules"
    plan_json 3
    [ "$(cause sim_record.www)" = "git deny" ]
    says "protected by plumb.yaml:6 of " "customers know it"
    [[ "$(refusals)" = *too-many-deletes* ]]
}

@test "a commit that is not on the branch of the remote is refused" {
    sim_applied
    gate '  branch: main'
    refused_for not-merged
    remote
    git -C "$repo" push -q origin main
    plan_json 0
    later
    refused_for not-merged
    git -C "$repo" push -q origin main
    plan_json 2
}

@test "a commit cannot do away with the branch that it has to be on" {
    sim_applied
    remote
    gate '  branch: main'
    git -C "$repo" push -q origin main
    must plumb -C "$repo" audit --save-baseline
    later
    echo 'version: 1' >"$repo/plumb.yaml"
    commit_all "$repo" "no gate"
    refused_for not-merged
    git -C "$repo" push -q origin main:own
    gate '  branch: own'
    git -C "$repo" push -q origin main:own
    refused_for not-merged
    git -C "$repo" push -q origin main
    plan_json 2
}

@test "what cannot be seen is not allowed by any rule" {
    sim_applied
    gate '  rules:
    - {decide: allow}'
    later
    sim_fault '{"match": "GET /v1/records*", "kind": "status", "status": 403}'
    plan_json 3
    [ "$(cause sim_record.www)" = "unseen ask" ]
    [ "$(refusals)" = incomplete-plan ]
    says "what changed outside could not be planned" "status 403"
    gate '  coverage: all'
    refused_for incomplete-plan coverage
    sim_as sim-control-token DELETE /control/faults
    output=$(plumb -C "$repo" plan --format json || true)
    [ -z "$(refusals)" ]
}

@test "a plan shows no secret, and leaves nothing" {
    sim_applied
    later
    mkdir "$BATS_TEST_TMPDIR/tmp"
    TMPDIR=$BATS_TEST_TMPDIR/tmp must_fail 2 plumb -C "$repo" plan --format json
    says_not sim-admin-token
    [ -z "$(ls -A "$BATS_TEST_TMPDIR/tmp")" ]
}
