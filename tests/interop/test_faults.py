#!/usr/bin/env python3
"""The audit when the cloud answers wrongly: for each packed service and each fault, nothing is
`missing`, nothing `drifted`; what could not be seen is unknown, with a reason; the rest keeps its
verdict; and plumb ends in time.

PLUMB_FAULTS_SEED   of the random sample; printed
PLUMB_FAULTS_SAMPLE how many pairs of operation and fault to draw (default 24)
PLUMB_FAULTS_ESTATE an estate that is up already, and is left so
PLUMB_FAULTS_ONLY   a word: only audits with such a fault, service or operation
"""

import concurrent.futures
import json
import os
import random
import re
import subprocess
import sys
import time
import unittest
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import applied  # noqa: E402
import estate  # noqa: E402
import fault_replies  # noqa: E402
import operations  # noqa: E402

PACKS = os.path.join(estate.TOP, "schemas", "observers", "aws")
AT_ONCE = 5
TIMEOUT = 6  # seconds, of plumb.yaml; a whole audit takes less than one
HANG = 60    # seconds that no audit takes, on a busy machine either
SECRET = "plumbFAULTsecretKEYneverSHOWN"
SEEN = {"in_sync", "unchecked", "computed"}
UNSEEN = {"unknown", "unobserved"}
SLOW = {"throttled", "throttled-long", "throttled-empty", "slow-503", "never"}
# What a reason must say of a fault: what came, and what would help.
SAID = {
    "denied": r"403 (AccessDenied|UnauthorizedOperation|AccessDeniedException) from .*allow ",
    "denied-empty": r"403 from .*(credentials|permission)",
    "denied-html": r"403 from .*HTML.*(credentials|permission)",
    "lost-empty": r"404 from .*endpoint",
    "lost-html": r"404 from .*HTML.*endpoint",
    "lost-json": r"404 from .*endpoint",
    "throttled": r"(429 (Throttling|RequestLimit)\w* from .*)?throttle.*(later|observe)",
    "throttled-long": r"(429 (Throttling|RequestLimit)\w* from .*)?throttle.*3600 s.*later",
    "throttled-empty": r"(429 from .*)?throttle.*(later|observe)",
    "slow-503": r"(503 \w+ from .*)?throttle.*(later|observe)",
    "error-500": r"500 Internal\w+ from .*later",
    "never": r"no reply from .*observe\.timeout",
    "reset": r"no reply from .*later",
    "short": r"no reply from .*(closed before the whole|later)",
    "cut": r"the reply of .*(XML|JSON)",
    "login": r"HTML.*(proxy|endpoint)",
    "login-typed": r"HTML.*(proxy|endpoint)",
    "wrong-type": r"application/octet-stream, expected (XML|JSON)",
}


class Faults(applied.Case):
    lent = os.environ.get("PLUMB_FAULTS_ESTATE")

    @classmethod
    def setUpClass(cls):
        try:
            cls.operations, cls.types = operations.of_packs(PACKS)
        except ImportError as why:
            raise unittest.SkipTest(f"the python has no yaml ({why})")
        super().setUpClass()
        cls.prepare()

    @classmethod
    def prepare(cls):
        ready = os.path.join(cls.estate.temp, "proxy")
        cls.proxy = subprocess.Popen(
            [sys.executable, os.path.join(applied.INTEROP, "fault-proxy.py"), "--ready", ready,
             cls.env["AWS_ENDPOINT_URL"]], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        cls.addClassCleanup(cls.end_proxy)
        while not os.path.exists(ready):
            if cls.proxy.poll() is not None:
                raise RuntimeError("fault-proxy.py did not start")
            time.sleep(0.05)
        with open(ready, encoding="utf-8") as text:
            cls.address = text.read().strip()
        cls.env.update(AWS_ENDPOINT_URL=cls.address, AWS_SECRET_ACCESS_KEY=SECRET)
        cls.tell("operations", cls.operations)
        config = os.path.join(cls.repo, "plumb.yaml")
        if not os.path.exists(config):
            with open(config, "w", encoding="utf-8") as out:
                out.write("version: 1\nunits:\n  - {name: estate, path: .}\n"
                          f"observe:\n  timeout: {TIMEOUT}s\n")
            estate.commit(cls.repo, "plumb: give up on the cloud soon")
        cls.home = cls.audit("nobody")  # warms the caches of plumb and the proxy

    @classmethod
    def end_proxy(cls):
        cls.proxy.terminate()
        cls.proxy.wait(20)

    @classmethod
    def tell(cls, what, value=None):
        data = None if value is None else json.dumps(value).encode()
        with urllib.request.urlopen(f"{cls.address}/_fault/{what}", data, timeout=30) as reply:
            return json.loads(reply.read())

    @classmethod
    def audit(cls, key):
        """(report or None, exit code, everything printed, seconds)."""
        start = time.monotonic()
        run = subprocess.run([applied.PLUMB, "audit", "--format", "json"], cwd=cls.repo,
                             env=dict(cls.env, AWS_ACCESS_KEY_ID=key), stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, check=False, timeout=180)
        took = time.monotonic() - start
        try:
            report = json.loads(run.stdout)
        except ValueError:
            report = None
        return report, run.returncode, run.stdout + run.stderr, took

    # ---- one audit and what is wrong with it -----------------------------------------------------

    def suffer(self, rules):
        """An audit with these faults: (what is wrong, resources not seen, operations hit)."""
        key = f"fault-{abs(hash(json.dumps(rules))):x}"
        self.tell("set", {"key": key, "rules": rules})
        report, code, text, took = self.audit(key)
        hits = self.tell(f"hits?{key}")
        self.tell("set", {"key": key, "rules": []})
        if report is None:
            return [f"exit code {code}: {text[-600:]}"], 0, {}
        wrong = []
        if took > HANG:
            wrong.append(f"took {took:.1f} s")
        if SECRET in text or key in text:
            wrong.append("a credential is printed")
        resources = [r for u in report["units"] for r in u["resources"]]
        unseen = [r for r in resources if r["verdict"] in UNSEEN or
                  any(a["verdict"] in UNSEEN for a in r["attributes"])]
        faults = {n: self.fault_of(rules, n) for n in hits}
        wide = {n for n in hits if any("service" in r for r in rules)}
        for r in resources:
            service = self.types[r["type"]]["service"]
            fault = [x["fault"] for x in rules if x.get("service") == service]
            wrong += [f"{fault} {w}" for w in self.judge(r, faults, wide)]
        if code != (4 if unseen else 0):
            wrong.append(f"exit code {code}, and {len(unseen)} resources not seen")
        return wrong, len(unseen), faults

    def fault_of(self, rules, name):
        service = self.operations[name]["service"]
        return next(r["fault"] for r in rules
                    if r.get("operation") == name or r.get("service") == service)

    def judge(self, resource, faults, wide):
        """What is wrong with what the audit says of one resource. faults: by operation hit; wide:
        those of which all of the service is hit, so that each of its resources must be."""
        address, verdict = resource["address"], resource["verdict"]
        about = self.types[resource["type"]]
        own = about["operations"] | ({"sts GetCallerIdentity"} if about["account"] else set())
        hit = {n: f for n, f in faults.items() if n in own}
        # A service that throttles, or never answers, is not asked for the rest in time.
        services = {self.operations[n]["service"] for n in own}
        held = {n: f for n, f in faults.items() if f in SLOW
                and self.operations[n]["service"] in services}
        worst = {verdict} | {a["verdict"] for a in resource["attributes"]}
        if worst - SEEN - UNSEEN:
            shown = [(a["path"], a["verdict"], a["live"]) for a in resource["attributes"]]
            return [f"{address}: {verdict}: {resource['reason']} {shown} {hit}"]
        if not hit and not held:
            return [f"{address}: {verdict}, and nothing of it was hit: {resource['reason']}"] \
                if worst & UNSEEN else []
        if not worst & UNSEEN and resource["observer"] == "provider":
            return []  # another client may read what plumb does not: octets, say
        if not worst & UNSEEN:
            blind = {n: f for n, f in hit.items() if n in wide & about["operations"]
                     and self.operations[n]["service"] == about["service"]
                     and f in fault_replies.WHOLE and f != "empty-object"}
            return [f"{address}: {verdict}, though it was not to be read: {blind}"] if blind else []
        reasons = {a.get("reason") or "" for a in resource["attributes"]
                   if a["verdict"] in UNSEEN} or {""}
        if resource["reason"]:
            reasons = {resource["reason"]}
        slow = set(held.values())
        return [f"{address}: {w}" for r in reasons for w in self.read(r, hit, own, slow)]

    def read(self, reason, hit, own, slow):
        """What a reason leaves out."""
        short = {n: n.partition(" GET ")[0] + " GET /" if " GET " in n else n for n in own}
        named = {n for n in own if short[n] in reason}
        if not named:
            return [f"the reason names no operation of {sorted(own)}: {reason!r}"]
        faults = {f for n, f in hit.items() if short[n] in reason} | slow
        if not any(f not in SAID or re.search(SAID[f], reason, re.S) for f in faults):
            return [f"the reason does not tell of {faults}: {reason!r}"]
        return []

    def suffer_all(self, cases):
        """Audits side by side; a case is what the proxy is told. The faults by operation hit."""
        only = os.environ.get("PLUMB_FAULTS_ONLY", "")
        cases = [c for c in cases if only in str(c)]
        start = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            done = list(pool.map(self.suffer, cases))
        print(f"# {len(cases)} audits, {sum(n for _, n, _ in done)} resources not seen, "
              f"{time.monotonic() - start:.1f} s", flush=True)
        shown = [f"{case if len(case) == 1 else ''} {w}" for case, (wrong, _, _) in zip(cases, done)
                 for w in wrong]
        self.assertEqual([], shown[:1], "\n" + "\n".join(shown))
        return {(n, f) for _, _, faults in done for n, f in faults.items()}

    # ---- cases -----------------------------------------------------------------------------------

    def test_1_without_a_fault(self):
        report, code, text, _ = self.audit("nobody")
        self.assertEqual(code, 0, text[-2000:])
        self.assertNotIn(SECRET, text)
        for resource in report["units"][0]["resources"]:
            self.assertIn(resource["verdict"], SEEN, resource)

    def test_2_every_service_and_fault(self):
        """As many audits as there are faults: in each, every service has another one."""
        services = sorted({o["service"] for o in self.operations.values()})
        faults = fault_replies.FAULTS
        cases = [[{"service": s, "fault": faults[(i + k) % len(faults)]}
                  for i, s in enumerate(services)] for k in range(len(faults))]
        hit = {(self.operations[n]["service"], f) for n, f in self.suffer_all(cases)}
        if not os.environ.get("PLUMB_FAULTS_ONLY"):
            self.assertEqual([], [(s, f) for s in services for f in fault_replies.WHOLE
                                  if (s, f) not in hit])
        paged = {o["service"] for o in self.operations.values() if o["next"]}
        print(f"# {len(hit)} pairs of a service and a fault; {len(paged)} services with pages",
              flush=True)

    def test_3_one_operation_at_a_time(self):
        seed = int(os.environ.get("PLUMB_FAULTS_SEED", random.SystemRandom().randrange(10 ** 6)))
        print(f"# seed {seed}", flush=True)
        used = {n for t in self.types.values() for n in t["operations"]}
        pairs = [(f, n) for n in sorted(used) for f in fault_replies.FAULTS
                 if f not in fault_replies.PAGES or self.operations[n]["next"]]
        wanted = int(os.environ.get("PLUMB_FAULTS_SAMPLE", "24"))
        drawn = random.Random(seed).sample(pairs, min(wanted, len(pairs)))
        self.suffer_all([[{"fault": f, "operation": n}] for f, n in drawn])


if __name__ == "__main__":
    unittest.main()
