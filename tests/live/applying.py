"""What the tests of applying work with: a unit in a folder of its own, a simulated cloud, an http
server for states that locks, and `applytry` to drive the executor."""

import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from servers import BUILD, Server, reply

APPLYTRY = BUILD / "tests/tools/applytry"
SIM = BUILD / "fixtures/sim"
TOOLS = bool(shutil.which("terraform")) and (SIM / "simcloud").exists()

HEAD = """
terraform {
  required_providers {
    sim = { source = "example/sim" }
  }
%s
}
provider "sim" {}
"""
NETWORK = 'resource "sim_network" "n" {\n  name = "n"\n  cidr = "10.0.0.0/16"\n}\n'


def slow(name, command, more=""):
    """A resource whose provisioner takes its time."""
    return (f'resource "sim_network" "{name}" {{\n  name = "{name}"\n  cidr = "10.1.0.0/16"\n{more}'
            f'  provisioner "local-exec" {{\n    command = {json.dumps(command)}\n  }}\n}}\n')


class Cloud:
    def __enter__(self):
        self.process = subprocess.Popen([SIM / "simcloud"], stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class States(Server):
    """A server for one state. `fail` answers writes with an error."""

    def __init__(self):
        self.state, self.holder, self.fail = None, None, False
        super().__init__(self.answer)

    def answer(self, request):
        body = request.body.decode()
        if request.method == "LOCK":
            if self.holder:
                return reply(423, self.holder)
            self.holder = body
            return reply(200)
        if request.method == "UNLOCK":
            ours = self.holder and json.loads(body or "{}").get("ID") == json.loads(
                self.holder)["ID"]
            if ours:
                self.holder = None
            return reply(200 if ours else 409)
        if request.method == "POST":
            if self.fail:
                return reply(500)
            self.state = body
            return reply(200)
        return reply(200, self.state) if self.state else reply(404)

    def block(self):
        return (f'  backend "http" {{\n    address = "{self.url}/s"\n'
                f'    lock_address = "{self.url}/s"\n    unlock_address = "{self.url}/s"\n'
                "    retry_max = 0\n  }\n")


class Unit:
    """A commit's tree and a work tree, as plumb would give them to the executor."""

    def __init__(self, url, text, backend="", **more):
        self.holder = tempfile.TemporaryDirectory(prefix="plumb-apply-")
        self.top = Path(self.holder.name)
        for name in ("tree", "worktree", "work", "cache", "home"):
            (self.top / name).mkdir(mode=0o700)
        self.tree, self.work, self.worktree = (self.top / n for n in ("tree", "work", "worktree"))
        (self.tree / "main.tf").write_text(HEAD % backend + text)
        self.mirror = self.top / "mirror"
        shutil.copytree(SIM / "mirror", self.mirror)
        (self.top / "rc").write_text(
            f'provider_installation {{\n  filesystem_mirror {{\n    path = "{self.mirror}"\n'
            "  }\n}\n")
        self.env = {"PATH": os.environ["PATH"], "HOME": str(self.top / "home"), "SIM_URL": url,
                    "SIM_TOKEN": "sim-admin-token", "TF_CLI_CONFIG_FILE": str(self.top / "rc"),
                    "AWS_EC2_METADATA_DISABLED": "true", "CHECKPOINT_DISABLE": "1"}
        self.json = self.top / "unit.json"
        self.unit = {"name": "u", "path": "", "tree": str(self.tree), "work": str(self.work),
                     "worktree": str(self.worktree), "cache": str(self.top / "cache"),
                     "workspace": "default", **more}
        self.write()
        subprocess.run(["terraform", "providers", "lock", f"-fs-mirror={self.mirror}"],
                       cwd=self.tree, env=self.env, check=True, capture_output=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.holder.cleanup()

    def write(self, **options):
        self.json.write_text(json.dumps({**self.unit, "options": options}))

    def start(self, *args, stdout=subprocess.PIPE):
        return subprocess.Popen([APPLYTRY, self.json, *args], env=self.env, text=True,
                                stdin=subprocess.PIPE, stdout=stdout, stderr=subprocess.PIPE)

    def run(self, *args, code=0):
        process = self.start(*args)
        out, errors = process.communicate(timeout=120)
        assert process.returncode == code, (process.returncode, out, errors)
        return Said(out, errors)

    @property
    def state(self):
        return self.worktree / "terraform.tfstate"


class Said:
    def __init__(self, out, errors=""):
        self.text, self.errors = out, errors
        self.lines = out.splitlines()

    def events(self):
        return [tuple(line.split()[1:3]) for line in self.lines if line.startswith("event")]

    def result(self, last=True):
        line = [x for x in self.lines if x.startswith("result")][-1 if last else 0]
        fields, _, errors = line.partition(" errors=")
        return {**dict(f.split("=", 1) for f in fields.split()[1:]), "errors": errors}

    def one(self, word):
        return next(x for x in self.lines if x.startswith(word))


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.02)
