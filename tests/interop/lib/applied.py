"""The estate applied once for all cases of a test file.

PLUMB_TEST_ESTATE=DIR uses the estate that `tests/interop/up DIR` left running, and leaves it so.
"""

import json
import os
import shutil
import subprocess
import tempfile
import unittest

LIB = os.path.dirname(os.path.abspath(__file__))
INTEROP = os.path.dirname(LIB)
PLUMB = os.environ.get(
    "PLUMB", os.path.join(os.path.dirname(os.path.dirname(INTEROP)), "build", "plumb"))


class Applied:
    """`dir` as given to `up`, `repo` with the state, `env` for plumb and terraform."""

    def __init__(self):
        self.temp = tempfile.TemporaryDirectory(prefix="plumb-interop-")
        self.lent = os.environ.get("PLUMB_TEST_ESTATE")
        self.dir = self.lent or os.path.join(self.temp.name, "estate")
        lines = self._read() if self.lent else self._up()
        shell = subprocess.run(["bash", "-c", lines + "\nenv -0"], stdout=subprocess.PIPE,
                               check=True, text=True)
        self.env = dict(line.split("=", 1) for line in shell.stdout.split("\0") if "=" in line)
        self.env["PLUMB_CACHE_DIR"] = os.path.join(self.temp.name, "cache")
        self.env["PLUMB_STATE_DIR"] = os.path.join(self.temp.name, "state")
        self.repo = self.env["PLUMB_ESTATE_REPO"]

    def _read(self):
        with open(os.path.join(self.lent, "env"), encoding="utf-8") as text:
            return text.read()

    def _up(self):
        up = subprocess.run([os.path.join(INTEROP, "up"), self.dir], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, check=False)
        if up.returncode == 0:
            return up.stdout
        self.down()
        if up.returncode == 77:
            raise unittest.SkipTest(up.stderr.strip().splitlines()[-1])
        raise RuntimeError(up.stderr)

    def down(self):
        if not self.lent:
            subprocess.run([os.path.join(INTEROP, "down"), self.dir], check=False)
        self.temp.cleanup()

    def run(self, *argv):
        """A program in the repository; the completed process."""
        return subprocess.run(argv, cwd=self.repo, env=self.env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              check=False, timeout=300)

    def plumb(self, *args):
        return self.run(PLUMB, *args)

    def copy_repo(self):
        """Works on a copy of the repository from here on, so that a lent estate keeps its state."""
        copy = os.path.join(self.temp.name, "repo")
        shutil.copytree(self.repo, copy, symlinks=True)
        self.repo = self.env["PLUMB_ESTATE_REPO"] = copy

    def edit_state(self, changes):
        """address -> attributes, written over what is recorded."""
        path = os.path.join(self.repo, "terraform.tfstate")
        with open(path, encoding="utf-8") as text:
            state = json.load(text)
        for address, instance in instances(state):
            instance["attributes"].update(changes.get(address, {}))
        with open(path, "w", encoding="utf-8") as out:
            json.dump(state, out)

    def add_to_state(self, made):
        """Records more resources: (a resource of the state, attributes, name): one like it."""
        path = os.path.join(self.repo, "terraform.tfstate")
        with open(path, encoding="utf-8") as text:
            state = json.load(text)
        for like, attributes, name in made:
            instance = {k: v for k, v in like["instances"][0].items() if k != "index_key"}
            instance["attributes"] = attributes
            state["resources"].append(dict(like, name=name, instances=[instance]))
        with open(path, "w", encoding="utf-8") as out:
            json.dump(state, out)

    def resources(self):
        """The managed resources of the state, as they are there."""
        with open(os.path.join(self.repo, "terraform.tfstate"), encoding="utf-8") as text:
            return [r for r in json.load(text)["resources"] if r["mode"] == "managed"]

    def state(self):
        """address -> (type, attributes), as recorded."""
        with open(os.path.join(self.repo, "terraform.tfstate"), encoding="utf-8") as text:
            return {address: (instance["type"], instance["attributes"])
                    for address, instance in instances(json.load(text))}


def instances(state):
    """address, instance with its type, of every managed resource."""
    for resource in state["resources"]:
        if resource["mode"] != "managed":
            continue
        name = ".".join(filter(None, (resource.get("module"), resource["type"],
                                      resource["name"])))
        for instance in resource["instances"]:
            key = instance.get("index_key")
            index = "" if key is None else f"[{json.dumps(key)}]"
            yield name + index, dict(instance, type=resource["type"])
