"""An estate applied once for all cases of a test file."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest

import estate

INTEROP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PLUMB = os.environ.get("PLUMB", os.path.join(estate.TOP, "build", "plumb"))


class Applied:
    """`dir` as given to `up`, `repo` with the state, `env` for plumb and terraform, `temp` for
    more. `lent` is the folder of one that is up already, which is left so."""

    def __init__(self, config=estate.ESTATE, lent=None, with_apply=True):
        self.folder = tempfile.TemporaryDirectory(prefix="plumb-interop-")
        self.temp, self.lent, self.with_apply = self.folder.name, lent, with_apply
        self.dir = lent or os.path.join(self.temp, "estate")
        try:
            self.env = estate.variables(self._read() if lent else self._up(config))
        except BaseException:
            self.folder.cleanup()
            raise
        self.env["PLUMB_CACHE_DIR"] = os.path.join(self.temp, "cache")
        self.env["PLUMB_STATE_DIR"] = os.path.join(self.temp, "state")
        self.repo = self.env["PLUMB_ESTATE_REPO"]

    def _read(self):
        with open(os.path.join(self.lent, "env"), encoding="utf-8") as text:
            return text.read()

    def _up(self, config):
        tools = estate.tools()
        if tools["PLUMB_TEST_MISSING"]:
            raise unittest.SkipTest(tools["PLUMB_TEST_MISSING"])
        os.environ["TF_CLI_CONFIG_FILE"] = tools["TF_CLI_CONFIG_FILE"]
        return estate.up(self.dir, config, self.with_apply)

    def down(self):
        if not self.lent:
            estate.stop(self.dir)
        self.folder.cleanup()

    def run(self, *argv):
        """A program in the repository; the completed process."""
        return subprocess.run(argv, cwd=self.repo, env=self.env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              check=False, timeout=300)

    def plumb(self, *args):
        return self.run(PLUMB, *args)

    def copy_repo(self):
        """Works on a copy of the repository from here on, so that a lent estate keeps its state."""
        copy = os.path.join(self.temp, "repo")
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


class Case(unittest.TestCase):
    """One estate for all cases, which run in the order of their names. It may be changed."""

    config = estate.ESTATE
    lent = None
    with_apply = True

    @classmethod
    def setUpClass(cls):
        cls.estate = Applied(cls.config, cls.lent, cls.with_apply)
        cls.addClassCleanup(cls.estate.down)
        cls.repo, cls.env, cls.dir = cls.estate.repo, cls.estate.env, cls.estate.dir

    def report(self, *args, codes=(0, 2, 4)):
        """The JSON report of an audit, and the exit code."""
        run = self.estate.plumb("audit", "--format", "json", *args)
        self.assertIn(run.returncode, codes, run.stderr + run.stdout[:4000])
        report = json.loads(run.stdout)
        self.assertEqual(report["summary"]["exit_code"], run.returncode)
        return report, run.returncode


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
