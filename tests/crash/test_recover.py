"""What an interrupted apply may leave, state by state, and the one outcome of each."""

import fcntl
import json
import shutil
import subprocess
import threading
import time
import unittest

from test_faults import points
from world import MISSING, TOOLS, Template, kill, run


class Case(unittest.TestCase):
    http = False

    @classmethod
    def setUpClass(cls):
        if not TOOLS:
            raise unittest.SkipTest(MISSING)
        cls.template = Template(cls.http, servers=3)
        cls.first = Template(cls.http, servers=3, applied=False)

    @classmethod
    def tearDownClass(cls):
        cls.template.close()
        cls.first.close()

    def interrupted(self, fault="journal.exited=kill", template=None):
        world = (template or self.template).copy()
        self.addCleanup(world.__exit__)
        done = world.plumb("apply", fault=fault)
        self.assertEqual(done.returncode, -9, done.stderr)
        self.assertTrue(world.left())
        return world

    def undecided(self, world, *texts):
        """A person has to decide: exit 3, everything is kept, and nothing is applied."""
        for command in ("recover", "apply"):
            done = world.plumb(command)
            self.assertEqual(done.returncode, 3, done.stderr)
            for text in texts:
                self.assertIn(text, done.stderr)
            self.assertTrue(world.left())

    def outcome(self, world, name, *texts):
        said = world.check()
        self.assertEqual(said.strip().splitlines()[-1], f"settled: {name}")
        for text in texts:
            self.assertIn(text, said)
        return said


class Local(Case):
    def test_empty(self):
        world = self.interrupted()
        (world.repo / "terraform.tfstate").write_text("")
        self.outcome(world, "state-restored", "the state is empty", "import blocks")

    def test_remote_meanwhile(self):
        """It once was not found any more when the repository had got a remote."""
        world = self.interrupted()
        remote = world.top / "remote.git"
        for argv in (["init", "-q", "--bare", remote], ["remote", "add", "origin", remote],
                     ["push", "-q", "-u", "origin", "HEAD"]):
            run(["git", "-C", world.repo, *argv], world.env)
        self.outcome(world, "state-believed")

    def test_cut_off(self):
        world = self.interrupted()
        file = world.repo / "terraform.tfstate"
        file.write_text(file.read_text()[:700])
        self.outcome(world, "state-restored", "is cut off", "is kept as", "import blocks")

    def test_gone(self):
        world = self.interrupted()
        (world.repo / "terraform.tfstate").unlink()
        self.outcome(world, "state-restored", "is gone")

    def test_first_state_empty(self):
        world = self.interrupted(template=self.first)
        (world.repo / "terraform.tfstate").write_text("")
        self.outcome(world, "state-restored", "before the apply there was none")

    def test_first_state_cut_off(self):
        world = self.interrupted(template=self.first)
        file = world.repo / "terraform.tfstate"
        file.write_text(file.read_text()[:700])
        self.outcome(world, "state-restored", "before the apply there was none")

    def test_empty_and_saved_elsewhere(self):
        """What the tool saved is newer than the copy from before."""
        world = self.interrupted()
        file = world.repo / "terraform.tfstate"
        tree, = world.top.glob("state/plumb/apply/*/current/tree")
        (tree / "errored.tfstate").write_text(file.read_text())
        file.write_text("")
        said = self.outcome(world, "state-rescued", "the one that the tool saved elsewhere")
        self.assertNotIn("import blocks", said)

    def decided_by_hand(self, change, *texts):
        world = self.interrupted()
        file = world.repo / "terraform.tfstate"
        right = file.read_text()
        state = json.loads(right)
        change(state)
        file.write_text(json.dumps(state))
        self.undecided(world, "Somebody has to decide", *texts)
        file.write_text(right)
        self.outcome(world, "state-believed")

    def test_another_lineage(self):
        self.decided_by_hand(lambda s: s.update(lineage="0b1c6f6e-0000-4000-8000-000000000000"),
                             "is another one than before")

    def test_older(self):
        self.decided_by_hand(lambda s: s.update(serial=0), "is older than before the apply")

    def test_journal(self):
        """A torn end is a step that was not taken; anything else is for a person."""
        world = self.interrupted("after.started=kill")
        log, = world.top.glob("state/plumb/apply/*/current/journal/log")
        whole = log.read_bytes()
        log.write_bytes(whole[:200] + b"?" + whole[201:])
        self.undecided(world, "is damaged", "before.tfstate")
        log.write_bytes(whole[:-10])
        self.outcome(world, "not-started")

    def test_commit_gone(self):
        world = self.interrupted()
        begun, = world.top.glob("state/plumb/apply/*/current/begun.json")
        whole = begun.read_text()
        begun.write_text(whole.replace(json.loads(whole)["commit"], "1" * 40))
        self.undecided(world, "its commit cannot be read here")
        begun.write_text(whole)
        self.outcome(world, "state-believed")

    def test_recovery_interrupted(self):
        """Recovery is killed, or fails, at each of its own steps, and taken up again."""
        for i, point in enumerate(p for p in points(True) if p != "recover.unlock"):
            for action in ("kill", ("eio", "enospc")[i % 2]):
                with self.subTest(point=point, action=action):
                    world = self.interrupted()
                    (world.repo / "terraform.tfstate").write_text("")
                    done = world.plumb("recover", fault=f"{point}={action}")
                    self.assertEqual(done.returncode, -9 if action == "kill" else 1, done.stderr)
                    world.check()

    def test_not_made_again(self):
        """What exists and is in no state is not planned anew, until it is imported."""
        world = self.interrupted()
        (world.repo / "terraform.tfstate").write_text("")
        before = world.cloud.objects()
        for _ in range(2):
            done = world.plumb("apply")
            self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
            self.assertIn("was made by an apply that was interrupted", " ".join(
                done.stdout.split()))
        self.assertEqual(world.cloud.objects(), before)
        world.check()

    def test_plugin_left(self):
        """A provider whose Terraform was killed never ends, and has the lease: it is ended."""
        world = self.interrupted()
        lease, = world.top.glob("state/plumb/apply/*/lease")
        plugin = world.top / "terraform-provider-left_v1"
        shutil.copy(shutil.which("sleep"), plugin)
        with open(lease) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            left = subprocess.Popen([plugin, "600"], pass_fds=[file.fileno()])
        self.addCleanup(left.wait)
        self.addCleanup(left.kill)
        self.assertTrue(world.alive())
        threading.Thread(target=left.wait).start()
        done = world.plumb("recover")
        self.assertEqual(done.returncode, 0, done.stderr)
        world.check()

    def test_nothing(self):
        with self.template.copy() as world:
            done = world.plumb("recover")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("there is nothing to settle", done.stdout)


class Http(Case):
    http = True

    def killed_in_between(self):
        world = self.template.copy()
        self.addCleanup(world.__exit__)
        world.cloud.slow(500)
        process = world.start("apply")
        end = time.monotonic() + 60
        while len(world.cloud.objects()["servers"]) < 1:
            assert time.monotonic() < end, world.said()
            time.sleep(0.02)
        tools = world.tools()
        kill(process.pid)
        for pid in tools:
            kill(pid)
        process.wait()
        self.assertTrue(world.states.holder)
        return world

    def test_lock_of_ours(self):
        self.outcome(self.killed_in_between(), "state-believed", "its lock on the state")

    def test_unlock_interrupted(self):
        for action, code in (("kill", -9), ("eio", 1)):
            world = self.killed_in_between()
            while world.alive():
                time.sleep(0.05)
            done = world.plumb("recover", fault=f"recover.unlock={action}")
            self.assertEqual(done.returncode, code, done.stderr)
            world.check()

    def test_lock_of_another(self):
        changes = ({"Who": "somebody@elsewhere"}, {"Created": "2020-01-01T00:00:00.1Z"},
                   {"Created": "2099-01-01T00:00:00.1Z"})
        world = self.killed_in_between()
        while world.alive():
            time.sleep(0.05)
        ours = world.states.holder
        for change in changes:
            world.states.holder = json.dumps({**json.loads(ours), **change})
            self.undecided(world, "is locked by", "force-unlock " + json.loads(ours)["ID"])
            self.assertTrue(world.states.holder)
        world.states.holder = None
        self.outcome(world, "state-believed")

    def test_saved_elsewhere(self):
        """The server fails, so Terraform saves the state in a file, and plumb dies."""
        world = self.template.copy()
        self.addCleanup(world.__exit__)
        world.cloud.slow(100)
        process = world.start("apply", fault="journal.exited=kill")
        end = time.monotonic() + 60
        while not world.states.holder or not list(world.top.glob(
                "state/plumb/apply/*/current/work/apply.out")):
            assert time.monotonic() < end, world.said()
            time.sleep(0.01)
        world.states.fail = True
        process.wait()
        world.states.fail = False
        said = self.outcome(world, "state-rescued", "the one that the tool saved elsewhere")
        self.assertNotIn("import blocks", said)

    def test_saved_elsewhere_and_told(self):
        """The same with plumb alive: it says that it is not settled, and recovery goes on."""
        with self.template.copy() as world:
            world.cloud.slow(100)
            process = world.start("apply")
            end = time.monotonic() + 60
            while not list(world.top.glob("state/plumb/apply/*/current/work/apply.out")):
                assert time.monotonic() < end, world.said()
                time.sleep(0.01)
            world.states.fail = True
            self.assertEqual(process.wait(), 1, world.said())
            self.assertIn("plumb recover", world.said())
            world.states.fail = False
            self.outcome(world, "state-rescued")


del Case
