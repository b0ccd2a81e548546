"""Pull requests as data (fixtures/checks), what `plumb check` must say of each, and how it says it.

    scenario_case.add_tests(globals(), "attributes", ...)    a test for each case of these files

PLUMB_TEST_UPDATE=1 writes the golden files anew; what a scenario expects is written by hand."""

import json
import os
import tempfile
import unittest
from pathlib import Path

import jsonschema
import yaml

import markdown_safe
import scenarios

CHECKS = scenarios.CHECKS
WRITE = bool(os.environ.get("PLUMB_TEST_UPDATE"))
FORMATS = ("json", "text", "markdown", "sarif")
ENDINGS = {"json": "json", "text": "txt", "markdown": "md", "sarif": "sarif"}
SCHEMAS = {"json": "schemas/check.schema.json", "sarif": "fixtures/formats/sarif-2.1.0.json"}
SECRETS = ("correct-horse", "sesame", "/usr/sbin/web")


def validator(path):
    schema = json.loads((scenarios.ROOT / path).read_text())
    return jsonschema.validators.validator_for(schema)(schema)


VALIDATORS = {f: validator(path) for f, path in SCHEMAS.items()}


def load(*files):
    """Every case of every scenario, with what the scenario says for all of them."""
    cases = {}
    for file in files:
        for scenario in yaml.safe_load((CHECKS / f"{file}.yaml").read_text()):
            shared = {k: v for k, v in scenario.items() if k not in ("name", "cases")}
            for name, case in scenario["cases"].items():
                full = "%s-%s" % (scenario["name"], name)
                if full in cases:
                    raise ValueError(f"{full} is there twice")
                cases[full] = {**shared, **case}
    return cases


# ---- what is expected ---------------------------------------------------------------------------


def key_of(path, wanted):
    """The attribute of the expectation that a path belongs to: itself, or what it is part of."""
    for end in range(len(path), 0, -1):
        if path[:end] in wanted and (end == len(path) or path[end] in ".["):
            return path[:end]
    return path


def told(resource, wanted):
    """A resource as scenarios write it: CLASS [ACTION [ask|deny]] [ATTRIBUTE=CLASS[,CLASS]...]"""
    words = wanted.split() if wanted else []
    keys = {w.partition("=")[0] for w in words if "=" in w}
    attributes = {}
    for a in resource["attributes"]:
        attributes.setdefault(key_of(a["path"], keys), set()).add(a["class"])
    out = [resource["class"]]
    if resource["touched"]:
        out.append("import" if resource["importing"] else resource["action"])
        if resource["gate"] and resource["gate"]["decision"] != "allow":
            out.append(resource["gate"]["decision"])
    if resource["moved_from"]:
        out.append("from=" + resource["moved_from"])
    return " ".join(out + sorted("%s=%s" % (k, ",".join(sorted(v))) for k, v in attributes.items()))


def ordered(expected):
    words = expected.split()
    return " ".join([w for w in words if "=" not in w or w.startswith("from=")] +
                    sorted(w for w in words if "=" in w and not w.startswith("from=")))


def expected_of(case):
    want = case["expect"]
    return {"exit": want["exit"],
            "units": {name: {"mode": u.get("mode", "planned" if case.get("plan") else "static"),
                             "resources": {a: ordered(r)
                                           for a, r in u.get("resources", {}).items()},
                             "findings": sorted(u.get("findings", [])),
                             "refusals": sorted(u.get("refusals", []))}
                      for name, u in want.get("units", {}).items()},
            "findings": sorted(want.get("findings", [])),
            "conflicts": want.get("conflicts", [])}


def found_in(report, case):
    want = case["expect"].get("units", {})
    return {"exit": report["summary"]["exit_code"],
            "units": {u["name"]: {
                "mode": u["mode"],
                "resources": {r["address"]: told(
                    r, want.get(u["name"], {}).get("resources", {}).get(r["address"]))
                    for r in u["resources"]},
                "findings": sorted(f["code"] for f in u["findings"]),
                "refusals": sorted(r["code"] for r in u["refusals"])} for u in report["units"]},
            "findings": sorted(f["code"] for f in report["findings"]),
            "conflicts": [c["path"] for c in report["conflicts"]]}


# ---- golden files -------------------------------------------------------------------------------


VALUES = ("base", "merged", "live")  # of which a false or an empty one says something


def says(key, value):
    if key in VALUES:
        return value is not None
    return value not in (None, [], {}) and value is not False


def without(d, *keys):
    return {k: v for k, v in d.items() if k not in keys and says(k, v)}


def lines(value, indent=0):
    """JSON, a line for whatever fits into one."""
    line = json.dumps(value, ensure_ascii=False)
    if len(line) + indent <= 96 or not isinstance(value, (dict, list)) or not value:
        return line
    pad = "\n" + " " * (indent + 1)
    if isinstance(value, list):
        return "[" + pad + ("," + pad).join(lines(v, indent + 1) for v in value) + "]"
    return "{" + pad + ("," + pad).join(
        json.dumps(k) + ": " + lines(v, indent + 1) for k, v in value.items()) + "}"


def place(thing):
    """FILE:LINE in place of file, line, last_line and file_of_base."""
    out = without(thing, "file", "line", "last_line", "file_of_base")
    if thing["file"]:
        out["at"] = thing["file"] + (":%d" % thing["line"] if thing["line"] else "")
        out["at"] += " of base" if thing["file_of_base"] else ""
    return out


def reduced(resource):
    gate, by, out = resource["gate"], resource["by"], place(resource)
    if gate:
        out["gate"] = "%(decision)s, %(cause)s: %(why)s; %(rule)s" % gate
    if by:
        out["by"] = "%(author)s: %(summary)s" % by
    out["attributes"] = [without(a, "recorded", "seen") for a in resource["attributes"]]
    return without(out, "type", "id")


def verdict(report):
    """The JSON without times, counts and what says nothing."""
    summary = report["summary"]
    out = {"headline": summary["headline"], "exit_code": summary["exit_code"],
           "merge": report["merge"], "trusted": report["trusted"],
           "findings": [place(f) for f in report["findings"]],
           "units": [without(u, "by_class", "coverage", "path") |
                     {"findings": [place(f) for f in u["findings"]],
                      "resources": [reduced(r) for r in u["resources"]]}
                     for u in report["units"]]}
    for name in ("broken", "conflicts", "diagnostics"):
        out[name] = report[name]
    return lines(without(out)) + "\n"


def results(sarif):
    """Results and notifications; what rules and tool look like is in fixtures/reports."""
    made = sarif["runs"][0]
    for r in made["results"]:
        r.pop("ruleIndex", None)
    told = made["invocations"][0].get("toolExecutionNotifications", [])
    return lines({"results": made["results"], "notifications": told}) + "\n"


REDUCE = {"json": lambda t: verdict(json.loads(t)), "sarif": lambda t: results(json.loads(t))}


class Case(unittest.TestCase):
    maxDiff = None
    planned = False

    @classmethod
    def setUpClass(cls):
        why = scenarios.missing() if cls.planned else None
        if why:
            raise unittest.SkipTest(why)
        cls.folder = tempfile.TemporaryDirectory(prefix="plumb-scenarios-")
        cls.estate = scenarios.Estate(Path(cls.folder.name), cls.planned)

    @classmethod
    def tearDownClass(cls):
        cls.estate.end()
        cls.folder.cleanup()

    def scenario(self, name, case):
        self.estate.begin(case)
        code, reports = self.estate.check(case, FORMATS)
        self.valid(reports)
        report = json.loads(reports["json"])
        with self.subTest("verdict"):
            self.assertEqual(report["summary"]["exit_code"], code)
            self.assertEqual(found_in(report, case), expected_of(case))
        for f in FORMATS:
            with self.subTest(f):
                text = self.estate.plain(reports[f])
                self.golden(f"{name}.{ENDINGS[f]}", REDUCE.get(f, str)(text))

    def valid(self, reports):
        for f, validator in VALIDATORS.items():
            validator.validate(json.loads(reports[f]))
        self.assertEqual(markdown_safe.faults(reports["markdown"].encode()), [])
        for f, text in reports.items():
            for secret in SECRETS:
                self.assertNotIn(secret, text, f)

    def golden(self, name, text):
        file = CHECKS / "golden" / name
        if WRITE:
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
        self.assertTrue(file.exists(), f"no {name}: PLUMB_TEST_UPDATE=1 makes it")
        self.assertEqual(file.read_text(), text, f"fixtures/checks/golden/{name} is not so")


def add_tests(module, *files):
    """To a test file's globals: Planned, and ByText, for which there may be no Terraform."""
    tests = {True: {}, False: {}}
    for name, case in load(*files).items():
        tests[bool(case.get("plan") or case.get("known"))]["test_" + name.replace("-", "_")] = (
            lambda self, n=name, c=case: self.scenario(n, c))
    for planned, name in ((True, "Planned"), (False, "ByText")):
        if tests[planned]:
            module[name] = type(name, (Case,), {
                "__module__": module["__name__"], "planned": planned, **tests[planned]})
