"""A small repository with a state, and a stand-in for terraform that answers from files: for
audits of resources whose provider does not exist. Nothing of plumb is stood in for.

    with Estate(provider="example/acme") as estate:
        estate.add("acme_order", "a", {"id": "1", "total": 5})
        done = estate.audit(ACME_URL=server.url)     # exit code, report, stdout, stderr
"""

import json
import os
import re
import subprocess
import tempfile
import textwrap
from pathlib import Path

from servers import PLUMB, ROOT, environment

TOOL = """#!/usr/bin/env python3
# Answers what plumb asks terraform, from the files beside it.
import os, pathlib, shutil, sys
here = pathlib.Path(__file__).resolve().parent
with open(here / "calls", "a") as calls:
    calls.write(" ".join(sys.argv[1:]) + "\\n")
words = [w for w in sys.argv[1:] if not w.startswith("-")]
if words[:1] == ["version"]:
    print('{"terraform_version": "1.11.4", "platform": "linux_amd64", "provider_selections": {}}')
elif words[:1] == ["plan"]:
    out = next(w[5:] for w in sys.argv if w.startswith("-out="))
    pathlib.Path(out).write_text("plan")
    if (here / "plan-fails").exists():
        sys.stderr.write((here / "plan-fails").read_text())
        sys.exit(1)
elif words[:1] == ["show"]:
    print((here / "plan.json").read_text())
elif words[:2] == ["providers", "schema"]:
    print((here / "schemas.json").read_text())
"""


class Done:
    def __init__(self, code, out, err, report):
        self.code, self.out, self.err, self.report = code, out, err, report

    def resource(self, address):
        for r in self.report["units"][0]["resources"]:
            if r["address"] == address:
                return r
        raise AssertionError(f"no {address} in {json.dumps(self.report, indent=1)}")

    def verdicts(self):
        return {r["address"]: r["verdict"] for r in self.report["units"][0]["resources"]}


class Estate:
    def __init__(self, provider, block=None, hcl="", variables=None):
        """`block` is the provider's configuration as values; `hcl` is put into main.tf;
        `variables` are declared ones, all sensitive: name -> value."""
        self.holder = tempfile.TemporaryDirectory(prefix="plumb-estate-")
        self.top = Path(self.holder.name)
        self.repo, self.bin = self.top / "repo", self.top / "bin"
        for d in ("repo/packs", "bin", "home/.aws", "tmp", "cache", "state"):
            (self.top / d).mkdir(parents=True)
        self.source = f"registry.terraform.io/{provider}"
        self.name = provider.rpartition("/")[2]
        self.blocks = block if isinstance(block, list) else [block or {}]
        self.hcl, self.variables = hcl, variables or {}
        self.resources, self.schemas, self.extra_config = [], {}, ""
        self.env = environment(
            HOME=self.top / "home", TMPDIR=self.top / "tmp", XDG_CACHE_HOME=self.top / "cache",
            XDG_STATE_HOME=self.top / "state", NO_COLOR="1", AWS_EC2_METADATA_DISABLED="true",
            GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_SYSTEM="/dev/null",
            GIT_AUTHOR_NAME="plumb", GIT_AUTHOR_EMAIL="plumb@example.com",
            GIT_COMMITTER_NAME="plumb", GIT_COMMITTER_EMAIL="plumb@example.com")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.holder.cleanup()

    def add(self, kind, name, values, declared=None, sensitive=(), alias=None):
        """A resource: what is recorded, what of it the configuration sets, and otherwise."""
        self.resources.append({
            "type": kind, "name": name, "values": values, "sensitive": list(sensitive),
            "alias": alias, "declared": {k: v for k, v in values.items() if k != "id"}
            if declared is None else declared})

    def pack(self, name, text):
        path = self.repo / "packs" / self.name / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    # ---- what terraform would have written ----

    def provider_hcl(self):
        out = []
        for block in self.blocks:
            lines = [f'  {k} = {v if str(v).startswith("var.") else json.dumps(v)}'
                     if not isinstance(v, dict) else
                     f"  {k} {{\n" + "".join(f"    {n} = {json.dumps(x)}\n" for n, x in v.items())
                     + "  }" for k, v in block.items()]
            out.append(f'provider "{self.name}" {{\n' + "\n".join(lines) + "\n}\n")
        return "".join(out)

    def main_tf(self):
        out = [f'terraform {{\n  backend "local" {{}}\n  required_providers {{\n    {self.name} = '
               f'{{ source = "{self.source.partition("/")[2]}" }}\n  }}\n}}\n', self.provider_hcl(),
               self.hcl]
        for name in self.variables:
            out.append(f'variable "{name}" {{\n  sensitive = true\n}}\n')
        for r in self.resources:
            alias = f'  provider = {self.name}.{r["alias"]}\n' if r["alias"] else ""
            out.append(f'resource "{r["type"]}" "{r["name"]}" {{\n{alias}}}\n')
        return "".join(out)

    def mask(self, r):
        return {name: True for name in r["sensitive"]}

    def plan(self):
        planned, changes, config = [], [], []
        for r in self.resources:
            address = f'{r["type"]}.{r["name"]}'
            common = {"address": address, "mode": "managed", "type": r["type"], "name": r["name"],
                      "provider_name": self.source}
            after = {**r["values"], **r["declared"]}
            planned.append({**common, "schema_version": 0, "values": after,
                            "sensitive_values": self.mask(r)})
            changes.append({**common, "change": {
                "actions": ["no-op"] if after == r["values"] else ["update"],
                "before": r["values"], "after": after, "after_unknown": {},
                "before_sensitive": self.mask(r), "after_sensitive": self.mask(r)}})
            key = f'{self.name}.{r["alias"]}' if r["alias"] else self.name
            config.append({**common, "provider_config_key": key, "schema_version": 0,
                           "expressions": {k: {"constant_value": v}
                                           for k, v in r["declared"].items()}})
        provider = {}
        for block in self.blocks:
            key = f'{self.name}.{block["alias"]}' if "alias" in block else self.name
            provider[key] = {"name": self.name, "full_name": self.source,
                             "expressions": {k: {"references": [v]} if str(v).startswith("var.")
                                             else {"constant_value": v}
                                             for k, v in block.items() if k != "alias"}}
            if "alias" in block:
                provider[key]["alias"] = block["alias"]
        return {"format_version": "1.2", "terraform_version": "1.11.4",
                "variables": {k: {"value": v} for k, v in self.variables.items()},
                "planned_values": {"root_module": {"resources": planned}},
                "resource_changes": changes,
                "configuration": {"provider_config": provider, "root_module": {
                    "resources": config,
                    "variables": {k: {"sensitive": True} for k in self.variables}}}}

    def state(self):
        out = []
        for r in self.resources:
            alias = f'.{r["alias"]}' if r["alias"] else ""
            out.append({"mode": "managed", "type": r["type"], "name": r["name"],
                        "provider": f'provider["{self.source}"]{alias}', "instances": [{
                            "schema_version": 0, "attributes": r["values"],
                            "sensitive_attributes": [[{"type": "get_attr", "value": n}]
                                                     for n in r["sensitive"]]}]})
        return {"version": 4, "terraform_version": "1.11.4", "serial": 3,
                "lineage": "11111111-2222-3333-4444-555555555555", "outputs": {},
                "resources": out, "check_results": None}

    def write(self):
        """Everything to its place, as one more commit."""
        tool = self.bin / "terraform"
        tool.write_text(TOOL)
        tool.chmod(0o755)
        (self.bin / "plan.json").write_text(json.dumps(self.plan()))
        (self.bin / "schemas.json").write_text(json.dumps(
            {"format_version": "1.0", "provider_schemas": self.schemas}))
        (self.repo / "main.tf").write_text(self.main_tf())
        (self.repo / "plumb.yaml").write_text(
            f"version: 1\nunits:\n  - {{name: estate, path: ., tool: {tool}}}\n"
            + ("packs: [packs]\n" if any((self.repo / "packs").iterdir()) else "")
            + self.extra_config)
        (self.repo / ".gitignore").write_text("*.tfstate\n")
        (self.repo / "terraform.tfstate").write_text(json.dumps(self.state()))
        (self.repo / "terraform.tfstate").chmod(0o600)
        self.git("init", "-q", "-b", "main")
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "estate")

    def git(self, *args):
        subprocess.run(["git", "-C", self.repo, *args], env=self.env, check=True,
                       capture_output=True)

    def variables_env(self):
        return {f"TF_VAR_{k}": v for k, v in self.variables.items()}

    def audit(self, *args, **env):
        self.write()
        return self.run("audit", "--format", "json", *args, **env)

    def run(self, *args, **env):
        all_env = {**self.env, **self.variables_env(), **{k: str(v) for k, v in env.items()}}
        done = subprocess.run([PLUMB, "-C", self.repo, *args], env=all_env, timeout=120,
                              capture_output=True, text=True)
        report = None
        if "json" in args and done.stdout.startswith("{"):
            report = json.loads(done.stdout)
        return Done(done.returncode, done.stdout, done.stderr, report)


def worked_example():
    """The files of the section "A provider of your own" of the packs' README: name -> text."""
    text = (ROOT / "schemas/observers/README.md").read_text().partition("## A provider of your")[2]
    blocks = [textwrap.dedent(b) for b in re.findall(r"```yaml\n(.*?)```", text, re.S)]
    assert len(blocks) == 2, blocks
    return {"provider.yaml": blocks[0], "acme_order.yaml": blocks[1]}
