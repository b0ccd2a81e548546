"""The disk fails under plumb at each thing that it writes: alone (EIO), or full from then on."""

import os
import random
import re
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

    def test_all_that_matters_is_counted(self):
        text = "\n".join(self.steps)
        for call, place in (("pwrite", "journal/log"), ("fdatasync", "journal/log"),
                            ("fdatasync", "ledger/[0-9a-f]+/log"), ("rename", "baseline/"),
                            ("rename", "before.tfstate"), ("write", "[.]git/objects"),
                            ("rename", "[.]git/refs/plumb/ledger")):
            self.assertTrue(re.search(rf"(?m)^\d+ {call} .*{place}", text), (call, place, text))


@unittest.skipUnless(TOOLS and ROUNDS >= 50, MISSING if not TOOLS else "few rounds are asked for")
class DiskHttp(Disk):
    http = True
