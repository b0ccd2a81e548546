#!/usr/bin/env bats
# What a check says where nothing is planned: conflicts, trust, text, and the command line.
load helpers
load formats
load sandbox

# An estate with a base branch and a topic on it.
begin() {
    repo=$(fake_estate estate)
    commit_all "$repo" base
    git -C "$repo" branch base
}

edit() { # FROM TO MESSAGE
    sed -i "s/$1/$2/" "$repo/env/main.tf"
    commit_all "$repo" "$3"
}

check() { # CODE [ARG...]
    ends "$1" plumb -C "$repo" check --base base --format json "${@:2}"
    fits check.schema.json
}

codes() {
    json "' '.join(sorted(f['code'] for s in [d] + d['units'] for f in s['findings']))"
}

@test "a head that is not trusted is compared by its text, and nothing is started" {
    begin
    edit one two change
    cat >"$repo/env/b.tf" <<'TF'
resource "terraform_data" "b" {
  provisioner "local-exec" {
    command = "x"
  }
}
TF
    commit_all "$repo" "b"
    printf '#!/bin/sh\ntouch "%s/started"\n' "$BATS_TEST_TMPDIR" >"$BATS_TEST_TMPDIR/estate.tool"
    check 4
    [ "$(json 'd["trusted"]')" = false ]
    [ "$(json 'd["units"][0]["mode"]')" = static ]
    [ "$(codes)" = "block-added block-changed provisioner-added" ]
    [ ! -e "$BATS_TEST_TMPDIR/started" ]
    # As CI wants it, or not.
    ends 4 plumb -C "$repo" check --base base --fail-on unseen
    ends 0 plumb -C "$repo" check --base base --fail-on refused
    says "not planned" "exit 0"
    must_fail 64 plumb -C "$repo" check --base base --fail-on drifted
    says "--fail-on does not know 'drifted'; there is: changes, unseen, refused"
    must_fail 4 plumb -C "$repo" check --base base
    says "not planned: the head is not trusted; 1 unit was compared by text alone" "use --trust" \
        "warning  provisioner-added" "(env/b.tf:2)"
}

@test "trusted is what base says, and never what the head says of itself" {
    begin
    edit one two change
    printf 'check: {trust: {branches: ["*"]}}\n' >>"$repo/plumb.yaml"
    commit_all "$repo" "trust me"
    git init -q --bare "$BATS_TEST_TMPDIR/remote.git"
    git -C "$repo" remote add origin "$BATS_TEST_TMPDIR/remote.git"
    git -C "$repo" push -q origin HEAD:feature/x
    check 4
    [ "$(codes)" = "block-changed policy-check" ]
    says "the head is not trusted" "'check.trust.branches' gains *" \
        "it says whose changes are planned before they are merged"
    # Base's own say: a branch that people push to.
    git -C "$repo" checkout -q base
    printf 'check: {trust: {branches: ["origin/feature/*"]}}\n' >>"$repo/plumb.yaml"
    commit_all "$repo" "trust branches"
    git -C "$repo" checkout -q -B topic base
    edit one two change
    check 4
    says "the head is in no branch that base trusts ('origin/feature/*')"
    git -C "$repo" push -q origin HEAD:feature/y
    output=$(plumb -C "$repo" check --base base --format json || true)
    [ "$(json 'd["trust"]')" = "it is in 'origin/feature/y'" ]
}

@test "who signs with a key that base knows is trusted, for every commit" {
    begin
    ssh-keygen -q -t ed25519 -N '' -f "$BATS_TEST_TMPDIR/ann"
    echo "ann@example.com $(cat "$BATS_TEST_TMPDIR/ann.pub")" >"$repo/signers"
    printf 'gate: {allowed_signers: signers}\ncheck: {trust: {signed: true}}\n' >>"$repo/plumb.yaml"
    commit_all "$repo" signers
    git -C "$repo" branch -f base
    edit one two unsigned
    check 4
    says "has no good signature of somebody in base's 'signers'"
    git -C "$repo" -c gpg.format=ssh -c "user.signingkey=$BATS_TEST_TMPDIR/ann" \
        commit -q --amend --no-edit -S
    output=$(plumb -C "$repo" check --base base --format json || true)
    [ "$(json 'd["trust"]')" = "every commit is signed by one of base's signers" ]
    edit two three unsigned
    check 4
}

@test "a conflict is a result, with the files that conflict" {
    begin
    edit one two topic
    git -C "$repo" checkout -q base
    edit one three base
    git -C "$repo" checkout -q main
    check 3 --trust
    [ "$(json '[d["merge"], d["conflicts"]]')" = \
        '["conflict", [{"path": "env/main.tf", "what": "changed on both sides"}]]' ]
    must_fail 3 plumb -C "$repo" check --base base
    says "cannot be merged: 1 file conflicts with 'base'" "env/main.tf: changed on both sides"
}

@test "what reaches no unit needs nobody's trust, and neither does what base has already" {
    begin
    echo words >"$repo/README.md"
    commit_all "$repo" words
    check 0
    [ "$(json '[d["trusted"], d["summary"]["units_untouched"], d["units"]]')" = '[false, 1, []]' ]
    ends 0 plumb -C "$repo" check --base base
    says_not trusted
    ends 0 plumb -C "$repo" check --base main --head base
    says "nothing to check: 'main' has all of 'base'"
}

@test "a plumb.yaml that cannot be used is refused, by base's own" {
    begin
    echo 'units: 7' >"$repo/plumb.yaml"
    commit_all "$repo" "broken"
    check 3 --trust
    [ "$(codes)" = config-broken ]
    says "'units' must be a list of maps"
}

@test "a unit that is removed names what its state has, and one that is added is known" {
    begin
    git -C "$repo" mv env/main.tf moved.tf
    printf 'version: 1\nunits:\n  - {name: v, path: .}\n' >"$repo/plumb.yaml"
    commit_all "$repo" "moved"
    check 4
    [ "$(json '[[u["name"], u["added"], u["removed"]] for u in d["units"]]')" = \
        '[["u", false, true], ["v", true, false]]' ]
    need terraform
    need_box
    check 2 --trust # what is added would be created
    says "the unit is removed, and its state has 1 resource that Git would not explain any more"
}

@test "what the text of a shared module says is told once, with the units that call it" {
    begin
    mkdir "$repo/two" "$repo/net"
    cp "$repo/env/terraform.tfstate" "$repo/two"
    echo 'resource "terraform_data" "n" {}' >"$repo/net/main.tf"
    printf 'module "net" {\n  source = "../net"\n}\n' | tee -a "$repo/env/main.tf" \
        >"$repo/two/main.tf"
    echo "  - {name: v, path: two, tool: $BATS_TEST_TMPDIR/estate.tool}" >>"$repo/plumb.yaml"
    commit_all "$repo" "two units"
    git -C "$repo" branch -f base
    cat >"$repo/net/main.tf" <<'TF'
resource "terraform_data" "n" {
  provisioner "local-exec" {
    command = "x"
  }
}
TF
    commit_all "$repo" "in the module"
    check 4
    [ "$(json '[[f["code"], f["units"]] for f in d["findings"]]')" = \
        '[["provisioner-added", ["u", "v"]], ["block-changed", ["u", "v"]]]' ]
    [ "$(json '[[u["name"], u["reached_by"], u["findings"]] for u in d["units"]]')" = \
        '[["u", "net/main.tf", []], ["v", "net/main.tf", []]]' ]
    must_fail 4 plumb -C "$repo" check --base base
    says "not planned: the head is not trusted; 2 units were compared by text alone" \
        "(net/main.tf:2), in 2 units: u, v"
    [ "$(grep -c provisioner-added <<<"$output")" = 1 ]
    must_fail 4 plumb -C "$repo" check --base base --format sarif --output "$repo.sarif"
    is_sarif "$repo.sarif"
    [ "$(json "[[r['ruleId'], r['properties']['units']] for r in d['runs'][0]['results']]" \
        "$repo.sarif")" = \
        '[["check/provisioner-added", ["u", "v"]], ["check/block-changed", ["u", "v"]]]' ]
    # What one of them has alone is that one's.
    sed -i s/one/two/ "$repo/env/main.tf"
    commit_all "$repo" "and in one of them"
    check 4
    [ "$(json '[[f["code"], f["address"], f["units"]] for f in d["units"][0]["findings"]]')" = \
        '[["block-changed", "terraform_data.a", null]]' ]
    [ "$(json '[len(d["findings"]), d["units"][1]["findings"]]')" = '[2, []]' ]
}

@test "the state of a unit that is added is not asked for wherever the change says" {
    need_box
    begin
    "$PLUMB_TEST_PYTHON" - "$BATS_TEST_TMPDIR" <<'PY' 3>&- &
import http.server, sys
class Spy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        open(sys.argv[1] + "/asked", "a").write(self.path)
        self.send_error(404)
server = http.server.HTTPServer(("127.0.0.1", 0), Spy)
open(sys.argv[1] + "/port", "w").write("%d" % server.server_port)
server.serve_forever()
PY
    spy=$!
    for _ in $(seq 100); do
        [ ! -s "$BATS_TEST_TMPDIR/port" ] || break
        sleep 0.1
    done
    mkdir "$repo/new" "$BATS_TEST_TMPDIR/bin"
    sed 's/^echo .*//' "$PLUMB_ROOT/tests/support/fake-terraform" >"$BATS_TEST_TMPDIR/bin/terraform"
    chmod 755 "$BATS_TEST_TMPDIR/bin/terraform"
    cat >"$repo/new/main.tf" <<TF
terraform {
  backend "http" {
    address = "http://127.0.0.1:$(cat "$BATS_TEST_TMPDIR/port")/state"
  }
}
TF
    printf '  - {name: v, path: new}\n' >>"$repo/plumb.yaml"
    commit_all "$repo" "a new unit"
    PATH=$BATS_TEST_TMPDIR/bin:$PATH plumb -C "$repo" check --base base --trust >&2 || true
    kill "$spy"
    [ ! -e "$BATS_TEST_TMPDIR/asked" ]
    # A file of the machine is no better.
    cp "$repo/env/terraform.tfstate" "$BATS_TEST_TMPDIR/others.tfstate"
    cat >"$repo/new/main.tf" <<TF
terraform {
  backend "local" {
    path = "$BATS_TEST_TMPDIR/others.tfstate"
  }
}
TF
    commit_all "$repo" "another state"
    check 3 --trust
    says "the state of 'v' would be '$BATS_TEST_TMPDIR/others.tfstate', outside of the repository"
}

# LIMIT BOMB WORDS: base says the limit, and the change something else.
limited() {
    repo=$(fake_estate "estate-${1%%:*}")
    sed -e "s|^echo .*|[ \$1 != plan ] \|\| { $2; }|" \
        "$PLUMB_ROOT/tests/support/fake-terraform" >"$repo.tool"
    printf 'check: {%s}\n' "$1" >>"$repo/plumb.yaml"
    commit_all "$repo" base
    git -C "$repo" branch base
    sed -i "s/^check: .*/check: {disk: 9999, processes: 999}/" "$repo/plumb.yaml"
    edit one two change
    check 3 --trust
    says "$3" "raise 'check.${1%%:*}' in plumb.yaml of the base"
}

@test "what planning may write, and how many processes it may have, is for base to say" {
    need_box
    limited 'disk: 64' 'head -c 200M /dev/zero >big; sleep 9' "wrote more than 64 MiB"
    limited 'processes: 16' 'for i in {1..40}; do sleep 9 \& done; wait' \
        "ran more than 16 processes at once"
}

@test "half a report is an error, and a refusal stays one" {
    begin
    edit one two change
    # shellcheck disable=SC2016 # the other shell's
    must_fail 1 bash -c '"$PLUMB" -C "$1" check --base base --format json >/dev/full' - "$repo"
    says "cannot write the whole output"
    git -C "$repo" checkout -q base
    edit one three base
    # shellcheck disable=SC2016
    must_fail 3 bash -c '"$PLUMB" -C "$1" check --base base --head main >/dev/full' - "$repo"
}

provisioner() {
    printf 'resource "terraform_data" "p" {\n  provisioner "local-exec" {\n    %s\n  }\n}\n' \
        'command = "x"'
}

@test "a plumb.yaml behind a link is compared, too" {
    begin
    git -C "$repo" mv plumb.yaml real.yaml
    ln -s real.yaml "$repo/plumb.yaml"
    commit_all "$repo" "a link"
    git -C "$repo" branch -f base
    printf 'check: {trust: {branches: ["*"]}}\n' >>"$repo/real.yaml"
    commit_all "$repo" "trust me"
    check 0
    [ "$(codes)" = policy-check ]
}

@test "what is read by a module whose place the text hides is reached" {
    begin
    mkdir -p "$repo/evil" "$repo/env/.terraform/m"
    echo '# nothing yet' >"$repo/evil/main.tf"
    # shellcheck disable=SC2016 # Terraform's
    for source in '"${"../evil"}"' '"./.terraform/m"'; do
        printf 'module "m" { source = "../../../evil" }\n' >"$repo/env/.terraform/m/main.tf"
        printf 'module "m" {\n  source = %s\n}\n' "$source" >"$repo/env/m.tf"
        echo '# nothing yet' >"$repo/evil/main.tf"
        git -C "$repo" add -f env
        commit_all "$repo" before
        git -C "$repo" branch -f base
        provisioner >"$repo/evil/main.tf"
        commit_all "$repo" evil
        check 4
        [ "$(json '[u["name"] for u in d["units"]]')" = '["u"]' ]
    done
}

@test "a folder behind a link is read as if it lay there, and when only that changes" {
    begin
    mkdir "$repo/shared"
    provisioner >"$repo/shared/main.tf"
    ln -s ../shared "$repo/env/m"
    printf 'module "m" {\n  source = "./m"\n}\n' >"$repo/env/m.tf"
    commit_all "$repo" "a linked folder"
    check 4
    [[ $(codes) == *provisioner-added* ]]
    git -C "$repo" branch -f base
    sed -i 's/"x"/"y"/' "$repo/shared/main.tf"
    commit_all "$repo" "what it leads to"
    check 4
    [[ $(codes) == *provisioner-changed* ]]
}

@test "a file behind a link is read as if it lay there, and when only that changes" {
    begin
    mkdir "$repo/other"
    echo '# nothing yet' >"$repo/other/file.tf"
    ln -s ../other/file.tf "$repo/env/linked.tf"
    commit_all "$repo" "a linked file"
    git -C "$repo" branch -f base
    provisioner >"$repo/other/file.tf"
    commit_all "$repo" "what that leads to"
    check 4
    [[ $(codes) == *provisioner-added* ]]
}

@test "a script behind a link is told of when it changes" {
    begin
    mkdir "$repo/other"
    echo true >"$repo/other/run.sh"
    echo true >"$repo/other/hidden.sh"
    ln -s ../other/run.sh "$repo/env/run.sh"
    ln -s ../other/hidden.sh "$repo/env/go.sh"
    ln -s ../other "$repo/env/folder"
    provisioner | sed 's/"x"/"sh run.sh; sh go.sh"/' >"$repo/env/p.tf"
    commit_all "$repo" "linked scripts"
    git -C "$repo" branch -f base
    echo false >"$repo/other/run.sh"
    commit_all "$repo" "what one says"
    check 4
    [ "$(codes)" = "run-file-changed run-file-changed" ]
    says "'env/run.sh', which 'terraform_data.p' names and may run, is another"
    git -C "$repo" branch -f base
    echo false >"$repo/other/hidden.sh"
    commit_all "$repo" "what the other says"
    check 4
    [ "$(codes)" = run-file-changed ]
    says "'env/go.sh', which 'terraform_data.p' names and may run, is another"
}

@test "a root module is not hidden by a call of it, nor by a byte order mark" {
    begin
    git -C "$repo" rm -q plumb.yaml
    commit_all "$repo" "no plumb.yaml"
    git -C "$repo" branch -f base
    provisioner >"$repo/env/p.tf"
    mkdir "$repo/z"
    printf 'module "loop" {\n  source = "../env"\n  count  = 0\n}\n' >"$repo/z/x.tf"
    commit_all "$repo" "a call"
    check 4
    says '"provisioner-added"'
    git -C "$repo" rm -qr z
    sed -i $'1s/^/\xef\xbb\xbf/' "$repo/env/main.tf"
    commit_all "$repo" "a mark"
    check 4
    says '"provisioner-added"'
    says_not '"removed": true' '"is_removed": true'
}

@test "without a base, or with one that is not there, it says what is missing" {
    begin
    must_fail 64 env -u GITHUB_BASE_REF "$PLUMB" -C "$repo" check
    says "into what is it to be merged? --base REV"
    must_fail 1 plumb -C "$repo" check --base nowhere
    says "revision 'nowhere' is not in this repository"
    edit one two change
    must_fail 64 plumb -C "$repo" check --base base --unit nope
    says "no unit 'nope', neither at base nor after merging"
    git init -q --bare "$BATS_TEST_TMPDIR/remote.git"
    git -C "$repo" remote add origin "$BATS_TEST_TMPDIR/remote.git"
    git -C "$repo" push -q origin base:prod
    GITHUB_BASE_REF=prod ends 4 plumb -C "$repo" check
    GITHUB_BASE_REF=prod CHANGE_TARGET=other must_fail 64 plumb -C "$repo" check
}

@test "a check in every format, of which each names the file of a finding" {
    begin
    printf 'resource "terraform_data" "b" {\n  provisioner "local-exec" {\n%s\n  }\n}\n' \
        '    command = "x"' >"$repo/env/b.tf"
    commit_all "$repo" "b"
    must_fail 4 plumb -C "$repo" check --base base --format markdown --output "$repo.md" \
        --format sarif --output "$repo.sarif" --format junit --output "$repo.xml" \
        --format html --output "$repo.html"
    is_markdown "$repo.md" provisioner-added env/b.tf:2 "the head is not trusted"
    [ "$(head -n 1 "$repo.md")" = '<!-- plumb:check:all -->' ]
    is_sarif "$repo.sarif"
    [ "$(json "[[r['level'], r['locations'][0]['physicalLocation']['region']['startLine']]
        for r in d['runs'][0]['results'] if r['ruleId'] == 'check/provisioner-added']" \
        "$repo.sarif")" = '[["warning", 2]]' ]
    is_junit "$repo.xml"
    [ "$(xml 'count(//failure)' "$repo.xml")" = 0 ]
    grep -q 'data-g="text"' "$repo.html"
    # Into what cannot be merged is a failure, and says where.
    git -C "$repo" checkout -q base
    echo '# another' >"$repo/env/b.tf"
    commit_all "$repo" "another b"
    git -C "$repo" checkout -q main
    must_fail 3 plumb -C "$repo" check --base base --format junit --output "$repo.xml"
    is_junit "$repo.xml"
    [ "$(xml 'string(//testcase[failure[@type="merge-conflict"]]/@name)' "$repo.xml")" = env/b.tf ]
}
