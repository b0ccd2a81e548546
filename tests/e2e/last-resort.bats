#!/usr/bin/env bats
# shellcheck disable=SC2154 # sim.bash sets $repo
# The third observer: Terraform's own refresh, asked for what nobody else can read.
load helpers
load sim

observers() {
    json "' '.join(sorted(set(str(r['observer']) for u in d['units'] for r in u['resources'])))"
}

@test "--observer terraform finds what the packs find" {
    sim_applied
    must plumb -C "$repo" audit --observer terraform
    sim_change servers web-0 '{"tags": {"by": "hand"}}'
    sim_change records www '{"ttl": 3600}'
    sim_change records mail
    must_fail 2 plumb -C "$repo" audit --format json --all --observer terraform
    [ "$(sim_verdict sim_record.mail)" = missing ]
    [[ "$(sim_verdict sim_record.www)" = *"ttl=drifted"* ]]
    [[ "$(sim_verdict 'sim_server.web[0]')" = *"tags.by=drifted"* ]]
    [ "$(observers)" = terraform ]
}

# A plugin that wants the certificate that Terraform gives and plumb does not: only Terraform can
# talk to it.
mutual_tls_only() {
    local plugin
    cp -r "$SIM_BIN/mirror" "$BATS_TEST_TMPDIR/mirror"
    export SIM_MIRROR=$BATS_TEST_TMPDIR/mirror
    plugin=$(find "$SIM_MIRROR" -name 'terraform-provider-sim*')
    mv "$plugin" "$BATS_TEST_TMPDIR/plugin"
    cat >"$plugin" <<SH
#!/bin/sh
[ -n "\$PLUGIN_CLIENT_CERT" ] || exit 1
exec "$BATS_TEST_TMPDIR/plugin"
SH
    chmod +x "$plugin"
}

@test "what no plugin can be asked for is read by Terraform, and only that" {
    mutual_tls_only
    sim_applied
    sim_change records www '{"ttl": 3600}'
    must_fail 2 plumb -C "$repo" audit --format json --all
    [ "$(observers)" = rest ] # the pack saw it: Terraform is not started to confirm it
    cp -r "$PLUMB_ROOT/schemas" "$BATS_TEST_TMPDIR/schemas"
    rm "$BATS_TEST_TMPDIR"/schemas/observers/sim/sim_record.yaml
    PLUMB_DATA_DIR=$BATS_TEST_TMPDIR must_fail 2 plumb -C "$repo" audit --format json --all
    [ "$(observers)" = "rest terraform" ]
    [[ "$(sim_verdict sim_record.www)" = *"ttl=drifted"* ]]
    # The report for people says who looked.
    PLUMB_DATA_DIR=$BATS_TEST_TMPDIR must_fail 2 plumb -C "$repo" audit
    says "sim_record.www" "observed by terraform"
}

@test "when Terraform cannot look either, both reasons are told" {
    sim_applied
    sim_fault '{"match": "GET /v1/records/*", "kind": "status", "status": 403}'
    must_fail 4 plumb -C "$repo" audit --observer terraform
    says "could not be observed" "status 403"
}

# Providers have taken a refusal for "gone". Images are left out: without its data Terraform fails.
@test "when Terraform finds nothing at all, nothing is missing" {
    sim_applied
    sim_fault '{"match": "GET /v1/[!i]*", "kind": "status", "status": 404, "code": "not_found"}'
    must_fail 4 plumb -C "$repo" audit --observer terraform --format json
    says "finds nothing else of the same provider either"
    [ "$(sim_verdict sim_record.www)" = unobserved ]
    says_not '"verdict":"missing"'
}
