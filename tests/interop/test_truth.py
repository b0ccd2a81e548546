#!/usr/bin/env python3
"""Every verdict, on a small estate with real Terraform, the real AWS provider and moto: what a
refresh hides, what a new commit asks for, what somebody did by hand, and all of these together."""

import json
import os
import shutil
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import applied  # noqa: E402
import estate  # noqa: E402  (found by the line above)

GROUP = "aws_cloudwatch_log_group."
SECRETS = ("truth-secret-one", "truth-secret-two")


def one(name):
    return f'{GROUP}one["{name}"]'


# Of the second commit, with everything that was done by hand: address, verdict, action, and the
# attributes that are not in sync. What is not named here has to be in sync.
NEXT = {
    one("pending"): ("pending", "update", {"retention_in_days": "pending"}),
    one("drifted"): ("drifted", "none", {"retention_in_days": "drifted"}),
    one("partly"): ("drifted", "update",
                    {"retention_in_days": "pending", "tags.team": "drifted"}),
    one("conflict"): ("conflict", "update", {"retention_in_days": "conflict"}),
    one("converged"): ("converged", "update", {"retention_in_days": "converged"}),
    one("vanished"): ("missing", "none", {}),
    one("hidden"): ("laundered", "update", {"retention_in_days": "laundered"}),
    one("hidden_gone"): ("laundered", "create", {}),
    one("restored"): ("stale_record", "update", {"retention_in_days": "stale_record"}),
    GROUP + "new_name": ("pending", "none", {}),
    GROUP + "new_name_drifted": ("drifted", "none", {"retention_in_days": "drifted"}),
    GROUP + "forgotten": ("pending", "forget", {}),
    GROUP + "dropped": ("pending", "delete", {}),
    GROUP + "dropped_gone": ("converged", "delete", {}),
    GROUP + "adopted": ("pending", "none", {}),
    GROUP + "fresh": ("pending", "create", {}),
    GROUP + "replaced": ("pending", "replace", {"name": "pending"}),
    GROUP + "counted[1]": ("pending", "delete", {}),
    "aws_ssm_parameter.secret": ("pending", "update", {"value": "pending"}),
    "aws_iam_policy.read": ("converged", "update", {"policy": "converged"}),
    "aws_security_group.set": ("drifted", "update",
                               {"ingress[1]": "converged", "ingress[2]": "pending",
                                "ingress[3]": "drifted"}),
}


class Truth(applied.Case):
    config = os.path.join(applied.INTEROP, "truth", "applied")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.endpoint = cls.env["AWS_ENDPOINT_URL"]
        cls.logs = estate.client(cls.endpoint, "logs")

    def run_plumb(self, *args):
        run = self.estate.plumb(*args)
        for secret in SECRETS:
            self.assertNotIn(secret, run.stdout + run.stderr)
        return run

    def audit(self, *args):
        run = self.run_plumb("audit", "--format", "json", *args)
        self.assertIn(run.returncode, (0, 2), run.stderr + run.stdout[:4000])
        report = json.loads(run.stdout)
        resources = {r["address"]: r for r in report["units"][0]["resources"]}
        return resources, run.returncode

    @staticmethod
    def found(resources):
        """The same shape as NEXT: echoes of tags in tags_all, and what nobody decides, left out."""
        quiet = ("in_sync", "computed", "unchecked")
        return {
            address: (r["verdict"], r["action"],
                      {a["path"]: a["verdict"] for a in r["attributes"]
                       if a["verdict"] not in quiet and not a["path"].startswith("tags_all")})
            for address, r in resources.items() if r["verdict"] not in quiet
        }

    def retain(self, name, days):
        self.logs.put_retention_policy(logGroupName="/truth/" + name, retentionInDays=days)

    def test_1_clean_and_saved(self):
        resources, code = self.audit("--save-baseline")
        self.assertEqual(self.found(resources), {})
        self.assertEqual(code, 0)

    def test_2_a_refresh_hides_nothing_from_the_baseline(self):
        self.retain("hidden", 30)
        self.retain("restored", 30)
        self.logs.delete_log_group(logGroupName="/truth/hidden_gone")
        before, code = self.audit()
        self.assertEqual(code, 2)
        self.assertEqual({a: v[0] for a, v in self.found(before).items()}, {
            one("hidden"): "drifted", one("restored"): "drifted", one("hidden_gone"): "missing"})
        estate.terraform(self.repo, "apply", "-refresh-only", "-auto-approve", "-input=false",
                         endpoint=self.endpoint, env={"TF_CLI_CONFIG_FILE": self.env[
                             "TF_CLI_CONFIG_FILE"]})
        after, code = self.audit()
        self.assertEqual(code, 2)
        self.assertEqual({a: v[0] for a, v in self.found(after).items()}, {
            one("hidden"): "laundered", one("restored"): "laundered",
            one("hidden_gone"): "laundered"})
        attribute = [a for a in after[one("hidden")]["attributes"]
                     if a["path"] == "retention_in_days"][0]
        self.assertEqual([attribute[k] for k in ("declared", "recorded", "live", "baseline")],
                         [7, 30, 30, 7])
        text = self.run_plumb("audit").stdout
        self.assertIn("when last verified it was 7", text)
        self.retain("restored", 7)
        again, _ = self.audit()
        self.assertEqual(again[one("restored")]["verdict"], "stale_record")

    def test_3_a_new_commit_and_everything_by_hand(self):
        ec2, iam = estate.client(self.endpoint, "ec2"), estate.client(self.endpoint, "iam")
        self.retain("drifted", 30)
        self.retain("conflict", 30)
        self.retain("converged", 14)
        self.retain("moved-drifted", 30)
        for name in ("vanished", "dropped-gone"):
            self.logs.delete_log_group(logGroupName="/truth/" + name)
        self.logs.create_log_group(logGroupName="/truth/adopted")
        self.retain("adopted", 7)
        self.logs.tag_log_group(logGroupName="/truth/partly", tags={"team": "ops"})
        group = ec2.describe_security_groups(
            Filters=[{"Name": "group-name", "Values": ["truth"]}])["SecurityGroups"][0]["GroupId"]
        for port, cidr in ((443, "10.0.0.0/8"), (22, "0.0.0.0/0")):
            ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[{
                "IpProtocol": "tcp", "FromPort": port, "ToPort": port,
                "IpRanges": [{"CidrIp": cidr}]}])
        # The same as the commit's, written another way.
        iam.create_policy_version(
            PolicyArn=f"arn:aws:iam::{estate.ACCOUNT}:policy/truth-read", SetAsDefault=True,
            PolicyDocument=json.dumps({"Statement": [
                {"Resource": ["*"], "Action": ["s3:GetBucketAcl", "s3:ListBucket"],
                 "Effect": "Allow", "Sid": "B"},
                {"Resource": "*", "Action": ["s3:GetObject"], "Effect": "Allow", "Sid": "A"},
            ], "Version": "2012-10-17"}))
        shutil.copy(os.path.join(applied.INTEROP, "truth", "next", "main.tf"), self.repo)
        estate.commit(self.repo, "every way in which Git can ask for something")
        resources, code = self.audit()
        self.maxDiff = None
        self.assertEqual(self.found(resources), NEXT)
        self.assertEqual(code, 2)
        self.assertIn("moves from " + GROUP + "old_name", resources[GROUP + "new_name"]["reason"])
        self.assertIn("moves from", resources[GROUP + "new_name_drifted"]["reason"])
        # Drift is confirmed by the provider, under whatever address the state has it.
        for address, (verdict, _, _) in NEXT.items():
            if verdict in ("drifted", "missing", "conflict"):
                self.assertEqual(resources[address]["observer"], "provider", address)
        self.assertIn("import", resources[GROUP + "adopted"]["reason"])
        self.assertIn("last verified", resources[one("hidden_gone")]["reason"])

    def test_4_the_old_commit_knows_nothing_of_it(self):
        """The same world against the first commit: what Git does not ask for is drift."""
        resources, _ = self.audit("--rev", "HEAD~1")
        found = {a: v[0] for a, v in self.found(resources).items()}
        self.assertEqual(found[one("conflict")], "drifted")
        self.assertEqual(found[one("converged")], "drifted")
        self.assertEqual(found["aws_iam_policy.read"], "drifted")
        self.assertEqual(found[GROUP + "dropped_gone"], "missing")
        self.assertEqual(found[GROUP + "old_name_drifted"], "drifted")
        self.assertNotIn(one("pending"), found)
        self.assertNotIn(GROUP + "dropped", found)

    def test_5_a_target_may_be_the_old_or_the_new_address(self):
        for target in ("old_name_drifted", "new_name_drifted"):
            resources, _ = self.audit("--target", GROUP + target)
            self.assertEqual(self.found(resources),
                             {k: v for k, v in NEXT.items() if "new_name_drifted" in k})

    def test_6_an_ignored_change_of_gits_is_not_pending(self):
        secret = "aws_ssm_parameter.secret"
        resources, _ = self.audit("--ignore", one("pending") + ":retention_in_days",
                                  "--ignore", secret + ":value")
        found = self.found(resources)
        self.assertNotIn(one("pending"), found)
        self.assertNotIn(secret, found)
        _, code = self.audit("--target", secret, "--ignore", secret + ":value")
        self.assertEqual(code, 0)

    def test_7_explain_and_text_say_it_in_words(self):
        text = self.run_plumb("audit").stdout
        for line in (GROUP + "fresh  pending (create)", GROUP + "forgotten  pending (forget)",
                     GROUP + "replaced  pending (replace)", "moves from " + GROUP + "old_name",
                     GROUP + "dropped_gone  converged"):
            self.assertIn(line, text)
        self.assertIn("(sensitive, changed)", self.run_plumb(
            "explain", "aws_ssm_parameter.secret").stdout)


if __name__ == "__main__":
    unittest.main()
