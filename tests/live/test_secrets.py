"""Distinctive secrets in every place where one may come in, and a search for them, in clear and in
the usual encodings, in everything that plumb shows, leaves behind, or has on the disk or on a
command line while it runs."""

import base64
import hashlib
import json
import os
import re
import stat
import threading
import time
import unittest
import urllib.parse
from pathlib import Path

from awsworld import World, role
from estate import Estate, worked_example
from servers import Proxy, Server, reply
from test_observer import Acme, recorded

# What proves who asks: in no file at all, at no time. A value, or a variable that the provider
# block uses, may be in plumb's own private folder while it runs: Terraform writes its plans there.
CREDENTIALS = {name: f"Plant+{name}/9f8e7d6c5b4a=" for name in (
    "environment", "session", "shared", "process", "processtoken",
    "processerror", "returned", "returnedtoken", "sso", "jwt", "container", "bearer", "basic",
    "proxy", "backend", "external")}
VALUES = {name: f"Plant+{name}/1a2b3c4d5e6f=" for name in (
    "parameter", "changed", "version", "variable", "described", "garbage", "block",
    "blocktoken")}
PLANTS = {**CREDENTIALS, **VALUES}


def spellings(secret):
    """The ways in which it might be written."""
    raw = secret.encode()
    out = {raw, urllib.parse.quote(secret, safe="").encode(), json.dumps(secret)[1:-1].encode(),
           raw.replace(b"/", b"\\/"), raw.hex().encode()}
    for skip in range(3):
        code = base64.b64encode(b"x" * skip + raw)
        out.add(code[4:-4] if skip else code[:-4])
    for name in ("md5", "sha1", "sha256", "sha512"):
        digest = hashlib.new(name, raw)
        out |= {digest.hexdigest().encode(), base64.b64encode(digest.digest())}
    return out


SPELLINGS = {name: spellings(secret) for name, secret in PLANTS.items()}


def plants_in(data):
    return {name for name, all in SPELLINGS.items() if any(s in data for s in all)}


class Watch(threading.Thread):
    """Looks at folders and command lines over and over, until it is told to stop."""

    def __init__(self, roots, given):
        super().__init__(daemon=True)
        self.roots, self.given, self.found, self.rounds = roots, given, set(), 0
        self.clean, self.first = set(), os.getpid()
        self.stopping = threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.join()

    def run(self):
        while not self.stopping.is_set():
            self.files()
            self.command_lines()
            self.rounds += 1
            time.sleep(0.02)

    def files(self, private_is_fine=True):
        for root in self.roots:
            for folder, names, files in os.walk(root):
                names[:] = [n for n in names if Path(folder, n) not in self.given]
                for name in files:
                    path = Path(folder, name)
                    if path not in self.given:
                        self.file(root, path, private_is_fine)

    def file(self, root, path, private_is_fine):
        try:
            now = path.stat()
            version = (path, now.st_mtime_ns, now.st_size, now.st_ino)
            if version in self.clean:
                return
            data = path.read_bytes()
            private = any(stat.S_IMODE(p.stat().st_mode) & 0o077 == 0
                          for p in (path, *path.parents) if root in p.parents)
        except OSError:
            return
        names = plants_in(data)
        if not names:
            self.clean.add(version)
        for name in names:
            if name in CREDENTIALS or not private or not private_is_fine:
                self.found.add((name, str(path)))

    def command_lines(self):
        for pid in os.listdir("/proc"):
            if not pid.isdigit() or int(pid) <= self.first:
                continue  # started before this test
            try:
                data = Path("/proc", pid, "cmdline").read_bytes()
            except OSError:
                continue
            for name in plants_in(data):
                self.found.add((name, "command line: " + data.replace(b"\0", b" ").decode()))


class Cloud(World):
    """The instances of `World`, and the few calls that the packs make. `fault` is one of None,
    "echo" (an error that repeats what was sent, as AWS does) and "garbage"."""

    def __init__(self):
        super().__init__()
        self.secret, self.token = PLANTS["returned"], PLANTS["returnedtoken"]
        self.sso_token = PLANTS["sso"]
        self.value, self.fault = PLANTS["parameter"], None

    def sent(self, request):
        body = request.body.decode()
        return " ".join([f"{k}:{v}" for k, v in request.headers.items()] + [
            body, urllib.parse.unquote(body)])

    def answer(self, request):
        target = request.headers.get("x-amz-target", "").rpartition(".")[2]
        asks = b"Action=GetCallerIdentity" in request.body
        if not target and not asks:
            if self.fault == "echo sts" and request.method == "POST":
                said = self.sent(request).replace("&", "&amp;")
                return reply(403, "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code>"
                             f"<Message>{said}</Message></Error></ErrorResponse>",
                             {"Content-Type": "text/xml"})
            return super().answer(request)
        if self.fault == "garbage":
            return reply(200, '{"x": ' + PLANTS["garbage"], {"Content-Type": "application/json"})
        if self.fault == "echo":
            return reply(403, {"__type": "SignatureDoesNotMatch", "message": self.sent(request)})
        if asks:
            return reply(200, "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>"
                         "123456789012</Account></GetCallerIdentityResult>"
                         "</GetCallerIdentityResponse>", {"Content-Type": "text/xml"})
        return reply(200, self.call(target, json.loads(request.body)))

    def call(self, target, body):
        one = {"Name": "p", "Type": "SecureString", "Version": 1, "DataType": "text",
               "ARN": "arn:aws:ssm:eu-west-1:123456789012:parameter/p",
               "Value": self.value if body.get("WithDecryption") else "encrypted"}
        arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:s"
        return {"GetParameters": {"Parameters": [one]}, "GetParameter": {"Parameter": one},
                "DescribeParameters": {"Parameters": [{"Name": "p", "Tier": "Standard"}]},
                "ListTagsForResource": {"TagList": []},
                "DescribeSecret": {"ARN": arn, "Name": "s", "SecretString": PLANTS["described"]},
                "GetResourcePolicy": {"ARN": arn}}[target]


class Secrets(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.cloud = self.enter(Cloud())

    def enter(self, thing):
        thing.__enter__()
        self.addCleanup(thing.__exit__)
        return thing

    def aws(self, block=None, **variables):
        estate = self.enter(Estate("hashicorp/aws", {"region": "eu-west-1", **(block or {})}))
        estate.variables = {"variable": PLANTS["variable"], **variables}
        estate.env.update(AWS_ENDPOINT_URL=self.cloud.url, AWS_REGION="eu-west-1")
        arn = "arn:aws:ssm:eu-west-1:123456789012:parameter/p"
        estate.add("aws_ssm_parameter", "p", {
            "id": "p", "name": "p", "arn": arn, "type": "SecureString", "version": 1,
            "value": PLANTS["parameter"], "tier": "Standard", "data_type": "text",
            "description": "", "allowed_pattern": "", "key_id": "", "tags": {}, "tags_all": {}},
            declared={"name": "p", "type": "SecureString", "value": PLANTS["parameter"]},
            sensitive=["value"])
        arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:s"
        estate.add("aws_secretsmanager_secret", "s", {"id": arn, "arn": arn, "name": "s"},
                   declared={"name": "s"})
        estate.add("aws_secretsmanager_secret_version", "v", {
            "id": arn + "|v", "secret_string": PLANTS["version"]},
            declared={"secret_string": PLANTS["version"]}, sensitive=["secret_string"])
        return estate

    def watched(self, estate, given=()):
        """Runs under a watch; gives run(...), which collects all that is shown."""
        top = estate.top
        roots = [top / d for d in ("tmp", "cache", "state", "home", "repo", "out")]
        (top / "out").mkdir()
        given = {top / "repo/terraform.tfstate", top / "home/.aws", *given}
        watch = self.enter(Watch(roots, given))
        shown = []

        def run(*args, code=None, **env):
            out = top / "out" / f"{len(shown)}"
            if args[0] == "audit":
                args = (*args, "--all", "-o", out, "-f", "json", "-o", f"{out}.text", "-f", "text")
            done = estate.run(*args, "-v", **env)
            shown.append((args, done.out, done.err))
            if code is not None:
                self.assertIn(done.code, code, done.out + done.err)
            if out.exists():
                done.report = json.loads(out.read_text())
            for where, text in (("stdout", done.out), ("stderr", done.err)):
                self.assertEqual(plants_in(text.encode()), set(), (where, args, text))
            return done

        def finish():
            watch.__exit__()
            watch.files(private_is_fine=False)
            self.assertEqual(watch.found, set())
            self.assertGreater(watch.rounds, 1)
            self.assertEqual(list((top / "tmp").iterdir()), [])

        return run, finish

    def every_way(self, estate, given=(), **env):
        """In sync, changed, with errors that repeat what was sent, and with all commands."""
        run, finish = self.watched(estate, given)
        estate.write()
        done = run("audit", code=(0,), **env)  # what has no pack, Terraform looks at
        verdicts = done.verdicts()
        self.assertEqual(verdicts["aws_ssm_parameter.p"], "in_sync", done.report)
        self.assertEqual(verdicts["aws_secretsmanager_secret.s"], "in_sync")
        self.cloud.value = PLANTS["changed"]
        done = run("audit", code=(2,), **env)
        (value,) = [a for a in done.resource("aws_ssm_parameter.p")["attributes"]
                    if a["path"] == "value"]
        self.assertEqual((value["verdict"], value["sensitive"]), ("drifted", True))
        run("explain", "aws_ssm_parameter.p", **env)
        run("observe", code=(0, 4), **env)
        run("doctor", **env)
        run("audit", "--save-baseline", **env)
        for fault in ("echo", "garbage", "echo sts"):
            self.cloud.fault = fault
            run("audit", code=(2, 4), **env)
        self.cloud.fault = "echo"
        run("observe", **env)
        run("doctor", **env)
        self.cloud.fault, self.cloud.value = None, PLANTS["parameter"]
        finish()

    def test_environment(self):
        self.every_way(self.aws(), AWS_ACCESS_KEY_ID="AKIDenv",
                       AWS_SECRET_ACCESS_KEY=PLANTS["environment"],
                       AWS_SESSION_TOKEN=PLANTS["session"])

    def test_role(self):
        block = {"assume_role": {"role_arn": role("deploy"), "external_id": PLANTS["external"]}}
        estate = self.aws(block)
        given = [estate.repo / "main.tf", estate.repo / ".git"]
        estate.write()
        with self.subTest("the text of the configuration is given, too"):
            run, finish = self.watched(estate, given)
            run("audit", AWS_ACCESS_KEY_ID="AKIDenv", AWS_SECRET_ACCESS_KEY=PLANTS["environment"])
            self.cloud.fault = "echo sts"
            run("audit", AWS_ACCESS_KEY_ID="AKIDenv", AWS_SECRET_ACCESS_KEY=PLANTS["environment"],
                AWS_SESSION_TOKEN=PLANTS["session"])

    def test_profile_with_a_role(self):
        estate = self.aws()
        self.shared(estate, f"[profile r]\nrole_arn = {role('r')}\nsource_profile = k\n"
                    f"external_id = {PLANTS['external']}\n[profile k]\naws_access_key_id = AKIDk\n"
                    f"aws_secret_access_key = {PLANTS['shared']}\n"
                    f"aws_session_token = {PLANTS['session']}\n")
        self.every_way(estate, AWS_PROFILE="r")

    def shared(self, estate, config):
        (estate.top / "home/.aws/config").write_text(config)

    def test_provider_block(self):
        estate = self.aws({"access_key": "AKIDblock", "secret_key": "var.secret",
                           "token": "var.token"}, secret=PLANTS["block"],
                          token=PLANTS["blocktoken"])
        self.every_way(estate)

    def test_credential_process(self):
        estate = self.aws()
        script = estate.top / "home/.aws/process"
        script.write_text(f"""echo '{PLANTS["processerror"]}' >&2
sleep 0.1
echo '{{"Version": 1, "AccessKeyId": "AKIDp", "SecretAccessKey": "{PLANTS["process"]}",
"SessionToken": "{PLANTS["processtoken"]}"}}'
sleep 0.1
""")
        self.shared(estate, f"[default]\ncredential_process = /bin/sh {script}\n")
        self.every_way(estate)

    def test_credential_process_that_fails(self):
        estate = self.aws()
        script = estate.top / "home/.aws/process"
        self.shared(estate, f"[default]\ncredential_process = /bin/sh {script}\n")
        estate.write()
        run, finish = self.watched(estate)
        for end in ("exit 1", "kill -9 $$", "exit 0"):
            script.write_text(f"echo '{PLANTS['process']}'; echo '{PLANTS['process']}' >&2; {end}")
            self.assertIn("credential_process", json.dumps(run("audit", code=(4,)).report))
            run("doctor")
        finish()

    def test_sso(self):
        estate = self.aws()
        cache = estate.top / "home/.aws/sso/cache"
        cache.mkdir(parents=True)
        (cache / (hashlib.sha1(b"corp").hexdigest() + ".json")).write_text(json.dumps(
            {"accessToken": PLANTS["sso"], "expiresAt": "2099-01-01T00:00:00Z"}))
        self.shared(estate, "[default]\nsso_session = corp\nsso_account_id = 123456789012\n"
                    "sso_role_name = R\n[sso-session corp]\nsso_region = eu-west-1\n"
                    "sso_start_url = https://example.com/start\n")
        self.every_way(estate)
        self.cloud.sso_token = "another"
        run, finish = self.watched_again(estate)
        self.assertIn("aws sso login", json.dumps(run("audit", code=(4,)).report))
        finish()

    def watched_again(self, estate):
        (estate.top / "out").rename(estate.top / "before")
        return self.watched(estate)

    def test_web_identity(self):
        estate = self.aws()
        (estate.top / "home/.aws/jwt").write_text(PLANTS["jwt"])
        self.every_way(estate, AWS_WEB_IDENTITY_TOKEN_FILE=estate.top / "home/.aws/jwt",
                       AWS_ROLE_ARN=role("web"))

    def test_container(self):
        self.every_way(self.aws(), AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{self.cloud.url}/container",
                       AWS_CONTAINER_AUTHORIZATION_TOKEN=PLANTS["container"])

    def test_proxy(self):
        estate = self.aws()
        estate.env.update(AWS_ACCESS_KEY_ID="AKIDenv", AWS_SECRET_ACCESS_KEY=PLANTS["environment"],
                          AWS_ENDPOINT_URL="https://elsewhere.example.com")
        estate.write()
        run, finish = self.watched(estate)
        password = urllib.parse.quote(PLANTS["proxy"], safe="")
        with Proxy("somebody:else") as proxy:
            for url in (proxy.url.replace("//", f"//me:{password}@"),
                        f"http://me:{password}@127.0.0.1:1", f"nope://me:{password}@127.0.0.1:1",
                        f"http://me:{PLANTS['proxy']}@ho st:1"):
                run("audit", code=(4,), HTTPS_PROXY=url)
                run("doctor", HTTPS_PROXY=url)
        finish()

    def test_what_the_tool_says(self):
        """Errors of the tool are shown, without the values of sensitive variables."""
        estate = self.aws()
        estate.env.update(AWS_ACCESS_KEY_ID="AKIDenv", AWS_SECRET_ACCESS_KEY=PLANTS["environment"])
        estate.write()
        (estate.bin / "plan-fails").write_text(f"Error: bad value {PLANTS['variable']!r}\n")
        run, finish = self.watched(estate)
        run("audit", code=(1,))
        run("explain", "aws_ssm_parameter.p", code=(1,))
        finish()

    def test_states_that_are_broken(self):
        estate = self.aws()
        estate.write()
        state = estate.repo / "terraform.tfstate"
        text = state.read_text()
        run, finish = self.watched(estate)
        for broken in (text[:-20], text.replace("Plant", '"Plant', 1), "[" + text,
                       text.replace(f'"{PLANTS["version"]}"', f'{{"x": "{PLANTS["version"]}"'),
                       text.replace('"version": 4', f'"version": "{PLANTS["version"]}"'),
                       PLANTS["version"]):
            state.write_text(broken)
            run("audit", code=(1, 4))
        finish()

    def acme(self, auth=None):
        estate = self.enter(Estate("example/acme"))
        for name, text in worked_example().items():
            estate.pack(name, re.sub(r"(?m)^auth:.*$", f"auth: {auth}", text) if auth else text)
        for number in range(1, 5):
            estate.add("acme_order", f"o{number}", recorded(number))
        return estate

    def observer(self, auth, **env):
        acme = Acme(lambda request: True)
        for number in range(1, 5):
            acme.put(number)
        server = self.enter(Server(acme))
        estate = self.acme(auth)
        estate.write()
        run, finish = self.watched(estate)
        run("audit", code=(0,), ACME_URL=server.url, **env)

        def echo(request):
            sent = " ".join(f"{k}: {v}" for k, v in request.headers.items())
            if "whoami" in request.target:
                return reply(403, {"error": {"code": sent, "message": "x" * 235 + sent}})
            return reply(401, {"error": {"code": "unauthorized", "message": f"not {sent}"}})

        server.handler = echo
        run("audit", code=(4,), ACME_URL=server.url, **env)
        run("observe", ACME_URL=server.url, **env)
        run("doctor", ACME_URL=server.url, **env)
        server.handler = lambda r: reply(302, b"", {"Location": "/?t=" + PLANTS["garbage"]})
        run("audit", code=(4,), ACME_URL=server.url, **env)
        finish()

    def test_bearer(self):
        self.observer(None, ACME_TOKEN=PLANTS["bearer"])

    def test_basic(self):
        self.observer("{scheme: basic, username: me, password: {env: ACME_PASSWORD}}",
                      ACME_PASSWORD=PLANTS["basic"])

    def test_token_in_a_file(self):
        path = self.enter(Estate("example/x")).top / "token"
        path.write_text(PLANTS["bearer"] + "\n")
        self.observer(f"{{scheme: token, header: X-Key, prefix: 'Key ', token: {{file: {path}}}}}")

    def test_state_behind_http(self):
        estate = self.acme()
        estate.add("acme_order", "s", {"id": "9", "customer": PLANTS["version"]},
                   sensitive=["customer"])
        state = json.dumps(estate.state())
        answers = [reply(200, state), reply(403, PLANTS["garbage"]), reply(200, state[:-30]),
                   reply(500, PLANTS["garbage"])]
        server = self.enter(Server(lambda request: answers[0]))
        main = estate.main_tf
        estate.main_tf = lambda: main().replace('backend "local" {}', 'backend "http" {}')
        estate.write()
        run, finish = self.watched(estate)
        there = server.url.replace("//", f"//me:{urllib.parse.quote(PLANTS['backend'], safe='')}@")
        for address, env in ((server.url, {"TF_HTTP_USERNAME": "me",
                                           "TF_HTTP_PASSWORD": PLANTS["backend"]}), (there, {})):
            for answer in list(answers):
                answers[0] = answer
                run("audit", TF_HTTP_ADDRESS=address, ACME_TOKEN="x",
                    ACME_URL="http://127.0.0.1:1", **env)
        login = base64.b64encode(f"me:{PLANTS['backend']}".encode()).decode()
        self.assertEqual(server.requests[0].headers["authorization"], f"Basic {login}")
        finish()


class Itself(unittest.TestCase):
    """The search finds what it should."""

    def test_spellings(self):
        secret = PLANTS["bearer"]
        for text in (secret, urllib.parse.quote(secret, safe=""), hashlib.sha256(
                secret.encode()).hexdigest(), base64.b64encode(b"me:" + secret.encode()).decode(),
                base64.b64encode(b"m:" + secret.encode() + b"!").decode()):
            self.assertEqual(plants_in(f"x {text} y".encode()), {"bearer"}, text)

    def test_watch(self):
        with Estate("example/x") as estate:
            (estate.top / "tmp/a").write_text(PLANTS["bearer"])
            (estate.top / "tmp/b").write_text(PLANTS["version"])
            (estate.top / "tmp/c").write_text(PLANTS["version"])
            (estate.top / "tmp/a").chmod(0o600)
            (estate.top / "tmp/b").chmod(0o600)
            (estate.top / "tmp/c").chmod(0o644)
            with Watch([estate.top / "tmp"], set()) as watch:
                time.sleep(0.1)
            self.assertEqual({(n, Path(p).name) for n, p in watch.found},
                             {("bearer", "a"), ("version", "c")})


if __name__ == "__main__":
    unittest.main()
