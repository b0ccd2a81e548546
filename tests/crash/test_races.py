"""Many applies of one unit at once, and things that change between the decision and the apply."""

import contextlib
import json
import signal
import time
import unittest
from pathlib import Path

from world import MISSING, ROUNDS, TOOLS, Template, kill

AT_ONCE = 32


@contextlib.contextmanager
def replaced(program, data):
    """Another program in its place for a while."""
    was, mode = program.read_bytes(), program.stat().st_mode
    program.unlink()
    program.write_bytes(data)
    program.chmod(mode)
    try:
        yield
    finally:
        program.unlink(missing_ok=True)
        program.write_bytes(was)
        program.chmod(mode)


@unittest.skipUnless(TOOLS, MISSING)
class Concurrent(unittest.TestCase):
    def test_one_of_many(self):
        template = Template(False, servers=3)
        self.addCleanup(template.close)
        for number in range(max(2, ROUNDS // 4)):
            with self.subTest(round=number), template.copy() as world:
                world.cloud.slow(200)
                files = [(world.top / f"out-{i}").open("w+") for i in range(AT_ONCE)]
                running = [world.start("apply", "--format", "json", stdout=f) for f in files]
                codes = [p.wait(180) for p in running]
                ends = []
                for f, code in zip(files, codes):
                    f.seek(0)
                    text = f.read()
                    f.close()
                    self.assertIn(code, (0, 5), world.said())
                    if code == 0:
                        ends.append(json.loads(text)["end"])
                self.assertEqual(ends.count("applied"), 1, ends)
                self.assertEqual(set(ends) - {"applied", "nothing"}, set(), ends)
                world.check()

    def test_waiting(self):
        """With -lock-timeout the second one waits, and finds nothing to do."""
        template = Template(False, servers=2)
        self.addCleanup(template.close)
        with template.copy() as world:
            world.cloud.slow(300)
            first = world.start("apply")
            # Not by trying the lock: that would be one who has it.
            while not any((a / "lease").read_text() for a in world.areas()
                          if (a / "lease").exists()):
                time.sleep(0.01)
            held = world.plumb("apply")
            self.assertEqual(held.returncode, 5, held.stderr)
            self.assertRegex(held.stderr, rf"process {first.pid} of \w+ since 20")
            second = world.plumb("apply", "-lock-timeout=60s")
            self.assertEqual((first.wait(), second.returncode), (0, 0), second.stderr)
            self.assertIn("nothing to apply", second.stdout)


@unittest.skipUnless(TOOLS, MISSING)
class Moved(unittest.TestCase):
    """plumb stands still after it has written down what was decided."""

    @classmethod
    def setUpClass(cls):
        cls.template = Template(False, servers=2)

    @classmethod
    def tearDownClass(cls):
        cls.template.close()

    @contextlib.contextmanager
    def decided(self, point="after.prepared"):
        with self.template.copy() as world:
            world.process = world.start("apply", fault=f"{point}=stop")
            world.until_stopped(world.process)
            yield world

    def refused(self, world, *texts, code=3):
        before = world.cloud.objects()
        kill(world.process.pid, signal.SIGCONT)
        self.assertEqual(world.process.wait(60), code, world.said())
        said = " ".join(world.said().split())
        for text in texts:
            self.assertIn(text, said)
        self.assertEqual(world.cloud.objects(), before)
        self.assertFalse(world.left() or world.holder())

    def test_commit(self):
        with self.decided() as world:
            world.commit({"note": "another commit\n"}, "moved")
            self.refused(world, "another commit by now", "nothing was touched")
            world.check()

    def test_plan_file(self):
        with self.decided() as world:
            plan, = world.top.glob("state/plumb/apply/*/current/work/saved.bin")
            data = bytearray(plan.read_bytes())
            data[len(data) // 2] ^= 1
            plan.write_bytes(data)
            self.refused(world, "the plan file is not the one that was decided about")
            world.check()

    def state_becomes(self, change):
        with self.decided() as world:
            file = world.repo / "terraform.tfstate"
            before = file.read_bytes()
            state = json.loads(before)
            change(state)
            file.write_text(json.dumps(state))
            self.refused(world, "the state is not the one that was planned on")
            file.write_bytes(before)
            world.check()

    def test_state(self):
        self.state_becomes(lambda state: state.update(serial=state["serial"] + 1))

    def test_state_of_the_same_serial(self):
        self.state_becomes(lambda state: state["outputs"].update(
            note={"value": "another", "type": "string"}))

    def test_live_object(self):
        with self.decided() as world:
            (id, _), = world.cloud.objects()["networks"].items()
            world.cloud.ask("PATCH", f"/v1/networks/{id}", {"labels": {"by": "hand"}})
            self.refused(world, "'sim_network.main' was changed outside meanwhile")

    def test_lock_file(self):
        """That of the commit counts, as it was planned with. Terraform looks at versions alone."""
        for old, new in (("1.0.0", "1.0.1"), ("hashes = [", 'hashes = [ "h1:AAAA", ')):
            with self.decided() as world:
                lock, = world.top.glob("state/plumb/apply/*/current/tree/.terraform.lock.hcl")
                lock.write_text(lock.read_text().replace(old, new))
                self.refused(world, "the lock file of 'shop' is not the one that its providers "
                                    "were verified by: plan again", "nothing was touched")
                world.check()

    def test_provider_binary(self):
        with self.decided() as world:
            saved, = world.top.glob("state/plumb/apply/*/current/work/saved.json")
            folder, = json.loads(saved.read_text())["packages"].values()
            target = next(Path(folder).glob("terraform-provider-sim*"))
            with replaced(target, target.read_bytes() + b"\n"):
                self.refused(world, "provider packages")


@unittest.skipUnless(TOOLS, MISSING)
class Approved(unittest.TestCase):
    """Somebody has seen a plan and gives its evidence later: to that plan, and to no other."""

    @classmethod
    def setUpClass(cls):
        cls.template = Template(False, servers=2)
        cls.addClassCleanup(cls.template.close)

    def setUp(self):
        self.world = self.template.copy()
        self.addCleanup(self.world.__exit__)
        done = self.world.plumb("plan", "--format", "json")
        self.evidence = json.loads(done.stdout)["units"][0]["evidence"]
        self.before = self.world.cloud.objects()

    def refused(self, *texts, code=3):
        done = self.world.plumb("apply", "--approve", self.evidence)
        said = " ".join((done.stdout + done.stderr).split())
        self.assertEqual(done.returncode, code, said)
        for text in texts:
            self.assertIn(text, said)
        self.assertEqual(self.world.cloud.objects(), self.before)
        self.assertFalse(self.world.left() or self.world.holder())

    def test_nothing_moved(self):
        done = self.world.plumb("apply", "--approve", self.evidence)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.world.check()

    def test_commit(self):
        self.world.commit({"note": "no more than that\n"}, "moved")
        self.refused("the evidence is", "look at the plan again", "nothing was touched")

    def test_state_of_the_same_serial(self):
        file = self.world.repo / "terraform.tfstate"
        state = json.loads(file.read_text())
        state["outputs"]["note"] = {"value": "another", "type": "string"}
        file.write_text(json.dumps(state))
        self.refused("look at the plan again", "nothing was touched")

    def test_live_object(self):
        (id, _), = self.world.cloud.objects()["networks"].items()
        self.world.cloud.ask("PATCH", f"/v1/networks/{id}", {"labels": {"by": "hand"}})
        self.refused("look at the plan again", "nothing was touched")

    def test_lock_file(self):
        lock = self.world.repo / ".terraform.lock.hcl"
        text = lock.read_text()
        lock.write_text(text.replace("hashes = [", 'hashes = [\n    "h1:AAAA",'))
        self.refused("dirty-tree", "'.terraform.lock.hcl' is not committed", "nothing was touched")
        self.world.commit({}, "another hash")
        self.refused("look at the plan again", "nothing was touched")

    def test_provider_binary(self):
        """Only what the lock file has is ever started: there is none, or it is fetched anew."""
        kept, = self.world.top.glob("cache/plumb/provider-packages/**/terraform-provider-sim*")
        source, = self.template.mirror.rglob("terraform-provider-sim*")
        whole = source.read_bytes()
        with replaced(source, b"#!/bin/sh\nexit 7\n"), replaced(kept, b"#!/bin/sh\nexit 7\n"):
            self.refused("doesn't match any of the checksums", code=1)
        with replaced(kept, b"#!/bin/sh\nexit 7\n"):
            done = self.world.plumb("apply", "--approve", self.evidence)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertEqual(kept.read_bytes(), whole)
        self.world.check()
