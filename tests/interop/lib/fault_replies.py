"""Wrong replies in the right shape: what a fault proxy makes of an API's good reply.

A reply is (status, headers, body). Those that are no whole reply (never, reset, short) carry the
word for it in place of the status; see fault-proxy.py.
"""

import json
import re
import xml.etree.ElementTree as ET

XML = ("query", "ec2-query", "rest-xml")
NAMESPACE = re.compile(r"^\{[^}]*\}")
HTML = (b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>"
        b"<form action=\"/login\" method=\"post\"><input name=\"user\"/></form></body></html>\n")

# fault: (status, code for EC2, for other XML, for JSON)
CODES = {
    "denied": (403, "UnauthorizedOperation", "AccessDenied", "AccessDeniedException"),
    "throttled": (429, "RequestLimitExceeded", "Throttling", "ThrottlingException"),
    "throttled-long": (429, "RequestLimitExceeded", "Throttling", "ThrottlingException"),
    "error-500": (500, "InternalError", "InternalFailure", "InternalServerError"),
    "slow-503": (503, "RequestLimitExceeded", "Throttling", "ThrottlingException"),
}
# fault: (status, content type, body)
PLAIN = {
    "denied-empty": (403, None, b""),
    "denied-html": (403, "text/html", HTML),
    "lost-empty": (404, None, b""),
    "lost-html": (404, "text/html", HTML),
    "lost-json": (404, "application/json", b"{}"),
    "throttled-empty": (429, None, b""),
    "login": (200, "text/html", HTML),
}
PAGES = ("page-fails", "page-empty", "page-loop", "page-cycle")
WHOLE = tuple(CODES) + tuple(PLAIN) + ("login-typed", "never", "reset", "short", "cut",
                                       "wrong-type", "empty-object")
LISTS = ("empty-list",) + PAGES
FAULTS = WHOLE + LISTS


def type_of(operation):
    return {"rest-xml": "application/xml", "query": "text/xml", "ec2-query": "text/xml",
            "json-1.0": "application/x-amz-json-1.0",
            "json-1.1": "application/x-amz-json-1.1"}.get(operation["protocol"],
                                                          "application/json")


def coded(operation, fault):
    """A refusal as the service words it."""
    status, ec2, xml, text = CODES[fault]
    headers = [("Content-Type", type_of(operation))]
    if status == 429:
        headers.append(("Retry-After", "3600" if fault == "throttled-long" else "1"))
    protocol = operation["protocol"]
    if protocol == "ec2-query":
        body = (f"<Response><Errors><Error><Code>{ec2}</Code><Message>injected</Message></Error>"
                "</Errors><RequestID>0</RequestID></Response>")
    elif operation["service"] == "s3":
        code = "SlowDown" if fault == "slow-503" else xml
        body = f"<Error><Code>{code}</Code><Message>injected</Message></Error>"
    elif protocol in XML:
        body = (f"<ErrorResponse><Error><Type>Sender</Type><Code>{xml}</Code>"
                "<Message>injected</Message></Error></ErrorResponse>")
    else:
        headers.append(("x-amzn-ErrorType", text))
        body = json.dumps({"__type": f"com.amazonaws#{text}", "message": "injected"})
    return status, headers, body.encode()


# ---- lists ---------------------------------------------------------------------------------------


def local(element):
    return NAMESPACE.sub("", element.tag)


class Document:
    """A reply that can be changed: XML without namespaces, or JSON."""

    def __init__(self, operation, body):
        self.xml = operation["protocol"] in XML
        if not self.xml:
            self.top = self.base = json.loads(body)
            return
        self.top = self.base = ET.fromstring(body)
        for element in self.top.iter():
            element.tag = local(element)
        if operation["protocol"] == "query":
            self.base = next((e for e in self.top if e.tag.endswith("Result")), self.top)

    def bytes(self):
        if self.xml:
            return b"<?xml version='1.0' encoding='utf-8'?>\n" + ET.tostring(self.top)
        return json.dumps(self.top).encode()

    def holders(self, path):
        """(element or map, name of the member that is the list), for the outermost list."""
        names = path.split(".")
        for i, name in enumerate(names):
            if self.xml and name in ("item", "member", "entry"):
                names = names[:i + 1]
                break
        at = [self.base]
        for name in names[:-1]:
            at = [k for e in at for k in (e.findall(name) if self.xml else [e.get(name) or {}])]
        return at, names[-1]

    def items(self, path):
        """How many the list has; None when the reply has no such list."""
        at, name = self.holders(path)
        if self.xml:
            if len(path.split(".")) > 1:
                return sum(len(e.findall(name)) for e in at) if at else None
            found = [e for e in at[0].findall(name) if len(e) and all(
                k.tag in ("item", "member", "entry") for k in e)]
            return sum(len(e) for e in found) if found else None
        lists = [e[name] for e in at if isinstance(e.get(name), list)]
        return sum(len(v) for v in lists) if lists else None

    def keep(self, path, first, last):
        """Leave only the items from first up to last."""
        at, name = self.holders(path)
        seen = 0
        for holder in at:
            if not self.xml:
                if isinstance(holder.get(name), list):
                    holder[name] = holder[name][first:last]
                continue
            kids = holder.findall(name)
            if len(path.split(".")) == 1:
                holder = kids[0]
                kids = list(holder)
            for kid in kids:
                if not first <= seen < last:
                    holder.remove(kid)
                seen += 1

    def put(self, path, text):
        """Set a member, making what is on the way."""
        at = self.base
        names = path.split(".")
        for name in names[:-1]:
            if self.xml:
                at = at.find(name) if at.find(name) is not None else ET.SubElement(at, name)
            else:
                at = at.setdefault(name, {})
        if self.xml:
            for old in at.findall(names[-1]):
                at.remove(old)
            ET.SubElement(at, names[-1]).text = text
        else:
            at[names[-1]] = True if text == "true" else text


def the_list(operation, document):
    """The path of the list that this reply has, or None."""
    sizes = [(document.items(p), p) for p in operation["lists"]]
    return max(((n, p) for n, p in sizes if n is not None), default=(0, None))[1]


def emptied(operation, reply):
    """The same reply without an item; None when it has no list."""
    status, headers, body = reply
    document = Document(operation, body)
    path = the_list(operation, document)
    if path is None:
        return None
    document.keep(path, 0, 0)
    return status, headers, document.bytes()


def paged(operation, fault, reply, token):
    """A page of a reply cut in two; None when the operation has no pages. `token` is what the
    request came with, or ''."""
    status, headers, body = reply
    if not operation["next"]:
        return None
    document = Document(operation, body)
    path = the_list(operation, document)
    if path is None:
        return None
    if token and fault == "page-fails":
        return coded(operation, "error-500")
    if token and fault == "page-empty":
        document.keep(path, 0, 0)
        return status, headers, document.bytes()
    document.keep(path, 0, document.items(path) // 2)
    following = "fault-page-" + ("b" if fault == "page-cycle" and token.endswith("a") else "a")
    for source in operation["next"].values():
        document.put(source, following)
    if operation["more"]:
        document.put(operation["more"], "true")
    return status, headers, document.bytes()


def hollow(operation, reply):
    """A reply of the right kind that holds nothing."""
    status, headers, body = reply
    if operation["protocol"] not in XML:
        return status, headers, b"{}"
    top = Document(operation, body).top
    for kid in list(top):
        top.remove(kid)
    top.text = None
    return status, headers, ET.tostring(top)


def retyped(headers, content_type):
    return [(k, v) for k, v in headers if k.lower() != "content-type"] + [
        ("Content-Type", content_type)]


def spoil(operation, fault, reply, token):
    """The wrong reply; None when the fault does not apply and the good one is to be given."""
    if fault in CODES:
        return coded(operation, fault)
    if fault in PLAIN:
        status, content_type, body = PLAIN[fault]
        headers = [("Content-Type", content_type)] if content_type else []
        return status, headers + ([("Retry-After", "1")] if status == 429 else []), body
    status, headers, body = reply
    if status != 200:
        return None  # of a refusal there is nothing to cut short
    if fault == "login-typed":
        return 200, [("Content-Type", type_of(operation))], HTML
    if fault in ("never", "reset", "short"):
        return fault, headers, body
    if fault == "cut":
        return status, headers, body[:len(body) // 2]
    if operation["text"]:
        return None  # its type is not looked at, and it has no list
    if fault == "wrong-type":
        return status, retyped(headers, "application/octet-stream"), body
    if fault == "empty-object":
        return hollow(operation, reply)
    if fault == "empty-list":
        return emptied(operation, reply)
    return paged(operation, fault, reply, token)
