"""What a proxy in front of moto has to know of AWS's requests: which are the same, which service
is asked, and for what."""

import re
from urllib.parse import parse_qs, urlsplit

DROP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}
FORM = "application/x-www-form-urlencoded"


def sort_fields(text):
    """Fields of a query or a form in one order; an empty value is no value."""
    fields = [f[:-1] if f.endswith(b"=") and f.count(b"=") == 1 else f
              for f in text.split(b"&") if f]
    return b"&".join(sorted(fields))


def scope_of(authorization):
    """region/service out of a version 4 signature."""
    found = re.search(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/", authorization or "")
    return "/".join(found.groups()) if found else "-"


def request_key(method, target, headers, body):
    path, _, query = target.partition("?")
    if (headers.get("Content-Type") or "").startswith(FORM):
        body = sort_fields(body)
    parts = [method, path, sort_fields(query.encode()).decode("latin-1"),
             scope_of(headers.get("Authorization")), headers.get("X-Amz-Target") or ""]
    return "\n".join(parts).encode("latin-1") + b"\n" + body


def action_of(method, target, headers, body):
    """A name to count a request under."""
    service = scope_of(headers.get("Authorization")).rpartition("/")[2]
    if headers.get("X-Amz-Target"):
        return f"{service} {headers['X-Amz-Target'].rpartition('.')[2]}"
    if (headers.get("Content-Type") or "").startswith(FORM):
        action = parse_qs(body.decode("latin-1")).get("Action")
        if action:
            return f"{service} {action[0]}"
    parts = urlsplit(target)
    shape = [p for p in parts.path.split("/") if p]
    words = sorted(q.partition("=")[0] for q in parts.query.split("&") if q)
    if service == "s3":
        level = ["service", "bucket"][len(shape)] if len(shape) < 2 else "object"
        return f"s3 {method} {level}" + ("?" + words[0] if words else "")
    return f"{service} {method} /" + "/".join(shape[:2])
