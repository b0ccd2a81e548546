"""A proxy in front of moto that tells what moto does not.

moto answers with a part of each API's reply. So that every attribute of a pack meets the provider's
own reading of it, this proxy adds the missing members to replies, for all that ask alike. Members
are spelled as in the API's reference; a wrong one shows, because the provider's SDK ignores it.

The rules are lists in `replies/*.yaml`:
  action   as record-proxy.py names it: `ec2 DescribeVpcs`, `lambda GET /2015-03-31/functions`
  asked    text that the request's target or body contains; left out: any
  where    path -> text: change the objects of the reply that have these; left out: the whole reply
  add      members to set. A map is merged, a list replaces what is there, null removes;
           `name+` appends to the list `name`; "{path}" is what the object has there
  reply    instead of where and add, for what moto refuses: {type: ..., text: ...}, with status 200
"""

import glob
import importlib.util
import json
import os
import re
import threading
from urllib.parse import unquote_plus, urlsplit
from xml.etree import ElementTree

import yaml

INTEROP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def load_proxy():
    path = os.path.join(INTEROP, "record-proxy.py")
    spec = importlib.util.spec_from_file_location("record_proxy", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


proxy = load_proxy()


def load_rules():
    """action -> rules."""
    rules = {}
    for path in sorted(glob.glob(os.path.join(INTEROP, "replies", "*.yaml"))):
        with open(path, encoding="utf-8") as text:
            for rule in yaml.safe_load(text):
                rules.setdefault(rule["action"], []).append(rule)
    return rules


# ---- one object of a reply, in either notation ---------------------------------------------------


def as_text(value):
    return ("false", "true")[value] if isinstance(value, bool) else str(value)


class Json:
    """Objects are dictionaries."""

    @staticmethod
    def parse(body):
        return json.loads(body)

    @staticmethod
    def write(root):
        return json.dumps(root).encode()

    @staticmethod
    def objects(root):
        todo = [root]
        while todo:
            one = todo.pop(0)
            if isinstance(one, dict):
                yield one
                todo += one.values()
            elif isinstance(one, list):
                todo += one

    @classmethod
    def texts(cls, one, path):
        if isinstance(one, list):
            return [t for item in one for t in cls.texts(item, path)]
        if not path:
            return [as_text(one)]
        return cls.texts(one[path[0]], path[1:]) if isinstance(one, dict) and path[0] in one else []

    @classmethod
    def put(cls, one, name, value):
        if value is None:
            one.pop(name, None)
        elif isinstance(value, dict):
            inner = one[name] = one.get(name) or {}
            for key, member in value.items():
                cls.put(inner, key, member)
        elif name.endswith("+"):
            one[name[:-1]] = one.get(name[:-1], []) + value
        else:
            one[name] = value


class Xml:
    """Objects are elements; repeated elements are lists."""

    @staticmethod
    def parse(body):
        text = re.sub(rb'\sxmlns="[^"]*"', b"", body)
        return ElementTree.fromstring(text)

    @staticmethod
    def write(root):
        return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)

    @staticmethod
    def objects(root):
        return root.iter()

    @classmethod
    def texts(cls, one, path):
        if not path:
            return [(one.text or "").strip()]
        return [t for child in one.findall(path[0]) for t in cls.texts(child, path[1:])]

    @classmethod
    def put(cls, one, name, value):
        adding = name.endswith("+")
        name = name.rstrip("+")
        if isinstance(value, dict):
            child = one.find(name)
            cls.fill(ElementTree.SubElement(one, name) if child is None else child, value)
            return
        if not adding:
            for child in one.findall(name):
                one.remove(child)
        for item in value if isinstance(value, list) else [] if value is None else [value]:
            cls.fill(ElementTree.SubElement(one, name), item)

    @classmethod
    def fill(cls, element, value):
        if isinstance(value, dict):
            for key, member in value.items():
                cls.put(element, key, member)
        else:
            element.text = as_text(value)


def filled(value, look):
    """A value with its "{path}" replaced by what the object has there."""
    if isinstance(value, dict):
        return {k: filled(v, look) for k, v in value.items()}
    if isinstance(value, list):
        return [filled(v, look) for v in value]
    if isinstance(value, str) and re.fullmatch(r"\{[\w.]+}", value):
        return look(value[1:-1])
    return value


def change(form, root, rule):
    """Applies a rule to a parsed reply; how many objects it met."""
    where = [(path.split("."), as_text(v)) for path, v in rule.get("where", {}).items()]
    met = 0
    for one in list(form.objects(root)) if where else [root]:
        if all(text in form.texts(one, path) for path, text in where):
            members = filled(rule["add"], lambda p, o=one: form.texts(o, p.split("."))[0])
            for name, value in members.items():
                form.put(one, name, value)
            met += 1
    return met


# ---- the proxy -----------------------------------------------------------------------------------


class Handler(proxy.Handler):
    def ask(self, body):
        status, headers, answer = super().ask(body)
        action = proxy.action_of(self.command, self.path, self.headers, body)
        asked = unquote_plus(self.path + "\n" + body.decode("latin-1"))
        rules = [r for r in self.server.rules.get(action, ()) if r.get("asked", "") in asked]
        root = form = None
        for rule in rules:
            if "reply" in rule:
                self.server.count(rule, 1)
                whole = rule["reply"]
                return 200, [("Content-Type", whole["type"])], whole["text"].encode()
            if status != 200:
                continue
            if form is None:
                form = Xml if answer.lstrip()[:1] == b"<" else Json
                root = form.parse(answer)
            self.server.count(rule, change(form, root, rule))
        if form is None:
            return status, headers, answer
        # A checksum of the reply as moto sent it would be wrong now.
        kept = [(k, v) for k, v in headers if k.lower() != "x-amz-crc32"]
        return status, kept, form.write(root)


class Server(proxy.Server):
    """In a thread of its own; `address` is where it listens."""

    def __init__(self, upstream, rules):
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream = urlsplit(upstream).netloc
        self.record = None
        self.counts, self.lock = {}, threading.Lock()
        self.rules = rules
        self.met = {id(r): 0 for some in rules.values() for r in some}
        self.address = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def count(self, rule, met):
        with self.lock:
            self.met[id(rule)] += met

    def unmet(self):
        """The rules that changed nothing."""
        return [r for some in self.rules.values() for r in some if not self.met[id(r)]]
