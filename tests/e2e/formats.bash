# shellcheck shell=bash
# Holding reports against what others expect of them: `load formats` behind `load helpers`.
#
#   is_sarif FILE               as the public schema of SARIF 2.1.0 has it
#   is_junit FILE               as the two public schemas of JUnit's XML have it
#   is_markdown FILE [TEXT...]  nothing in it is more than text to a host, and each TEXT is there
#   xml XPATH FILE              what an XPath expression gives

is_sarif() {
    "$PLUMB_TEST_PYTHON" -c 'import json, sys, jsonschema
jsonschema.validate(json.load(open(sys.argv[2])), json.load(open(sys.argv[1])))' \
        "$PLUMB_ROOT/fixtures/formats/sarif-2.1.0.json" "$1"
}

is_junit() {
    local schema
    for schema in jenkins ant; do
        xmllint --nonet --noout --schema "$PLUMB_ROOT/fixtures/formats/junit-$schema.xsd" "$1"
    done
}

is_markdown() {
    "$PLUMB_TEST_PYTHON" "$PLUMB_ROOT/tests/e2e/markdown_safe.py" "$@"
}

xml() {
    xmllint --nonet --xpath "$1" "$2"
}
