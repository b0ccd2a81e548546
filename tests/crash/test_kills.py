"""plumb, Terraform or both are killed at any moment of an apply, or get the signals that a terminal
and a machine send."""

import os
import random
import signal
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

from world import JOBS, MISSING, ROUNDS, SEED, TOOLS, Template, kill


# The last two as lists of processes name them: the provider, and the process that lends it.
WHO = ("plumb", "terraform", "both", "both", "terraform-provi", "provider-lender")


def wait_for(process, seconds=120):
    try:
        return process.wait(seconds)
    except Exception:
        os.killpg(process.pid, signal.SIGKILL)
        raise


@unittest.skipUnless(TOOLS, MISSING)
class Kills(unittest.TestCase):
    http = False

    @classmethod
    def setUpClass(cls):
        cls.templates = [Template(cls.http, servers=8), Template(cls.http, 8, applied=False)]
        cls.planning, cls.applying = cls.whole(cls.templates[0])

    @classmethod
    def tearDownClass(cls):
        for template in cls.templates:
            template.close()

    @staticmethod
    def whole(template):
        """How long one that nobody kills takes on this machine: until something may be touched,
        and from there."""
        with template.copy() as world:
            world.cloud.slow(150)
            begun = time.monotonic()
            process = world.start("apply")
            while not world.touches():
                assert process.poll() is None, world.said()
                time.sleep(0.005)
            touched = time.monotonic()
            assert wait_for(process) == 0, world.said()
            return touched - begun, time.monotonic() - touched

    def one(self, number, who, after, touching, template):
        """The apply ends or is killed `after` seconds from its start, or from when it touches."""
        with template.copy() as world:
            world.cloud.slow(150)
            process = world.start("apply")
            while touching and process.poll() is None and not world.touches():
                time.sleep(0.005)
            until = time.monotonic() + after
            while time.monotonic() < until and process.poll() is None:
                time.sleep(0.005)
            tools = world.tools() if who in ("terraform", "both") else []
            tools += [pid for pid, name in world.running().items() if name == who]
            if who in ("plumb", "both") and process.poll() is None:
                kill(process.pid)
            for pid in tools:
                kill(pid)
            wait_for(process)
            said = world.said()
            try:
                world.check_nothing_runs()
                return world.check()
            except AssertionError as error:
                raise AssertionError(f"seed {SEED}, round {number}: {who} killed after "
                                     f"{after:.3f} s{' of applying' * touching}\n{said}\n"
                                     f"{error}") from error

    def test_random(self):
        draw = random.Random(SEED + self.http)
        rounds = []
        for i in range(ROUNDS // 2):
            touching = draw.random() < 0.7
            end = 1.2 * self.applying if touching else self.planning + self.applying
            rounds.append((i, draw.choice(WHO),
                           draw.uniform(0, end), touching, self.templates[draw.random() < 0.3]))
        found = {}
        with ThreadPoolExecutor(JOBS) as pool:
            for future in [pool.submit(self.one, *r) for r in rounds]:
                said = future.result()
                what = said.strip().splitlines()[-1]
                found[what] = found.get(what, 0) + 1
        print(f"# {len(rounds)} rounds, seed {SEED}: {found}")


class KillsHttp(Kills):
    http = True


@unittest.skipUnless(TOOLS, MISSING)
class Signals(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.template = Template(False, servers=4)

    @classmethod
    def tearDownClass(cls):
        cls.template.close()

    def send(self, *numbers):
        with self.template.copy() as world:
            world.cloud.slow(400)
            process = world.start("apply")
            self.until_it_applies(world, process)
            for number in numbers:
                kill(process.pid, number)
                time.sleep(0.1)
            code = wait_for(process)
            said = world.said()
            self.assertIn("web", said)
            self.assertFalse(world.left(), said)
            world.check_nothing_runs(5)
            world.check()
            return code, said

    @staticmethod
    def until_it_applies(world, process):
        end = time.monotonic() + 60
        while not world.touches():
            assert process.poll() is None and time.monotonic() < end, world.said()
            time.sleep(0.01)
        time.sleep(0.5)

    def test_int_once_and_twice(self):
        for numbers in ((signal.SIGINT,), (signal.SIGINT, signal.SIGINT)):
            code, said = self.send(*numbers)
            self.assertEqual(code, 130, said)
            self.assertIn("interrupted", said)

    def test_term(self):
        code, said = self.send(signal.SIGTERM)
        self.assertEqual(code, 130, said)

    def test_hup(self):
        code, said = self.send(signal.SIGHUP)
        self.assertIn(code, (0, 130), said)

    def test_pipe(self):
        """Nobody reads what it prints any more: it goes on to the end."""
        with self.template.copy() as world:
            read, write = os.pipe()
            process = world.start("apply", stdout=write)
            os.close(write)
            os.close(read)
            self.assertEqual(wait_for(process), 1, world.said())
            world.check()
