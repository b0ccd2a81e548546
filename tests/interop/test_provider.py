"""plumb's provider observer against the real provider: an estate of types that no pack covers."""

import json
import os
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import applied  # noqa: E402
import estate  # noqa: E402

ALLOW = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"%s","Resource":"*"}]}'


def outside_changes(endpoint):
    """Change things behind Git's back: address -> verdict that an audit must come to."""
    def aws(service):
        return estate.client(endpoint, service)

    aws("events").put_rule(Name="nightly", ScheduleExpression="rate(2 days)")
    aws("logs").delete_log_stream(logGroupName="wide", logStreamName="one")
    aws("cloudwatch").put_dashboard(DashboardName="wide",
                                    DashboardBody='{"widgets":[],"start":"-1h"}')
    aws("dynamodb").put_item(TableName="wide", Item={"id": {"S": "one"}, "size": {"N": "13"}})
    aws("iam").put_user_policy(UserName="robot", PolicyName="read",
                               PolicyDocument=ALLOW % "s3:*")
    aws("iam").remove_user_from_group(UserName="robot", GroupName="robots")
    aws("secretsmanager").put_secret_value(SecretId="wide", SecretString="wide-estate-stolen")
    aws("sns").create_topic(Name="unmanaged")
    return {
        "aws_cloudwatch_event_rule.main": "drifted",
        "aws_cloudwatch_log_stream.main": "missing",
        "aws_cloudwatch_dashboard.main": "drifted",
        "aws_dynamodb_table_item.main": "drifted",
        "aws_iam_user_policy.robot": "drifted",
        "aws_iam_user_group_membership.robot": "drifted",
    }


def children(pid):
    """Processes that a process started, by pid."""
    found = []
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8") as text:
                fields = text.read().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(name))
    return found


class Provider(applied.Case):
    config = os.path.join(applied.INTEROP, "wide")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["TMPDIR"] = os.path.join(cls.estate.temp, "tmp")
        os.mkdir(cls.env["TMPDIR"])
        estate.git(cls.repo, "add", ".terraform.lock.hcl")
        estate.git(cls.repo, "commit", "-q", "-m", "estate: lock the provider")

    def audit(self, *args):
        report, _ = self.report(*args)
        self.assertEqual(os.listdir(self.env["TMPDIR"]), [])
        return report

    @staticmethod
    def resources(report):
        return {r["address"]: r for unit in report["units"] for r in unit["resources"]}

    @staticmethod
    def verdicts(report):
        """What is not as it should be."""
        return {a: r["verdict"] for a, r in Provider.resources(report).items()
                if r["verdict"] not in ("in_sync", "computed")}

    def check_covered(self, report):
        coverage = report["summary"]["coverage"]
        self.assertEqual(coverage["resources_observed"], coverage["resources_total"])
        self.assertGreaterEqual(len({r["type"] for r in self.resources(report).values()}), 50)

    def test_1_default_order_covers_everything(self):
        report = self.audit()
        self.assertEqual(self.verdicts(report), {})
        self.check_covered(report)
        observers = {r["observer"] for r in self.resources(report).values()}
        self.assertEqual(observers, {"rest", "provider"})

    def test_2_provider_alone_agrees(self):
        report = self.audit("--observer", "provider")
        self.assertEqual(self.verdicts(report), {})
        self.check_covered(report)
        self.assertEqual({r["observer"] for r in self.resources(report).values()}, {"provider"})
        coverage = report["summary"]["coverage"]
        self.assertEqual(coverage["attributes_observed"], coverage["attributes_total"])

    def test_3_cross_check_finds_no_disagreement(self):
        report = self.audit("--cross-check")
        self.assertEqual(self.verdicts(report), {})
        self.assertEqual([d for d in report["diagnostics"] if d["code"] == "observers-disagree"],
                         [])

    def test_4_faster_than_a_refresh(self):
        times = {"plumb": [], "terraform": []}
        for _ in range(2):
            start = time.monotonic()
            self.audit("--observer", "provider")
            times["plumb"].append(time.monotonic() - start)
            start = time.monotonic()
            subprocess.run(["terraform", "plan", "-refresh-only", "-input=false", "-lock=false"],
                           cwd=self.repo, env=self.env, stdout=subprocess.DEVNULL, check=True)
            times["terraform"].append(time.monotonic() - start)
        self.assertLess(min(times["plumb"]), min(times["terraform"]), times)

    def test_5_dies_with_plumb(self):
        run = subprocess.Popen([applied.PLUMB, "audit", "--observer", "provider"], cwd=self.repo,
                               env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until, started = time.monotonic() + 30, []
        while not started and run.poll() is None and time.monotonic() < until:
            started = children(run.pid)
        self.assertTrue(started, "no provider was seen")
        run.send_signal(signal.SIGKILL)
        run.wait()
        until = time.monotonic() + 5
        while any(estate.alive(p) for p in started) and time.monotonic() < until:
            time.sleep(0.05)
        self.assertFalse([p for p in started if estate.alive(p)])
        self.audit()  # removes what the killed one left behind

    def test_6_outside_changes_and_no_other(self):
        endpoint = self.env["AWS_ENDPOINT_URL"]
        wanted = outside_changes(endpoint)
        report = self.audit()
        self.assertEqual(self.verdicts(report), wanted)
        text = json.dumps(report)
        self.assertNotIn("wide-estate-stolen", text)
        self.assertEqual(self.verdicts(self.audit("--observer", "provider")), wanted)
        self.assertEqual(self.terraform_changes(), set(wanted))

    def terraform_changes(self):
        """Addresses that Terraform's own plan would change."""
        plan = subprocess.run(["terraform", "plan", "-input=false", "-lock=false", "-json"],
                              cwd=self.repo, env=self.env, stdout=subprocess.PIPE, check=True,
                              text=True)
        lines = [json.loads(line) for line in plan.stdout.splitlines()]
        return {m["change"]["resource"]["addr"] for m in lines if m["type"] == "planned_change"
                and m["change"]["action"] != "noop"}


if __name__ == "__main__":
    unittest.main()
