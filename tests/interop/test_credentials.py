#!/usr/bin/env python3
"""Real Terraform and the real AWS provider against moto, where who asks decides which account is
seen: a role of the provider block, and a profile with a credential_process. plumb has to find each
resource in the account into which Terraform put it."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "lib"))

import estate  # noqa: E402

TOP = HERE.parent.parent
PLUMB = os.environ.get("PLUMB", str(TOP / "build/plumb"))
ACCOUNTS = {"own": "123456789012", "role": "111122223333", "profile": "444455556666"}

MAIN = """
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
  backend "local" {}
}
provider "aws" {
  region = "eu-west-1"
}
provider "aws" {
  alias  = "role"
  region = "eu-central-1"
  assume_role {
    role_arn     = "arn:aws:iam::111122223333:role/audit"
    session_name = "plumb"
    external_id  = "an id"
  }
}
provider "aws" {
  alias               = "profile"
  region              = "us-east-1"
  profile             = "other"
  shared_config_files = ["%s"]
}
"""
RESOURCES = """
resource "aws_ssm_parameter" "%(name)s" {
  provider = aws%(alias)s
  name     = "/%(name)s"
  type     = "SecureString"
  value    = "of %(name)s"
}
resource "aws_sqs_queue" "%(name)s" {
  provider = aws%(alias)s
  name     = "%(name)s"
}
"""
CONFIG = """
[profile other]
credential_process = /bin/sh "%s" 'one word'
"""
PROCESS = """test "$1" = 'one word' || exit 1
echo '{"Version": 1, "AccessKeyId": "%(AccessKeyId)s", "SessionToken": "%(SessionToken)s",
"SecretAccessKey": "%(SecretAccessKey)s"}'
"""


class Credentials(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        env = estate.tools()
        if env["PLUMB_TEST_MISSING"]:
            raise unittest.SkipTest(env["PLUMB_TEST_MISSING"])
        os.environ["TF_CLI_CONFIG_FILE"] = env["TF_CLI_CONFIG_FILE"]
        cls.temp = tempfile.TemporaryDirectory(prefix="plumb-interop-")
        cls.addClassCleanup(cls.temp.cleanup)
        top = Path(cls.temp.name)
        (top / "given").mkdir()
        (top / "config").write_text(CONFIG % (top / "process"))
        (top / "given/main.tf").write_text(MAIN % (top / "config") + "".join(
            RESOURCES % {"name": n, "alias": "" if n == "own" else f".{n}"} for n in ACCOUNTS))
        (top / "given/.gitignore").write_text("*.tfstate\n.terraform/\n")
        cls.endpoint = estate.start_moto(str(top))
        cls.addClassCleanup(estate.stop, str(top))
        (top / "process").write_text(PROCESS % cls.keys("444455556666"))
        cls.repo = str(top / "repo")
        estate.make_repo(str(top / "given"), cls.repo)
        try:
            estate.apply(cls.repo, cls.endpoint, str(top / "log"))
        except RuntimeError as error:
            raise RuntimeError((top / "log").read_text()[-3000:]) from error
        estate.commit(cls.repo, "lock file")
        cls.env = {**estate.clean_environ(), **estate.aws_environ(cls.endpoint),
                   "PLUMB_CACHE_DIR": str(top / "cache"), "PLUMB_STATE_DIR": str(top / "state")}

    @classmethod
    def keys(cls, account):
        return estate.client(cls.endpoint, "sts").assume_role(
            RoleArn=f"arn:aws:iam::{account}:role/test", RoleSessionName="test")["Credentials"]

    def audit(self, *args):
        run = subprocess.run([PLUMB, "-C", self.repo, "audit", "--format", "json", *args],
                             env=self.env, capture_output=True, text=True, check=False)
        self.assertIn(run.returncode, (0, 2, 4), run.stderr + run.stdout[:4000])
        report = json.loads(run.stdout)
        return {r["address"]: r for r in report["units"][0]["resources"]}, run.returncode

    def test_1_each_in_its_account(self):
        state = json.loads(Path(self.repo, "terraform.tfstate").read_text())
        where = {r["name"]: r["instances"][0]["attributes"]["arn"].split(":")[4]
                 for r in state["resources"]}
        self.assertEqual(where, ACCOUNTS)
        found, code = self.audit("--observer", "rest")
        self.assertEqual({a: r["verdict"] for a, r in found.items()},
                         {f"{t}.{n}": "in_sync" for n in ACCOUNTS
                          for t in ("aws_ssm_parameter", "aws_sqs_queue")}, found)
        self.assertEqual(code, 0)

    def test_2_a_change_in_another_account_is_found(self):
        """And the same name in one's own account is not taken for it."""
        import boto3
        keys = self.keys("111122223333")
        ssm = boto3.client("ssm", endpoint_url=self.endpoint, region_name="eu-central-1",
                           aws_access_key_id=keys["AccessKeyId"],
                           aws_secret_access_key=keys["SecretAccessKey"],
                           aws_session_token=keys["SessionToken"])
        ssm.put_parameter(Name="/role", Value="changed", Type="SecureString", Overwrite=True)
        estate.client(self.endpoint, "ssm", "eu-central-1").put_parameter(
            Name="/role", Value="of role", Type="SecureString")
        found, code = self.audit()
        self.assertEqual(code, 2)
        self.assertEqual({a for a, r in found.items() if r["verdict"] == "drifted"},
                         {"aws_ssm_parameter.role"})
        self.assertNotIn("changed", json.dumps(found["aws_ssm_parameter.role"]["attributes"]))


if __name__ == "__main__":
    unittest.main()
