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
