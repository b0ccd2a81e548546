#!/usr/bin/env bats
# The simulated cloud itself: what the other tests that use it rest on.
load helpers
load sim

setup() {
    setup_environment
    sim_up --state "$BATS_TEST_TMPDIR/cloud.json" --page-size 2
}

networks() {
    local name
    for name in "$@"; do
        sim POST /v1/networks "{\"name\": \"$name\", \"cidr\": \"10.0.0.0/16\"}"
        [ "$status" = 201 ]
    done
}

@test "an object is made, changed and deleted, and what is wrong has a code" {
    networks main
    [ "$(json 'd["mtu"], d["gateway"], d["revision"]')" = '[1500, "10.0.0.1", 1]' ]
    sim PATCH /v1/networks/net-000001 '{"mtu": 1400}'
    [ "$(json 'd["mtu"], d["revision"], d["updated_by"]')" = '[1400, 2, "ops"]' ]
    sim PATCH /v1/networks/net-000001 '{"cidr": "10.1.0.0/16"}'
    [ "$status $(json 'd["error"]["code"]')" = "400 invalid" ]
    sim POST /v1/networks '{"name": "main", "cidr": "10.2.0.0/16"}'
    [ "$status $(json 'd["error"]["code"]')" = "409 conflict" ]
    sim POST /v1/servers '{"name": "a", "image": "img-debian-12", "network_id": "net-000001"}'
    [ "$status" = 201 ]
    sim DELETE /v1/networks/net-000001
    [ "$status $(json 'd["error"]["code"]')" = "409 conflict" ]
    sim POST /v1/disks '{"name": "d", "size_gb": 1, "server_id": "srv-000002"}'
    [ "$(json 'd["status"]')" = attached ]
    sim DELETE /v1/servers/srv-000002
    [ "$status" = 204 ]
    sim GET /v1/disks/disk-000003
    [ "$(json 'd["status"], d["server_id"]')" = '["available", null]' ]
    sim GET /v1/servers/srv-000002
    [ "$status $(json 'd["error"]["code"]')" = "404 not_found" ]
    sim GET /v1/nonsense/1
    [ "$status $(json 'd["error"]["code"]')" = "404 no_route" ]
}

@test "tokens: none, a reader's, and one that may not control" {
    sim_as nobody GET /v1/networks
    [ "$status $(json 'd["error"]["code"]')" = "401 unauthenticated" ]
    sim_as sim-reader-token POST /v1/networks '{"name": "x", "cidr": "10.0.0.0/16"}'
    [ "$status $(json 'd["error"]["code"]')" = "403 forbidden" ]
    sim_as sim-reader-token GET /v1/networks
    [ "$status" = 200 ]
    sim DELETE /control/faults
    [ "$status" = 403 ]
}

@test "pages, with tokens that cannot be made up" {
    networks a b c d e
    sim GET /v1/networks
    [ "$(json '[i["name"] for i in d["items"]]')" = '["a", "b"]' ]
    token=$(json 'd["next_page_token"]')
    sim GET "/v1/networks?page_token=$token&limit=3"
    [ "$(json '[i["name"] for i in d["items"]]')" = '["c", "d", "e"]' ]
    [ "$(json 'd["next_page_token"]')" = null ]
    sim GET "/v1/servers?page_token=$token"
    [ "$status" = 400 ]
    sim GET "/v1/networks?name=d"
    [ "$(json 'len(d["items"])')" = 1 ]
}

@test "what was written is there after a restart, and an id is never used twice" {
    networks a b
    sim DELETE /v1/networks/net-000002
    sim_down
    sim_up --state "$BATS_TEST_TMPDIR/cloud.json"
    networks c
    sim GET /v1/networks
    [ "$(json '[i["id"] for i in d["items"]]')" = '["net-000001", "net-000003"]' ]
    [ "$(stat -c %a "$BATS_TEST_TMPDIR/cloud.json")" = 600 ]
}

@test "the audit trail says who changed what, and no secret" {
    sim_as sim-admin-token POST /v1/secrets '{"name": "key", "value": "open-sesame"}'
    sim PATCH /v1/secrets/sec-000001 '{"value": "other-words", "description": "new"}'
    sim GET /audit?who=ops
    [ "$(json '[(c["field"], c["before"], c["after"]) for c in d["entries"][0]["changes"]]')" = \
        '[["description", "", "new"], ["value", "(hidden)", "(hidden)"]]' ]
    sim GET /v1/secrets
    says_not "other-words"
    sim GET /v1/secrets/sec-000001/value
    says "other-words"
}

@test "with a lag a write is seen later, and a deleted object longer" {
    sim_settings '{"lag_ms": 400}'
    networks a
    sim GET /v1/networks/net-000001
    [ "$status" = 404 ]
    sleep 0.6
    sim GET /v1/networks/net-000001
    [ "$status" = 200 ]
    sim DELETE /v1/networks/net-000001
    sim GET /v1/networks
    [ "$(json 'len(d["items"])')" = 1 ]
    sleep 0.6
    sim GET /v1/networks/net-000001
    [ "$status" = 404 ]
}

@test "faults: each kind does what it says, as often as it says" {
    networks a b c
    sim_fault '{"match": "GET /v1/networks*", "kind": "status", "status": 429, "times": 1}'
    sim GET /v1/networks
    [ "$status $(json 'd["error"]["code"]')" = "429 throttled" ]
    sim_fault '{"match": "GET /v1/networks", "kind": "truncate", "bytes": 5, "times": 1}'
    sim GET /v1/networks
    [ "$status/$output" = '000/{"ite' ]
    sim_fault '{"match": "GET /v1/networks", "kind": "reset", "times": 1}'
    sim GET /v1/networks
    [ "$status/$output" = '000/' ]
    sim_fault '{"match": "GET *", "kind": "content_type", "body": "<html>", "times": 1}'
    sim GET /v1/networks
    [ "$status/$output" = '200/<html>' ]
    sim_fault '{"match": "GET *", "kind": "lost_page", "times": 1}'
    sim GET /v1/networks
    [ "$(json 'd["items"], bool(d["next_page_token"])')" = '[[], true]' ]
    sim_fault '{"match": "GET *", "kind": "cut_list", "times": 1}'
    sim GET /v1/networks
    [ "$(json 'len(d["items"]), d["next_page_token"]')" = '[2, null]' ]
    sim_fault '{"match": "POST *", "kind": "reset", "when": "after", "times": 1}'
    sim POST /v1/networks '{"name": "d", "cidr": "10.0.0.0/16"}'
    [ "$status" = 000 ]
    sim GET "/v1/networks?name=d"
    [ "$(json 'len(d["items"])')" = 1 ]
}

@test "faults: the same seed draws the same lots" {
    lots() {
        sim_settings '{"seed": 7}'
        local i row=
        for ((i = 0; i < 12; i++)); do
            sim GET /v1/networks
            row+="$status "
        done
        printf '%s' "$row"
    }
    sim_fault '{"match": "GET *", "kind": "status", "status": 503, "probability": 0.5}'
    first=$(lots)
    [[ $first = *200* && $first = *503* ]]
    [ "$first" = "$(lots)" ]
}
