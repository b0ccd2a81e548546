"""Plans that are applied, by a real Terraform on the simulated cloud: see
backends/backend.h, "applying"."""

import json
import os
import signal
import unittest

from applying import NETWORK, TOOLS, Cloud, Said, States, Unit, slow, until

LOCK = json.dumps({"ID": "11111111-2222-3333-4444-555555555555", "Operation": "OperationTypeApply",
                   "Who": "somebody@elsewhere", "Created": "2026-03-01T12:00:00.5Z"})


@unittest.skipUnless(TOOLS, "terraform or the simulated cloud is missing")
class WithCloud(unittest.TestCase):
    def setUp(self):
        self.cloud = Cloud().__enter__()
        self.addCleanup(self.cloud.__exit__)

    def unit(self, text, backend="", **more):
        unit = Unit(self.cloud.url, text, backend, **more)
        self.addCleanup(unit.holder.cleanup)
        return unit

    def in_cloud(self, said, address):
        return next(x for x in said.lines if x.startswith(f"event done {address} "))


class Local(WithCloud):
    def test_plan_apply_review(self):
        u = self.unit(NETWORK + 'output "id" {\n  value = sim_network.n.id\n}\n')
        said = u.run("plan", "apply")
        self.assertEqual(said.events(), [("started", "sim_network.n"), ("done", "sim_network.n")])
        self.assertIn("id=net-", self.in_cloud(said, "sim_network.n"))
        self.assertIn("refreshed=0 outputs=1", said.one("saved"))
        self.assertEqual(said.result()["ok"], "1")
        self.assertEqual(said.result()["added"], "1")
        self.assertEqual(len(json.loads(u.state.read_text())["resources"]), 1)
        for name in ("saved.bin", "saved.json", "apply.out", "apply.err"):
            self.assertEqual((u.work / name).stat().st_mode & 0o777, 0o600, name)
        again = u.run("review")
        self.assertEqual((again.events(), again.result()), (said.events(), said.result()))
        self.assertIn("refreshed=1 outputs=0", u.run("replan").one("saved"))

    def test_options(self):
        u = self.unit('variable "cidr" {\n  default = "10.9.0.0/16"\n}\n' + NETWORK.replace(
            '"10.0.0.0/16"', "var.cidr") + NETWORK.replace('"n"', '"m"'))
        u.write(targets=["sim_network.n"], vars=["cidr=10.1.0.0/16", "cidr=10.2.0.0/16"],
                parallelism=2, lock_timeout_ms=1500)
        said = u.run("plan", "apply")
        self.assertEqual(said.events()[-1], ("done", "sim_network.n"))
        self.assertIn("10.2.0.0/16", u.state.read_text())
        (u.top / "more.tfvars").write_text('cidr = "10.2.0.0/16"\n')
        u.write(replace=["sim_network.n"], var_files=[str(u.top / "more.tfvars")])
        self.assertIn("change replace sim_network.n", u.run("look").lines)
        u.write(destroy=True, var_files=[str(u.top / "more.tfvars")])
        self.assertEqual(u.run("plan", "apply").result()["removed"], "1")

    def test_looking_changes_no_saved_plan(self):
        u = self.unit(NETWORK)
        said = u.run("plan", "look", "apply", "look")
        self.assertEqual(said.result()["ok"], "1")
        self.assertEqual(said.lines[-2], "change none sim_network.n")
        self.assertTrue(u.state.exists())

    def test_a_workspace_of_its_own(self):
        u = self.unit(NETWORK, workspace="blue")
        u.run("plan", "apply")
        state = u.worktree / "terraform.tfstate.d/blue/terraform.tfstate"
        self.assertEqual(len(json.loads(state.read_text())["resources"]), 1)
        self.assertFalse(u.state.exists())

    def second_plan(self, backend):
        u = self.unit(NETWORK, backend)
        first = u.run("plan", "apply").one("saved").split()
        (u.work / "init.out").unlink()
        u.write(replace=["sim_network.n"])
        second = u.run("plan", "apply")
        self.assertFalse((u.work / "init.out").exists())
        self.assertEqual(first[3], second.one("saved").split()[3])
        self.assertEqual(second.result()["ok"], "1")
        self.assertIn("change none sim_network.n", self.plain(u).run("look").lines)

    @staticmethod
    def plain(u):
        u.write()
        return u

    def test_a_second_plan_needs_no_init_for_providers(self):
        self.second_plan("")

    def test_nor_does_one_behind_http(self):
        with States() as states:
            self.second_plan(states.block())

    def test_settings_only_terraform_knows(self):
        text = NETWORK.replace("sim_network", "sim_network") + (
            'locals {\n  t = join("-", ["sim", "admin", "token"])\n}\n')
        u = self.unit(text)
        main = u.tree / "main.tf"
        main.write_text(main.read_text().replace('provider "sim" {}',
                                                 'provider "sim" {\n  token = local.t\n}'))
        said = u.run("plan", "apply")
        self.assertTrue(said.one("provider").endswith("unknown=0"), said.text)
        self.assertEqual(list(json.loads(u.state.read_text())["outputs"]), [])

    def test_failure_without_secrets(self):
        u = self.unit(NETWORK + 'variable "s" {\n  sensitive = true\n}\nresource "sim_network" "b"'
                      ' {\n  name = "b"\n  cidr = var.s\n}\n'
                      + slow("p", 'echo "${self.name} failed"; exit 3').replace(
                          "${", "$${").replace("$${", "${"),
                      vars=["s=open-sesame-77"])
        said = u.run("plan", "apply")
        result = said.result()
        self.assertEqual((result["ok"], result["running"]), ("0", "0"))
        self.assertIn(("failed", "sim_network.b"), said.events())
        self.assertIn("sim_network.p", result["errors"] + str(said.events()))
        self.assertNotIn("open-sesame-77", said.text)
        again = u.run("review")
        self.assertEqual(again.result(), result)
        self.assertNotIn("open-sesame-77", again.text)

    def refused(self, change, message):
        u = self.unit(NETWORK)
        process = u.start("plan", "pause", "apply")
        while process.stdout.readline() != "paused\n":
            self.assertIsNone(process.poll())
        change(u)
        _, errors = process.communicate("\n", timeout=60)
        self.assertEqual(process.returncode, 1)
        self.assertIn(message, errors)
        self.assertFalse(u.state.exists())
        self.assertFalse((u.work / "apply.out").exists())

    def test_replaced_providers_are_refused(self):
        u = self.unit(NETWORK)
        rc = u.top / "rc"
        rc.write_text(rc.read_text().replace(
            "filesystem_mirror", 'dev_overrides {\n    "example/none" = "/nowhere"\n  }\n'
            "  filesystem_mirror"))
        self.assertIn("dev_overrides", u.run("plan", code=1).errors)
        u.run("look")

    def test_another_plan_is_refused(self):
        def change(u):
            with open(u.work / "saved.bin", "ab") as f:
                f.write(b"x")
        self.refused(change, "the plan of 'u' is not what it was")

    def test_another_provider_is_refused(self):
        def change(u):
            program = next(u.mirror.rglob("terraform-provider*"))
            program.write_bytes(program.read_bytes())
        self.refused(change, "are not the ones that planned")

    def test_what_a_local_exec_leaves_is_waited_for(self):
        u = self.unit(slow("s", "sleep 3 >/dev/null 2>&1 & echo started"))
        said = u.run("plan", "apply")
        self.assertEqual((said.result()["ok"], said.result()["survivors"]), ("1", "0"))


class Killed(WithCloud):
    TEXT = NETWORK + slow("s", "sleep 3")

    def applying(self, u):
        process = u.start("plan", "apply")
        seen = []
        while not seen or not seen[-1].startswith("event started sim_network.s"):
            seen.append(process.stdout.readline())
            self.assertTrue(seen[-1], process.stderr.read() if not seen[-1] else "")
        return process

    def tool(self, u):
        """The process id of the Terraform that works in the unit's tree."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as f:
                    if "apply\0-json" in (line := f.read()) and str(u.work) in line:
                        return int(pid)
            except OSError:
                pass
        return None

    def test_plumb(self):
        u = self.unit(self.TEXT)
        process = self.applying(u)
        process.kill()
        process.communicate()
        until(lambda: self.tool(u) is None)
        said = u.run("review", "holder")
        self.assertEqual(said.result()["running"], "0")
        self.assertIn(("done", "sim_network.n"), said.events())
        self.assertIn("id=-", said.one("holder"))
        self.assertIn('"sim_network"', u.state.read_text())

    def test_terraform(self):
        u = self.unit(self.TEXT)
        process = self.applying(u)
        info = u.worktree / ".terraform.tfstate.lock.info"
        held = u.run("holder").one("holder")
        self.assertIn("operation=OperationTypeApply", held)
        self.assertGreater(int(held.split("at=")[-1]), 1_700_000_000)
        self.assertIn("a process that runs", u.run("unlock", "x", code=1).errors)
        os.kill(self.tool(u), signal.SIGKILL)
        out, _ = process.communicate(timeout=60)
        result = Said("event started sim_network.s\n" + out).result()
        self.assertEqual((result["ok"], result["signal"]), ("0", "9"))
        self.assertEqual(u.run("review").result()["signal"], "9")
        (u.work / "apply.end").unlink()
        self.assertEqual(u.run("review").result()["running"], "1")
        self.assertTrue(info.exists())
        lock = json.loads(info.read_text())["ID"]
        self.assertIn("id=-", u.run("holder").one("holder"))
        self.assertIn("of another lock", u.run("unlock", "other", code=1).errors)
        u.run("unlock", lock)
        self.assertFalse(info.exists())

    def test_both_after_an_interrupt(self):
        u = self.unit(self.TEXT)
        process = self.applying(u)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
        result = Said(out).result()
        self.assertEqual((result["ok"], result["signal"], result["survivors"]), ("0", "0", "0"))
        self.assertIn("sim_network", u.state.read_text())


class Keeping(WithCloud):
    def test_local(self):
        u = self.unit(NETWORK)
        kept = u.top / "kept"
        self.assertIn("none=1 torn=0", u.run("keep", str(kept)).text)
        u.run("plan", "apply")
        u.run("keep", str(kept))
        self.assertEqual(kept.read_bytes(), u.state.read_bytes())
        self.assertEqual(kept.stat().st_mode & 0o777, 0o600)
        self.assertIn("n=1", u.run("parse", str(kept)).text)
        u.state.write_bytes(b"")
        self.assertIn("none=1 torn=1", u.run("keep", str(u.top / "no")).text)
        self.assertFalse((u.top / "no").exists())
        self.assertIn("is empty", u.run("put", str(u.state), code=1).errors)
        u.state.write_text("{ torn")
        u.run("put", str(kept))
        self.assertEqual(kept.read_bytes(), u.state.read_bytes())
        self.assertEqual((u.work / "replaced-1.tfstate").read_text(), "{ torn")

    def test_http(self):
        with States() as states:
            u = self.unit(NETWORK, states.block())
            kept = u.top / "kept"
            said = u.run("plan", "apply")
            self.assertEqual(said.result()["ok"], "1")
            u.run("keep", str(kept))
            self.assertEqual(kept.read_text(), states.state)
            old, states.state = states.state, "{ torn"
            u.run("put", str(kept))
            self.assertEqual(states.state, old)
            self.assertIsNone(states.holder)
            states.holder = LOCK
            self.assertIn("somebody@elsewhere holds", u.run("put", str(kept), code=1).errors)
            self.assertFalse((u.tree / "zzzz_plumb_backend_override.tf").exists())

    def test_http_lock(self):
        with States() as states:
            u = self.unit(NETWORK, states.block())
            self.assertIn("id=-", u.run("holder").one("holder"))
            self.assertIsNone(states.holder)
            states.holder = LOCK
            self.assertIn("id=11111111-2222-3333-4444-555555555555 who=somebody@elsewhere "
                          "operation=OperationTypeApply created=2026-03-01T12:00:00.5Z "
                          "at=1772366400", u.run("holder").one("holder"))
            self.assertIn("is locked by", u.run("plan", code=1).errors)
            self.assertIn("left alone", u.run("unlock", "another", code=1).errors)
            self.assertEqual(states.holder, LOCK)
            u.run("unlock", "11111111-2222-3333-4444-555555555555")
            self.assertIsNone(states.holder)

    def test_a_backend_that_only_terraform_can_speak_to(self):
        with States() as states:
            u = self.unit(NETWORK, states.block().replace(
                "    retry_max = 0\n", "    retry_max = 0\n    skip_cert_verification = true\n"))
            kept = u.top / "kept"
            self.assertEqual(u.run("plan", "apply").result()["ok"], "1")
            self.assertIn("id=-", u.run("holder").one("holder"))
            u.run("keep", str(kept))
            self.assertIn("n=1", u.run("parse", str(kept)).text)
            states.holder = LOCK
            self.assertIn("id=11111111-2222-3333-4444-555555555555 who=- ",
                          u.run("holder").one("holder"))
            self.assertIn("is locked by", u.run("put", str(kept), code=1).errors)
            states.holder = None
            before = json.loads(states.state)
            u.run("put", str(kept))
            self.assertEqual(json.loads(states.state)["resources"], before["resources"])
            self.assertFalse((u.work / "pull-data/providers").exists())

    def unwritable(self, u, states):
        process = u.start("plan", "pause", "apply", "review")
        while process.stdout.readline() != "paused\n":
            self.assertIsNone(process.poll())
        states.fail = True
        out, errors = process.communicate("\n", timeout=60)
        self.assertEqual(process.returncode, 0, errors)
        said = Said(out)
        self.assertEqual(said.result()["ok"], "0")
        self.assertEqual(said.result(last=False)["rescued"], said.result()["rescued"])
        self.assertIn("n=1", u.run("parse", said.result()["rescued"]).text)
        return said.result()["rescued"]

    def test_a_state_that_cannot_be_written(self):
        with States() as states:
            u = self.unit(NETWORK, states.block())
            self.assertEqual(self.unwritable(u, states), str(u.tree / "errored.tfstate"))
            states.fail = False
            self.assertIn("errored.tfstate", u.run("plan", "apply", code=1).errors)

    def test_a_state_that_can_be_written_nowhere(self):
        with States() as states:
            u = self.unit(NETWORK, states.block())
            (u.tree / "errored.tfstate").mkdir()
            rescued = self.unwritable(u, states)
            self.assertEqual(rescued, str(u.work / "rescued.tfstate"))
            self.assertEqual((u.work / "rescued.tfstate").stat().st_mode & 0o777, 0o600)

    def test_runs_elsewhere_are_refused(self):
        u = self.unit(NETWORK, '  cloud {\n    organization = "example"\n    workspaces {\n'
                               '      name = "w"\n    }\n  }\n')
        u.unit["state_path"] = str(u.state)
        u.write()
        self.assertIn("another machine", u.run("plan", code=1).errors)


if __name__ == "__main__":
    unittest.main()
