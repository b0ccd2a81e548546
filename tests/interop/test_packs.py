#!/usr/bin/env python3
"""Every pack against the provider itself: on an applied estate, each attribute that a pack maps
must have the value that the provider reads, and the estate must show something for each."""

import json
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import amend  # noqa: E402
import applied  # noqa: E402
import packs  # noqa: E402

# What the estate shows nothing of but null, empty, 0 or false: names by type, by reason.
NOT_SHOWN = {
    "read only where none is recorded, and a refresh records them":
        ["aws_iam_role.inline_policy.name"],
}

HIDDEN = "(sensitive)"

# What is read only where the record has it: records as other configurations would have made them.
RECORDED = {
    "aws_db_instance.main": {"manage_master_user_password": True, "engine_version": "16"},
    "aws_instance.worker": {"user_data": None, "user_data_base64": "bm90aGluZwo="},
    "aws_security_group_rule.cache_in": {"cidr_blocks": [],
                                         "prefix_list_ids": ["pl-0f00000000000000c"]},
    "module.network.aws_vpc.this": {"ipv6_association_id": "vpc-cidr-assoc-0f00000000000000d"},
    "aws_ssm_parameter.zones": {"value": None, "insecure_value": "a,b"},
}

# By what an object is known, where it is not its id: changed in the record, there is no such one.
KNOWN_BY = {
    "aws_db_instance": "identifier",
    "aws_iam_role_policy_attachment": "policy_arn",
    "aws_route53_record": "fqdn",
}

# Codes that the models of the API leave out: by its reference, and by what it says.
ELSEWHERE = {
    "AWS.SimpleQueueService.NonExistentQueue", "DBInstanceNotFoundFault", "NoSuchBucketPolicy",
    "NoSuchPublicAccessBlockConfiguration", "NoSuchTagSet", "ObjectLockConfigurationNotFoundError",
    "OwnershipControlsNotFoundError", "ServerSideEncryptionConfigurationNotFoundError",
}


def another(text):
    """A name or id of the same shape."""
    last = text[-1]
    return text[:-1] + ("1" if last == "0" else "0" if last.isdigit() else
                        "b" if last == "a" else "a")


def renamed(value, old, new):
    """A value with every `old` in its strings replaced."""
    if isinstance(value, dict):
        return {k: renamed(v, old, new) for k, v in value.items()}
    if isinstance(value, list):
        return [renamed(v, old, new) for v in value]
    return value.replace(old, new) if isinstance(value, str) else value


def gone(resource):
    """The attributes of a resource like this one that never was."""
    attributes = dict(resource["instances"][0]["attributes"])
    if resource["type"] == "aws_security_group_rule":
        return dict(attributes, from_port=1, to_port=1)
    old = attributes[KNOWN_BY.get(resource["type"], "id")]
    return renamed(attributes, old, another(old))


def not_shown():
    return {path: reason for reason, paths in NOT_SHOWN.items() for path in paths}


class Coverage(unittest.TestCase):
    """Packs against schemas. Needs no Terraform."""

    @classmethod
    def setUpClass(cls):
        cls.packs = packs.load_packs()
        cls.schemas = packs.load_schemas()

    def test_1_every_attribute_is_mapped_or_has_a_reason(self):
        missing, unknown, unread = [], [], []
        for name, pack in self.packs.items():
            block, left_out = self.schemas[name], packs.left_out(pack)
            missing += [f"{name}.{p}" for p in
                        packs.missing_paths(block, pack["attributes"], left_out)]
            unknown += [f"{name}.{p}" for p in
                        packs.unknown_paths(packs.block_type(block), pack["attributes"])]
            unread += [f"{name}.{p}" for p, why in left_out.items() if "not read yet" in why]
        self.assertEqual((missing, unknown, unread), ([], [], []))

    def test_2_the_table_is_up_to_date(self):
        self.assertEqual(packs.table_written(), packs.table(),
                         "run tests/interop/lib/packs.py")

    def test_3_codes_are_those_of_the_api(self):
        known = packs.api_codes()
        if known is None:
            self.skipTest("botocore is not installed")
        wrong = [f"{name}: {code}" for name, pack in self.packs.items()
                 for service, code in packs.codes(pack)
                 if service in known and code not in known[service] | ELSEWHERE]
        self.assertEqual(wrong, [])


class Differential(unittest.TestCase):
    """What plumb reads against what the provider reads, on the same objects at the same time."""

    @classmethod
    def setUpClass(cls):
        cls.packs = packs.load_packs()
        cls.types = {n: packs.block_type(b)[1] for n, b in packs.load_schemas().items()}
        cls.estate = applied.Applied(lent=os.environ.get("PLUMB_TEST_ESTATE"))
        cls.addClassCleanup(cls.estate.down)
        cls.proxy = amend.Server(cls.estate.env["AWS_ENDPOINT_URL"], amend.load_rules())
        cls.addClassCleanup(cls.proxy.shutdown)
        cls.estate.copy_repo()
        cls.estate.env["AWS_ENDPOINT_URL"] = cls.proxy.address
        cls.estate.edit_state(RECORDED)
        done = cls.estate.run("terraform", "apply", "-refresh-only", "-auto-approve",
                              "-input=false", "-no-color", "-parallelism=30")
        if done.returncode:
            raise RuntimeError(done.stderr)
        cls.recorded = {address: value for address, value in cls.estate.state().items()
                        if value[0] in cls.packs}
        firsts = {}
        for resource in cls.estate.resources():
            if resource["type"] in cls.packs:
                firsts.setdefault(resource["type"], resource)
        cls.estate.add_to_state([(r, gone(r), "gone") for r in firsts.values()])
        done = cls.estate.plumb("observe", "--observer", "rest")
        if done.returncode not in (0, 4):
            raise RuntimeError(done.stderr)
        cls.live = {r["address"]: r for unit in json.loads(done.stdout)["units"]
                    for r in unit["resources"]}

    def test_1_every_packed_type_is_in_the_estate_and_read_by_its_pack(self):
        self.assertEqual({value[0] for value in self.recorded.values()}, set(self.packs))
        unseen = [(a, self.live[a]["presence"], self.live[a]["reason"]) for a in self.recorded
                  if (self.live[a]["presence"], self.live[a]["observer"]) != ("known", "rest")]
        self.assertEqual(unseen, [])

    def test_2_live_is_what_the_provider_reads(self):
        wrong, compared = [], 0
        for address, (name, recorded) in sorted(self.recorded.items()):
            for attr, live in self.live[address]["attributes"].items():
                compared += 1
                kind = self.types[name][attr]
                same = packs.normal(recorded.get(attr), kind) == packs.normal(live, kind)
                if not same and HIDDEN not in json.dumps(live):
                    wrong.append((f"{address}.{attr}", recorded.get(attr), live))
        print(f"# {len(self.packs)} types, {len(self.recorded)} resources, "
              f"{compared} attributes compared")
        self.assertEqual(wrong, [])

    def test_3_hidden_values_too(self):
        hidden = {(a, attr) for a in self.recorded
                  for attr, live in self.live[a]["attributes"].items()
                  if HIDDEN in json.dumps(live)}
        done = self.estate.plumb("audit", "--observer", "rest", "--all", "--format", "json")
        verdicts = {}
        for unit in json.loads(done.stdout)["units"]:
            for resource in unit["resources"]:
                for attr in resource["attributes"]:
                    top = (resource["address"], attr["path"].split(".")[0].split("[")[0])
                    verdicts.setdefault(top, set()).add(attr["verdict"])
        print(f"# {len(hidden)} of them sensitive")
        self.assertGreater(len(hidden), 0)
        wrong = [(h, verdicts.get(h)) for h in sorted(hidden)
                 if not verdicts.get(h, {"?"}) <= {"in_sync", "computed"}]
        self.assertEqual(wrong, [])

    def test_4_every_amendment_met_a_reply(self):
        self.assertEqual([(r["action"], r.get("asked", r.get("where")))
                          for r in self.proxy.unmet()], [])

    def test_5_the_estate_shows_every_mapped_attribute(self):
        shown, every = set(), set()
        for name, pack in self.packs.items():
            every |= {f"{name}.{p}" for p in packs.mapped_paths(pack["attributes"])}
        for path in every:
            name, *inner = path.split(".")
            for address, (kind, _) in self.recorded.items():
                if kind == name and any(packs.shows_something(v) for v in packs.values_at(
                        self.live[address]["attributes"], inner)):
                    shown.add(path)
        expected = not_shown()
        print(f"# {len(shown)} of {len(every)} mapped attributes shown by the estate, "
              f"{len(expected)} named as not shown")
        self.assertEqual(sorted(every - shown - set(expected)), [], "not shown by the estate")
        self.assertEqual(sorted(set(expected) & shown), [], "shown, and yet in NOT_SHOWN")
        self.assertEqual(sorted(set(expected) - every), [], "in NOT_SHOWN, and not mapped")

    def test_6_what_does_not_exist_is_absent(self):
        found = {}
        for address, live in self.live.items():
            if address.split(".")[-1] == "gone":
                found[live["type"]] = (live["presence"], live["reason"])
        self.assertEqual(set(found), set(self.packs))
        wrong = {name: what for name, what in found.items() if what[0] != "absent"}
        self.assertEqual(wrong, {})


if __name__ == "__main__":
    unittest.main()
