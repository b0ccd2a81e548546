#!/usr/bin/env python3
"""The audit against real Terraform, the real AWS provider and moto: nothing after a clean apply,
every outside change and no other after drift.py, pending after a commit."""

import json
import os
import re
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import applied  # noqa: E402
import estate  # noqa: E402

RULES_PROVIDER = """
provider "aws" {
  region = "eu-west-1"
  default_tags {
    tags = { managed-by = "terraform", env = "production" }
  }
}
"""
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

    def test_2_what_no_resource_owns(self):
        """Added by hand to what only mirrors its children: once called an echo of nothing."""
        by_hand = self.add_by_hand()
        try:
            said = self.estate.plumb("audit").stdout
            self.assertIn("are what Git says, but 4 have what no resource here owns", said)
            self.assertIn("aws_security_group.database  computed", said)
            self.assertIn('"203.0.113.0/24"', said)
            self.assertNotIn("not shown: 4 computed", said)
            report, code = self.report()
        finally:
            for undo in by_hand:
                undo()
        self.assertEqual((self.differences(report), code), ([], 0))
        computed = {(r["address"], re.split(r"[.\[]", a["path"])[0])
                    for unit in report["units"] for r in unit["resources"]
                    for a in r["attributes"] if a["verdict"] == "computed"}
        self.assertEqual(computed, {
            ("aws_security_group.database", "ingress"), ("aws_security_group.cache", "egress"),
            ("aws_iam_role.web", "managed_policy_arns"), ("aws_iam_role.web", "inline_policy"),
            ("aws_s3_bucket.scratch", "policy")})

    def add_by_hand(self):
        """A rule beside those that the estate has, a source to one of them, policies of a role
        and of a bucket; gives what takes them away again."""
        ec2, iam, s3 = (estate.client(self.env["AWS_ENDPOINT_URL"], s)
                        for s in ("ec2", "iam", "s3"))
        with open(os.path.join(self.repo, "terraform.tfstate"), encoding="utf-8") as text:
            ids = {r["type"] + "." + r["name"]: r["instances"][0]["attributes"]["id"]
                   for r in json.load(text)["resources"]}
        world = [{"CidrIp": "203.0.113.0/24"}]
        rule = {"GroupId": ids["aws_security_group.database"], "IpPermissions": [
            {"IpProtocol": "tcp", "FromPort": 3306, "ToPort": 3306, "IpRanges": world}]}
        source = {"GroupId": ids["aws_security_group.cache"], "IpPermissions": [
            {"IpProtocol": "-1", "IpRanges": world}]}
        policy = {"RoleName": ids["aws_iam_role.web"],
                  "PolicyArn": ids["aws_iam_policy.boundary"]}
        bucket = ids["aws_s3_bucket.scratch"]
        ec2.authorize_security_group_ingress(**rule)
        ec2.authorize_security_group_egress(**source)
        iam.attach_role_policy(**policy)
        inline = {"RoleName": policy["RoleName"], "PolicyName": "all"}
        iam.put_role_policy(**inline, PolicyDocument=json.dumps({
            "Version": "2012-10-17", "Statement": [{
                "Effect": "Allow", "Action": "*", "Resource": "*"}]}))
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({
            "Version": "2012-10-17", "Statement": [{
                "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{bucket}/*"}]}))
        return [lambda: ec2.revoke_security_group_ingress(**rule),
                lambda: ec2.revoke_security_group_egress(**source),
                lambda: iam.detach_role_policy(**policy),
                lambda: iam.delete_role_policy(**inline),
                lambda: s3.delete_bucket_policy(Bucket=bucket)]

    def test_2_what_another_unit_owns(self):
        """A rule in a unit of its own: with the group's unit alone it is nobody's."""
        rule, group = "aws_vpc_security_group_ingress_rule", "aws_security_group.database"
        repo = os.path.join(self.estate.temp, "two-units")
        shutil.copytree(self.repo, repo, symlinks=True)
        os.makedirs(os.path.join(repo, "rules"))
        self.move_rule(repo, rule, "database_ping")
        with open(os.path.join(repo, "plumb.yaml"), "w", encoding="utf-8") as out:
            out.write("version: 1\nunits: [{name: net, path: .}, {name: rules, path: rules}]\n")
        self.commit(repo)
        for args, verdict in ((["-u", "net"], "computed"), ([], "in_sync"),
                              (["-t", group], "in_sync")):
            code, it = self.judged(repo, group, args)
            self.assertEqual((code, it["verdict"]), (0, verdict), it)
        _, it = self.judged(repo, group, [])
        said = [a["reason"] for a in it["attributes"] if a["path"].startswith("ingress")]
        self.assertIn(f"shows rules that are resources of their own: {rule}.database_ping of rules",
                      said)
        # One that cannot be planned still has a state.
        with open(os.path.join(repo, "rules", "broken.tf"), "w", encoding="utf-8") as out:
            out.write('output "broken" {\n  value = tobool("maybe")\n}\n')
        self.commit(repo)
        code, it = self.judged(repo, group, [])
        self.assertEqual((code, it["verdict"]), (1, "in_sync"), it)

    @staticmethod
    def commit(repo):
        for argv in (["add", "-A"], ["-c", "user.name=a", "-c", "user.email=a@example.com",
                                     "commit", "-qm", "units"]):
            subprocess.run(["git", "-C", repo, *argv], check=True)

    def judged(self, repo, address, args):
        """Exit code of an audit, and what it says of a resource of the unit `net`."""
        run = self.estate.plumb("-C", repo, "audit", "--all", "--format", "json", *args)
        self.assertTrue(run.stdout, run.stderr)
        unit = next(u for u in json.loads(run.stdout)["units"] if u["name"] == "net")
        return run.returncode, next(r for r in unit["resources"] if r["address"] == address)

    @staticmethod
    def move_rule(repo, kind, name):
        """Block and record of one rule into the unit `rules`."""
        main, rules = (os.path.join(repo, d) for d in (".", "rules"))
        with open(os.path.join(main, "network.tf"), encoding="utf-8") as text:
            config = text.read()
        block = re.search(f'resource "{kind}" "{name}" {{.*?\n}}\n', config, re.S).group(0)
        with open(os.path.join(main, "terraform.tfstate"), encoding="utf-8") as text:
            state = json.load(text)
        one, = (r for r in state["resources"] if (r["type"], r["name"]) == (kind, name))
        parent = one["instances"][0]["attributes"]["security_group_id"]
        state["resources"].remove(one)
        other = dict(state, resources=[one], outputs={}, serial=1,
                     lineage="0b1c6f6e-0000-4000-8000-000000000000")
        one["instances"][0].pop("dependencies", None)
        shutil.copy(os.path.join(main, "versions.tf"), rules)
        shutil.copy(os.path.join(main, ".terraform.lock.hcl"), rules)
        literal = block.replace("aws_security_group.database.id", json.dumps(parent))
        for path, text in ((os.path.join(main, "network.tf"), config.replace(block, "")),
                           (os.path.join(rules, "main.tf"), literal + RULES_PROVIDER),
                           (os.path.join(main, "terraform.tfstate"), json.dumps(state)),
                           (os.path.join(rules, "terraform.tfstate"), json.dumps(other))):
            with open(path, "w", encoding="utf-8") as out:
                out.write(text)

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
