#!/usr/bin/env bats
load helpers

@test "the expected JSON reports fit the schema, and a wrong one does not" {
    "$PLUMB_TEST_PYTHON" - "$PLUMB_ROOT" <<'PY'
import json, sys, jsonschema
root = sys.argv[1]
schema = json.load(open(root + "/schemas/report.schema.json"))
jsonschema.Draft202012Validator.check_schema(schema)
check = jsonschema.Draft202012Validator(schema)
for name in ("report", "report-all"):
    doc = json.load(open(f"{root}/fixtures/reports/{name}.json"))
    check.validate(doc)
    doc["units"][0]["resources"][0]["verdict"] = "fine"
    assert not check.is_valid(doc)
PY
}
