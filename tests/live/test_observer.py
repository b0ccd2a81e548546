"""The worked example of schemas/observers/README.md, from `plumb audit`, against a server."""

import base64
import re
import signal
import subprocess
import threading
import time
import unittest
import urllib.parse

from estate import Estate, worked_example
from servers import PLUMB, Certificates, Server, reply

TOKEN = "token-that-nobody-may-see"


class Acme:
    """The API of the example. `allowed(request)` says who may ask."""

    def __init__(self, allowed, page=2):
        self.orders, self.allowed, self.page = {}, allowed, page
        self.faults = {}

    def put(self, number, **more):
        order = {"id": str(number), "customer": f"customer {number}", "total_cents": 100 * number,
                 "lines": [{"sku": "a", "amount": 1}, {"sku": "b", "amount": 2}], **more}
        self.orders[order["id"]] = order

    def __call__(self, request):
        for part, answer in self.faults.items():
            if part in request.target:
                return answer
        if not self.allowed(request):
            return reply(401, {"error": {"code": "unauthorized", "message": "who are you"}})
        query = dict(urllib.parse.parse_qsl(request.query))
        if request.path == "/v1/whoami":
            return reply(200, {"name": "tests"})
        if request.path == "/v1/orders":
            start = int(query.get("cursor", 0))
            ids = sorted(self.orders)
            answer = {"orders": [self.orders[i] for i in ids[start:start + self.page]]}
            if start + self.page < len(ids):
                answer["next_cursor"] = str(start + self.page)
            return reply(200, answer)
        order = self.orders.get(request.path.rpartition("/")[2])
        if order is None:
            return reply(404, {"error": {"code": "order_not_found", "message": "no such order"}})
        return reply(200, {"order": order})


def recorded(number):
    return {"id": str(number), "customer": f"customer {number}", "total": number,
            "line": [{"sku": "a", "amount": 1}, {"sku": "b", "amount": 2}]}


def by_header(name, value):
    return lambda request: request.headers.get(name) == value


class Observer(unittest.TestCase):
    def estate(self, n=5, auth=None, **block):
        estate = Estate("example/acme", block=block).__enter__()
        self.addCleanup(estate.__exit__)
        for name, text in worked_example().items():
            if auth and name == "provider.yaml":
                text, count = re.subn(r"(?m)^auth:.*$", f"auth: {auth}", text)
                self.assertEqual(count, 1)
            estate.pack(name, text)
        for number in range(1, n + 1):
            estate.add("acme_order", f"o{number}", recorded(number))
        return estate

    def serve(self, allowed, n=5, context=None):
        acme = Acme(allowed)
        for number in range(1, n + 1):
            acme.put(number)
        server = Server(acme, context).__enter__()
        self.addCleanup(server.__exit__)
        return acme, server

    def check(self, estate, acme, server, **env):
        """Clean; then one thing of each kind; then nobody who may ask."""
        done = estate.audit(ACME_URL=server.url, **env)
        self.assertEqual((done.code, set(done.verdicts().values())), (0, {"in_sync"}),
                         done.out + done.err)
        self.assertEqual(done.report["summary"]["coverage"]["resources_observed"], 5)
        acme.orders["2"]["customer"] = "somebody else"
        acme.orders["3"]["lines"][1]["amount"] = 7
        del acme.orders["4"]
        done = estate.audit(ACME_URL=server.url, **env)
        self.assertEqual(done.code, 2)
        self.assertEqual(done.verdicts(), {
            "acme_order.o1": "in_sync", "acme_order.o2": "drifted", "acme_order.o3": "drifted",
            "acme_order.o4": "missing", "acme_order.o5": "in_sync"})
        (attribute,) = done.resource("acme_order.o2")["attributes"]
        self.assertEqual((attribute["path"], attribute["recorded"], attribute["live"]),
                         ("customer", "customer 2", "somebody else"))
        (attribute,) = done.resource("acme_order.o3")["attributes"]
        self.assertEqual((attribute["path"], attribute["live"]), ("line[1].amount", 7))
        self.assertNotIn(TOKEN, done.out + done.err)
        acme.allowed = lambda request: False
        done = estate.audit(ACME_URL=server.url, **env)
        self.assertEqual((done.code, set(done.verdicts().values())), (4, {"unobserved"}), done.out)
        self.assertIn("unauthorized", done.resource("acme_order.o4")["reason"])

    def test_bearer(self):
        acme, server = self.serve(by_header("authorization", f"Bearer {TOKEN}"))
        self.check(self.estate(), acme, server, ACME_TOKEN=TOKEN)

    def test_address_from_the_provider_block(self):
        acme, server = self.serve(by_header("authorization", f"Bearer {TOKEN}"))
        estate = self.estate(url=server.url)
        done = estate.audit(ACME_TOKEN=TOKEN)
        self.assertEqual((done.code, len(done.verdicts())), (0, 5), done.out + done.err)

    def test_api_token(self):
        acme, server = self.serve(by_header("x-acme-key", f"Key {TOKEN}"))
        estate = self.estate(auth='{scheme: token, header: X-Acme-Key, prefix: "Key ", '
                                  "token: [{env: ACME_KEY}, {provider: api_key}]}")
        self.check(estate, acme, server, ACME_KEY=TOKEN)

    def test_api_token_of_the_provider_block(self):
        acme, server = self.serve(by_header("x-acme-key", TOKEN))
        estate = self.estate(auth="{scheme: token, header: X-Acme-Key, "
                                  "token: [{env: ACME_KEY}, {provider: api_key}]}",
                             api_key="var.key")
        estate.variables["key"] = TOKEN
        self.check(estate, acme, server)

    def test_basic(self):
        login = base64.b64encode(f"me:{TOKEN}".encode()).decode()
        acme, server = self.serve(by_header("authorization", f"Basic {login}"))
        estate = self.estate(auth="{scheme: basic, username: me, password: {env: ACME_PASSWORD}}")
        self.check(estate, acme, server, ACME_PASSWORD=TOKEN)

    def test_client_certificate(self):
        certs = Certificates()
        self.addCleanup(certs.cleanup)
        acme, server = self.serve(
            lambda r: (("commonName", "client"),) in (r.peer or {}).get("subject", ()),
            context=certs.context(client=True))
        estate = self.estate(auth="{scheme: client_cert, cert_file: {env: ACME_CERT}, "
                                  "key_file: {env: ACME_CERT_KEY}, ca_file: {env: ACME_CA}}")
        self.check(estate, acme, server, ACME_CERT=certs.path("client.crt"),
                   ACME_CERT_KEY=certs.path("client.key"), ACME_CA=certs.path("ca.crt"))
        done = estate.audit(ACME_URL=server.url, ACME_CERT="/nowhere/client.crt",
                            ACME_CERT_KEY=certs.path("client.key"), ACME_CA=certs.path("ca.crt"))
        self.assertEqual(done.code, 4)
        self.assertIn("/nowhere/client.crt", done.resource("acme_order.o1")["reason"])

    def test_secret_that_is_nowhere_is_named_by_its_setting(self):
        acme, server = self.serve(lambda request: False)
        done = self.estate().audit(ACME_URL=server.url)
        self.assertEqual(done.code, 4)
        self.assertIn("auth scheme 'bearer' needs 'token'",
                      done.resource("acme_order.o1")["reason"])
        self.assertEqual(server.requests, [])

    def test_pages(self):
        acme, server = self.serve(lambda request: True)
        done = self.estate().audit(ACME_URL=server.url, ACME_TOKEN=TOKEN)
        self.assertEqual(done.code, 0)
        self.assertEqual([r.query for r in server.requests if r.path == "/v1/orders"],
                         ["", "cursor=2", "cursor=4"])

    def test_a_page_that_is_missing(self):
        """What was on it is unknown, and never missing; the rest was seen."""
        acme, server = self.serve(lambda request: True)
        acme.faults["cursor=4"] = reply(404, {"error": {"code": "gone", "message": "x"}})
        acme.faults["/v1/orders/5"] = reply(500, {"error": {"code": "x", "message": "x"}})
        done = self.estate().audit(ACME_URL=server.url, ACME_TOKEN=TOKEN)
        self.assertEqual(done.code, 4)
        self.assertEqual(done.verdicts()["acme_order.o5"], "unobserved")
        self.assertNotIn("missing", done.verdicts().values())

    def test_pages_without_end(self):
        acme, server = self.serve(lambda request: True)
        acme.faults["/v1/orders?"] = reply(200, {"orders": [], "next_cursor": "again"})
        acme.faults["/v1/orders/"] = reply(500, {})
        done = self.estate().audit(ACME_URL=server.url, ACME_TOKEN=TOKEN)
        self.assertEqual(done.code, 4)
        self.assertLess(len(server.requests), 100)

    def test_the_next_page_is_on_the_same_host(self):
        """Nobody else gets the token, whatever a reply says."""
        acme, server = self.serve(lambda request: True, n=3)
        other = Server().__enter__()
        self.addCleanup(other.__exit__)
        estate = self.estate(n=3)
        path = estate.repo / "packs/acme/provider.yaml"
        text = path.read_text().replace("{next: {query.cursor: next_cursor}}", "{next_url: next}")
        path.write_text(text)
        host = f"127.0.0.1:{server.port}"
        for bad in (f"{other.url}/v1/orders", f"//127.0.0.1:{other.port}/", "file:///etc/passwd",
                    f"http://{host}@127.0.0.1:{other.port}/", f"http://{host}.example.com/"):
            with self.subTest(bad):
                orders = [acme.orders["1"]]
                acme.faults["/v1/orders/"] = reply(500, {"error": {"code": "x", "message": ""}})
                acme.faults["/v1/orders"] = reply(200, {"orders": orders, "next": bad})
                done = estate.audit(ACME_URL=server.url, ACME_TOKEN=TOKEN)
                self.assertEqual(done.code, 4)
                self.assertEqual(other.requests, [])
        acme.faults = {"page=2": reply(200, {"orders": [acme.orders[n] for n in "23"]}),
                       "/v1/orders": reply(200, {"orders": orders, "next": "/v1/orders?page=2"})}
        self.assertEqual(estate.audit(ACME_URL=server.url, ACME_TOKEN=TOKEN).code, 0)

    def test_interrupted_in_the_middle_of_a_reply(self):
        acme, server = self.serve(lambda request: True)
        begun = threading.Event()

        def half(request):
            request.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                                       b'Content-Length: 1000\r\n\r\n{"orders": [')
            begun.set()
            time.sleep(30)

        server.handler = half
        estate = self.estate()
        estate.write()
        child = subprocess.Popen([PLUMB, "-C", estate.repo, "audit"], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True,
                                 env={**estate.env, "ACME_URL": server.url, "ACME_TOKEN": TOKEN})
        self.assertTrue(begun.wait(20))
        began = time.monotonic()
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=20)
        self.assertEqual(child.returncode, 130, out + err)
        self.assertLess(time.monotonic() - began, 5)
        self.assertEqual(list((estate.top / "tmp").iterdir()), [])
        self.assertNotIn(TOKEN, out + err)

    def test_a_wrong_pack_gives_file_line_and_field(self):
        for name, change, line, words in (
                ("acme_order.yaml", ("order.total_cents | div 100", "order.total_cents | dvi 100"),
                 12, ["total", "dvi", "div"]),
                ("acme_order.yaml", ("not_found:", "not_fuond:"), 8, ["not_fuond", "not_found"]),
                ("acme_order.yaml", ("identity: true", "identity: yes please"), 5, ["identity"]),
                ("provider.yaml", ("scheme: bearer", "scheme: bear"), 2, ["scheme", "bear"]),
                ("provider.yaml", ("token: {env: ACME_TOKEN}", f"token: {TOKEN}"), 2,
                 ["auth.token", "{env: NAME}"]),
                ("provider.yaml", ("token: {env: ACME_TOKEN}", "tokken: {env: ACME_TOKEN}"), 2,
                 ["auth", "tokken", "token"]),
                ("provider.yaml", (", token: {env: ACME_TOKEN}", ""), 2, ["auth", "token"]),
                ("provider.yaml", ("protocol: json", "protocol: xml"), 8, ["protocol", "xml"])):
            with self.subTest(change[1]):
                estate = self.estate()
                path = estate.repo / "packs/acme" / name
                text = path.read_text()
                self.assertIn(change[0], text)
                path.write_text(text.replace(*change))
                done = estate.audit(ACME_URL="http://127.0.0.1:1", ACME_TOKEN="x")
                self.assertEqual(done.code, 1, done.out + done.err)
                said = done.err + done.out
                self.assertRegex(said, rf"(?<!/)packs/acme/{re.escape(name)}:{line}: field")
                for word in words:
                    self.assertIn(word, said)
                self.assertNotIn(TOKEN, said)


if __name__ == "__main__":
    unittest.main()
