"""Every request that the packs can make, as data: what a proxy has to know to answer wrongly in
the right shape. Read out of the packs, so that a new pack is covered without a line here."""

import glob
import json
import os
import re

PAGE_PLACES = ("form", "query", "body")


def load(path):
    import yaml  # late: whoever has no yaml can say so

    with open(path, encoding="utf-8") as text:
        return yaml.safe_load(text)


def requests_of(step):
    """The requests of a step, each with what stands beside `many`, `one` and `confirm`."""
    ways = [step[w] for w in ("many", "one", "confirm") if w in step]
    return [{**step, **way} for way in ways] or [step]


def path_pattern(template):
    return re.sub(r"\\\{[^}]*\\\}", "[^/?]+", re.escape(template)) if template else "/"


def operation(provider, service, request):
    """What a proxy sees of a request, and where its reply has the list and the next page."""
    about = provider["services"][service]
    page = request.get("page", about.get("page"))
    page = page if isinstance(page, dict) and request.get("items") else {}
    signing = about.get("signing", {}).get("name", service)
    words = sorted(request.get("query") or {})
    action = request.get("action")
    name = action or " ".join([request.get("method", "GET"), request.get("path", "/")]
                              + [w for w in words if (request.get("query") or {})[w] == ""])
    return {
        "name": f"{service} {name}", "service": service, "signing": signing,
        "protocol": about["protocol"], "action": action,
        "path": None if action else path_pattern(request.get("path")),
        "query": [] if action else words,
        "root": request.get("root"), "text": request.get("reply") is not None,
        "lists": [p for p in (request.get("items"), request.get("item")) if p],
        "next": {place: source for place, source in (page.get("next") or {}).items()},
        "more": page.get("more"),
    }


def merge(known, new):
    for path in new["lists"]:
        if path not in known["lists"]:
            known["lists"].append(path)
    known["next"] = known["next"] or new["next"]
    known["more"] = known["more"] or new["more"]


def of_packs(folder):
    """(operations by name, types: name -> {"service", "services", "operations"})."""
    provider = load(os.path.join(folder, "provider.yaml"))
    canary = provider["canary"]
    found = operation(provider, canary["service"], canary)
    operations, types = {found["name"]: found}, {}
    for file in sorted(glob.glob(os.path.join(folder, "aws_*.yaml"))):
        pack = load(file)
        used, services = set(), set()
        apart = ("about", "not_mapped", "left_to_provider")
        rules = {k: v for k, v in pack.items() if k not in apart}
        for step in pack["reads"].values():
            for request in requests_of(step):
                service = request.get("service", pack["service"])
                new = operation(provider, service, request)
                merge(operations.setdefault(new["name"], new), new)
                used.add(new["name"])
                services.add(service)
        types[pack["type"]] = {"service": pack["service"], "services": services,
                               "operations": used,
                               "account": bool(re.search(r"\baccount\b", json.dumps(rules)))}
    return operations, types
