"""The scheduler against real TLS servers, proxies and servers that misbehave."""

import email.utils
import gzip
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
import unittest
import zlib
from pathlib import Path

from servers import (LIVETRY, Certificates, Proxy, Server, environment, livetry, reply,
                     start_livetry)

TOKEN = "token-that-nobody-may-see"
HANG = 60     # seconds: nothing takes that long, on a busy machine either
TICK = 0.002  # the scheduler counts whole milliseconds


def fetch(url, env=None, settings=None, limits=None, block=None, **request):
    """One request (or more): its replies, and the statistics."""
    document = {"limits": limits or {}, "requests": [{"url": url, **request}]}
    if settings:
        document["settings"] = settings
    if block:
        document["block"] = block
    *replies, stats = livetry("http", document, env)
    return replies, stats


def one(*args, **kwargs):
    return fetch(*args, **kwargs)[0][0]


class WithCertificates(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.certs = Certificates()
        cls.ca = cls.certs.path("ca.crt")

    @classmethod
    def tearDownClass(cls):
        cls.certs.cleanup()


class Tls(WithCertificates):
    def test_ca_of_the_pack(self):
        with Server(context=self.certs.context()) as server:
            r = one(server.url, settings={"scheme": "none", "ca_file": self.ca})
            self.assertEqual((r["status"], r["body"]), (200, "ok"))

    def test_ca_from_the_environment(self):
        with Server(context=self.certs.context()) as server:
            self.assertEqual(one(server.url, environment(SSL_CERT_FILE=self.ca))["status"], 200)

    def test_folder_of_cas_from_the_environment(self):
        with tempfile.TemporaryDirectory() as folder, \
                Server(context=self.certs.context()) as server:
            Path(folder, "ca.crt").write_bytes(Path(self.ca).read_bytes())
            self.certs.openssl("rehash", folder)
            self.assertEqual(one(server.url, environment(SSL_CERT_DIR=folder))["status"], 200)

    def test_unknown_ca_is_refused_once_and_named(self):
        with Server(context=self.certs.context()) as server:
            r, stats = fetch(server.url)
            self.assertEqual((r[0]["outcome"], r[0]["tries"]), ("failed", 1))
            self.assertIn("certificate", r[0]["error"])
            self.assertIn("SSL_CERT_FILE", r[0]["error"])
            self.assertEqual(server.requests, [])

    def test_a_given_ca_is_the_only_one(self):
        """What the machine trusts is not trusted as well, where a CA was given."""
        wrong = self.certs.path("wrong.crt")
        with Server(context=self.certs.context()) as server, \
                tempfile.TemporaryDirectory() as folder:
            Path(folder, "ca.crt").write_bytes(Path(self.ca).read_bytes())
            self.certs.openssl("rehash", folder)
            env = environment(SSL_CERT_FILE=self.ca, SSL_CERT_DIR=folder)
            r = one(server.url, env, settings={"scheme": "none", "ca_file": wrong})
            self.assertEqual(r["outcome"], "failed")
            self.assertIn(wrong, r["error"])
            self.assertEqual(server.requests, [])

    def test_ca_file_that_is_not_there_is_named(self):
        with Server(context=self.certs.context()) as server:
            r = one(server.url, environment(SSL_CERT_FILE="/nowhere/ca.pem"))
            self.assertEqual((r["outcome"], r["tries"]), ("failed", 1))
            self.assertIn("/nowhere/ca.pem", r["error"])

    def test_other_host_is_refused(self):
        with Server(context=self.certs.context("elsewhere")) as server:
            r = one(server.url, environment(SSL_CERT_FILE=self.ca))
            self.assertEqual((r["outcome"], r["tries"]), ("failed", 1))
            self.assertIn("127.0.0.1", r["error"])
            self.assertIn("name", r["error"])
            self.assertEqual(server.requests, [])

    def test_client_certificate(self):
        settings = {"scheme": "client_cert", "cert_file": self.certs.path("client.crt"),
                    "key_file": self.certs.path("client.key"), "ca_file": self.ca}
        with Server(context=self.certs.context(client=True)) as server:
            self.assertEqual(one(server.url, settings=settings)["status"], 200)
            self.assertIn((("commonName", "client"),), server.requests[0].peer["subject"])

    def test_missing_client_certificate_is_said(self):
        with Server(context=self.certs.context(client=True)) as server:
            r = one(server.url, environment(SSL_CERT_FILE=self.ca))
            self.assertEqual(r["outcome"], "failed")
            self.assertIn("certificate required", r["error"])
            self.assertEqual(r["tries"], 1)
            self.assertEqual(server.requests, [])

    def test_client_certificate_that_is_not_there_is_named(self):
        settings = {"scheme": "client_cert", "cert_file": "/nowhere/client.crt",
                    "key_file": self.certs.path("client.key"), "ca_file": self.ca}
        with Server(context=self.certs.context(client=True)) as server:
            r = one(server.url, settings=settings)
            self.assertEqual((r["outcome"], r["tries"]), ("failed", 1))
            self.assertIn("/nowhere/client.crt", r["error"])

    def test_key_of_another_certificate_is_named(self):
        settings = {"scheme": "client_cert", "cert_file": self.certs.path("client.crt"),
                    "key_file": self.certs.path("server.key"), "ca_file": self.ca}
        with Server(context=self.certs.context(client=True)) as server:
            r = one(server.url, settings=settings)
            self.assertEqual((r["outcome"], r["tries"]), ("failed", 1))
            self.assertIn("client.crt", r["error"])

    def test_key_with_a_passphrase_asks_nobody(self):
        """OpenSSL would ask on the terminal, or read the passphrase from standard input."""
        self.certs.openssl("pkcs8", "-topk8", "-in", "client.key", "-out", "locked.key",
                           "-passout", "pass:word")
        document = {"requests": [{"url": "x"}], "settings": {
            "scheme": "client_cert", "cert_file": self.certs.path("client.crt"),
            "key_file": self.certs.path("locked.key"), "ca_file": self.ca}}
        with Server(context=self.certs.context(client=True)) as server:
            document["requests"][0]["url"] = server.url
            child = subprocess.Popen([LIVETRY, "http", json.dumps(document)], env=environment(),
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, text=True, start_new_session=True)
            try:
                child.wait(timeout=10)
            finally:
                child.kill()
                out, err = child.communicate()
            self.assertEqual(err, "")
            r = json.loads(out.splitlines()[0])
            self.assertEqual((r["outcome"], r["tries"]), ("failed", 1))
            self.assertIn("locked.key", r["error"])
            self.assertIn("passphrase", r["error"])

    def test_connections_are_kept(self):
        with Server(context=self.certs.context()) as server:
            env = environment(SSL_CERT_FILE=self.ca)
            _, stats = fetch(server.url, env, times=20, limits={"concurrency": 2})
            self.assertLessEqual(stats["connections"], 2)
            self.assertEqual(server.connections, stats["connections"])

    def test_plain_http_on_a_tls_port(self):
        with Server() as server:
            r = one(server.url.replace("http:", "https:"), limits={"tries": 1, "connect_ms": 500})
            self.assertIn(r["outcome"], ("failed", "timeout"))
            self.assertIn("127.0.0.1", r["error"])


class ThroughProxy(WithCertificates):
    """The far host is elsewhere.example.com, which the proxy takes to loopback, or 0.0.0.0, which
    is loopback without saying so: what is on this machine goes through no proxy."""

    def far(self):
        server = Server(context=self.certs.context("elsewhere")).__enter__()
        self.addCleanup(server.__exit__)
        return server, f"https://elsewhere.example.com:{server.port}/"

    def test_https_goes_through_connect(self):
        env = {"SSL_CERT_FILE": self.ca, "ACME_TOKEN": TOKEN}
        settings = {"scheme": "bearer", "token": {"env": "ACME_TOKEN"}}
        server, url = self.far()
        with Proxy() as proxy:
            env = environment(**env, HTTPS_PROXY=proxy.url)
            self.assertEqual(one(url, env, settings)["status"], 200)
            self.assertEqual(proxy.tunnels, [f"elsewhere.example.com:{server.port}"])
            self.assertNotIn("authorization", proxy.requests[0].headers)
            self.assertEqual(server.requests[0].headers["authorization"], f"Bearer {TOKEN}")

    def test_http(self):
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            with self.subTest(name), Server() as server, Proxy() as proxy:
                url = server.url.replace("127.0.0.1", "0.0.0.0")
                r = one(url, environment(**{name: proxy.url}))
                self.assertEqual((r["status"], r["body"]), (200, "through the proxy"))
                self.assertEqual(proxy.requests[0].target, url + "/")

    def test_http_proxy_of_a_cgi_is_a_request_header(self):
        with Server() as server, Proxy() as proxy:
            url = server.url.replace("127.0.0.1", "0.0.0.0")
            r = one(url, environment(HTTP_PROXY=proxy.url, REQUEST_METHOD="GET"))
            self.assertEqual(r["body"], "ok")

    def test_of_the_provider_block(self):
        settings = {"scheme": "aws_sigv4"}
        block = {"access_key": "AKIDx", "secret_key": "s", "region": "eu-west-1"}
        server, url = self.far()
        env = environment(SSL_CERT_FILE=self.ca, HTTPS_PROXY="http://127.0.0.1:1")
        for names in (["http_proxy"], ["https_proxy"], ["https_proxy", "http_proxy"]):
            with self.subTest(names), Proxy() as proxy:
                given = dict(zip(names, (proxy.url, "http://127.0.0.1:1")))
                r = one(url, env, settings, block={**block, **given})
                self.assertEqual((r["status"], len(proxy.tunnels)), (200, 1))
        with Server() as near, Proxy() as proxy:
            given = {"http_proxy": proxy.url, "no_proxy": "0.0.0.0"}
            url = near.url.replace("127.0.0.1", "0.0.0.0")
            self.assertEqual(one(url, env, settings, block={**block, **given})["body"], "ok")
            self.assertEqual(proxy.requests, [])

    def test_no_proxy(self):
        for names in (("http_proxy", "no_proxy"), ("HTTP_PROXY", "NO_PROXY")):
            with self.subTest(names), Server() as server, Proxy() as proxy:
                url = server.url.replace("127.0.0.1", "0.0.0.0")
                env = environment(**{names[0]: proxy.url, names[1]: "example.com,0.0.0.0"})
                self.assertEqual(one(url, env)["body"], "ok")
                self.assertEqual(proxy.requests, [])

    def test_this_machine_is_not_asked_through_a_proxy(self):
        """As Terraform does it: a proxy elsewhere could not reach it."""
        with Server() as server, Proxy() as proxy:
            env = environment(http_proxy=proxy.url, all_proxy=proxy.url)
            for host in ("127.0.0.1", "localhost", "LocalHost"):
                url = server.url.replace("127.0.0.1", host)
                self.assertEqual(one(url, env)["body"], "ok", host)
            self.assertEqual(proxy.requests, [])

    def test_login_of_the_proxy(self):
        server, url = self.far()
        with Proxy("me:secret-word") as proxy:
            login = proxy.url.replace("//", "//me:secret-word@")
            env = environment(SSL_CERT_FILE=self.ca, HTTPS_PROXY=login)
            self.assertEqual(one(url, env)["status"], 200)
            self.assertNotIn("proxy-authorization", server.requests[0].headers)
            env["HTTPS_PROXY"] = login.replace("secret-word", "other-word")
            r = one(url, env, limits={"tries": 2})
            self.assertEqual(r["outcome"], "failed")
            self.assertIn("407", r["error"])
            self.assertNotIn("other-word", r["error"])

    def test_proxy_that_is_not_there(self):
        with Proxy() as proxy:
            dead = proxy.url.replace("//", "//me:secret-word@")
        r = one("https://elsewhere.example.com:1/", environment(HTTPS_PROXY=dead),
                limits={"tries": 2})
        self.assertEqual(r["outcome"], "failed")
        self.assertNotIn("secret-word", r["error"])
        self.assertIn("proxy", r["error"])

    def test_proxy_that_is_no_url_does_not_show_its_password(self):
        for bad in ("http://me:secret-word@ho st:1", "nope://me:secret-word@127.0.0.1:1",
                    "http://me:secret-word@127.0.0.1:port"):
            with self.subTest(bad):
                r = one("https://elsewhere.example.com:1/", environment(HTTPS_PROXY=bad),
                        limits={"tries": 1})
                self.assertEqual(r["outcome"], "failed")
                self.assertNotIn("secret-word", r["error"])
                self.assertIn("proxy", r["error"].lower())


class Credentials(unittest.TestCase):
    SETTINGS = {"scheme": "token", "header": "X-Auth-Token", "token": {"env": "ACME_TOKEN"}}

    def test_no_redirect_is_followed(self):
        with Server() as other:
            moved = reply(302, b"", {"Location": other.url + "/stolen"})
            with Server(lambda request: moved) as server:
                r = one(server.url, environment(ACME_TOKEN=TOKEN), self.SETTINGS)
            self.assertEqual(r["status"], 302)
            self.assertEqual(other.requests, [])

    def test_netrc_is_not_read(self):
        with tempfile.TemporaryDirectory() as home, Server() as server:
            Path(home, ".netrc").write_text("machine 127.0.0.1 login me password word\n")
            os.chmod(Path(home, ".netrc"), 0o600)
            self.assertEqual(one(server.url, environment(HOME=home))["status"], 200)
            self.assertNotIn("authorization", server.requests[0].headers)

    def test_schemes(self):
        env = environment(ACME_TOKEN=TOKEN, ACME_USER="me", ACME_PASSWORD="p:w ü")
        with Server() as server:
            one(server.url, env, self.SETTINGS)
            one(server.url, env, {**self.SETTINGS, "prefix": "Token "})
            one(server.url, env, {"scheme": "basic", "username": {"env": "ACME_USER"},
                                  "password": {"env": "ACME_PASSWORD"}})
            heads = [r.headers for r in server.requests]
        self.assertEqual(heads[0]["x-auth-token"], TOKEN)
        self.assertEqual(heads[1]["x-auth-token"], f"Token {TOKEN}")
        self.assertEqual(heads[2]["authorization"], "Basic bWU6cDp3IMO8")

    def test_only_http_is_spoken(self):
        with tempfile.NamedTemporaryFile("w") as secret:
            secret.write(TOKEN)
            secret.flush()
            for url in (f"file://{secret.name}", "ftp://127.0.0.1/x", "gopher://127.0.0.1/x"):
                r = one(url, limits={"tries": 1})
                self.assertEqual((r["outcome"], r["size"]), ("failed", 0))


class Bounds(unittest.TestCase):
    def test_trickle_is_given_up(self):
        def trickle(request):
            request.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while True:
                request.connection.sendall(b"x")
                time.sleep(0.2)

        with Server(trickle) as server:
            r, stats = fetch(server.url, limits={"tries": 1, "slow_s": 1})
            self.assertEqual(r[0]["outcome"], "timeout")
            self.assertIn("in time", r[0]["error"])
            self.assertGreaterEqual(stats["ms"], 900)

    def test_slow_but_steady_is_not(self):
        def steady(request):
            request.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n")
            for _ in range(30):
                request.connection.sendall(b"x" * 10)
                time.sleep(0.1)

        with Server(steady) as server:
            r = one(server.url, limits={"tries": 1, "slow_s": 1})
            self.assertEqual((r["outcome"], r["size"]), ("reply", 300))

    def test_what_unpacks_to_too_much(self):
        packed = gzip.compress(b"0" * (256 << 20), 9)
        headers = {"Content-Encoding": "gzip"}
        with Server(lambda request: reply(200, packed, headers)) as server:
            r, stats = fetch(server.url, limits={"max_body": 1 << 20})
            self.assertIn("gzip", server.requests[0].headers["accept-encoding"])
            self.assertEqual((r[0]["outcome"], r[0]["tries"]), ("failed", 1))
            self.assertIn("larger than the limit of 1048576 bytes", r[0]["error"])

    def test_packed_replies_are_unpacked(self):
        body = b'{"a": 1}' * 100
        for name, packed in (("gzip", gzip.compress(body)), ("deflate", zlib.compress(body))):
            with Server(lambda _, p=packed, n=name: reply(200, p, {"Content-Encoding": n})) as s:
                self.assertEqual(one(s.url)["body"].encode(), body)

    def test_endless_header(self):
        def endless(request):
            request.connection.sendall(b"HTTP/1.1 200 OK\r\n")
            while True:
                request.connection.sendall(b"X-Y: " + b"y" * 1000 + b"\r\n")

        with Server(endless) as server:
            r = one(server.url, limits={"tries": 1, "request_ms": 5000})
            self.assertEqual(r["outcome"], "failed")

    def test_deadline_of_all(self):
        with Server(lambda request: time.sleep(2 * HANG)) as server:
            r, stats = fetch(server.url, times=10, limits={"total_ms": 500, "concurrency": 3})
            self.assertEqual({x["outcome"] for x in r}, {"cancelled"})
            self.assertEqual(len(r), 10)
            self.assertLess(stats["ms"], 1000 * HANG)
            self.assertIn("500 ms", r[0]["error"])

    def test_retries_do_not_outlive_the_deadline(self):
        with Server(lambda request: reply(503)) as server:
            r, stats = fetch(server.url, limits={"total_ms": 700, "tries": 50, "backoff_ms": 300})
            self.assertLess(r[0]["tries"], 50)
            self.assertEqual(len(r), 1)

    def interrupt(self, number):
        with Server(lambda request: time.sleep(2 * HANG)) as server:
            document = {"requests": [{"url": server.url, "times": 20}]}
            child = start_livetry("http", document)
            while not server.requests:
                time.sleep(0.01)
            child.send_signal(number)
            out = [json.loads(line) for line in child.communicate(timeout=HANG)[0].splitlines()]
            self.assertEqual(child.returncode, 130)
            self.assertEqual([x["outcome"] for x in out[:-1]], ["cancelled"] * 20)
            self.assertEqual(out[0]["error"], "interrupted")

    def test_interrupt(self):
        self.interrupt(signal.SIGINT)
        self.interrupt(signal.SIGTERM)


class Throttling(unittest.TestCase):
    def first_then_ok(self, first):
        """A server that answers `first` once, and ok from then on."""
        left = [first]
        return Server(lambda request: left.pop() if left else reply(200, b"ok"))

    def test_retry_after_in_seconds(self):
        with self.first_then_ok(reply(429, b"", {"Retry-After": "1"})) as server:
            r, stats = fetch(server.url)
            self.assertEqual((r[0]["status"], r[0]["tries"]), (200, 2))
            self.assertGreaterEqual(server.requests[1].at - server.requests[0].at, 1.0 - TICK)

    def test_retry_after_as_a_date(self):
        asked = []

        def answer(_):
            asked.append(time.time())
            when = email.utils.formatdate(asked[0] + 3, usegmt=True)
            return reply(503, b"", {"Retry-After": when}) if len(asked) == 1 else reply(200, b"ok")

        with Server(answer) as server:
            self.assertEqual(one(server.url)["status"], 200)
            self.assertGreaterEqual(asked[1], int(asked[0] + 3) - TICK)

    def test_retry_after_holds_the_whole_service_back(self):
        """Told by the order of what is sent, not by a clock: a service that asked to be left alone
        for ten minutes is, and the other is read to its end; then the run is stopped. It asks
        only after some good replies, so that its rate alone would not hold it back."""
        asked, read = [], threading.Event()

        def answer(request):
            asked.append(request.path)
            if request.path == "/a":
                late = asked.count("/a") > 20
                return reply(429, b"", {"Retry-After": "600"}) if late else reply(200, b"ok")
            if asked.count("/b") == 100:
                read.set()
            time.sleep(0.005)
            return reply(200, b"ok")

        with Server(answer) as server:
            child = start_livetry("http", {
                "limits": {"concurrency": 1, "max_retry_after_ms": 900000},
                "requests": [{"url": server.url + "/a", "times": 30, "service": "slow"},
                             {"url": server.url + "/b", "times": 100, "service": "other"}]})
            other = read.wait(HANG)
            child.send_signal(signal.SIGINT)
            out = [json.loads(line) for line in child.communicate(timeout=HANG)[0].splitlines()]
            self.assertTrue(other, "the other service was held back as well")
            self.assertEqual((asked.count("/a"), asked.count("/b")), (21, 100))
            a = [x["outcome"] for x in out[:-1] if x["index"] == 0]
            self.assertEqual(a, ["reply"] * 20 + ["cancelled"] * 10)

    def test_retry_after_is_waited_for_by_the_whole_service(self):
        count = []

        def answer(_):
            count.append(1)
            late = len(count) == 21
            return reply(429, b"", {"Retry-After": "1"}) if late else reply(200, b"ok")

        with Server(answer) as server:
            fetch(server.url, times=25, limits={"concurrency": 1})
            begin, *rest = [r.at for r in server.requests[20:]]
            self.assertEqual(len(rest), 5)
            self.assertGreaterEqual(min(rest) - begin, 1.0 - TICK)

    def test_who_asks_for_more_time_than_there_is_gets_no_more_requests(self):
        def answer(request):
            refuse = request.path == "/a"
            return reply(429, b"", {"Retry-After": "3600"}) if refuse else reply(200, b"ok")

        with Server(answer) as server:
            document = {"limits": {"concurrency": 1}, "requests": [
                {"url": server.url + "/a", "times": 5, "service": "slow"},
                {"url": server.url + "/b", "times": 5, "service": "other"}]}
            *out, _ = livetry("http", document)
            self.assertEqual(len(server.asked("/a")), 1)
            a, b = ([x for x in out if x["index"] == i] for i in (0, 1))
            self.assertEqual([x["status"] for x in b], [200] * 5)
            self.assertEqual(sorted(x["status"] for x in a), [0] * 4 + [429])
            self.assertEqual({x["error"] for x in a if not x["status"]},
                             {"not asked, as the API throttles and asks to wait 3600 s"})

    def test_the_time_limit_says_that_the_api_throttles(self):
        with Server(lambda request: reply(429)) as server:
            r, _ = fetch(server.url, times=20, limits={"total_ms": 300, "tries": 50})
            self.assertIn("300 ms for all requests together passed, while the API throttles",
                          {x["error"] for x in r if x["error"]}.pop())

    def test_who_never_answers_leaves_room_for_others(self):
        """Both services may have as many requests as there are slots."""
        asked, read = [], threading.Event()

        def answer(request):
            asked.append(request.path)
            if request.path == "/a":
                time.sleep(2 * HANG)
            if asked.count("/b") == 5:
                read.set()
            return reply(200, b"ok")

        with Server(answer) as server:
            child = start_livetry("http", {
                "limits": {"concurrency": 4, "per_service": 4, "request_ms": 3000 * HANG},
                "requests": [{"url": server.url + "/a", "times": 10, "service": "silent"},
                             {"url": server.url + "/b", "times": 5, "service": "other"}]})
            other = read.wait(HANG)
            child.send_signal(signal.SIGINT)
            child.communicate(timeout=HANG)
            self.assertTrue(other, "the silent service has all slots")
            self.assertEqual(asked.count("/a"), 1)

    def test_limit_of_a_service_and_of_all(self):
        def slow(request):
            time.sleep(0.05)
            return reply(200, b"ok")

        with Server(slow) as server:
            fetch(server.url, times=60, limits={"concurrency": 20, "per_service": 3})
            self.assertEqual(server.most_active, 3)
        with Server(slow) as server:
            document = {"limits": {"concurrency": 5, "per_service": 4}, "requests": [
                {"url": server.url, "times": 40, "service": s} for s in "abc"]}
            livetry("http", document)
            self.assertEqual(server.most_active, 5)
            self.assertLessEqual(server.connections, 5)

    def test_storm_is_answered_by_going_slower(self):
        """A bucket of 30 requests a second: all get through, and most of them at once."""
        lock, bucket = threading.Lock(), {"tokens": 10.0, "at": time.monotonic(), "no": 0}

        def limited(request):
            with lock:
                now = time.monotonic()
                bucket["tokens"] = min(10.0, bucket["tokens"] + 30 * (now - bucket["at"]))
                bucket["at"] = now
                if bucket["tokens"] < 1:
                    bucket["no"] += 1
                    return reply(429)
                bucket["tokens"] -= 1
            return reply(200, b"ok")

        with Server(limited) as server:
            r, stats = fetch(server.url, times=150, limits={"tries": 8, "backoff_ms": 200})
            self.assertEqual([x["status"] for x in r], [200] * 150)
            self.assertLess(bucket["no"], 75, "more than half as many refusals as requests")
            self.assertLess(stats["ms"], 30000)


class Connections(unittest.TestCase):
    def test_closed_between_requests_is_tried_again(self):
        """A server that closes kept connections without saying so loses no request."""
        def close_after(request):
            request.connection.sendall(reply(200, b"ok"))
            return False

        with Server(close_after) as server:
            r, stats = fetch(server.url, follow=20, limits={"tries": 1})
            self.assertEqual([x["status"] for x in r], [200] * 21)
            self.assertEqual(len(server.requests), 21)

    def test_closed_under_a_post_is_tried_again(self):
        seen = []

        def drop_second(request):
            seen.append(request.body)
            if len(seen) == 2:
                return False
            return reply(200, b"ok")

        with Server(drop_second) as server:
            r, stats = fetch(server.url, follow=2, method="POST", body="Action=Describe")
            self.assertEqual([x["status"] for x in r], [200] * 3)
            self.assertEqual(set(seen), {b"Action=Describe"})

    def test_reset_in_the_middle(self):
        count = []

        def cut(request):
            count.append(1)
            if len(count) < 3:
                request.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nab")
                return False
            return reply(200, b"ok")

        with Server(cut) as server:
            r = one(server.url)
            self.assertEqual((r["status"], r["body"], r["tries"]), (200, "ok", 3))

    def test_reuse(self):
        with Server() as server:
            _, stats = fetch(server.url, times=300, limits={"concurrency": 4, "per_service": 4})
            self.assertLessEqual(server.connections, 4)
            self.assertEqual(stats["connections"], server.connections)


if __name__ == "__main__":
    unittest.main()
