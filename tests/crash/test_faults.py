"""Each durable step of an apply fails, or is the last thing that plumb does."""

import unittest

from world import MISSING, ROUNDS, TOOLS, Template, fault_points

ALL = ROUNDS >= 50


def points(recovery):
    return [p for p in fault_points() if p.startswith("recover.") == recovery]


@unittest.skipUnless(TOOLS, MISSING)
class Faults(unittest.TestCase):
    http = False

    @classmethod
    def setUpClass(cls):
        cls.template = Template(cls.http, servers=3)

    @classmethod
    def tearDownClass(cls):
        cls.template.close()

    def one(self, fault):
        with self.subTest(fault=fault), self.template.copy() as world:
            done = world.plumb("apply", fault=fault)
            if fault.endswith("kill"):
                self.assertIn(done.returncode, (-9, 0), done.stderr)
            world.check()

    def test_kill(self):
        for point in points(False):
            self.one(f"{point}=kill")

    def test_errors(self):
        for i, point in enumerate(points(False)):
            for action in ("eio", "enospc") if ALL else (("eio", "enospc")[i % 2],):
                self.one(f"{point}={action}")


@unittest.skipUnless(TOOLS and ALL, MISSING if not TOOLS else "few rounds are asked for")
class FaultsHttp(Faults):
    http = True
