#!/usr/bin/env python3
"""A reverse proxy in front of moto that counts requests, and records replies.

usage: record-proxy.py run [--record DIR] [--ready FILE] UPSTREAM
       record-proxy.py pack DIR FILE

`run` listens on a free port of the loopback, prints its address (and writes it to --ready), and
passes everything on to UPSTREAM. It answers two requests itself:
  GET  /_proxy/counts   {"total": N, "by_action": {"ec2 DescribeVpcs": N, ...}}
  POST /_proxy/reset    forget the counts
With --record every reply is kept as one JSON file named after the SHA-256 of its request's key;
the same request again replaces it. Signatures and credentials are not kept.

`pack` turns such a folder into the one file that tests/bench/replay_server and bare_client read.

The key of a request, also computed by replay_server: method, path, sorted query, region/service
out of the credential scope (two regions are asked the same question), X-Amz-Target and body, a
form's fields sorted, joined by line feeds.
"""

import argparse
import base64
import hashlib
import http.client
import http.server
import json
import os
import sys
import threading
from urllib.parse import urlsplit

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

from wire import DROP, action_of, request_key, scope_of  # noqa: E402


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection of a client, with one of its own to moto."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.upstream = None

    def finish(self):
        if self.upstream:
            self.upstream.close()
        super().finish()

    def log_message(self, *_):
        pass

    def reply(self, status, headers, body):
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def own(self):
        """Requests that are for the proxy."""
        with self.server.lock:
            if self.path == "/_proxy/reset":
                self.server.counts.clear()
            text = json.dumps({"total": sum(self.server.counts.values()),
                               "by_action": dict(sorted(self.server.counts.items()))})
        self.reply(200, [("Content-Type", "application/json")], text.encode())

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while True:
            size = int(self.rfile.readline().split(b";")[0], 16)
            parts.append(self.rfile.read(size))
            self.rfile.readline()
            if size == 0:
                return b"".join(parts)

    def ask(self, body):
        headers = {k: v for k, v in self.headers.items()
                   if k.lower() not in ("connection", "transfer-encoding", "content-length",
                                        "expect")}
        headers["Content-Length"] = str(len(body))
        for last in (False, True):
            if self.upstream is None:
                self.upstream = http.client.HTTPConnection(self.server.upstream, timeout=120)
            try:
                self.upstream.request(self.command, self.path, body, headers)
                answer = self.upstream.getresponse()
                return answer.status, answer.getheaders(), answer.read()
            except (http.client.HTTPException, OSError):
                self.upstream.close()
                self.upstream = None
                if last:
                    raise
        return None

    def handle_any(self):
        if self.path.startswith("/_proxy/"):
            return self.own()
        body = self.read_body()
        action = action_of(self.command, self.path, self.headers, body)
        with self.server.lock:
            self.server.counts[action] = self.server.counts.get(action, 0) + 1
        status, headers, answer = self.ask(body)
        kept = [(k, v) for k, v in headers if k.lower() not in DROP]
        if self.server.record:
            self.keep(action, body, status, kept, answer)
        return self.reply(status, kept, answer)

    def keep(self, action, body, status, headers, answer):
        key = request_key(self.command, self.path, self.headers, body)
        name = hashlib.sha256(key).hexdigest()
        entry = {
            "action": action, "method": self.command, "target": self.path,
            "scope": scope_of(self.headers.get("Authorization")),
            "request_headers": {n: self.headers[n] for n in ("Content-Type", "X-Amz-Target")
                                if self.headers.get(n)},
            "body_sha256": hashlib.sha256(body).hexdigest(),
            "body": base64.b64encode(body).decode(),
            "key": base64.b64encode(key).decode(),
            "status": status, "headers": headers, "reply": base64.b64encode(answer).decode(),
        }
        path = os.path.join(self.server.record, name + ".json")
        part = f"{path}.{threading.get_ident()}"
        with open(part, "w", encoding="utf-8") as out:
            json.dump(entry, out, indent=1)
        os.replace(part, path)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = handle_any


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512


def run(args):
    if args.record:
        os.makedirs(args.record, exist_ok=True)
    server = Server(("127.0.0.1", 0), Handler)
    server.upstream = urlsplit(args.upstream).netloc
    server.record = args.record
    server.counts, server.lock = {}, threading.Lock()
    address = f"http://127.0.0.1:{server.server_port}"
    if args.ready:
        with open(args.ready + ".part", "w", encoding="utf-8") as out:
            out.write(address + "\n")
        os.replace(args.ready + ".part", args.ready)
    print(address, flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    return 0


def wire(entry):
    """A recorded request and its reply as they go over the wire."""
    body, answer = base64.b64decode(entry["body"]), base64.b64decode(entry["reply"])
    region, _, service = entry["scope"].partition("/")
    lines = [f"{entry['method']} {entry['target']} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{k}: {v}" for k, v in entry["request_headers"].items()]
    if service:
        lines.append("Authorization: AWS4-HMAC-SHA256 "
                     f"Credential=test/20250101/{region}/{service}/aws4_request")
    lines.append(f"Content-Length: {len(body)}")
    request = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body
    lines = [f"HTTP/1.1 {entry['status']} {http.client.responses.get(entry['status'], 'Other')}"]
    lines += [f"{k}: {v}" for k, v in entry["headers"]]
    lines.append(f"Content-Length: {len(answer)}")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    return request, head + (b"" if entry["method"] == "HEAD" else answer)


def pack(args):
    """One line of three lengths an entry, then key, request and reply."""
    names = sorted(n for n in os.listdir(args.directory) if n.endswith(".json"))
    with open(args.file, "wb") as out:
        for name in names:
            with open(os.path.join(args.directory, name), encoding="utf-8") as text:
                entry = json.load(text)
            key = base64.b64decode(entry["key"])
            request, answer = wire(entry)
            out.write(b"%d %d %d\n" % (len(key), len(request), len(answer)))
            out.write(key + request + answer)
    print(f"{len(names)} requests", file=sys.stderr)
    return 0


def main():
    parser = argparse.ArgumentParser(prog="record-proxy.py")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("run")
    one.add_argument("--record", metavar="DIR")
    one.add_argument("--ready", metavar="FILE")
    one.add_argument("upstream")
    one.set_defaults(call=run)
    one = commands.add_parser("pack")
    one.add_argument("directory")
    one.add_argument("file")
    one.set_defaults(call=pack)
    args = parser.parse_args()
    return args.call(args)


if __name__ == "__main__":
    sys.exit(main())
