"""Servers on loopback for the tests of this folder: HTTP with or without TLS, a proxy, and
certificates made when they are needed. Each server is a thread, has a free port of its own and
remembers what it was asked."""

import base64
import contextlib
import json
import os
import select
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("PLUMB_BUILD", ROOT / "build/release"))
LIVETRY = BUILD / "tests/tools/livetry"
PLUMB = os.environ.get("PLUMB", str(ROOT / "build/plumb"))


class Request:
    """One request as it came: names of headers are in lower case."""

    def __init__(self, method, target, headers, body, peer, connection):
        self.method, self.target, self.headers, self.body = method, target, headers, body
        self.peer, self.connection, self.at = peer, connection, time.monotonic()
        self.path, _, self.query = target.partition("?")


def reply(status=200, body=b"", headers=None):
    """The bytes of a whole reply."""
    if isinstance(body, (dict, list)):
        body, headers = json.dumps(body), {"Content-Type": "application/json", **(headers or {})}
    if isinstance(body, str):
        body = body.encode()
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}"]
    lines += [f"{k}: {v}" for k, v in (headers or {}).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Server:
    """Server(handler): handler(request) gives the reply's bytes; or writes to request.connection
    itself and gives None to keep it open, False to close it. The default answers b"ok"."""

    def __init__(self, handler=None, context=None):
        self.handler = handler or (lambda request: reply(200, b"ok"))
        self.context = context
        self.requests, self.connections, self.failures = [], 0, []
        self.active = self.most_active = 0
        self.lock = threading.Lock()
        self.open = set()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def url(self):
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # shutdown() wakes the thread that waits in accept(); close() alone does not.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in list(self.open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self.lock:
            self.connections += 1
        peer = None
        try:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True,
                                                      do_handshake_on_connect=False)
                self.handshake(connection)
                peer = connection.getpeercert()
            self.open.add(connection)
            stream = connection.makefile("rb")
            while self.one(connection, stream, peer):
                pass
        except (OSError, ValueError) as error:
            self.failures.append(str(error))
        finally:
            self.open.discard(connection)
            connection.close()

    @staticmethod
    def handshake(connection):
        try:
            connection.do_handshake()
        except OSError:
            time.sleep(0.3)  # closing at once would overtake the alert that says why
            raise

    def one(self, connection, stream, peer):
        request = self.read(connection, stream, peer)
        if request is None:
            return False
        with self.lock:
            self.requests.append(request)
            self.active += 1
            self.most_active = max(self.most_active, self.active)
        try:
            answer = self.handler(request)
        finally:
            with self.lock:
                self.active -= 1
        if isinstance(answer, bytes):
            connection.sendall(answer)
        return answer is not False

    @staticmethod
    def read(connection, stream, peer):
        line = stream.readline().decode("latin-1").split()
        if len(line) < 3:
            return None
        headers = {}
        while (header := stream.readline().decode("latin-1").strip()):
            name, _, value = header.partition(":")
            headers[name.lower()] = value.strip()
        body = stream.read(int(headers.get("content-length", 0)))
        return Request(line[0], line[1], headers, body, peer, connection)

    def asked(self, part):
        return [r for r in self.requests if part in r.target]


class Proxy(Server):
    """A proxy that tunnels CONNECT anywhere on loopback, and forwards nothing else. With
    `login` it wants basic authentication."""

    def __init__(self, login=None):
        self.login, self.tunnels = login, []
        super().__init__(self.connect)

    def connect(self, request):
        if self.login:
            want = "Basic " + base64.b64encode(self.login.encode()).decode()
            if request.headers.get("proxy-authorization") != want:
                return reply(407, b"", {"Proxy-Authenticate": 'Basic realm="x"'})
        if request.method != "CONNECT":
            return reply(200, b"through the proxy")
        self.tunnels.append(request.target)
        port = int(request.target.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as far:
            request.connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            self.pump(request.connection, far)
        return False

    @staticmethod
    def pump(near, far):
        other = {near: far, far: near}
        while True:
            for ready in select.select([near, far], [], [], 30)[0]:
                data = ready.recv(65536)
                if not data:
                    return
                other[ready].sendall(data)


class Certificates:
    """A folder with a CA ("ca"), one that nobody should trust ("wrong"), the server's
    certificate, one for another host, and a client's. NAME.crt and NAME.key."""

    def __init__(self):
        self.holder = tempfile.TemporaryDirectory(prefix="plumb-certificates-")
        self.dir = Path(self.holder.name)
        for name in ("ca", "wrong"):
            self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                         "-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE",
                         "-keyout", f"{name}.key", "-out", f"{name}.crt")
        self.sign("server", "subjectAltName=IP:127.0.0.1,DNS:localhost")
        self.sign("elsewhere", "subjectAltName=DNS:elsewhere.example.com")
        self.sign("client", "extendedKeyUsage=clientAuth")

    def openssl(self, *args):
        subprocess.run(["openssl", *args], cwd=self.dir, check=True, capture_output=True)

    def sign(self, name, extension):
        (self.dir / "ext").write_text(extension + "\n")
        self.openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}",
                     "-keyout", f"{name}.key", "-out", f"{name}.csr")
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
                     "-CAcreateserial", "-days", "2", "-extfile", "ext", "-out", f"{name}.crt")

    def path(self, name):
        return str(self.dir / name)

    def context(self, name="server", client=False):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path(f"{name}.crt"), self.path(f"{name}.key"))
        if client:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.path("ca.crt"))
        return context

    def cleanup(self):
        self.holder.cleanup()


def environment(**extra):
    """The environment without anybody's proxies, certificates and credentials."""
    drop = ("AWS_", "SSL_", "CURL_", "ACME_")
    env = {k: v for k, v in os.environ.items()
           if not k.startswith(drop) and not k.lower().endswith("_proxy")}
    env.update({k: str(v) for k, v in extra.items() if v is not None})
    return env


def start_livetry(mode, document):
    """The tool under way, for who wants to interrupt it."""
    return subprocess.Popen([LIVETRY, mode, json.dumps(document)], env=environment(),
                            stdout=subprocess.PIPE, text=True)


def livetry(mode, document, env=None, code=0):
    """Runs the tool; the lines that it printed, as Python values."""
    done = subprocess.run([LIVETRY, mode, json.dumps(document)], env=env or environment(),
                          capture_output=True, text=True, timeout=120)
    if done.returncode != code:
        raise AssertionError(f"exit {done.returncode}, wanted {code}: {done.stderr}{done.stdout}")
    return [json.loads(line) for line in done.stdout.splitlines()]
