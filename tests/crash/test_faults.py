"""Each durable step of an apply fails, or is the last thing that plumb does."""

import signal
import unittest

from world import MISSING, ROUNDS, TOOLS, Template, fault_points, kill

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

    def one_stopped(self, event, who):
        """plumb stands still before it writes down that event, while Terraform goes on; then
        Terraform is killed, or both are."""
        with self.subTest(event=event, who=who), self.template.copy() as world:
            world.cloud.slow(600)
            process = world.start("apply", fault=f"journal.event:{event}=stop")
            world.until_stopped(process)
            tools = world.tools()
            self.assertTrue(tools, "Terraform has ended already: " + world.said())
            if who == "both":
                kill(process.pid)
            for pid in tools:
                kill(pid)
            kill(process.pid, signal.SIGCONT)
            self.assertEqual(process.wait(120), -9 if who == "both" else 1, world.said())
            if who == "terraform":
                self.assertIn("the tool was killed by signal 9; 'plumb recover' goes on from here",
                              " ".join(world.said().split()))
            world.check()

    def test_kill_the_tool(self):
        for event in (1, 2, 3, 4, 5) if ALL else (1, 3):
            for who in ("terraform", "both"):
                self.one_stopped(event, who)

    def test_errors(self):
        for i, point in enumerate(points(False)):
            for action in ("eio", "enospc") if ALL else (("eio", "enospc")[i % 2],):
                self.one(f"{point}={action}")


@unittest.skipUnless(TOOLS and ALL, MISSING if not TOOLS else "few rounds are asked for")
class FaultsHttp(Faults):
    http = True
