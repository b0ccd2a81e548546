#!/usr/bin/env python3
"""A reverse proxy in front of moto that answers wrongly when told to.

usage: fault-proxy.py [--ready FILE] UPSTREAM

Listens on a free port of the loopback, prints its address (and writes it to --ready). Good
replies are remembered, so that moto is asked once for each question: the world behind it must
stand still, or be forgotten (/_fault/forget).

Faults are told apart by the access key that a request is signed with: several audits can run at
once against one proxy, each with its own fault, as their configuration is otherwise the same.

  POST /_fault/operations  the operations of lib/operations.py, as a JSON object
  POST /_fault/set         {"key": ACCESS KEY, "rules": [{"service": S} or {"operation": NAME},
                           and "fault": WORD of lib/fault_replies.py]}; no rules: none
  GET  /_fault/hits?KEY    {operation: how many of its replies were wrong}, since the last set
  POST /_fault/forget      ask moto again
"""

import argparse
import asyncio
import json
import os
import re
import socket
import struct
import sys
from urllib.parse import parse_qsl, urlsplit

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

from fault_replies import spoil  # noqa: E402
from wire import DROP, FORM, request_key, scope_of  # noqa: E402

MOTO_AT_ONCE = 8


class Headers(dict):
    """Of a request; names without regard to case."""

    def get(self, name, default=None):
        return super().get(name.lower(), default)


class Proxy:
    def __init__(self, upstream):
        self.upstream = urlsplit(upstream)
        self.known = {}  # request key -> reply, or a future of it
        self.rules = {}  # access key -> rules
        self.hits = {}
        self.actions, self.paths, self.by_name = {}, [], {}
        self.limit = asyncio.Semaphore(MOTO_AT_ONCE)

    # ---- what is told ----

    def control(self, target, body):
        path, _, query = target.partition("?")
        if path == "/_fault/operations":
            self.by_name = json.loads(body)
            self.actions = {(o["signing"], o["action"]): o for o in self.by_name.values()
                            if o["action"]}
            # More words in the query say more: those first.
            self.paths = sorted((o for o in self.by_name.values() if not o["action"]),
                                key=lambda o: -len(o["query"]))
        elif path == "/_fault/set":
            told = json.loads(body)
            self.rules[told["key"]] = told["rules"]
            self.hits[told["key"]] = {}
        elif path == "/_fault/forget":
            self.known.clear()
        elif path == "/_fault/hits":
            return 200, [], json.dumps(self.hits.get(query, {})).encode()
        else:
            return 404, [], b"{}"
        return 200, [], b"{}"

    # ---- what is asked ----

    def operation_of(self, target, headers, body):
        signing = scope_of(headers.get("Authorization")).rpartition("/")[2]
        action = (headers.get("X-Amz-Target") or "").rpartition(".")[2]
        if not action and (headers.get("Content-Type") or "").startswith(FORM):
            action = dict(parse_qsl(body.decode("latin-1"))).get("Action")
        if action:
            return self.actions.get((signing, action))
        parts = urlsplit(target)
        words = {q.partition("=")[0] for q in parts.query.split("&") if q}
        for found in self.paths:
            if (found["signing"] == signing and words.issuperset(found["query"])
                    and re.fullmatch(found["path"], parts.path)):
                return found
        return None

    def fault_for(self, operation, headers):
        key = re.search(r"Credential=([^/]+)/", headers.get("Authorization") or "")
        key = key.group(1) if key else ""
        for rule in self.rules.get(key, ()):
            if operation and (rule.get("operation") == operation["name"]
                              or rule.get("service") == operation["service"]):
                return key, rule["fault"]
        return key, None

    async def ask(self, method, target, headers, body):
        """Moto's reply, asked for once."""
        async with self.limit:
            reader, writer = await asyncio.open_connection(self.upstream.hostname,
                                                           self.upstream.port)
            lines = [f"{method} {target} HTTP/1.1", f"Host: {self.upstream.netloc}",
                     "Connection: close", f"Content-Length: {len(body)}"]
            lines += [f"{k}: {v}" for k, v in headers.items() if k not in
                      ("host", "connection", "content-length", "transfer-encoding", "expect",
                       "accept-encoding")]
            writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body)
            head = await reader.readuntil(b"\r\n\r\n")
            answer = await reader.read()
            writer.close()
        first, *rest = head.decode("latin-1").rstrip().split("\r\n")
        pairs = [tuple(line.split(": ", 1)) for line in rest if ": " in line]
        return (int(first.split()[1]), [(k, v) for k, v in pairs if k.lower() not in DROP], answer)

    async def good(self, method, target, headers, body):
        key = request_key(method, target, headers, body)
        if key not in self.known:
            self.known[key] = asyncio.ensure_future(self.ask(method, target, headers, body))
        return await self.known[key]

    @staticmethod
    def token_of(operation, target, body):
        """The token of a page that `spoil` made up, in this request."""
        if not operation:
            return ""
        found = re.search(r"fault-page-[ab]", target + " " + body.decode("latin-1"))
        return found.group(0) if found else ""

    async def answer(self, method, target, headers, body):
        operation = self.operation_of(target, headers, body)
        key, fault = self.fault_for(operation, headers)
        token = self.token_of(operation, target, body)
        if fault and token:  # moto gives the whole for the request without it
            target, body = without(target, token), without_body(body, token)
        reply = await self.good(method, target, headers, body)
        if not fault:
            return reply
        wrong = spoil(operation, fault, reply, token)
        if wrong is None:
            return reply
        hits = self.hits.setdefault(key, {})
        hits[operation["name"]] = hits.get(operation["name"], 0) + 1
        return wrong

    # ---- the wire ----

    async def client(self, reader, writer):
        try:
            while await self.one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def one(self, reader, writer):
        """One request of a connection; whether there may be another."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *rest = head.rstrip().split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = Headers((k.strip().lower(), v.strip()) for k, _, v in
                          (line.partition(":") for line in rest))
        body = await reader.readexactly(int(headers.get("content-length") or 0))
        if target.startswith("/_fault/"):
            status, more, answer = self.control(target, body)
        else:
            status, more, answer = await self.answer(method, target, headers, body)
        if status == "never":
            await reader.read(1)  # until the client has had enough
            return False
        length = len(answer) + (100 if status == "short" else 0)
        lines = [f"HTTP/1.1 {status if isinstance(status, int) else 200} X"]
        lines += [f"{k}: {v}" for k, v in more] + [f"Content-Length: {length}"]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        if status == "reset":
            writer.write(answer[:len(answer) // 2])
            await writer.drain()
            await asyncio.sleep(0.01)  # so that half of the body arrives before the reset
            writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        writer.write(answer)
        await writer.drain()
        return status != "short"


def without(target, token):
    """A target without the query fields that hold the token."""
    path, _, query = target.partition("?")
    kept = "&".join(q for q in query.split("&") if q and token not in q)
    return path + ("?" + kept if kept else "")


def without_body(body, token):
    """A form or a JSON object without the members that hold the token."""
    if body.startswith(b"{"):
        return json.dumps({k: v for k, v in json.loads(body).items() if v != token}).encode()
    return b"&".join(f for f in body.split(b"&") if token.encode() not in f)


async def run(args):
    proxy = Proxy(args.upstream)
    server = await asyncio.start_server(proxy.client, "127.0.0.1", 0, backlog=512)
    address = "http://127.0.0.1:%d" % server.sockets[0].getsockname()[1]
    if args.ready:
        with open(args.ready + ".part", "w", encoding="utf-8") as out:
            out.write(address + "\n")
        os.replace(args.ready + ".part", args.ready)
    print(address, flush=True)
    async with server:
        await server.serve_forever()


def main():
    parser = argparse.ArgumentParser(prog="fault-proxy.py")
    parser.add_argument("--ready", metavar="FILE")
    parser.add_argument("upstream")
    try:
        asyncio.run(run(parser.parse_args()))
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
