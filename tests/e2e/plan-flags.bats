#!/usr/bin/env bats
# shellcheck disable=SC2154 # sim.bash sets $repo
# Terraform's own options on plumb plan: what they add is not Git's, and the gate says so.
load helpers
load sim

shop() {
    sim_applied 'variable "ttl" {
  type    = number
  default = 300
}
resource "sim_record" "spare" {
  zone   = "shop.example"
  name   = "spare"
  type   = "A"
  ttl    = var.ttl
  values = ["192.0.2.9"]
}'
    must plumb -C "$repo" audit --save-baseline
}

# plan_of CODE DIR ARG...: "address cause decision" lines of the changes in $changes
plan_of() {
    ends "$1" env -C "$2" "$PLUMB" plan --format json "${@:3}"
    changes=$(json "'; '.join('%s %s %s' % (c['address'], c['cause'], c['decision'])
        for u in d['units'] for c in u['changes'])")
    refusals=$(json "' '.join(r['code'] for u in d['units'] for r in u['refusals'])")
}

@test "a variable from the command line makes nothing Git's" {
    shop
    plan_of 3 "$repo" -var ttl=77
    [ "$changes" = "sim_record.spare unexplained deny" ]
    [ "$(json 'd["units"][0]["added"]')" = '["-var ttl"]' ]
    must_fail 3 plumb -C "$repo" plan -var=ttl=77
    says "not in Git, but asked for here: -var ttl" "variable ttl from the command line"
    plan_of 0 "$repo" -var ttl=300
    [ -z "$changes" ]
    # The same plan without it is nothing to do: nothing of it was kept.
    plan_of 0 "$repo"
    [ -z "$changes" ]
}

@test "a var file counts as Git's when the commit has it as it is" {
    shop
    mkdir "$repo/vars"
    echo 'ttl = 78' >"$BATS_TEST_TMPDIR/own.tfvars"
    plan_of 3 "$repo" -var-file "$BATS_TEST_TMPDIR/own.tfvars"
    [ "$changes" = "sim_record.spare unexplained deny" ]
    cp "$BATS_TEST_TMPDIR/own.tfvars" "$repo/vars/own.tfvars"
    commit_all "$repo" "own variables"
    # Relative to where the person stands, -chdir included.
    plan_of 2 "$BATS_TEST_TMPDIR" -chdir="$repo/vars/.." -var-file=vars/own.tfvars
    [ "$changes" = "sim_record.spare git allow" ]
    echo 'ttl = 79' >"$repo/vars/own.tfvars"
    plan_of 3 "$repo" -var-file=vars/own.tfvars
    [ "$changes" = "sim_record.spare unexplained deny" ]
    must_fail 64 plumb -C "$repo" plan -var-file=none.tfvars
    says "the variable file 'none.tfvars' cannot be read"
}

@test "targets narrow the plan, and a plan that is narrowed on purpose is complete" {
    shop
    cp "$SIM_DEMO/later/sizes.tf" "$repo"
    commit_all "$repo" "larger servers, shorter ttl"
    plan_of 2 "$repo" -target='sim_server.web[0]'
    [ "$changes" = "sim_server.web[0] git allow" ]
    [ -z "$refusals" ]
}

@test "-replace and -destroy are asked about, and show the drift that they would take along" {
    shop
    plan_of 2 "$repo" -replace=sim_record.spare
    [ "$changes" = "sim_record.spare requested ask" ]
    sim_change records spare '{"ttl": 3600}'
    plan_of 2 "$repo" -destroy -no-color -input=false
    [ "$(json "' '.join(set(c['action'] + ' ' + c['cause'] for u in d['units']
        for c in u['changes']))")" = "delete requested" ]
    [ "$(json "[a['live'] for u in d['units'] for c in u['changes'] for a in c['attributes']
        if c['address'] == 'sim_record.spare'][0]")" = 3600 ]
}

@test "-refresh=false leaves alone what changed outside" {
    shop
    sim_change records spare '{"ttl": 3600}'
    plan_of 2 "$repo"
    [ "$changes" = "sim_record.spare revert ask" ]
    plan_of 0 "$repo" -refresh=false
    [ -z "$changes" ]
}

@test "with several units such a plan is about one, that of the folder" {
    shop
    printf 'version: 1\nunits: [{name: shop, path: .}, {name: other, path: other}]\n' \
        >"$repo/plumb.yaml"
    mkdir "$repo/other"
    printf 'terraform {\n  backend "local" {}\n}\nresource "terraform_data" "a" {}\n' \
        >"$repo/other/main.tf"
    commit_all "$repo" "two units"
    plan_of 2 "$repo/other" -target=terraform_data.a
    [ "$(json "[u['name'] for u in d['units']][0]")" = other ]
    mkdir "$repo/empty"
    must_fail 64 plumb -C "$repo/empty" plan -target=terraform_data.a
    says "this is about one unit, and there are 2: name one with --unit"
}
