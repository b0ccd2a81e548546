"""A repository of many units for `plumb check`, and what it takes there.

Imported by `run`. Every unit is a root module with its own local state, of `terraform_data` alone,
so that neither a cloud nor a provider's package plays a part: what is measured is how much is
planned. All call one local module or the other; the change under review is in the one that few of
them call.
"""

import json
import os
import re
import subprocess
import uuid

UNITS, REACHED = 300, 3
ROOT = """terraform {
  backend "local" {}
}

module "app" {
  source = "../../modules/%s"
  name   = "%s"
}

output "id" {
  value = module.app.id
}
"""
MODULE = """variable "name" {
  type = string
}

%s
output "id" {
  value = terraform_data.part[0].id
}
"""
PART = """resource "terraform_data" "part" {
  count = 5
  input = {
    name = "${var.name}-${count.index}"
    size = %s
  }
}
"""


def is_reached(i, units):
    return i % (units // REACHED) == 0


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)


def git(repo, *words):
    env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    for who in ("AUTHOR", "COMMITTER"):
        env.update({f"GIT_{who}_NAME": "Bench", f"GIT_{who}_EMAIL": "bench@example.com"})
    subprocess.run(["git", "-C", repo, *words], check=True, env=env, stdout=subprocess.DEVNULL)


def units_of(units):
    return [f"unit-{i:03d}" for i in range(units)]


def reached(names):
    return [name for i, name in enumerate(names) if is_reached(i, len(names))]


def with_states(repo, units, env):
    """Terraform applies one unit of each module; the others' states say the same of themselves."""
    applied = {}
    for i, name in enumerate(units):
        folder = os.path.join(repo, "units", name)
        kind = is_reached(i, len(units))
        if kind not in applied:
            for command in (["init"], ["apply", "-auto-approve"]):
                subprocess.run(["terraform", *command, "-input=false", "-no-color"], cwd=folder,
                               check=True, env=env, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
            with open(os.path.join(folder, "terraform.tfstate"), encoding="utf-8") as text:
                applied[kind] = (name, text.read())
            continue
        like, state = applied[kind]
        state = re.sub(r'"lineage": "[^"]*"', f'"lineage": "{uuid.uuid4()}"', state)
        write(os.path.join(folder, "terraform.tfstate"), state.replace(like, name))


def make(repo, env, units=UNITS):
    """The repository with every unit applied, `main` checked out, the change on `change`."""
    names = units_of(units)
    write(os.path.join(repo, ".gitignore"), "*.tfstate*\n.terraform/\n")
    for module in ("few", "many"):
        write(os.path.join(repo, "modules", module, "main.tf"), MODULE % (PART % 1))
    for i, name in enumerate(names):
        module = "few" if is_reached(i, units) else "many"
        write(os.path.join(repo, "units", name, "main.tf"), ROOT % (module, name))
    git(repo, "init", "-q", "-b", "main")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "all units")
    with_states(repo, names, env)
    git(repo, "checkout", "-q", "-b", "change")
    write(os.path.join(repo, "modules", "few", "main.tf"), MODULE % (PART % 2))
    git(repo, "commit", "-q", "-a", "-m", "a larger size")
    git(repo, "checkout", "-q", "main")
    return names


def planned(report_file):
    """Names of the units that a check has planned, and how many it left alone."""
    with open(report_file, encoding="utf-8") as text:
        report = json.load(text)
    return ([u["name"] for u in report["units"] if u["mode"] == "planned"],
            report["summary"]["units_untouched"])
