#!/usr/bin/env python3
"""The audit against real Terraform, the real AWS provider and moto: nothing after a clean apply,
every outside change and no other after drift.py, pending after a commit."""

import json
import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import applied  # noqa: E402

DIFFERENCE = {"drifted", "missing", "conflict", "pending", "converged", "laundered",
              "stale_record", "unmanaged"}


def matches(path, wanted):
    """Whether an attribute's path is the expected one, or lies in the set that it names."""
    return path == wanted or (path.startswith(wanted) and path[len(wanted)] in "[.")


class Audit(applied.Case):
    def differences(self, report):
        """(address, path or None, verdict) of everything that is not as it should be."""
        found = []
        for unit in report["units"]:
            self.assertFalse(unit.get("error"), unit)
            for resource in unit["resources"]:
                if resource["verdict"] in ("missing", "unobserved"):
                    found.append((resource["address"], None, resource["verdict"]))
                for attr in resource["attributes"]:
                    if attr["verdict"] in DIFFERENCE | {"unknown"}:
                        found.append((resource["address"], attr["path"], attr["verdict"]))
        return found

    def test_1_clean_apply_has_no_drift(self):
        report, code = self.report()
        self.assertEqual(self.differences(report), [])
        self.assertEqual(code, 0)
        coverage = report["summary"]["coverage"]
        self.assertEqual(coverage["resources_observed"], coverage["resources_total"])
        drifted = self.terraforms_own_drift()
        print(f"# after a clean apply Terraform's resource_drift lists {len(drifted)} of "
              f"{coverage['resources_total']} resources; plumb lists 0")
        self.assertGreater(len(drifted), 0)

    def terraforms_own_drift(self):
        """What Terraform itself calls changed outside of it, where nobody changed anything."""
        plan = os.path.join(self.estate.temp, "refresh")
        subprocess.run(["terraform", "plan", "-refresh-only", "-input=false", "-no-color",
                        "-lock=false", "-out=" + plan], cwd=self.repo, env=self.env,
                       stdout=subprocess.DEVNULL, check=True)
        shown = subprocess.run(["terraform", "show", "-json", plan], cwd=self.repo, env=self.env,
                               stdout=subprocess.PIPE, check=True)
        os.unlink(plan)
        return {r["address"] for r in json.loads(shown.stdout).get("resource_drift", [])}

    def test_2_cached_audit_starts_no_terraform(self):
        run = self.estate.plumb("audit")
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        self.assertIn("declared side from the cache", run.stdout)

    def test_3_every_outside_change_and_no_other(self):
        drift = os.path.join(applied.INTEROP, "drift.py")
        made = subprocess.run([sys.executable, drift, "apply", self.dir], env=self.env,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, check=False)
        self.assertEqual(made.returncode, 0, made.stderr)
        changes = json.loads(made.stdout)
        wanted = [tuple(e) for change in changes for e in change["expected"]]
        echoes = [e for change in changes for e in change["echo"]]
        self.assertGreaterEqual(len(changes), 40)
        report, code = self.report()
        found = self.differences(report)
        self.assertEqual(code, 2)
        unfound = [w for w in wanted if not any(
            f[0] == w[0] and f[2] == w[2] and (w[1] is None or (f[1] and matches(f[1], w[1])))
            for f in found)]
        invented = [f for f in found if not self.expected(f, wanted, echoes)]
        self.assertEqual((unfound, invented), ([], []))

    def test_4_both_observers_tell_the_same(self):
        told = {}
        for name in ("rest", "provider"):
            report, _ = self.report("--observer", name)
            told[name] = {f for f in self.differences(report)}
        # The provider looks for the rule as a whole, and one with another range is not it.
        rule = "aws_security_group_rule.cache_in"
        apart = [{f for f in told[name] if f[0] != rule} for name in ("rest", "provider")]
        self.assertEqual(apart[0] ^ apart[1], set())
        self.assertEqual({f for f in told["provider"] if f[0] == rule}, {(rule, None, "missing")})

    @staticmethod
    def expected(found, wanted, echoes):
        address, path, _ = found
        for where, what, _ in wanted:
            if where != address:
                continue
            if what is None or path is None or matches(path, what):
                return True
            if path.startswith("tags_all") and what.startswith("tags"):
                return True
        return any(address in str(e) or (path and re.split(r"[.\[]", path)[0] in str(e))
                   for e in echoes)


if __name__ == "__main__":
    unittest.main()
