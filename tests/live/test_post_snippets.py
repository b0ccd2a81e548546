"""What the README offers for CI: it is YAML, and its commands do what is said, run as the CI job
would run them."""

import json
import re
import subprocess
import unittest

import yaml

from hosts import SHA, TOKEN, Host
from servers import PLUMB, ROOT
from test_post_audit import Posted


def snippets():
    """Each block of YAML in the README in which plumb is run: title -> document."""
    text = (ROOT / "README.md").read_text()
    found = {}
    for block in re.findall(r"```yaml\n(.*?)```", text, re.S):
        document = yaml.safe_load(block)
        for name, job in {**document, **document.get("jobs", {})}.items():
            if isinstance(job, dict) and ("steps" in job or "script" in job):
                kind = "github" if "steps" in job else "gitlab"
                found[f"{kind} {name}"] = (document, job)
    return found


def commands(job):
    return job["script"] if "script" in job else [s["run"] for s in job["steps"] if "run" in s]


class Snippets(Posted):
    def work(self, host, job, code, **env):
        """Runs a job's own commands as a shell of CI would."""
        tools = self.estate.top / "path"
        tools.mkdir(exist_ok=True)
        if not (tools / "plumb").exists():
            (tools / "plumb").symlink_to(PLUMB)
        for line in commands(job):
            done = self.shell(line, PATH=f"{tools}:{self.estate.env['PATH']}", **env)
            wanted = code if isinstance(code, tuple) else (code,)
            if line.startswith("git "):
                wanted = (0,)
            self.assertIn(done.returncode, wanted, line + done.stdout + done.stderr)
            self.assertNotIn("warning: not posted", done.stderr)
            self.assertNotIn(TOKEN, done.stdout + done.stderr)
        host.check()

    def shell(self, line, **env):
        return subprocess.run(["bash", "-e", "-c", line], cwd=self.estate.repo, text=True,
                              capture_output=True, timeout=120,
                              env={**self.estate.env, "ACME_URL": self.server.url,
                                   "ACME_TOKEN": "t", **env})

    def github(self, host, **more):
        return {"GITHUB_ACTIONS": "true", "GITHUB_API_URL": host.api, "GITHUB_SHA": SHA,
                "GITHUB_SERVER_URL": host.url, "GITHUB_REPOSITORY": "acme/infra",
                "GITHUB_RUN_ID": "1", "GITHUB_TOKEN": TOKEN, **more}

    def gitlab(self, host, **more):
        return {"GITLAB_CI": "true", "CI_API_V4_URL": host.api, "CI_PROJECT_ID": "41",
                "CI_COMMIT_SHA": SHA, "CI_PIPELINE_ID": "12", "CI_JOB_URL": host.url + "/job/1",
                "CI_JOB_TOKEN": "x", "GITLAB_TOKEN": TOKEN, **more}

    def nightly(self, host, name, env):
        _, job = snippets()[name]
        self.work(host, job, 0, **env)
        self.assertEqual(host.issues, [])
        self.drift()
        self.work(host, job, 2, **env)
        self.assertEqual([i["state"] for i in host.issues], ["open"])
        self.drift("customer 2")
        self.work(host, job, 0, **env)
        self.assertEqual([i["state"] for i in host.issues], ["closed"])

    def test_nightly_audit_on_github(self):
        host = Host("github", job=True)
        self.nightly(host, "github audit",
                     self.github(host, GITHUB_EVENT_NAME="schedule"))
        host.__exit__()

    def test_nightly_audit_on_gitlab(self):
        host = Host("gitlab")
        self.nightly(host, "gitlab plumb-audit",
                     self.gitlab(host, CI_PIPELINE_SOURCE="schedule"))
        host.__exit__()

    def review(self, host, name, ref, env):
        """A branch that changes something, seen from a clone that has not checked it out."""
        document, job = snippets()[name]
        estate = self.estate
        estate.git("branch", "target")
        estate.git("checkout", "-q", "-b", "topic")
        with (estate.repo / "main.tf").open("a") as file:
            file.write('resource "acme_order" "new" {\n}\n')
        estate.git("commit", "-q", "-am", "topic")
        estate.git("update-ref", ref, "topic")
        estate.git("checkout", "-q", "target")
        clone = estate.top / "clone"
        estate.git("clone", "-q", "--single-branch", "--branch", "target", str(estate.repo),
                   str(clone))
        head, base = (self.id_of(r) for r in ("topic", "target"))
        estate.repo = clone
        self.work(host, job, (0, 4), **{k: v.replace("HEAD", head).replace("BASE", base)
                                        for k, v in env.items()})
        self.assertEqual((host.statuses[0]["sha"], len(host.comments)), (head, 1))
        self.assertIn("acme_order.new", host.comments[0]["body"])
        self.work(host, job, (0, 4), **{k: v.replace("HEAD", head).replace("BASE", base)
                                        for k, v in env.items()})
        self.assertEqual(len(host.comments), 1)
        return document, job

    def id_of(self, ref):
        return (self.estate.repo / ".git/refs/heads" / ref).read_text().strip()

    def test_pull_request_on_github(self):
        host = Host("github", job=True)
        event = self.estate.top / "event.json"
        event.write_text(json.dumps({"number": 7, "pull_request": {
            "number": 7, "head": {"sha": "f" * 40}}}))  # one that is not what is checked
        document, job = self.review(
            host, "github check", "refs/pull/7/head",
            self.github(host, GITHUB_EVENT_NAME="pull_request_target", NUMBER="7",
                        GITHUB_EVENT_PATH=str(event), BASE="BASE", HEAD="HEAD"))
        self.assertEqual(document[True], "pull_request_target")  # YAML's own word for "on"
        self.assertEqual(document["permissions"], {
            "contents": "read", "pull-requests": "write", "statuses": "write"})
        # What is checked out is the base, by its id.
        self.assertEqual(job["steps"][0]["with"]["ref"],
                         "${{ github.event.pull_request.base.sha }}")
        host.__exit__()

    def test_merge_request_on_gitlab(self):
        host = Host("gitlab")
        self.review(host, "gitlab plumb-check", "refs/heads/topic",
                    self.gitlab(host, CI_PIPELINE_SOURCE="merge_request_event",
                                CI_MERGE_REQUEST_IID="7", CI_MERGE_REQUEST_PROJECT_ID="40",
                                CI_MERGE_REQUEST_TARGET_BRANCH_NAME="target",
                                CI_COMMIT_SHA="HEAD"))
        host.__exit__()

    def test_tokens_may_do_no_more_than_is_needed(self):
        document, job = snippets()["github audit"]
        self.assertEqual(document["permissions"], {"contents": "read", "issues": "write"})
        for name, (_, job) in snippets().items():
            for step in job.get("steps", []):
                uses = step.get("uses", "")
                if uses.startswith("actions/checkout"):
                    self.assertIs(step["with"]["persist-credentials"], False, name)
                # What somebody else may choose must not become part of a script.
                self.assertNotIn("${{", step.get("run", ""), name)


if __name__ == "__main__":
    unittest.main()
