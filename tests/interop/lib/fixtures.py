"""Make the fixtures that unit tests read, from an estate applied by tests/interop/up.

usage: fixtures.py DIR ROOT     DIR as given to up, ROOT the top of the source tree

Writes under ROOT/fixtures: states/estate.tfstate, plans/estate-plan.json (nothing to do),
plans/estate-plan-pending.json (a commit that changes, creates, replaces and deletes) and
schemas/aws-subset.json. Only test secrets are in them. Five terraform runs, about a minute.
"""

import json
import os
import re
import shutil
import sys

import estate

PENDING = [
    ("network.tf", 'description = "web servers"', 'description = "the web servers"'),
    ("network.tf", "cidr_blocks       = [\"10.20.10.0/24\", \"10.20.11.0/24\"]",
     "cidr_blocks       = [\"10.20.10.0/24\"]"),
    ("services.tf", "visibility_timeout_seconds = 45", "visibility_timeout_seconds = 60"),
    ("services.tf", 'value       = "https://shop.example.com/"',
     'value       = "https://www.example.com/"'),
    ("storage.tf", 'tags = { data = "personal" }', 'tags = { data = "personal", keep = "1y" }'),
    ("variables.tf", 'default = "platform"', 'default = "sre"'),
    ("variables.tf", 'default   = "estate-test-token-1"', 'default   = "estate-test-token-2"'),
    ("variables.tf", 'search   = { retention = 7, replicas = 0 }',
     'search   = { retention = 14, replicas = 2 }'),
    ("iam.tf", "max_session_duration = 7200", "max_session_duration = 3600"),
    ("dns.tf", 'records = ["192.0.2.99"]', 'records = ["192.0.2.98", "192.0.2.99"]'),
]
REMOVED = ("storage.tf", 'resource "aws_s3_bucket" "scratch" {')


def edit(repo, name, old, new):
    path = os.path.join(repo, name)
    with open(path, encoding="utf-8") as text:
        before = text.read()
    if before.count(old) != 1:
        raise RuntimeError(f"'{old}' is not once in '{name}': bring the table up to date")
    with open(path, "w", encoding="utf-8") as out:
        out.write(before.replace(old, new))


def remove_block(repo, name, head):
    path = os.path.join(repo, name)
    with open(path, encoding="utf-8") as text:
        before = text.read()
    start = before.index(head)
    end = before.index("\n}\n", start) + 3
    with open(path, "w", encoding="utf-8") as out:
        out.write(before[:start] + before[end:])


def pend(repo):
    """Make the work tree ask for changes of every kind."""
    for name, old, new in PENDING:
        edit(repo, name, old, new)
    remove_block(repo, *REMOVED)


def show_plan(repo, endpoint, saved):
    estate.terraform(repo, "plan", "-refresh=false", "-input=false", "-no-color",
                     "-out=" + saved, endpoint=endpoint)
    return estate.terraform(repo, "show", "-json", saved, endpoint=endpoint)


def write(path, data, indent=None):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    text = json.dumps(data, indent=indent, ensure_ascii=False) + "\n"
    text = re.sub(r'"timestamp": "[^"]*"', '"timestamp": "2025-01-01T00:00:00Z"', text, count=1)
    found = re.search(r"/(?:opt|root|home|work|tmp)/[a-zA-Z][^\" \\]*", text)
    if found:
        raise RuntimeError(f"'{path}': a path of this machine is in it: {found.group(0)}")
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)


def subset(schemas, types):
    provider = schemas["provider_schemas"]["registry.terraform.io/hashicorp/aws"]
    strip(provider["provider"])
    return {
        "format_version": schemas["format_version"],
        "provider_schemas": {
            "registry.terraform.io/hashicorp/aws": {
                "provider": provider["provider"],
                "resource_schemas": {
                    t: strip(provider["resource_schemas"][t]) for t in sorted(types)
                },
                "data_source_schemas": {
                    "aws_iam_policy_document":
                        strip(provider["data_source_schemas"]["aws_iam_policy_document"])
                },
            }
        },
    }


def strip(node):
    """Without the prose, which is half of it and which nothing reads."""
    if isinstance(node, dict):
        for key in ("description", "description_kind"):
            if isinstance(node.get(key), str):
                del node[key]
        for value in node.values():
            strip(value)
    return node


def main():
    directory, root = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    repo = os.path.join(directory, "repo")
    with open(os.path.join(directory, "moto.log"), encoding="utf-8") as text:
        endpoint = re.search(r"http://127\.0\.0\.1:\d+", text.read()).group(0)
    saved = os.path.join(directory, "saved-plan")
    fixtures = os.path.join(root, "fixtures")

    with open(os.path.join(repo, "terraform.tfstate"), encoding="utf-8") as text:
        state = json.load(text)
    write(os.path.join(fixtures, "states", "estate.tfstate"), state, 2)
    write(os.path.join(fixtures, "plans", "estate-plan.json"),
          json.loads(show_plan(repo, endpoint, saved)))

    types = {r["type"] for r in state["resources"] if r["mode"] == "managed"}
    schemas = json.loads(estate.terraform(repo, "providers", "schema", "-json"))
    write(os.path.join(fixtures, "schemas", "aws-subset.json"), subset(schemas, types), 1)

    keep = repo + ".before"
    shutil.copytree(repo, keep, symlinks=True)
    try:
        pend(repo)
        write(os.path.join(fixtures, "plans", "estate-plan-pending.json"),
              json.loads(show_plan(repo, endpoint, saved)))
    finally:
        shutil.rmtree(repo)
        os.rename(keep, repo)
        if os.path.exists(saved):
            os.unlink(saved)


if __name__ == "__main__":
    main()
