#!/usr/bin/env python3
"""The audit against real Terraform, the real AWS provider and moto: nothing after a clean apply,
every outside change and no other after drift.py, pending after a commit."""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
PLUMB = os.environ.get("PLUMB", os.path.join(TOP, "build", "plumb"))
DIFFERENCE = {"drifted", "missing", "conflict", "pending", "converged", "laundered",
              "stale_record", "unmanaged"}


def matches(path, wanted):
    """Whether an attribute's path is the expected one, or lies in the set that it names."""
    return path == wanted or (path.startswith(wanted) and path[len(wanted)] in "[.")


class Audit(unittest.TestCase):
    """One estate for all cases, which run in the order of their names."""

    @classmethod
    def setUpClass(cls):
        cls.temp = tempfile.TemporaryDirectory(prefix="plumb-interop-")
        cls.dir = os.path.join(cls.temp.name, "estate")
        up = subprocess.run([os.path.join(HERE, "up"), cls.dir], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, check=False)
        if up.returncode == 77:
            cls.temp.cleanup()
            raise unittest.SkipTest(up.stderr.strip().splitlines()[-1])
        if up.returncode:
            subprocess.run([os.path.join(HERE, "down"), cls.dir], check=False)
            cls.temp.cleanup()
            raise RuntimeError(up.stderr)
        shell = subprocess.run(["bash", "-c", up.stdout + "\nenv -0"], stdout=subprocess.PIPE,
                               check=True, text=True)
        cls.env = dict(line.split("=", 1) for line in shell.stdout.split("\0") if "=" in line)
        cls.env["PLUMB_CACHE_DIR"] = os.path.join(cls.temp.name, "cache")
        cls.env["PLUMB_STATE_DIR"] = os.path.join(cls.temp.name, "state")
        cls.repo = cls.env["PLUMB_ESTATE_REPO"]

    @classmethod
    def tearDownClass(cls):
        subprocess.run([os.path.join(HERE, "down"), cls.dir], check=False)
        cls.temp.cleanup()

    def audit(self, *args):
        run = subprocess.run([PLUMB, "audit", "--format", "json", *args], cwd=self.repo,
                             env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True, check=False)
        self.assertIn(run.returncode, (0, 2, 4), run.stderr + run.stdout[:4000])
        report = json.loads(run.stdout)
        self.assertEqual(report["summary"]["exit_code"], run.returncode)
        return report, run.returncode

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
        report, code = self.audit()
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
        plan = os.path.join(self.temp.name, "refresh")
        subprocess.run(["terraform", "plan", "-refresh-only", "-input=false", "-no-color",
                        "-lock=false", "-out=" + plan], cwd=self.repo, env=self.env,
                       stdout=subprocess.DEVNULL, check=True)
        shown = subprocess.run(["terraform", "show", "-json", plan], cwd=self.repo, env=self.env,
                               stdout=subprocess.PIPE, check=True)
        os.unlink(plan)
        return {r["address"] for r in json.loads(shown.stdout).get("resource_drift", [])}

    def test_2_cached_audit_starts_no_terraform(self):
        run = subprocess.run([PLUMB, "audit"], cwd=self.repo, env=self.env,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                             check=False)
        self.assertEqual(run.returncode, 0, run.stdout)
        self.assertIn("declared side from the cache", run.stdout)

    def test_3_every_outside_change_and_no_other(self):
        made = subprocess.run([sys.executable, os.path.join(HERE, "drift.py"), "apply", self.dir],
                              env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, check=False)
        self.assertEqual(made.returncode, 0, made.stderr)
        changes = json.loads(made.stdout)
        wanted = [tuple(e) for change in changes for e in change["expected"]]
        echoes = [e for change in changes for e in change["echo"]]
        self.assertGreaterEqual(len(changes), 40)
        report, code = self.audit()
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
            report, _ = self.audit("--observer", name)
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
