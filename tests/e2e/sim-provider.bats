#!/usr/bin/env bats
# shellcheck disable=SC2154 # sim.bash sets $repo
# terraform-provider-sim under real Terraform: what the other tests that use it rest on.
load helpers
load sim

state() { # TYPE NAME EXPRESSION over the attributes `a` and the instance `i`
    python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
i = [r for r in d["resources"] if (r["type"], r["name"]) == tuple(sys.argv[2:4])][0]["instances"][0]
a = i["attributes"]
print(json.dumps(eval(sys.argv[4])))' "$repo/terraform.tfstate" "$@"
}

no_changes() {
    sim_terraform plan -input=false -detailed-exitcode
}

@test "validate, plan, apply, plan without changes, replace, destroy" {
    sim_applied
    sim_terraform validate
    no_changes
    sed -i 's/10\.20\.0\.0/10.21.0.0/' "$repo/main.tf"
    sim_terraform plan -input=false
    says "forces replacement" "4 to add" "2 to change" "4 to destroy"
    sim_terraform apply -input=false -auto-approve
    no_changes
    sim_terraform destroy -input=false -auto-approve
    sim GET /v1/servers
    [ "$(json 'd["items"]')" = "[]" ]
    [ -z "$(find /proc/[0-9]* -maxdepth 1 -name cwd -lname "$repo*" 2>/dev/null)" ]
}

@test "what is wrong in a configuration is said before anything is made" {
    sim_applied
    sed -i 's/local.server_size/"gigantic"/' "$repo/main.tf"
    must_fail 1 sim_terraform plan -input=false
    says "'size' must be one of: small medium large." 'on main.tf line'
    sed -i 's/"gigantic"/"small"/; s/^  value = .*//' "$repo/main.tf"
    must_fail 1 sim_terraform validate
    says "Exactly one of 'value' and 'value_wo'"
}

@test "import takes an id, and refuses what does not exist" {
    sim_applied
    id=$(state sim_disk data 'a["id"]')
    sim_terraform state rm sim_disk.data sim_bucket.assets
    sim_terraform import -input=false sim_disk.data "${id//\"/}"
    sim_terraform import -input=false sim_bucket.assets shop-assets
    no_changes
    sim_terraform state rm sim_disk.data
    must_fail 1 sim_terraform import -input=false sim_disk.data disk-999999
    says "Cannot import non-existent remote object"
}

@test "an apply that fails half way keeps what was made, and the next one finishes" {
    sim_up --state "$BATS_TEST_TMPDIR/cloud.json"
    sim_fault '{"match": "PATCH /v1/disks/*", "kind": "status", "status": 500}'
    sim_initialised
    must_fail 1 sim_terraform apply -input=false -auto-approve
    says "Cannot create the disk" "500"
    [ "$(state sim_disk data 'i["status"], a["name"]')" = '["tainted", "data"]' ]
    sim_as sim-control-token DELETE /control/faults
    sim_terraform apply -input=false -auto-approve
    says "1 added, 0 changed, 1 destroyed"
    no_changes
}

@test "a state of an older schema version is upgraded" {
    sim_applied
    python3 - "$repo/terraform.tfstate" <<'PY'
import json, sys
d = json.load(open(sys.argv[1]))
for r in d["resources"]:
    if r["type"] == "sim_disk":
        i = r["instances"][0]
        i["schema_version"] = 0
        a = i["attributes"]
        a["size"], a["server_id"] = a.pop("size_gb"), a.pop("attachment")["server_id"]
d["serial"] += 1
json.dump(d, open(sys.argv[1], "w"))
PY
    sim_terraform plan -input=false -refresh=false -detailed-exitcode # a refresh sees it anyway
    no_changes
    sim_terraform apply -input=false -auto-approve
    sim_terraform apply -refresh-only -input=false -auto-approve
    must plumb -C "$repo" audit
}

@test "no value of a secret is in a plan's text, and a write-only one not in the state" {
    sim_applied 'resource "sim_secret" "wo" {
  name             = "wo"
  value_wo         = "never-stored"
  value_wo_version = 1
}'
    must_fail 1 grep -r never-stored "$repo/terraform.tfstate"
    sim GET "/v1/secrets/$(sim_id secrets wo)/value"
    says never-stored
    sed -i 's/never-stored/sent-again/; s/_version = 1/_version = 2/' "$repo/more.tf"
    sim_terraform plan -input=false
    says_not sent-again
    sim_terraform apply -input=false -auto-approve
    sim GET "/v1/secrets/$(sim_id secrets wo)/value"
    says sent-again
}

@test "values of every shape come back as they went, through Terraform and both observers" {
    sim_up --page-size 3
    sim_initialised
    rm "$repo"/*.tf
    cp "$PLUMB_ROOT/fixtures/sim/shapes/main.tf" "$repo"
    commit_all "$repo" shapes
    sim_terraform apply -input=false -auto-approve
    no_changes
    must plumb -C "$repo" audit --observer rest
    must plumb -C "$repo" audit --observer provider
}

@test "a write whose answer is lost is an error, and nothing is believed" {
    sim_up
    sim_fault '{"match": "POST /v1/buckets", "kind": "reset", "when": "after", "times": 1}'
    sim_initialised
    must_fail 1 sim_terraform apply -input=false -auto-approve
    says "Cannot create the bucket"
    must_fail 1 sim_terraform apply -input=false -auto-approve
    says "status 409" "is already there"
    sim_terraform import -input=false sim_bucket.assets shop-assets
    sim_terraform apply -input=false -auto-approve
    no_changes
}

@test "the same JSON in another spelling is no change" {
    sim_applied
    spelled='{"write": ["deploy"],   "read": ["everybody"]}'
    sed -i "s/^  policy = .*/  policy = <<-JSON\n    $spelled\n  JSON/" "$repo/main.tf"
    no_changes
    sed -i 's/\["deploy"\]/[]/' "$repo/main.tf"
    must_fail 2 no_changes
}
