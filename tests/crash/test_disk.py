"""The disk fails under plumb at each thing that it writes: alone (EIO), or full from then on."""

import contextlib
import random
import re
import shutil
import subprocess
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

from world import BUILD, JOBS, MISSING, ROUNDS, SEED, TOOLS, Template

DISK = BUILD / "tests/crash/disk.so"
CODES = (0, 1, 3, 6)


@unittest.skipUnless(TOOLS, MISSING)
class Disk(unittest.TestCase):
    http = False

    @classmethod
    def setUpClass(cls):
        cls.template = Template(cls.http, servers=3)
        cls.addClassCleanup(cls.template.close)
        with cls.template.copy() as world:
            done, cls.steps = cls.run_on_disk(world)
            assert done.returncode == 0, done.stderr
            world.check()

    @staticmethod
    def run_on_disk(world, fault=None):
        log = world.top / "disk.log"
        env = {"LD_PRELOAD": str(DISK), "DISK_UNDER": str(world.top), "DISK_LOG": str(log)}
        done = world.plumb("apply", **env, **({"DISK_FAULT": fault} if fault else {}))
        return done, log.read_text().splitlines()

    def one(self, step, error):
        with self.template.copy() as world:
            done, steps = self.run_on_disk(world, f"{step}:{error}")
            failed = [s for s in steps if s.endswith("FAILS")]
            said = done.stdout + done.stderr
            try:
                # A run has a step more or less than another: events come one by one or together.
                self.assertTrue(failed or step > len(steps), "nothing failed")
                self.assertIn(done.returncode, CODES)
                if done.returncode:
                    self.assertRegex(said, r"(?m)^(plumb|not settled|not applied): ")
                    self.assertNotRegex(said, "(?i)success")
                world.check()
            except AssertionError as problem:
                raise AssertionError(f"seed {SEED}: step {step}, {error}: {failed[:1]}: exit "
                                     f"{done.returncode}\n{said}\n{problem}") from problem
            return done.returncode

    def chosen(self, draw):
        """All of them when as many rounds are asked for, else some from everywhere."""
        n = len(self.steps)
        if ROUNDS >= 200:
            return range(1, n + 1)
        parts = max(2, ROUNDS // 3)
        return [draw.randint(i * n // parts + 1, (i + 1) * n // parts) for i in range(parts)]

    def every(self, error):
        chosen = list(self.chosen(random.Random(f"{SEED} {error} {self.http}")))
        codes, problems = {}, []
        with ThreadPoolExecutor(JOBS) as pool:
            for future in [pool.submit(self.one, step, error) for step in chosen]:
                try:
                    code = future.result()
                    codes[code] = codes.get(code, 0) + 1
                except AssertionError as problem:
                    problems.append(str(problem))
        self.assertFalse(problems, "\n\n".join(problems))
        print(f"# {len(chosen)} of {len(self.steps)} steps, seed {SEED}: exit codes {codes}")

    def test_error(self):
        self.every("EIO")

    def test_full(self):
        self.every("ENOSPC")

    def test_names_last_before_terraform_starts(self):
        """A journal that is on the disk and has no name in its folder is none."""
        at = {}
        for i, step in enumerate(self.steps):
            _, call, path = step.split(" ", 2)
            at.setdefault((call, re.sub(".*/apply/[0-9a-f]+", "apply", path)), i)
        started = at["open", "apply/current/work/apply.out"]
        for path in ("apply", "apply/current", "apply/current/journal"):
            self.assertLess(at["fsync", path], started)
        self.assertLess(at["open", "apply/current/journal/log"],
                        at["fsync", "apply/current/journal"])

    def test_all_that_matters_is_counted(self):
        text = "\n".join(self.steps)
        for call, place in (("pwrite", "journal/log"), ("fdatasync", "journal/log"),
                            ("fdatasync", "ledger/[0-9a-f]+/log"), ("rename", "baseline/"),
                            ("rename", "before.tfstate"), ("write", "[.]git/objects"),
                            ("rename", "[.]git/refs/plumb/ledger")):
            self.assertTrue(re.search(rf"(?m)^\d+ {call} .*{place}", text), (call, place, text))


def mounted(folder, size):
    """A file system of that size in its place, with what was in it; False: not allowed here."""
    aside = folder.with_name(folder.name + "-aside")
    folder.rename(aside)
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder],
                          capture_output=True)
    shutil.copytree(aside, folder, symlinks=True, dirs_exist_ok=True)
    return done.returncode == 0


@unittest.skipUnless(TOOLS, MISSING)
class StateOnFullDisk(unittest.TestCase):
    """Where the state belongs, there is no room left; where plumb works, there is."""

    def setUp(self):
        template = Template(False, servers=8)
        self.addCleanup(template.close)
        self.world = template.copy()
        self.addCleanup(self.world.__exit__)
        if not mounted(self.world.repo, "8m"):
            self.skipTest("nothing can be mounted here")
        self.addCleanup(subprocess.run, ["umount", "-l", self.world.repo], check=False)
        self.world.cloud.slow(400)
        self.filler = self.world.repo / "filler"

    def full_when(self, condition):
        process = self.world.start("apply")
        while not condition():
            self.assertIsNone(process.poll(), self.world.said())
            time.sleep(0.01)
        with open(self.filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(b"x" * 4096):
                pass
        self.assertEqual(process.wait(120), 1, self.world.said())
        self.filler.unlink()
        return " ".join(self.world.said().split())

    def test_before_anything_is_touched(self):
        said = self.full_when(self.world.touches)
        self.assertIn("failed after 0 of 10 changes", said)
        self.assertIn("no space left on device", said)
        self.world.check()

    def test_while_something_is_made(self):
        """Terraform saves the state where it runs."""
        said = self.full_when(lambda: self.world.cloud.objects()["servers"])
        self.assertIn("not settled: the state could not be written where it belongs; "
                      "'plumb recover' goes on from here", said)
        self.assertIn("settled: state-rescued", self.world.check())


@unittest.skipUnless(TOOLS and ROUNDS >= 50, MISSING if not TOOLS else "few rounds are asked for")
class DiskHttp(Disk):
    http = True
