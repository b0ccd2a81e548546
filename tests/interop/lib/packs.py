"""Packs and provider schemas side by side: what a pack maps, and values compared as a schema says.

Knows nothing of plumb's own comparison, on purpose: a second opinion. Run as a program, it writes
the table in schemas/observers/aws/README.md anew.
"""

import glob
import json
import os
import re

import yaml

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
SOURCE = "registry.terraform.io/hashicorp/aws"
DYNAMIC = "dynamic"


def load_packs():
    """type -> pack."""
    packs = {}
    for path in sorted(glob.glob(os.path.join(TOP, "schemas", "observers", "aws", "aws_*.yaml"))):
        with open(path, encoding="utf-8") as text:
            pack = yaml.safe_load(text)
        packs[pack["type"]] = pack
    return packs


def load_schemas():
    """type -> block, of every packed type."""
    path = os.path.join(TOP, "fixtures", "schemas", "aws-subset.json")
    with open(path, encoding="utf-8") as text:
        types = json.load(text)["provider_schemas"][SOURCE]["resource_schemas"]
    return {name: schema["block"] for name, schema in types.items()}


def block_type(block):
    """The type of a block in the notation of attributes: ["list", ["object", {...}]]."""
    fields = {name: a["type"] for name, a in block.get("attributes", {}).items()}
    for name, inner in block.get("block_types", {}).items():
        one = block_type(inner["block"])
        mode = inner["nesting_mode"]
        fields[name] = one if mode in ("single", "group") else [mode, one]
    return ["object", fields]


def settable(block, prefix=""):
    """The leaves that configuration can set: `ttl.enabled` and not `ttl`, and nothing computed."""
    names = [prefix + n for n, a in block.get("attributes", {}).items()
             if a.get("optional") or a.get("required")]
    for name, inner in block.get("block_types", {}).items():
        names += settable(inner["block"], f"{prefix}{name}.")
    return names


# ---- the paths that a pack maps ------------------------------------------------------------------


def fields_of(rule):
    """The nested names that a rule gives, or None where it gives a plain value."""
    if not isinstance(rule, dict):
        return None
    if "fields" in rule:
        return rule["fields"]
    inner = [rule[k] for k in ("value", "group") if k in rule]
    inner += rule.get("concat", []) + rule.get("first_of", [])
    inner += [c["then"] if "then" in c else c["else"] for c in rule.get("cases", [])]
    for one in inner:
        found = fields_of(one)
        if found is not None:
            return found
    return None


def mapped_paths(rules, prefix=""):
    """Every leaf: `ttl.enabled` and not `ttl`."""
    paths = []
    for name, rule in rules.items():
        fields = fields_of(rule)
        if fields is None:
            paths.append(prefix + name)
        else:
            paths += mapped_paths(fields, prefix + name + ".")
    return paths


def missing_paths(block, rules, left_out, prefix=""):
    """What the schema has and the pack neither maps nor gives a reason for."""
    missing = []
    for name in sorted(set(block.get("attributes", {})) | set(block.get("block_types", {}))):
        if prefix + name in left_out:
            continue
        if name not in rules:
            missing.append(prefix + name)
        elif name in block.get("block_types", {}):
            fields = fields_of(rules[name])
            if fields is not None:
                missing += missing_paths(block["block_types"][name]["block"], fields, left_out,
                                         prefix + name + ".")
    return missing


def unknown_paths(kind, rules, prefix=""):
    """What the pack maps and the schema does not have."""
    unknown = []
    while isinstance(kind, list) and kind[0] != "object":
        kind = kind[1]
    known = kind[1] if isinstance(kind, list) else {}
    for name, rule in rules.items():
        fields = fields_of(rule)
        if name not in known:
            unknown.append(prefix + name)
        elif fields is not None:
            unknown += unknown_paths(known[name], fields, prefix + name + ".")
    return unknown


def codes(pack):
    """(service, code) of everything that a pack takes for "does not exist"."""
    for step in pack["reads"].values():
        for way in (step, step.get("one") or {}, step.get("many") or {}):
            for code in way.get("not_found", []) + way.get("none_when", []):
                yield step.get("service", pack["service"]), code


def api_codes():
    """service -> codes, as AWS's own models of its APIs have them. EC2's has none."""
    try:
        import botocore.session  # late: it comes with moto, and most of this works without
    except ImportError:
        return None
    session, known = botocore.session.get_session(), {}
    for service in {p["service"] for p in load_packs().values()} - {"ec2"}:
        shapes = session.get_service_model(service).error_shapes
        known[service] = {s.metadata.get("error", {}).get("code", s.name) for s in shapes}
    return known


def values_at(value, path):
    """Every value at a path, through lists."""
    if isinstance(value, list):
        return [v for item in value for v in values_at(item, path)]
    if not path:
        return [value]
    if not isinstance(value, dict):
        return []
    return values_at(value.get(path[0]), path[1:])


# ---- the table -----------------------------------------------------------------------------------


def mapped(path, rules):
    """Whether a pack maps a leaf of the schema, by itself or within what is around it."""
    name, _, rest = path.partition(".")
    if name not in rules:
        return False
    fields = fields_of(rules[name])
    return fields is None or not rest or mapped(rest, fields)


def left_out(pack):
    """What a pack does not map, with its reason: nobody can see it, or the provider reads it."""
    return {**pack.get("not_mapped", {}), **pack.get("left_to_provider", {})}


def table():
    """Markdown: of each type, the settable leaves, how many are mapped, and what is left out."""
    packs, schemas = load_packs(), load_schemas()
    lines = ["| Type | Settable | Mapped | Computed, read too | Left out |",
             "|---|--:|--:|--:|---|"]
    total = [0, 0, 0]
    for name, pack in packs.items():
        leaves = settable(schemas[name])
        have = [p for p in leaves if mapped(p, pack["attributes"])]
        left = sorted(n for n in left_out(pack)
                      if any(p == n or p.startswith(n + ".") for p in leaves))
        more = sum(p not in leaves and p.split(".")[0] not in leaves
                   for p in mapped_paths(pack["attributes"]))
        row = [len(leaves), len(have), more]
        total = [a + b for a, b in zip(total, row)]
        lines.append(f"| `{name}` | {row[0]} | {row[1]} | {row[2]} | {', '.join(left)} |")
    lines.append("| together | %d | %d | %d | |" % tuple(total))
    return "\n".join(lines) + "\n"


README = os.path.join(TOP, "schemas", "observers", "aws", "README.md")
MARKS = re.compile(r"(<!-- packs: begin.*?-->\n)(.*?)(<!-- packs: end -->)", re.DOTALL)


def table_written():
    with open(README, encoding="utf-8") as text:
        return MARKS.search(text.read()).group(2)


def write_table():
    with open(README, encoding="utf-8") as text:
        old = text.read()
    with open(README, "w", encoding="utf-8") as out:
        out.write(MARKS.sub(lambda m: m.group(1) + table() + m.group(3), old))


# ---- comparison ----------------------------------------------------------------------------------


def normal(value, kind=DYNAMIC):
    """A value so that `==` compares as the schema says: sets sorted, empty and null alike, JSON
    in strings as JSON."""
    if value is None or value in ("", [], {}):
        return None
    name, inner = (kind[0], kind[1]) if isinstance(kind, list) else (kind, None)
    if isinstance(value, list):
        items = [normal(v, inner or DYNAMIC) for v in value]
        return sorted(items, key=repr) if name == "set" else items
    if isinstance(value, dict):
        members = {k: normal(v, inner[k] if name == "object" else inner or DYNAMIC)
                   for k, v in value.items()}
        members = {k: v for k, v in members.items() if v is not None}
        return members or None
    if isinstance(value, str) and name == "string" and value.lstrip()[:1] in ("{", "["):
        try:
            return document(json.loads(value))
        except ValueError:
            return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    return value


def document(value):
    """JSON in a string. Policies know no order, and no difference between one and a list of one."""
    if isinstance(value, dict):
        return {k: document(v) for k, v in value.items()}
    if isinstance(value, list):
        items = sorted((document(v) for v in value), key=repr)
        return items[0] if len(items) == 1 else items
    return value


def shows_something(value):
    """Whether a value proves that it was read: what stands for nothing could as well have been
    made up by a `default`."""
    return value not in (None, "", [], {}, False, 0)


if __name__ == "__main__":
    write_table()
