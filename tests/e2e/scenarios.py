"""What scenarios of `plumb check` happen in: the estate of fixtures/checks and the simulated cloud.

    estate = Estate(folder, planned)   makes it once: repository, cloud, state; `planned` applies it
    estate.begin(case)                 the estate anew, with the case's commits and outside changes
    estate.check(case, formats)        plumb check: exit code, and what it wrote by format
    estate.plain(text)                 the text without what differs from run to run
    estate.end()

The estate stays at one place and the cloud at one port, so that what plumb remembers of the
base's plan serves every case.
"""

import os
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("PLUMB_BUILD", ROOT / "build/release"))
PLUMB = os.environ.get("PLUMB", str(ROOT / "build/plumb"))
CHECKS = ROOT / "fixtures/checks"
UNITS = ("office", "shop")

MIRROR = 'provider_installation {\n  filesystem_mirror {\n    path = "%s"\n  }\n}\n'

# In place of what differs from run to run; as long as that is, or lines would be broken elsewhere.
PLAIN = [
    (r"127\.0\.0\.1:\d+", "127.0.0.1:00000"),
    (r"\b(took) \d+\.\d\d s", r"\1 0.00 s"),
]


def missing():
    """Why nothing can be planned here, or None."""
    if not shutil.which("terraform"):
        return "terraform is not on PATH"
    if not shutil.which("bwrap"):
        return "bwrap is not on PATH (install bubblewrap)"
    tried = subprocess.run([BUILD / "tests/tools/boxtry", "--", "/bin/true"],
                           capture_output=True, text=True)
    if tried.returncode:
        return tried.stderr.strip().removeprefix("boxtry: ")
    provider = next((BUILD / "fixtures/sim/mirror").rglob("terraform-provider-sim_*"))
    if b"__asan_init" in provider.read_bytes():
        return "the simulated provider is built with AddressSanitizer, which needs /proc"
    return None


def environment(work):
    env = {k: v for k, v in os.environ.items()
           if not k.startswith(("AWS_", "GIT_", "TF_", "SIM_", "PLUMB_", "XDG_"))}
    for variable in ("COLUMNS", "GITHUB_BASE_REF", "CHANGE_TARGET"):
        env.pop(variable, None)
    (work / "home").mkdir()
    (work / "terraformrc").write_text(MIRROR % (BUILD / "fixtures/sim/mirror"))
    env.update(HOME=str(work / "home"), PLUMB_CACHE_DIR=str(work / "cache"),
               PLUMB_STATE_DIR=str(work / "kept"), TF_CLI_CONFIG_FILE=str(work / "terraformrc"),
               GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_SYSTEM="/dev/null", CHECKPOINT_DISABLE="1",
               NO_COLOR="1", TZ="UTC", SIM_TOKEN="sim-admin-token")
    return env


def run(argv, env, **more):
    done = subprocess.run(argv, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          **more)
    if done.returncode:
        raise AssertionError("%s: exit %d\n%s%s" % (" ".join(map(str, argv)), done.returncode,
                                                    done.stdout, done.stderr))
    return done.stdout


class Cloud:
    def __init__(self, state):
        self.state, self.port, self.child, self.url = state, 0, None, None

    def start(self):
        self.child = subprocess.Popen(
            [BUILD / "fixtures/sim/simcloud", "--state", self.state, "--port", str(self.port)],
            stdout=subprocess.PIPE, text=True)
        self.url = self.child.stdout.readline().strip()
        if not self.url:
            raise AssertionError("the simulated cloud does not start")
        self.port = urllib.parse.urlparse(self.url).port

    def stop(self):
        if self.child:
            self.child.terminate()
            self.child.wait()
            self.child.stdout.close()
            self.child = None

    def names(self):
        """What each id and address is, in a number of its kind's names in their order; and which
        id has what is called KIND/NAME."""
        out, found = {}, {}
        for kind in ("networks", "firewalls", "servers", "disks", "records", "secrets"):
            items = self.ask("GET", f"/v1/{kind}?limit=500")["items"]
            for n, item in enumerate(sorted(items, key=lambda i: i["name"]), 1):
                out[item["id"]] = "%s-%06d" % (item["id"].split("-")[0], n)
                found[f"{kind}/{item['name']}"] = item["id"]
                if "address" in item:
                    out[item["address"]] = "10.64.0.10%d" % n
        return out, found

    def ask(self, method, path, body=None, token="sim-ops-token"):
        request = urllib.request.Request(
            self.url + path, method=method, headers={"Authorization": "Bearer " + token},
            data=None if body is None else json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=20) as reply:
            text = reply.read()
        return json.loads(text) if text else None

    def change(self, what, fields):
        """KIND/NAME by hand: changed, made where it is not there, or with None deleted."""
        kind, name = what.split("/", 1)
        found = self.ask("GET", f"/v1/{kind}?name={urllib.parse.quote(name)}")["items"]
        if fields is None:
            self.ask("DELETE", f"/v1/{kind}/{found[0]['id']}")
        elif found:
            self.ask("PATCH", f"/v1/{kind}/{found[0]['id']}", fields)
        else:
            self.ask("POST", f"/v1/{kind}", dict(fields, name=name))


def edit(repo, changes, found):
    """PATH: its new text, null to remove it, or a list of {replace, by} and {append}. @KIND/NAME@
    is the id that the cloud has that under."""
    for path, how in (changes or {}).items():
        file = repo / path
        if how is None:
            run(["git", "-C", repo, "rm", "-rq", path], dict(os.environ))
            continue
        if isinstance(how, str):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(how)
            continue
        text = file.read_text()
        for step in how:
            if "append" in step:
                text += step["append"]
                continue
            if text.count(step["replace"]) != 1:
                raise AssertionError("%r is %d times in %s" % (
                    step["replace"], text.count(step["replace"]), path))
            text = text.replace(step["replace"], step["by"])
        file.write_text(re.sub(r"@(\w+/[\w-]+)@", lambda m: found[m.group(1)], text))


class Estate:
    def __init__(self, work, planned):
        self.work, self.planned = work, planned
        self.repo, self.template = work / "shop", work / "template"
        self.env = environment(work)
        self.cloud = Cloud(work / "cloud.json")
        self.commits, self.ids, self.found = {}, {}, {}
        # Ids, and with them addresses, are of one length, which sets are ordered by.
        self.cloud.state.write_text('{"format": 1, "next_id": 100, "next_audit": 1, "objects": {},'
                                    ' "audit": []}')
        shutil.copytree(CHECKS / "estate", self.repo)
        for name in ("main.tf", "sizes.tf"):
            shutil.copy(ROOT / "fixtures/demo" / name, self.repo / "shop" / name)
        lock = (self.repo / "lock.hcl").read_text()
        (self.repo / "lock.hcl").unlink()
        (self.repo / ".gitignore").write_text("*.tfstate*\n.terraform/\n")
        if planned:
            self.cloud.start()
            self.env["SIM_URL"] = self.cloud.url
            (self.repo / "plumb.yaml").open("a").write(
                'check: {network: ["%s"]}\n' % self.cloud.url.removeprefix("http://"))
        for unit in UNITS:
            (self.repo / unit / ".terraform.lock.hcl").write_text(lock)
            if planned:
                self.apply(unit)
        self.git("init", "-q", "-b", "main")
        self.commit("the estate", "Ann")
        if planned:
            self.ids, self.found = self.cloud.names()
            self.remember()
        self.keep()

    def apply(self, unit):
        (self.repo / unit / ".terraform.lock.hcl").unlink()
        self.terraform(unit, "init", "-input=false")
        if unit == "shop":  # so that the first server has the first address
            self.terraform(unit, "apply", "-auto-approve", "-target=sim_server.web[0]")
        self.terraform(unit, "apply", "-input=false", "-auto-approve")

    def terraform(self, unit, *argv):
        more = ["-var-file=office.tfvars"] if unit == "office" and argv[0] == "apply" else []
        run(["terraform", f"-chdir={self.repo / unit}", *argv, *more, "-no-color"], self.env)

    # Two sets of what plumb knows: of the base's plan, and with a baseline, too.
    def remember(self):
        run([PLUMB, "-C", self.repo, "audit"], self.env)
        shutil.copytree(self.work / "kept", self.work / "plain")
        run([PLUMB, "-C", self.repo, "audit", "--save-baseline"], self.env)
        shutil.copytree(self.work / "kept", self.work / "verified")

    def keep(self):
        self.cloud.stop()
        self.template.mkdir()
        for name in ("shop", "cache", "cloud.json"):
            if (self.work / name).exists():
                (self.work / name).rename(self.template / name)

    def git(self, *argv):
        return run(["git", "-C", self.repo, *argv], self.env)

    def commit(self, message, who):
        when = "2026-03-0%dT12:00:00Z" % (len(self.commits) + 1)
        self.env.update(GIT_AUTHOR_DATE=when, GIT_COMMITTER_DATE=when)
        for role in ("AUTHOR", "COMMITTER"):
            self.env[f"GIT_{role}_NAME"] = who
            self.env[f"GIT_{role}_EMAIL"] = who.lower() + "@example.com"
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        self.commits[self.git("rev-parse", "HEAD").strip()] = "%x" % (len(self.commits) + 10)

    # ---- a case ---------------------------------------------------------------------------------

    def begin(self, case):
        self.end()
        for name in ("shop", "cache", "kept"):
            shutil.rmtree(self.work / name, ignore_errors=True)
        shutil.copytree(self.template / "shop", self.repo, symlinks=True)
        if case.get("plan") or case.get("known"):
            shutil.copytree(self.template / "cache", self.work / "cache", symlinks=True)
            shutil.copytree(self.work / ("verified" if case.get("verified") else "plain"),
                            self.work / "kept")
        if case.get("plan"):
            shutil.copy(self.template / "cloud.json", self.work / "cloud.json")
            self.cloud.start()
        self.commits = dict(list(self.commits.items())[:1])
        if "before" in case:
            edit(self.repo, case["before"], self.found)
            self.commit("ask for something", "Ben")
        for what, fields in case.get("outside", {}).items():
            self.cloud.change(what, fields)
        if case.get("refresh"):
            self.terraform("shop", "apply", "-refresh-only", "-input=false", "-auto-approve")
        self.git("checkout", "-q", "-b", "topic")
        edit(self.repo, case["change"], self.found)
        self.commit("change something", "Cleo")
        if "meanwhile" in case:
            self.git("checkout", "-q", "main")
            edit(self.repo, case["meanwhile"], self.found)
            self.commit("meanwhile", "Ben")
            self.git("checkout", "-q", "topic")
        if case.get("merged"):
            self.git("branch", "-f", "main", "topic")
        if "fault" in case:
            self.cloud.ask("POST", "/control/faults", case["fault"], "sim-control-token")

    def check(self, case, formats):
        argv = [PLUMB, "-C", self.repo, "check", "--base", "main", "--head", "topic"]
        argv += ["--trust"] if case.get("plan") else []
        for f in formats:
            argv += ["--format", f, "--output", self.work / f]
        done = subprocess.run(argv, env=self.env, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=120)
        if not (self.work / formats[0]).exists():
            raise AssertionError("exit %d, and no report\n%s" % (done.returncode, done.stderr))
        out = {f: (self.work / f).read_text() for f in formats}
        for f in formats:
            (self.work / f).unlink()
        return done.returncode, out

    def plain(self, text):
        for commit, digit in self.commits.items():
            text = text.replace(commit, digit * 40).replace(commit[:8], digit * 8)
        for found, name in self.ids.items():
            text = re.sub(r"(?<![\d.])%s(?!\d)" % re.escape(found), name, text)
        text = text.replace(str(self.repo), "/shop")
        for pattern, by in PLAIN:
            text = re.sub(pattern, by, text)
        return text

    def end(self):
        self.cloud.stop()
