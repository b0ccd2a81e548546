"""Fifty secrets, wherever one may come in, and a search for them in six encodings in everything
that an apply shows, leaves behind, or has on a command line: when it goes well, fails, or is
killed. While it runs, and until a killed one is recovered, what Terraform needs of them may be in
its area, which is its owner's alone."""

import base64
import contextlib
import hashlib
import json
import os
import stat
import subprocess
import threading
import time
import unittest
import urllib.parse
from pathlib import Path

from world import CONFIG, HEAD, MISSING, TOOLS, Template, kill


def plants(kind, n):
    return [f"Plant+{kind}{i:02d}/{hashlib.md5(f'{kind}{i}'.encode()).hexdigest()[:8]}\"q="
            for i in range(n)]


VALUES = plants("value", 16)       # of sensitive attributes, from a variable
DATA = plants("data", 8)           # sensitive by the provider's schema
OUTPUTS = plants("output", 10)     # sensitive outputs
UNUSED = plants("unused", 6)       # of a sensitive variable that nothing uses
CREDENTIALS = dict(zip(("TF_HTTP_PASSWORD", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
                        "TF_TOKEN_example_com", "SIM_EXTRA_SECRET", "GITHUB_TOKEN",
                        "VAULT_TOKEN", "DB_PASSWORD", "API_KEY", "PLAIN_SECRET"),
                       plants("credential", 10)))
ALL = [*VALUES, *DATA, *OUTPUTS, *UNUSED, *CREDENTIALS.values()]
assert len(set(ALL)) == 50

CODE = HEAD % ("local", "one") + """
variable "values" {
  type      = list(string)
  sensitive = true
}
variable "data" {
  type      = list(string)
}
variable "outputs" {
  type      = list(string)
  sensitive = true
}
variable "unused" {
  type      = list(string)
  sensitive = true
}
resource "sim_secret" "s" {
  count = 16
  name  = "s-${count.index}"
  value = var.values[count.index]
}
resource "sim_server" "web" {
  count      = 8
  name       = "web-${count.index}"
  image      = data.sim_image.debian.id
  size       = "small"
  network_id = sim_network.main.id
  user_data  = var.data[count.index]
}
""" + "".join(f"""output "o{i}" {{
  sensitive = true
  value     = var.outputs[{i}]
}}
""" for i in range(10))


def spellings(secret):
    """plain, base64 (at each offset), hex, in a URL, in JSON, as an unkeyed digest"""
    raw = secret.encode()
    out = {raw, raw.hex().encode(), urllib.parse.quote(secret, safe="").encode(),
           json.dumps(secret)[1:-1].encode(), hashlib.sha256(raw).hexdigest().encode()}
    for skip in range(3):
        code = base64.b64encode(b"x" * skip + raw)
        out.add(code[4:-4] if skip else code[:-4])
    return out


SPELLINGS = {secret: spellings(secret) for secret in ALL}


def found_in(data):
    return {s for s, all in SPELLINGS.items() if any(x in data for x in all)}


def open_to_others(top):
    """Files below `top` that somebody else could read: each folder on the way lets him in."""
    for folder, folders, files in os.walk(top):
        with contextlib.suppress(OSError):
            if not os.stat(folder).st_mode & 0o011:
                folders.clear()
                continue
        for path in (Path(folder, f) for f in files):
            with contextlib.suppress(OSError):
                if path.is_file() and not path.is_symlink() and path.stat().st_mode & 0o044:
                    yield path


class Looking(threading.Thread):
    """At all command lines, and at what others can read of `folders`, over and over."""

    def __init__(self, *folders):
        super().__init__(daemon=True)
        self.found, self.stopping, self.folders = set(), threading.Event(), folders
        self.files = 0

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.join()

    def run(self):
        while not self.stopping.is_set():
            for pid in filter(str.isdigit, os.listdir("/proc")):
                with contextlib.suppress(OSError):
                    self.found |= found_in(Path("/proc", pid, "cmdline").read_bytes())
            for path in (p for f in self.folders for p in open_to_others(f)):
                with contextlib.suppress(OSError):
                    self.files += 1
                    self.found |= {(path, s) for s in found_in(path.read_bytes())}
            time.sleep(0.02)


@unittest.skipUnless(TOOLS, MISSING)
class Secrets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.template = Template(False, servers=1, applied=False)

    @classmethod
    def tearDownClass(cls):
        cls.template.close()

    def setUp(self):
        self.in_area = set()
        self.world = self.template.copy()
        self.addCleanup(self.world.__exit__)
        self.world.commit({"main.tf": CODE, "plumb.yaml": CONFIG}, "secrets")
        lists = {"values": VALUES, "data": DATA, "outputs": OUTPUTS, "unused": UNUSED}
        self.world.env.update(CREDENTIALS)
        self.world.env.update({f"TF_VAR_{k}": json.dumps(v) for k, v in lists.items()})

    def looking(self):
        """But for the repository, where Terraform's own state is."""
        top = self.world.top
        (top / "tmp/open").write_text("anybody may read this")
        return Looking(*(top / name for name in ("state", "cache", "tmp", "home")))

    def shown(self, text):
        self.assertEqual(found_in(text.encode()), set(), text)

    def left(self, area=False):
        """Everything on the disk but Terraform's own state; `area`: an apply may lie there."""
        world = self.world
        for folder, _, files in (x for n in ("repo", "state", "cache", "tmp", "home")
                                 for x in os.walk(world.top / n)):
            for path in (Path(folder, f) for f in files):
                if world.repo in path.parents and (
                        ".git" not in path.parts and "tfstate" in path.name):
                    continue
                if not path.is_file():
                    continue
                found = found_in(path.read_bytes())
                current = next((p for p in path.parents if p.name == "current"), None)
                if found and area and current:
                    self.in_area |= found
                    self.assertEqual(stat.S_IMODE(current.stat().st_mode), 0o700)
                    self.assertEqual(stat.S_IMODE(path.stat().st_mode) & 0o077, 0, path)
                    found &= set(CREDENTIALS.values())
                    self.assertNotIn("journal", path.parts)
                self.assertEqual(found, set(), path)
        objects = subprocess.run(["git", "-C", world.repo, "cat-file", "--batch-all-objects",
                                  "--batch"], env=world.env, check=True, capture_output=True)
        self.assertEqual(found_in(objects.stdout), set())

    def done(self, process, code):
        self.assertEqual(process.wait(120), code, self.world.said())
        self.shown(self.world.said())

    def test_good(self):
        with self.looking() as seen:
            self.done(self.world.start("apply"), 0)
        self.assertTrue(seen.files, "nothing was looked at")
        self.assertEqual(seen.found, set())
        self.left()
        for args in (("plan",), ("audit", "--record", "--all"), ("log", "--format", "json")):
            done = self.world.plumb(*args)
            self.shown(done.stdout + done.stderr)
        self.left()

    def test_failed(self):
        """The provider's errors repeat what they were given."""
        said = " ".join([*VALUES[:4], *DATA[:4], *list(CREDENTIALS.values())[:2]])
        self.world.cloud.ask("POST", "/control/faults", {
            "match": "POST /v1/servers", "kind": "status", "status": 400,
            "body": json.dumps({"error": {"code": "invalid", "message": f"wrong: {said}",
                                          "request_id": "r"}})})
        with self.looking() as seen:
            self.done(self.world.start("apply", "--format", "json"), 1)
        self.assertIn("wrong: (sensitive)", self.world.said())
        self.assertEqual(seen.found, set())
        self.left()

    def test_killed(self):
        world = self.world
        world.cloud.slow(300)
        with self.looking() as seen:
            process = world.start("apply")
            end = time.monotonic() + 60
            while not world.cloud.objects()["secrets"]:
                self.assertLess(time.monotonic(), end, world.said())
                time.sleep(0.02)
            tools = world.tools()
            kill(process.pid)
            for pid in tools:
                kill(pid)
            process.wait()
            self.shown(world.said())
            self.left(area=True)
            self.assertTrue(self.in_area, "nothing was looked at")
            self.shown(world.settle())
        self.assertEqual(seen.found, set())
        self.left()
