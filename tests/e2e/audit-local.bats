#!/usr/bin/env bats
# audit, explain and observe with the real tool, where nothing is live: terraform_data.
load helpers

setup() {
    setup_environment
    need terraform
    repo=$(temp_repo estate)
    printf '*.tfstate*\n.terraform/\n' >"$repo/.gitignore"
    cat >"$repo/main.tf" <<'TF'
terraform {
  backend "local" {}
}
resource "terraform_data" "a" {
  input = "one"
}
resource "terraform_data" "b" {
  count = 2
  input = { n = count.index, list = ["x", "y"] }
}
TF
    commit_all "$repo" start
    cd "$repo" || return
    terraform init -input=false >/dev/null
    terraform apply -auto-approve -input=false >/dev/null
}

@test "a clean estate is plumb, and the second audit plans nothing" {
    must plumb -C "$repo" audit
    output=$(plumb -C "$repo" audit)
    says "plumb: all 3 resources are what Git says" "from the cache" "3 of 3 resources"
}

@test "a new commit is pending, from the subfolder too, and JSON fits its schema" {
    sed -i 's/"one"/"two"/' "$repo/main.tf"
    output=$(plumb -C "$repo" audit)
    says "what Git says" # not committed: it plays no part
    commit_all "$repo" two
    must_fail 2 plumb -C "$repo" audit
    says "1 pending" "terraform_data.a" '"two"'
    must_fail 2 plumb -C "$repo" audit --format json
    fits report.schema.json
    [ "$(json 'd["summary"]["by_verdict"]["pending"]')" = 1 ]
    must plumb -C "$repo" audit --fail-on drifted
    must plumb -C "$repo" audit --ignore terraform_data.a
    must plumb -C "$repo" audit --target terraform_data.b
    must plumb -C "$repo" audit --rev HEAD~1
    must_fail 64 plumb -C "$repo" audit --target terraform_data.zz
    says "nothing has the address"
}

@test "an ignore rule that matches nothing is told, and one whose attribute agrees is not" {
    printf 'version: 1\nignore:\n%s\n%s\n%s\n%s\n%s\n' \
        '  - {address: terraform_data.zz, reason: r}' '  - {path: inputt, reason: r}' \
        '  - {address: terraform_data.a, path: input, reason: r}' \
        '  - {address: "/terraform_data[.]b.*/", path: /inp.*t/, reason: r}' \
        '  - {address: terraform_data.b, path: /nothing/, reason: r}' >"$repo/plumb.yaml"
    commit_all "$repo" rules
    output=$(plumb -C "$repo" audit --ignore 'terraform_data.a:nope' --ignore terraform_data.b)
    says "notice: the ignore rule at plumb.yaml:3 matches nothing: no resource has the address" \
        "rule at plumb.yaml:4 matches nothing: no resource has the attribute 'inputt'" \
        "plumb.yaml:7 matches nothing: no resource that it names has the attribute '/nothing/'" \
        "--ignore 'terraform_data.a:nope' matches nothing"
    [ "$(grep -c "matches nothing" <<<"$output")" = 4 ]
    output=$(plumb -C "$repo" audit --format json)
    fits report.schema.json
    [ "$(json '[x["code"] for x in d["diagnostics"]].count("ignore-unused")')" = 3 ]
    output=$(plumb -C "$repo" audit --unit "$(json 'd["units"][0]["name"]')")
    says_not "matches nothing"
    output=$(plumb -C "$repo" audit --target terraform_data.a)
    says_not "matches nothing"
}

@test "two reports from one audit, each whole in its file" {
    must plumb -C "$repo" audit -f json -o "$BATS_TEST_TMPDIR/a.json" \
        -f text -o "$BATS_TEST_TMPDIR/a.txt"
    [ "$(json 'd["summary"]["exit_code"]' "$BATS_TEST_TMPDIR/a.json")" = 0 ]
    grep -q "what Git says" "$BATS_TEST_TMPDIR/a.txt"
    must_fail 1 plumb -C "$repo" audit -o /nowhere/a.txt
}

@test "explain tells three values and the commit; a wrong address gets a suggestion" {
    output=$(plumb -C "$repo" explain 'terraform_data.b[1]')
    says "in_sync" "in sync:" "output.n" "main.tf:7" "start"
    sed -i 's/"one"/"two"/' "$repo/main.tf"
    commit_all "$repo" two
    output=$(plumb -C "$repo" explain terraform_data.a)
    says "pending (update)" "declared" "recorded" "live" '"two"' "main.tf:4" ": two"
    must_fail 1 plumb -C "$repo" explain terraform_data.c
    says "did you mean 'terraform_data.a'?"
}

@test "observe prints every resource in order" {
    output=$(plumb -C "$repo" observe)
    [ "$(json '[r["address"] for r in d["units"][0]["resources"]]')" = \
        '["terraform_data.a", "terraform_data.b[0]", "terraform_data.b[1]"]' ]
}

@test "one unit that fails does not hide the other, exit 1" {
    mkdir "$repo/broken"
    printf 'terraform {\n  backend "local" {}\n}\nresource "terraform_data" "x" {\n' \
        >"$repo/broken/main.tf"
    printf 'version: 1\nunits:\n  - {name: good, path: .}\n  - {name: bad, path: broken}\n' \
        >"$repo/plumb.yaml"
    commit_all "$repo" units
    must_fail 1 plumb -C "$repo" audit
    says "1 of 2 units could not be audited" "3 in sync" "bad"
    must plumb -C "$repo" audit --unit good
}
