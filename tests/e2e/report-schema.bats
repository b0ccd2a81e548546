#!/usr/bin/env bats
load helpers

@test "the expected JSON reports fit the schema, and a wrong one does not" {
    local name file
    for name in report report-all; do
        file=$PLUMB_ROOT/fixtures/reports/$name.json
        fits report.schema.json "$file"
        output=$(json 'd["units"][0]["resources"][0].update(verdict="fine") or d' "$file")
        must_fail 1 fits report.schema.json
        says "'fine' is not one of"
    done
}
