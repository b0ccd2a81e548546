"""Applies by plumb of a small configuration on AWS: from nothing to nothing."""

import datetime
import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import applied  # noqa: E402
import estate  # noqa: E402

STORY = os.path.join(applied.INTEROP, "story")
WEB = "aws_security_group.web"
QUIET = ("in_sync", "computed", "unchecked")


class Applies(applied.Case):
    """A repository whose configuration nobody has applied yet, and plumb in it."""

    with_apply = False
    output = ""

    def git(self, *args, author="network"):
        """Git as somebody of that team."""
        env = dict(self.env, GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_SYSTEM="/dev/null",
                   GIT_AUTHOR_NAME=author, GIT_AUTHOR_EMAIL=author + "@example.com",
                   GIT_COMMITTER_NAME=author, GIT_COMMITTER_EMAIL=author + "@example.com")
        subprocess.run(["git", "-C", self.repo, *args], env=env, check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def commit(self, message, *edits, author="network"):
        """Commits main.tf with each (old, new) of the edits made."""
        path = os.path.join(self.repo, "main.tf")
        with open(path, encoding="utf-8") as text:
            content = text.read()
        for old, new in edits:
            self.assertIn(old, content)
            content = content.replace(old, new)
        with open(path, "w", encoding="utf-8") as out:
            out.write(content)
        self.git("commit", "-q", "-a", "-m", message, author=author)

    def client(self, service):
        return estate.client(self.env["AWS_ENDPOINT_URL"], service)

    def plumb(self, code, *args):
        run = self.estate.plumb(*args)
        self.output = run.stdout + run.stderr
        self.assertEqual(run.returncode, code, self.output[-6000:])
        return run.stdout

    def says(self, *texts):
        """However it is broken into lines."""
        said = " ".join(self.output.split())
        for text in texts:
            self.assertIn(text, said)

    def apply(self, *args, end="applied", count=None):
        """An apply that is to go through, all of it verified; address -> change."""
        result = json.loads(self.plumb(0, "apply", "--format", "json", *args))
        self.assertEqual([result["end"], result["why"]], [end, None])
        open_ends = {c["address"]: [c["state"], c["verified"], c["verdict"], c["reason"]]
                     for c in result["changes"] if [c["state"], c["verified"]] != ["done", "yes"]}
        self.assertEqual(open_ends, {})
        self.assertEqual(result["verified"], "yes" if end == "applied" else "unknown")
        changes = {c["address"]: c["action"] for c in result["changes"]}
        if count is not None:
            self.assertEqual(len(changes), count, changes)
        return changes

    def evidence(self, *args):
        plan = self.estate.plumb("plan", "--format", "json", *args)
        return json.loads(plan.stdout)["units"][0]["evidence"]

    def clean(self):
        """An audit finds nothing, and nothing is left of an apply."""
        report, _ = self.report(codes=(0,))
        self.assertEqual({r["address"]: r["verdict"] for u in report["units"]
                          for r in u["resources"] if r["verdict"] not in QUIET}, {})
        left = [path for path, _, names in os.walk(self.env["PLUMB_STATE_DIR"])
                if os.path.basename(path) == "current" and names]
        self.assertEqual(left, [])
        return report["summary"]["resources"]


class FoundingStory(Applies):
    """In the order of the names: each goes on where the one before ended."""

    config = STORY

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.began = datetime.datetime.now()

    def ingress(self):
        groups = self.client("ec2").describe_security_groups(
            Filters=[{"Name": "group-name", "Values": ["story-web"]}])["SecurityGroups"]
        return groups[0]["GroupId"], sorted(p["FromPort"] for p in groups[0]["IpPermissions"])

    def test_1_from_nothing_everything_is_verified(self):
        changes = self.apply("-parallelism=30")
        self.assertEqual(set(changes.values()), {"create"})
        self.assertEqual(len(changes), len(self.estate.state()))
        self.assertEqual(self.ingress()[1], [80, 443])
        self.assertEqual(self.clean(), len(changes))

    def test_2_then_there_is_nothing_to_apply(self):
        self.apply(end="nothing", count=0)
        for args in (("init",), ("plan", "-detailed-exitcode", "-lock=false")):
            run = self.estate.run("terraform", *args, "-input=false", "-no-color")
            self.assertEqual(run.returncode, 0, run.stdout + run.stderr)

    def test_3_what_git_changes_is_applied(self):
        self.git("branch", "old")
        self.commit("keep logs longer", ("default = 30", "default = 90"), author="storage")
        self.assertEqual(self.apply(), {f'aws_cloudwatch_log_group.app["{k}"]': "update"
                                        for k in ("web", "worker")})
        self.commit("another secret, and a port less",
                    ("story-secret-one", "story-secret-two"), ("[80, 443]", "[443]"))
        self.assertEqual(self.apply(), {WEB: "update", "aws_ssm_parameter.secret": "update"})
        self.assertEqual(self.ingress()[1], [443])
        self.assertNotIn("story-secret", self.output)
        self.clean()

    def test_4_a_fix_by_hand_and_a_stale_branch(self):
        group, _ = self.ingress()
        self.client("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=[{
            "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22,
            "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])
        self.git("checkout", "-q", "old")
        with open(os.path.join(self.repo, "more.tf"), "w", encoding="utf-8") as out:
            out.write('resource "aws_sqs_queue" "mail" {\n  name = "story-mail"\n}\n')
        self.git("add", "more.tf")
        self.git("commit", "-q", "-m", "a queue for mail", author="mail")
        self.plumb(3, "apply", "--auto-approve")
        # Refused twice over: it is stale, and it would take back what others did.
        self.says("stale-commit", "would take back what others applied",
                  'by network', '"another secret, and a port less"',
                  "ask update " + WEB + " revert", "undoes a change made outside of Git",
                  '"from_port":22', "nothing was touched")
        self.assertNotIn("story-secret", self.output)
        self.assertEqual(self.ingress()[1], [22, 443])
        # Neither does somebody's yes help, who has seen it.
        self.plumb(3, "apply", "--approve", self.evidence()[:16])
        self.says("stale-commit")
        self.git("rebase", "-q", "main")
        self.plumb(3, "apply", "--auto-approve")
        self.says("ask update " + WEB + " revert", "allow create aws_sqs_queue.mail git",
                  'by mail', '"a queue for mail"', "'--approve", '"from_port":22',
                  "nothing was touched")
        self.assertEqual(self.ingress()[1], [22, 443])

    def test_5_goes_through_when_somebody_decides(self):
        approved = self.evidence()
        # What was approved has moved by the time that it is applied.
        group, _ = self.ingress()
        more = {"GroupId": group, "IpPermissions": [{
            "IpProtocol": "tcp", "FromPort": 23, "ToPort": 23,
            "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]}
        self.client("ec2").authorize_security_group_ingress(**more)
        self.plumb(3, "apply", "--approve", approved)
        self.says("look at the plan again", "nothing was touched")
        self.client("ec2").revoke_security_group_ingress(**more)
        self.assertEqual(self.apply("--approve", approved[:16]),
                         {WEB: "update", "aws_sqs_queue.mail": "create"})
        self.assertEqual(self.ingress()[1], [443])
        self.clean()

    def test_6_the_log_tells_all_of_it(self):
        since = self.began.strftime("%Y-%m-%d %H:%M:%S")
        until = (datetime.datetime.now() + datetime.timedelta(minutes=1)).strftime(
            "%Y-%m-%d %H:%M:%S")
        log = json.loads(self.plumb(0, "log", "--since", since, "--until", until, "--kind",
                                    "apply", "--format", "json"))
        kinds = [e["entry"]["kind"].split(".")[1] for e in log["entries"]]
        self.assertEqual(kinds, ["started", "finished"] * 3 + ["refused"] * 4
                         + ["started", "finished"])
        self.plumb(0, "log", "--since", since, "--until", until, "--address", WEB)
        self.says("stale-commit", WEB)
        before = self.plumb(0, "log", "--until", since, "--kind", "apply", "--format", "json")
        self.assertEqual(json.loads(before)["entries"], [])
        self.plumb(0, "log", "verify")
        with open(os.path.join(self.repo, ".git", "config"), encoding="utf-8") as text:
            self.assertNotIn("story-secret", text.read())

    def test_7_a_deletion_a_replacement_and_a_target(self):
        self.commit("no alerts", (
            'resource "aws_sns_topic" "alerts" {\n  name = "story-alerts"\n}\n', ""))
        self.assertEqual(self.apply(), {"aws_sns_topic.alerts": "delete"})
        self.assertEqual(self.client("sns").list_topics()["Topics"], [])
        self.commit("sessions by user", ('hash_key     = "id"', 'hash_key     = "user"'),
                    ('name = "id"', 'name = "user"'), ('"story-jobs"', '"story-work"'))
        self.assertEqual(self.apply("-target=aws_dynamodb_table.sessions"),
                         {"aws_dynamodb_table.sessions": "replace"})
        table = self.client("dynamodb").describe_table(TableName="story-sessions")["Table"]
        self.assertEqual(table["KeySchema"][0]["AttributeName"], "user")
        self.assertEqual(self.apply(), {"aws_sqs_queue.jobs": "replace"})
        self.clean()

    def test_8_and_nothing_is_left_when_it_is_destroyed(self):
        count = len(self.estate.state())
        self.plumb(3, "apply", "-destroy", "-auto-approve")
        self.says("nothing was touched")
        # With nothing left of a kind an API that is silent looks the same: plumb says so, exit 4.
        run = self.estate.plumb("apply", "-destroy", "-parallelism=30", "--format", "json",
                                "--approve", self.evidence("-destroy"))
        result = json.loads(run.stdout)
        self.assertEqual([result["end"], len(result["changes"])], ["applied", count])
        self.assertEqual({(c["action"], c["state"]) for c in result["changes"]},
                         {("delete", "done")})
        unseen = [c["address"] for c in result["changes"] if c["verified"] == "unknown"]
        self.assertEqual([c for c in result["changes"] if c["verified"] == "no"], [])
        self.assertEqual(run.returncode, 4 if unseen else 0)
        self.assertLess(len(unseen), count / 2)
        self.assertEqual(self.estate.state(), {})
        ec2, iam = self.client("ec2"), self.client("iam")
        self.assertEqual([v["CidrBlock"] for v in ec2.describe_vpcs()["Vpcs"]
                          if not v["IsDefault"]], [])
        self.assertEqual([g["GroupName"] for g in ec2.describe_security_groups()["SecurityGroups"]
                          if g["GroupName"].startswith("story")], [])
        self.assertEqual(iam.list_roles()["Roles"], [])
        self.assertEqual(iam.list_policies(Scope="Local")["Policies"], [])
        self.assertEqual(self.client("s3").list_buckets()["Buckets"], [])
        self.assertEqual(self.client("sqs").list_queues().get("QueueUrls", []), [])
        self.assertEqual(self.client("logs").describe_log_groups()["logGroups"], [])
        self.assertEqual(self.client("dynamodb").list_tables()["TableNames"], [])
        self.assertEqual(self.client("ssm").describe_parameters()["Parameters"], [])


class StateInS3(Applies):
    """The state's own lock, and nothing of it beside the configuration."""

    config = os.path.join(applied.INTEROP, "remote")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.s3 = estate.client(cls.env["AWS_ENDPOINT_URL"], "s3")
        cls.s3.create_bucket(Bucket="remote-states", CreateBucketConfiguration={
            "LocationConstraint": estate.REGION})

    def keys(self):
        found = self.s3.list_objects_v2(Bucket="remote-states").get("Contents", [])
        return [f["Key"] for f in found]

    def test_1_applied_there_and_the_lock_given_back(self):
        self.assertEqual(set(self.apply(count=2).values()), {"create"})
        self.assertEqual(self.keys(), ["unit/terraform.tfstate"])
        self.assertFalse(os.path.exists(os.path.join(self.repo, "terraform.tfstate")))
        self.commit("longer", ("retention_in_days = 7", "retention_in_days = 14"))
        self.assertEqual(set(self.apply(count=2).values()), {"update"})
        self.assertEqual(self.keys(), ["unit/terraform.tfstate"])
        self.apply(end="nothing", count=0)
        self.clean()

    def test_2_nothing_is_done_while_somebody_else_holds_the_lock(self):
        self.s3.put_object(Bucket="remote-states", Key="unit/terraform.tfstate.tflock", Body=(
            '{"ID":"00000000-1111-2222-3333-444444444444","Operation":"OperationTypeApply",'
            '"Info":"","Who":"somebody@elsewhere","Version":"1.11.4",'
            '"Created":"2026-01-01T00:00:00Z","Path":"remote-states/unit/terraform.tfstate"}'))
        self.commit("shorter", ("retention_in_days = 14", "retention_in_days = 3"))
        run = self.estate.plumb("apply", "--auto-approve")
        self.assertEqual(run.returncode, 5, run.stdout + run.stderr)
        self.assertIn("somebody@elsewhere", run.stdout + run.stderr)
        self.assertEqual(self.keys(), ["unit/terraform.tfstate", "unit/terraform.tfstate.tflock"])
        self.s3.delete_object(Bucket="remote-states", Key="unit/terraform.tfstate.tflock")
        self.assertEqual(set(self.apply(count=2).values()), {"update"})
        self.plumb(0, "log", "verify")


class Whole:
    """Every type that the other tests audit, made by plumb: each has to be verified."""

    def test_all_of_it_is_made_and_verified(self):
        changes = self.apply("-parallelism=30")
        self.assertEqual(set(changes.values()), {"create"})
        self.assertEqual(len(changes), len(self.estate.state()))
        self.assertEqual(self.clean(), len(changes))


class WholeEstate(Whole, Applies):
    """Types with packs."""


class WholeWide(Whole, Applies):
    """Types that only the provider reads."""

    config = os.path.join(applied.INTEROP, "wide")


if __name__ == "__main__":
    unittest.main()
