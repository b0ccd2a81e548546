"""What the crash tests work with: a simulated cloud, an http server for states, and a repository
whose unit is applied by plumb with a real Terraform; and what must hold whatever happened.

A world is made once (`Template`): provider locked, a first commit applied, a second one that
changes, makes and removes things. Each test works on a copy of it.
"""

import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/live"))
from servers import BUILD, PLUMB, Server, reply  # noqa: E402

SIM = BUILD / "fixtures/sim"
TOOLS = bool(shutil.which("terraform")) and (SIM / "simcloud").exists()
MISSING = "terraform is not on PATH, or there is no fixtures/sim (make sim)"

# How much of what could be tried is tried: see README.md.
ROUNDS = int(os.environ.get("PLUMB_TEST_CRASH_ROUNDS", "12"))
SEED = int(os.environ.get("PLUMB_TEST_CRASH_SEED", time.time()))
JOBS = int(os.environ.get("PLUMB_TEST_CRASH_JOBS", "2"))

HEAD = """terraform {
  required_providers {
    sim = { source = "example/sim" }
  }
  backend "%s" {}
}
provider "sim" {}
data "sim_image" "debian" { family = "debian" }
resource "sim_network" "main" {
  name   = "main"
  cidr   = "10.20.0.0/16"
  labels = { round = "%s" }
}
"""
SERVERS = """resource "sim_server" "web" {
  count      = %d
  name       = "web-${count.index}"
  image      = data.sim_image.debian.id
  size       = "small"
  network_id = sim_network.main.id
}
"""
OLD = 'resource "sim_secret" "old" {\n  name  = "old-%d"\n  value = "not-much-of-a-secret"\n}\n'
CONFIG = """version: 1
units:
  - {name: shop, path: .}
gate:
  rules:
    - {decide: allow}
"""


def run(argv, env=None, cwd=None, check=True):
    done = subprocess.run(argv, env=env, cwd=cwd, text=True, capture_output=True)
    if check and done.returncode != 0:
        raise AssertionError(f"{argv}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done


class States(Server):
    """One state behind http, with a lock; writes can be made to fail."""

    def __init__(self, state=None):
        self.state, self.holder, self.fail = state, None, False
        super().__init__(self.answer)

    def answer(self, request):
        body = request.body.decode()
        if request.method == "LOCK":
            if self.holder:
                return reply(423, self.holder)
            self.holder = body
            return reply(200)
        if request.method == "UNLOCK":
            if self.holder and json.loads(body or "{}").get("ID") == json.loads(self.holder)["ID"]:
                self.holder = None
                return reply(200)
            return reply(409)
        if request.method == "POST":
            if self.fail:
                return reply(500)
            self.state = body
            return reply(200)
        return reply(200, self.state) if self.state else reply(404)

    def env(self):
        names = ("ADDRESS", "LOCK_ADDRESS", "UNLOCK_ADDRESS")
        return {"TF_HTTP_RETRY_MAX": "0",
                **{f"TF_HTTP_{name}": f"{self.url}/state" for name in names}}


class Cloud:
    def __init__(self, file):
        self.process = subprocess.Popen([SIM / "simcloud", "--state", file],
                                        stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def ask(self, method, path, body=None):
        request = urllib.request.Request(self.url + path, method=method,
                                         data=json.dumps(body).encode() if body else None,
                                         headers={"Authorization": "Bearer sim-control-token"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def slow(self, ms):
        for method in ("POST", "PATCH", "DELETE"):
            self.ask("POST", "/control/faults",
                     {"match": f"{method} /v1/*", "kind": "delay", "delay_ms": ms})

    def calm(self):
        self.ask("DELETE", "/control/faults")

    def objects(self):
        """kind -> {id: name}"""
        found = {}
        for kind in ("networks", "servers", "buckets", "disks", "secrets"):
            items, page = [], ""
            while page is not None:
                answer = self.ask("GET", f"/v1/{kind}?limit=500" + page)
                items += answer["items"]
                token = answer["next_page_token"]
                page = f"&page_token={token}" if token else None
            found[kind] = {i["id"]: i.get("name") for i in items}
        return found

    def created(self):
        """(kind, name or id) -> how often it was made"""
        times, after = {}, 0
        while True:
            answer = self.ask("GET", f"/audit?after={after}&limit=500")
            for entry in answer["entries"]:
                if entry["action"] == "create":
                    name = (entry.get("name") or self.name_of(entry) or entry["id"])
                    key = (entry["kind"], name)
                    times[key] = times.get(key, 0) + 1
            if not answer["entries"] or answer["next_after"] == after:
                return times
            after = answer["next_after"]

    @staticmethod
    def name_of(entry):
        for change in entry.get("changes") or []:
            if change.get("field") == "name":
                return change.get("after") or change.get("new")
        return None


class World:
    """A copy of a template. `http`: where the state lies."""

    def __init__(self, template, top, cloud_file, state=None):
        self.top, self.template, self.http = Path(top), template, template.http
        self.repo = self.top / "repo"
        self.cloud = Cloud(cloud_file)
        self.states = States(state) if self.http else None
        self.env = {"PATH": os.environ["PATH"], "HOME": str(self.top / "home"),
                    "XDG_STATE_HOME": str(self.top / "state"),
                    "XDG_CACHE_HOME": str(self.top / "cache"), "TMPDIR": str(self.top / "tmp"),
                    "SIM_URL": self.cloud.url, "SIM_TOKEN": "sim-admin-token",
                    "TF_CLI_CONFIG_FILE": str(template.rc), "CHECKPOINT_DISABLE": "1",
                    "AWS_EC2_METADATA_DISABLED": "true", "GIT_CONFIG_GLOBAL": "/dev/null",
                    "GIT_CONFIG_SYSTEM": "/dev/null", "GIT_AUTHOR_NAME": "plumb",
                    "GIT_AUTHOR_EMAIL": "plumb@example.com", "GIT_COMMITTER_NAME": "plumb",
                    "GIT_COMMITTER_EMAIL": "plumb@example.com", "NO_COLOR": "1"}
        for name in ("HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "TMPDIR"):
            Path(self.env[name]).mkdir(parents=True, exist_ok=True)
        if self.states:
            self.env.update(self.states.env())

    def close(self):
        self.cloud.close()
        if self.states:
            self.states.__exit__()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
        shutil.rmtree(self.top, ignore_errors=True)

    # ---- doing

    def git(self, *args):
        return run(["git", "-C", self.repo, *args], self.env).stdout

    def commit(self, files, message):
        for name, text in files.items():
            if text is None:
                (self.repo / name).unlink()
            else:
                (self.repo / name).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-qm", message)

    def plumb(self, *args, fault=None, **more):
        env = {**self.env, **({"PLUMB_FAULT": fault} if fault else {}), **more}
        return run([PLUMB, "-C", self.repo, *args], env, check=False)

    def start(self, *args, fault=None, stdout=None, env=None):
        """plumb under way, in a session of its own; its output is in files."""
        with open(self.top / "out", "w") as out, open(self.top / "err", "w") as errors:
            return subprocess.Popen(
                [PLUMB, "-C", self.repo, *args], stdin=subprocess.DEVNULL,
                stdout=stdout or out, stderr=errors, start_new_session=True,
                env={**self.env, **({"PLUMB_FAULT": fault} if fault else {}), **(env or {})})

    def until_stopped(self, process):
        """A fault `stop` has made it stand still."""
        status = Path(f"/proc/{process.pid}/stat")
        while status.read_text().rsplit(")", 1)[1].split()[0] != "T":
            assert process.poll() is None, self.said()
            time.sleep(0.01)

    def said(self):
        return (self.top / "out").read_text() + (self.top / "err").read_text()

    # ---- seeing

    def areas(self):
        return list((self.top / "state/plumb/apply").glob("*"))

    def left(self):
        """What is left of applies that have not come to their end."""
        return [a / "current" for a in self.areas() if (a / "current").exists()]

    def touches(self):
        """Whether Terraform is applying, or was."""
        return bool(list(self.top.glob("state/plumb/apply/*/current/work/apply.out")))

    def imports(self):
        return [f for a in self.areas() for f in sorted(a.glob("imports-*.tf"))]

    def alive(self):
        """Whether the lease of the unit is held."""
        for area in self.areas():
            with open(area / "lease") as lease:
                try:
                    fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    return True
        return False

    def tools(self):
        """Processes of Terraform that work in this world."""
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and os.readlink(entry / "cwd").startswith(str(self.top)) \
                        and (entry / "comm").read_text().strip() == "terraform":
                    found.append(int(entry.name))
        return found

    def running(self):
        """plumb, what it started in this world, and what that started: pid -> name"""
        mark, found = f"XDG_STATE_HOME={self.env['XDG_STATE_HOME']}".encode(), {}
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                    found[int(entry.name)] = (entry / "comm").read_text().strip()
        return found

    def check_nothing_runs(self, seconds=60):
        """Whatever was killed: all of it ends by itself, providers and who lends them as well."""
        end = time.monotonic() + seconds
        while self.running() and time.monotonic() < end:
            time.sleep(0.05)
        assert not self.running(), f"still runs: {self.running()}"

    def state(self):
        if self.http:
            return json.loads(self.states.state) if self.states.state else {}
        text = ""
        with contextlib.suppress(OSError):
            text = (self.repo / "terraform.tfstate").read_text()
        return json.loads(text) if text.strip() else {}

    def recorded(self):
        """ids in the state"""
        return {i["attributes"]["id"] for r in self.state().get("resources", [])
                if r["mode"] == "managed" for i in r["instances"]}

    def holder(self):
        """Whoever holds the state's own lock."""
        if self.http:
            return self.states.holder
        with contextlib.suppress(OSError), open(self.repo / "terraform.tfstate", "r+") as state:
            try:
                fcntl.lockf(state, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return "a process"
        return None

    # ---- what must hold

    def settle(self):
        """Recovers, as soon as nothing lives any more; what it said."""
        end = time.monotonic() + 90
        while True:
            done = self.plumb("recover")
            if done.returncode != 5 or time.monotonic() > end:
                break
            time.sleep(0.2)
        assert done.returncode == 0, ("recover", done.returncode, done.stdout, done.stderr)
        assert not self.left(), "the area is left"
        return done.stdout

    def adopt(self, said):
        """Does what recovery asked for: imports what it proposed, and looks for what may exist."""
        text = "".join(f.read_text() for f in self.imports())
        known = set(re.findall(r'id = "([^"]+)"', text))
        objects = self.cloud.objects()
        lost = {(kind, name): id for kind, items in objects.items() for id, name in items.items()
                if id not in known and id not in self.recorded()}
        for (kind, name), id in lost.items():
            address = {"servers": f"sim_server.web[{name.split('-')[-1]}]",
                       "networks": "sim_network.main"}.get(kind)
            assert f"'{address}' may exist" in said, f"{kind} {name} is not spoken of:\n{said}"
            text += f'import {{\n  to = {address}\n  id = "{id}"\n}}\n'
        if text:
            self.commit({"imports.tf": text}, "what an interrupted apply made")

    def check(self):
        """After anything: recover, adopt, apply, and look at everything."""
        self.cloud.calm()
        said = self.settle()
        assert not self.holder(), f"a lock is left: {self.holder()}\n{said}"
        self.adopt(said)
        done = self.plumb("apply")
        assert done.returncode == 0, ("apply", done.returncode, said, done.stdout, done.stderr)
        assert not self.left() and not self.holder()
        again = {k: n for k, n in self.cloud.created().items() if n != 1}
        assert not again, f"made more than once: {again}"
        there = {i for items in self.cloud.objects().values() for i in items}
        assert there == self.recorded(), ("cloud and state", there ^ self.recorded())
        audit = self.plumb("audit")
        assert audit.returncode == 0, ("audit", audit.returncode, audit.stdout, audit.stderr)
        self.check_ledger()
        assert not self.imports(), "import blocks are kept beyond a verified apply"
        assert not list((self.top / "tmp").glob("plumb*")), list((self.top / "tmp").iterdir())
        return said

    def check_ledger(self):
        done = self.plumb("log", "verify")
        assert done.returncode == 0, ("log verify", done.stdout, done.stderr)
        for log in (self.top / "state/plumb/ledger").glob("*"):
            run([sys.executable, ROOT / "scripts/ledger-verify", log])
            assert not (log / "new").exists(), "a ledger that was brought back half way is left"
        done = self.plumb("log", "--format", "json", "--kind", "apply")
        runs = {}
        for entry in (e["entry"] for e in json.loads(done.stdout)["entries"]):
            runs.setdefault(entry["body"]["run"], []).append(entry["kind"])
        for kinds in runs.values():
            starts = kinds.count("apply.started")
            ends = kinds.count("apply.finished") + kinds.count("apply.recovered")
            assert starts == ends <= 1, f"beginnings and ends in the ledger: {kinds}"


class Template:
    """first: what the first commit has; second: what the second makes of it."""

    def __init__(self, http, servers=8, applied=True):
        self.http, self.servers = http, servers
        self.top = Path(tempfile.mkdtemp(prefix="plumb-crash-"))
        self.rc = self.top / "terraformrc"
        self.mirror = self.top / "mirror"  # a test changes the provider in it
        shutil.copytree(SIM / "mirror", self.mirror)
        self.rc.write_text('provider_installation {\n  filesystem_mirror {\n'
                           f'    path = "{self.mirror}"\n  }}\n}}\n')
        self.copies = 0
        self.seed = self.top / "seed"
        (self.seed / "repo").mkdir(parents=True)
        kind = "http" if http else "local"
        with self.world(self.seed) as world:
            world.git("init", "-qb", "main")
            world.commit({"main.tf": HEAD % (kind, "one") + "".join(OLD % i for i in range(1)),
                          "plumb.yaml": CONFIG, ".gitignore": "*.tfstate*\n.terraform/\n"}, "one")
            run(["terraform", "providers", "lock", f"-fs-mirror={self.mirror}"], world.env,
                world.repo)
            world.commit({}, "lock")
            if applied:
                done = world.plumb("apply")
                assert done.returncode == 0, ("first apply", done.stdout, done.stderr)
            world.commit({"main.tf": HEAD % (kind, "two") + SERVERS % servers}, "two")
            self.state = world.states.state if http else None

    @contextlib.contextmanager
    def world(self, top):
        world = World(self, top, self.top / "cloud.json")
        try:
            yield world
        finally:
            world.close()

    def copy(self):
        self.copies += 1
        top = self.top / f"copy-{self.copies}"
        (top / "repo").mkdir(parents=True)
        shutil.copytree(self.seed / "repo", top / "repo", dirs_exist_ok=True)
        for name in ("cache", "home"):
            shutil.copytree(self.seed / name, top / name, dirs_exist_ok=True)
        if (self.top / "cloud.json").exists():
            shutil.copy(self.top / "cloud.json", top / "cloud.json")
        return World(self, top, top / "cloud.json", self.state)

    def close(self):
        shutil.rmtree(self.top, ignore_errors=True)


def fault_points():
    """As the table of src/base/fault.c has them."""
    text = (ROOT / "src/base/fault.c").read_text()
    return re.findall(r'"([a-z_]+\.[a-z_]+)"', text.split("pb_fault_points[] = {")[1].split("}")[0])


def kill(pid, number=signal.SIGKILL):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
