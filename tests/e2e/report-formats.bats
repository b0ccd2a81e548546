#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2030,SC2031 # sim.bash sets $repo
# Markdown, SARIF and JUnit of the commands that report, held against public schemas.
load helpers
load sim
load gate
load formats

setup() {
    setup_environment
    out=$BATS_TEST_TMPDIR/out
    mkdir "$out"
}

# reports CODE COMMAND...: in all formats, as $out/r.*
reports() {
    must_fail "$1" plumb -C "$repo" "${@:2}" --format markdown --output "$out/r.md" \
        --format sarif --output "$out/r.sarif" --format junit --output "$out/r.xml" \
        --format json --output "$out/r.json"
    is_markdown "$out/r.md"
    is_sarif "$out/r.sarif"
    is_junit "$out/r.xml"
}

@test "the expected reports fit the public schemas, and wrong ones do not" {
    local name
    for name in report hostile check; do
        is_sarif "$PLUMB_ROOT/fixtures/reports/$name.sarif"
        is_junit "$PLUMB_ROOT/fixtures/reports/$name.xml"
        is_markdown "$PLUMB_ROOT/fixtures/reports/$name.md"
    done
    sed 's/"level":"error"/"level":"bad"/' "$PLUMB_ROOT/fixtures/reports/report.sarif" >"$out/r"
    must_fail 1 is_sarif "$out/r"
    says "'bad' is not one of"
    sed 's/ tests=/ cases=/' "$PLUMB_ROOT/fixtures/reports/report.xml" >"$out/r"
    must_fail 3 is_junit "$out/r"
    says "'cases': The attribute 'cases' is not allowed"
}

@test "what a host would take for more than text is found, and none of it is in a report" {
    local md=$PLUMB_ROOT/fixtures/reports/hostile.md
    # shellcheck disable=SC2016 # no expression
    is_markdown "$md" '@octocat' '![i](http://evil.example/x.png)' '[l](http://evil.example)' \
        '</code></td></table></details><h1>out</h1>' '&#64;octocat' 'a|b' '\u202eevil' '`tick`'
    sed 's/<code>\(@octocat\)<.code>/\1/' "$md" >"$out/r"
    must_fail 1 is_markdown "$out/r"
    says "a mention outside of code: '@o'"
    printf 'see http://a.example and ![](x)\n' >"$out/r"
    must_fail 1 is_markdown "$out/r"
    says "<a> is nothing that plumb writes" "<img> is nothing that plumb writes"
}

@test "an audit: each finding at its block, with the same fingerprint after lines moved" {
    need terraform
    sim_applied
    git -C "$repo" remote add origin git@git.example:infra/shop.git
    sim_change servers web-0 '{"tags": {"by": "@octocat #1"}}'
    sim_change records www
    reports 2 audit
    json "' '.join(sorted(r['ruleId'] + ' ' + r['level'] for r in d['runs'][0]['results']))" \
        "$out/r.sarif" | grep -qx 'audit/drifted error audit/missing error'
    line=$(grep -n '^resource "sim_server" "web"' "$repo/main.tf" | cut -d: -f1)
    at() {
        json "next(str(l['artifactLocation']) + str(l['region']['startLine'])
            for r in d['runs'][0]['results'] if r['ruleId'] == 'audit/drifted'
            for l in [r['locations'][0]['physicalLocation']])" "$out/r.sarif"
    }
    [ "$(at)" = "{'uri': 'main.tf', 'uriBaseId': '%SRCROOT%'}$line" ]
    prints() {
        json "' '.join(sorted(r['partialFingerprints']['plumbFinding/v1']
            for r in d['runs'][0]['results']))" "$out/r.sarif"
    }
    first=$(prints)
    drifted='string(//testcase[failure[@type="drifted"]]/@name)'
    [ "$(xml "$drifted" "$out/r.xml")" = 'sim_server.web[0]' ]
    grep -qx '<!-- plumb:audit:all -->' "$out/r.md"
    is_markdown "$out/r.md" '@octocat #1' 'sim_record.www'
    sed -i '1i # one line more' "$repo/main.tf"
    commit_all "$repo" "moved"
    sim_change servers web-0 '{"tags": {"by": "another"}}'
    reports 2 audit --unit shop
    [ "$(prints)" = "$first" ]
    [ "$(at)" = "{'uri': 'main.tf', 'uriBaseId': '%SRCROOT%'}$((line + 1))" ]
    json "d['runs'][0]['versionControlProvenance'][0]['repositoryUri']" "$out/r.sarif" |
        grep -qx 'ssh://git@git.example/infra/shop.git'
    [ "$(head -n 1 "$out/r.md")" = '<!-- plumb:audit:shop -->' ]
}

@test "a plan and an apply: what is denied fails, and what was done passes" {
    need terraform
    sim_applied
    must plumb -C "$repo" audit --save-baseline
    sim_change servers web-0 '{"tags": {"by": "hand"}}'
    reports 2 plan
    [ "$(xml 'string(//testsuite/@skipped)' "$out/r.xml")" = 1 ]
    [[ "$(xml 'string(//skipped/@message)' "$out/r.xml")" = 'revert (update): '* ]]
    sim_change servers web-0 '{"tags": {}}'
    sim_change records www '{"ttl": 3600}'
    later
    reports 3 plan
    [ "$(xml 'count(//failure[@type="overwrite"])' "$out/r.xml")" = 1 ]
    [ "$(xml 'count(//testcase[not(*)])' "$out/r.xml")" -ge 1 ]
    json "d['runs'][0]['invocations'][0]['exitCode']" "$out/r.sarif" | grep -qx 3
    reports 3 apply
    grep -q 'not applied' "$out/r.md"
    sim_change records www '{"ttl": 300}'
    output=$(plumb -C "$repo" apply --format junit --output "$out/r.xml" \
        --format markdown --output "$out/r.md")
    [ -z "$output" ]
    is_junit "$out/r.xml"
    is_markdown "$out/r.md" 'sim_record.www'
    [ "$(xml 'count(//testcase[not(*)])' "$out/r.xml")" = 3 ]
    [ "$(xml 'count(//failure | //error | //skipped)' "$out/r.xml")" = 0 ]
}

@test "one format to stdout, the others need a file" {
    repo=$(fake_estate estate)
    commit_all "$repo" "all"
    must_fail 64 plumb -C "$repo" audit --format sarif --format junit
    says "only one --format can go to stdout: give the others an --output"
    must_fail 64 plumb -C "$repo" plan --format sarif --format junit
    must_fail 64 plumb -C "$repo" audit --format json -o "$out/a" -o "$out/b"
    says "the n-th --output takes the n-th --format, and '$out/b' has none: give it a --format"
    must_fail 64 plumb -C "$repo" check --base main -o "$out/a" -o "$out/b"
    [ ! -e "$out/a" ]
    must_fail 64 plumb -C "$repo" audit --format pdf
    says "there is: text, json, markdown"
    plumb -C "$repo" audit --format junit >"$out/r.xml"
    is_junit "$out/r.xml"
    plumb -C "$repo" audit --format sarif >"$out/r.sarif"
    is_sarif "$out/r.sarif"
    [ "$(json "len(d['runs'][0]['results'])" "$out/r.sarif")" = 0 ]
}

@test "what --fail-on leaves out is no failure in JUnit, either" {
    sim_recorded
    sim_change records www '{"ttl": 1}'
    sim_change records mail
    must_fail 2 plumb -C "$repo" audit --format junit --output "$out/r.xml"
    grep -q 'failures="2"' "$out/r.xml"
    must_fail 2 plumb -C "$repo" audit --fail-on missing --format junit --output "$out/r.xml"
    grep -q 'failures="1"' "$out/r.xml"
    must plumb -C "$repo" audit --fail-on conflict --format junit --output "$out/r.xml"
    grep -q 'failures="0"' "$out/r.xml"
    is_junit "$out/r.xml"
}
