"""AWS credentials, region and endpoints as people have them, and as botocore finds them."""

import json
import os
import time
import json
import os
import signal
import subprocess
import time
import unittest

import yaml

from awsworld import Home, World, have_botocore, role, stamp
from servers import LIVETRY, ROOT, Proxy, reply

KEYS = "aws_access_key_id = {}\naws_secret_access_key = secret\n"
CHAIN = f"""[profile app]
role_arn = {role("app")}
source_profile = middle
external_id = e 1+&/ü
role_session_name = audit
duration_seconds = 1800
[profile middle]
role_arn = {role("middle")}
source_profile = ground
[profile ground]
{KEYS.format("AKIDground")}"""

SSO = """[profile sso]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = Reader
region = eu-west-1
[sso-session corp]
sso_region = eu-west-1
sso_start_url = https://example.com/start
[profile old]
sso_start_url = https://example.com/start
sso_region = eu-west-1
sso_account_id = 123456789012
sso_role_name = Older
"""


class WithWorld(unittest.TestCase):
    def setUp(self):
        self.world = World().__enter__()
        self.addCleanup(self.world.__exit__)

    def home(self, config="", credentials="", **env):
        home = Home(self.world, config, credentials, **env)
        self.addCleanup(home.__exit__)
        return home


class LikeBotocore(WithWorld):
    """The same files and variables give the same keys, and STS is asked the same."""

    CASES = {
        "variables": ({"AWS_ACCESS_KEY_ID": "AKIDenv", "AWS_SECRET_ACCESS_KEY": "s",
                       "AWS_SESSION_TOKEN": "t"}, "", ""),
        "variables before a profile's": (
            {"AWS_ACCESS_KEY_ID": "AKIDenv", "AWS_SECRET_ACCESS_KEY": "s", "AWS_PROFILE": "ground"},
            CHAIN, ""),
        "the default profile": ({}, "[default]\n" + KEYS.format("AKIDconfig"), ""),
        "credentials before config": (
            {}, "[default]\nregion = eu-west-3\n" + KEYS.format("AKIDconfig"),
            "[default]\n" + KEYS.format("AKIDcredentials") + "aws_session_token = tok\n"),
        "AWS_PROFILE": ({"AWS_PROFILE": "dev", "AWS_DEFAULT_REGION": ""},
                        "[profile dev]\nregion = us-west-2\n", "[dev]\n" + KEYS.format("AKIDdev")),
        "a name with a space": ({"AWS_PROFILE": "my own"},
                                '[profile "my own"]\n' + KEYS.format("AKIDspace"), ""),
        "a name with a space in the other file": (
            {"AWS_PROFILE": "my own"}, "", "[my own]\n" + KEYS.format("AKIDspace")),
        "files elsewhere": (
            {"AWS_CONFIG_FILE": "~/conf", "AWS_SHARED_CREDENTIALS_FILE": "{home}/cred",
             "AWS_PROFILE": "far", "AWS_DEFAULT_REGION": ""}, "", ""),
        "a chain of roles": ({"AWS_PROFILE": "app"}, CHAIN, ""),
        "a role with the keys beside it": (
            {"AWS_PROFILE": "self"}, f"[profile self]\nrole_arn = {role('own')}\n"
            "source_profile = self\n" + KEYS.format("AKIDself"), ""),
        "a role by the environment's keys": (
            {"AWS_PROFILE": "p", "AWS_ACCESS_KEY_ID": "AKIDenv", "AWS_SECRET_ACCESS_KEY": "s"},
            f"[profile p]\nrole_arn = {role('env')}\ncredential_source = Environment\n", ""),
        "a role by the container's": (
            {"AWS_PROFILE": "p", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "{url}/container"},
            f"[profile p]\nrole_arn = {role('task')}\ncredential_source = EcsContainer\n", ""),
        "a role by the instance's": (
            {"AWS_PROFILE": "p", "AWS_EC2_METADATA_DISABLED": "false",
             "AWS_EC2_METADATA_SERVICE_ENDPOINT": "{url}/"},
            f"[profile p]\nrole_arn = {role('ec2')}\ncredential_source = Ec2InstanceMetadata\n",
            ""),
        "web identity": ({"AWS_WEB_IDENTITY_TOKEN_FILE": "{home}/jwt", "AWS_ROLE_ARN": role("web"),
                          "AWS_ROLE_SESSION_NAME": "me"}, "", ""),
        "a profile's web identity": (
            {"AWS_PROFILE": "w"}, f"[profile w]\nrole_arn = {role('web')}\n"
            "web_identity_token_file = {home}/jwt\nrole_session_name = me\n", ""),
        "a role behind web identity": (
            {"AWS_PROFILE": "over"}, f"[profile w]\nrole_arn = {role('web')}\n"
            "web_identity_token_file = {home}/jwt\nrole_session_name = me\n"
            f"[profile over]\nrole_arn = {role('over')}\nsource_profile = w\n"
            "role_session_name = me\n", ""),
        "credential_process": (
            {"AWS_PROFILE": "p"}, "[profile p]\ncredential_process = /bin/sh {home}/process 'a b'"
            "\n", ""),
        "a role behind credential_process": (
            {"AWS_PROFILE": "r"}, "[profile p]\ncredential_process = /bin/sh {home}/process 'a b'"
            f"\n[profile r]\nrole_arn = {role('proc')}\nsource_profile = p\n", ""),
        "SSO": ({"AWS_PROFILE": "sso"}, SSO, ""),
        "SSO, older": ({"AWS_PROFILE": "old"}, SSO, ""),
        "a role behind SSO": ({"AWS_PROFILE": "r"}, SSO + f"[profile r]\nrole_arn = "
                              f"{role('behind')}\nsource_profile = sso\n", ""),
        "the container": ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "{url}/container",
                           "AWS_CONTAINER_AUTHORIZATION_TOKEN": "Basic abc"}, "", ""),
        "the container, with a token in a file": (
            {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "{url}/container",
             "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "{home}/jwt"}, "", ""),
        "the instance": ({"AWS_EC2_METADATA_DISABLED": "false",
                          "AWS_EC2_METADATA_SERVICE_ENDPOINT": "{url}"}, "", ""),
        "a profile that only has a region": (
            {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "{url}"},
            "[default]\nregion = eu-west-1\n", ""),
    }

    def prepare(self, name):
        env, config, credentials = self.CASES[name]
        home = self.home("", credentials, **env)
        home.file(".aws/config", config.replace("{home}", str(home.dir)))
        home.file("conf", "[profile far]\nregion = ap-south-1\n")
        home.file("cred", "[far]\n" + KEYS.format("AKIDfar"))
        home.file("jwt", "header.body.signature")
        home.file("process", f"""test "$1" = 'a b' || exit 3
echo '{{"Version": 1, "AccessKeyId": "AKIDproc", "SecretAccessKey": "s", "SessionToken": "t",
"Expiration": "{stamp(3600)}"}}'""")
        home.sso_token("corp")
        home.sso_token("https://example.com/start")
        return home

    def seen(self, drop=("Version", "DurationSeconds", "RoleSessionName")):
        out = [(*x[:3], {k: v for k, v in x[3].items() if k not in drop})
               for x in self.world.assumed()]
        others = sorted({r.target for r in self.world.requests} - {"/"})
        self.world.requests.clear()
        return out, others

    def test_keys(self):
        if not have_botocore():
            self.skipTest("botocore is not installed")
        for name in self.CASES:
            with self.subTest(name):
                home = self.prepare(name)
                self.world.requests.clear()
                theirs = home.botocore()
                asked = self.seen()
                ours = home.plumb()
                self.assertIsNone(ours["error"])
                self.assertIsNotNone(theirs["access_key"], theirs)
                for what in ("access_key", "token"):
                    self.assertEqual((ours[what] or "").strip(), (theirs[what] or "").strip())
                self.assertEqual(self.seen()[0], asked[0])
                if theirs["region"]:
                    self.assertEqual(ours["region"], theirs["region"])

    def test_every_case_finds_something(self):
        """The same cases where botocore is not there to compare with."""
        for name in self.CASES:
            with self.subTest(name):
                found = self.prepare(name).plumb()
                self.assertIsNone(found["error"])
                self.assertRegex(found["access_key"], "^(AKID|ASIA)[a-z0-9]+")

    def test_what_a_chain_sends(self):
        found = self.prepare("a chain of roles").plumb()
        self.assertEqual((found["access_key"], found["source"]), ("ASIAapp", "profile"))
        (_, first, key, _), (_, second, with_key, form) = self.world.assumed()
        self.assertEqual((first, key, second, with_key),
                         ("middle", "AKIDground", "app", "ASIAmiddle"))
        self.assertEqual((form["ExternalId"], form["RoleSessionName"], form["DurationSeconds"]),
                         ("e 1+&/ü", "audit", "1800"))


class Endpoints(WithWorld):
    SERVICES = yaml.safe_load(
        (ROOT / "schemas/observers/aws/provider.yaml").read_text())["services"]
    CONFIG = """[default]
region = eu-west-1
services = mine
endpoint_url = http://profile.example.com
[services mine]
s3 =
  endpoint_url = http://s3.example.com
ec2 =
  endpoint_url = http://ec2.example.com/
cloudwatch_logs =
  endpoint_url = http://logs.example.com
elastic_load_balancing_v2 =
  endpoint_url = http://elbv2.example.com
[profile other]
region = eu-west-1
"""

    def test_like_botocore(self):
        if not have_botocore():
            self.skipTest("botocore is not installed")
        names = sorted(self.SERVICES)
        for env in ({}, {"AWS_ENDPOINT_URL": "http://all.example.com"},
                    {"AWS_ENDPOINT_URL_S3": "http://s3-env.example.com", "AWS_PROFILE": "other"},
                    {"AWS_ENDPOINT_URL": "http://all.example.com",
                     "AWS_ENDPOINT_URL_SECRETS_MANAGER": "http://sm.example.com",
                     "AWS_ENDPOINT_URL_AUTO_SCALING": "http://as.example.com",
                     "AWS_ENDPOINT_URL_ROUTE_53": "http://r53.example.com/",
                     "AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2": "http://lb.example.com",
                     "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": "http://cwl.example.com"},
                    {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "True",
                     "AWS_ENDPOINT_URL_S3": "http://never.example.com"}):
            with self.subTest(env):
                home = self.home(self.CONFIG, **env)
                ours = home.plumb(ask=names)["endpoints"]
                for name, theirs in home.botocore(*names)["endpoints"].items():
                    if ours[name] is None:
                        self.assertIn("amazonaws.com", theirs, name)
                    else:
                        self.assertEqual(ours[name], theirs.rstrip("/"), name)

    def test_block_before_all(self):
        home = self.home(self.CONFIG, AWS_ENDPOINT_URL="http://all.example.com",
                         AWS_IGNORE_CONFIGURED_ENDPOINT_URLS="true")
        found = home.plumb({"endpoints": [{"s3": "http://block.example.com/", "elb": None,
                                           "elasticloadbalancingv2": "http://lb.example.com",
                                           "ec2": ""}]}, ask=["s3", "elbv2", "ec2", "elb"])
        self.assertEqual(found["endpoints"], {"s3": "http://block.example.com", "ec2": None,
                                              "elbv2": "http://lb.example.com", "elb": None})

    def public(self, region):
        """The URLs that provider.yaml gives the services in a region."""
        partition = {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(region.rsplit("-", 2)[0], "aws")
        suffix = "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
        out = {}
        for name, service in self.SERVICES.items():
            url = service["endpoint"]
            if isinstance(url, dict):
                url = url.get(partition, url.get("default", ""))
            out[name] = url.replace("{region}", region).replace("{dns_suffix}", suffix)
        return out

    def test_fips_and_dual_stack_like_botocore(self):
        if not have_botocore():
            self.skipTest("botocore is not installed")
        compared = 0
        for region in ("eu-west-1", "us-gov-west-1", "cn-north-1"):
            for how in ((), ("FIPS",), ("DUALSTACK",), ("FIPS", "DUALSTACK")):
                if region.startswith("cn") and "FIPS" in how:
                    continue  # there is none
                home = self.home(AWS_DEFAULT_REGION=region,
                                 **{f"AWS_USE_{x}_ENDPOINT": "true" for x in how})
                del home.env["AWS_ENDPOINT_URL_STS"]
                urls = self.public(region)
                ours = home.plumb(public=list(urls.values()))["public"]
                theirs = home.botocore(*urls, region=region)["endpoints"]
                for name in urls:
                    if "-global" in theirs[name] or (name == "ecr" and len(how) == 2):
                        continue  # botocore makes up a host by a rule
                    self.assertEqual(ours[urls[name]], theirs[name], (name, region, how))
                    compared += 1
        self.assertGreater(compared, 150)

    def test_where_fips_is_asked_for(self):
        url = "https://ec2.eu-west-1.amazonaws.com"
        fips = "https://ec2-fips.eu-west-1.amazonaws.com"
        config = "[default]\nregion = eu-west-1\nuse_fips_endpoint = true\n"
        env = {"AWS_DEFAULT_REGION": "eu-west-1"}
        for home, block, want in (
                (self.home(config, **env), {}, fips),
                (self.home(config, AWS_USE_FIPS_ENDPOINT="false", **env), {}, url),
                (self.home(config, **env), {"use_fips_endpoint": False}, url),
                (self.home(**env), {"use_fips_endpoint": True}, fips),
                (self.home(**env), {"use_fips_endpoint": "true"}, fips),
                (self.home(**env), {}, url)):
            self.assertEqual(home.plumb(block, public=[url])["public"][url], want)


class Block(WithWorld):
    """What a provider block, or an s3 backend, says itself."""

    KEYS = {"access_key": "AKIDblock", "secret_key": "s", "region": "eu-west-1"}

    def test_roles_in_order(self):
        found = self.home().plumb({**self.KEYS, "assume_role": [
            {"role_arn": role("one"), "session_name": "first", "external_id": "x/1",
             "duration": "1h30m", "policy_arns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
             "tags": {"team": "a b"}, "transitive_tag_keys": ["team"],
             "source_identity": "me", "policy": "{}"},
            {"role_arn": role("two")}]})
        self.assertEqual(found["access_key"], "ASIAtwo")
        (_, one, key, form), (_, two, with_key, _) = self.world.assumed()
        self.assertEqual((one, key, two, with_key), ("one", "AKIDblock", "two", "ASIAone"))
        self.assertEqual(form, {
            "Version": "2011-06-15", "RoleSessionName": "first", "ExternalId": "x/1",
            "DurationSeconds": "5400", "Policy": "{}", "SourceIdentity": "me",
            "PolicyArns.member.1.arn": "arn:aws:iam::aws:policy/ReadOnlyAccess",
            "Tags.member.1.Key": "team", "Tags.member.1.Value": "a b",
            "TransitiveTagKeys.member.1": "team"})

    def test_web_identity(self):
        home = self.home()
        jwt = home.file("jwt", "a.b.c\n")
        for how in ({"web_identity_token": "a.b.c"}, {"web_identity_token_file": jwt}):
            found = home.plumb({"region": "eu-west-1", "assume_role_with_web_identity": [
                {"role_arn": role("w"), "session_name": "me", **how}]})
            self.assertEqual(found["access_key"], "ASIAw")
            action, _, key, form = self.world.assumed()[-1]
            self.assertEqual((action, key, form["WebIdentityToken"], form["RoleSessionName"]),
                             ("AssumeRoleWithWebIdentity", None, "a.b.c", "me"))

    def test_profile_and_files(self):
        home = self.home(CHAIN, AWS_ACCESS_KEY_ID="AKIDenv", AWS_SECRET_ACCESS_KEY="s",
                         AWS_PROFILE="nowhere")
        conf = home.file("conf", "[profile two]\nregion = eu-south-1\n")
        cred = home.file("cred", "[two]\n" + KEYS.format("AKIDtwo"))
        found = home.plumb({"profile": "two", "shared_config_files": [conf],
                            "shared_credentials_files": [cred], "region": ""})
        self.assertEqual((found["access_key"], found["region"]), ("AKIDtwo", "eu-central-1"))
        found = home.plumb({"profile": "app"})
        self.assertEqual(found["access_key"], "ASIAapp")

    def test_a_profile_that_leads_in_a_circle(self):
        for config in (f"[profile a]\nrole_arn = {role('a')}\nsource_profile = b\n"
                       f"[profile b]\nrole_arn = {role('b')}\nsource_profile = a\n",
                       f"[profile a]\nrole_arn = {role('a')}\nsource_profile = a\n"):
            home = self.home(config, AWS_PROFILE="a")
            self.assertRegex(home.plumb()["error"], "circle|no credentials")
            self.assertEqual(self.world.requests, [])

    def test_half_of_the_keys_is_an_error(self):
        """Falling through to the environment could be another account."""
        home = self.home(AWS_ACCESS_KEY_ID="AKIDenv", AWS_SECRET_ACCESS_KEY="s")
        for half in ({"access_key": "AKIDx"}, {"secret_key": "half-a-secret"}):
            error = home.plumb(half)["error"]
            self.assertIn("access_key and secret_key", error)
            self.assertNotIn("half", error)

    def test_region_of_sts(self):
        home = self.home(AWS_USE_FIPS_ENDPOINT="true")
        for region, want in (({}, "eu-west-1"), ({"sts_region": "us-east-2"}, "us-east-2")):
            home.plumb({**self.KEYS, **region, "assume_role": {"role_arn": role("x")}})
            self.assertIn(f"/{want}/sts/aws4_request",
                          self.world.requests[-1].headers["authorization"])


class Sts(WithWorld):
    ROLE = {"access_key": "AKIDblock", "secret_key": "s", "assume_role": {"role_arn": role("r")}}

    def test_throttled(self):
        """It says so with a 400: many who start at the same time all get through."""
        slow = reply(400, "<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded"
                          "</Message></Error></ErrorResponse>", {"Content-Type": "text/xml"})
        answers, real = [slow, slow], self.world.handler
        self.world.handler = lambda r: answers.pop() if answers else real(r)
        self.assertEqual(self.home().plumb(self.ROLE)["access_key"], "ASIAr")
        self.assertEqual(len(self.world.requests), 3)

    def test_refusals_are_not_tried_again(self):
        self.world.denied.add("r")
        self.assertIn("403 AccessDenied: no", self.home().plumb(self.ROLE)["error"])
        self.assertEqual(len(self.world.requests), 1)


class Refused(WithWorld):
    def test_what_needs_a_person(self):
        for config, words in (
                (f"[profile x]\nrole_arn = {role('m')}\nsource_profile = x\nmfa_serial = y\n"
                 + KEYS.format("AKIDx"), "MFA"),
                ("[profile x]\nlogin_session = arn:aws:iam::123456789012:user/x\n", "aws login")):
            error = self.home(config, AWS_PROFILE="x").plumb()["error"]
            self.assertIn(words, error)
            self.assertIn("aws configure export-credentials --profile x --format env", error)


class Renewal(WithWorld):
    CHAIN = {"AWS_PROFILE": "ground"}
    ROLE = {"assume_role": [{"role_arn": role("r")}]}

    def secrets(self, *waits):
        home = self.home(CHAIN, **self.CHAIN)
        return [x["secret_key"] for x in home.plumb(self.ROLE, again_ms=list(waits))]

    def test_once_while_they_hold(self):
        self.assertEqual(set(self.secrets(0, 10, 10)), {"secret-r-1"})

    def test_short_lived_are_not_fetched_for_each_request(self):
        self.world.seconds = 120
        self.assertEqual(set(self.secrets(0, 10, 10)), {"secret-r-1"})

    def test_before_they_expire(self):
        self.world.seconds = 4
        self.assertEqual(self.secrets(2500, 2500), ["secret-r-1", "secret-r-2", "secret-r-3"])

    def test_a_failure_to_renew_is_forgotten(self):
        """What still holds is used; and once STS is there again, so is the audit."""
        self.world.seconds = 8
        answers, real = [], self.world.handler

        def sometimes(request):
            answers.append(1)
            return real(request) if len(answers) == 1 or len(answers) > 5 else reply(503)

        self.world.handler = sometimes
        self.assertEqual(self.secrets(4500, 2000), ["secret-r-1", "secret-r-1", "secret-r-2"])

    def test_what_is_given_expired_is_not_used(self):
        self.world.seconds = -5
        home = self.home(CHAIN, **self.CHAIN)
        self.assertIn("have expired", home.plumb(self.ROLE)["error"])

    def test_refused_is_asked_once(self):
        self.world.denied.add("r")
        home = self.home(CHAIN, **self.CHAIN)
        lines = home.plumb(self.ROLE, again_ms=[0, 10, 10])
        self.assertEqual(len(self.world.requests), 1)
        self.assertIn("AccessDenied", lines[3]["error"])


class Metadata(WithWorld):
    def machine(self, **env):
        far = self.world.url.replace("127.0.0.1", "0.0.0.0")  # not known for this machine
        return self.home(AWS_EC2_METADATA_DISABLED="false",
                         AWS_EC2_METADATA_SERVICE_ENDPOINT=far, **env)

    def test_no_proxy_sees_the_machines_keys(self):
        with Proxy() as proxy:
            home = self.machine(http_proxy=proxy.url)
            self.assertEqual(home.plumb()["access_key"], "ASIAmachine")
            self.assertEqual(proxy.requests, [])

    def test_version_2_only(self):
        self.machine().plumb()
        put, *rest = self.world.requests
        self.assertEqual((put.method, put.target), ("PUT", "/latest/api/token"))
        self.assertTrue(put.headers["x-aws-ec2-metadata-token-ttl-seconds"])
        self.assertEqual({r.headers["x-aws-ec2-metadata-token"] for r in rest}, {"metadata-token"})

    def test_region(self):
        home = self.machine(AWS_DEFAULT_REGION="")
        self.assertEqual(home.plumb()["region"], "eu-north-1")

    def test_switched_off(self):
        for value in ("true", "True", "TRUE"):
            home = self.machine()
            home.env["AWS_EC2_METADATA_DISABLED"] = value
            self.assertIn("no AWS credentials", home.plumb()["error"])
        self.assertIn("no AWS credentials",
                      self.machine().plumb({"skip_metadata_api_check": "true"})["error"])
        self.assertEqual(self.world.requests, [])

    def test_nobody_there_takes_seconds(self):
        self.world.__exit__()
        began = time.monotonic()
        self.assertIn("no AWS credentials", self.machine().plumb()["error"])
        self.assertLess(time.monotonic() - began, 8)


class Process(WithWorld):
    """credential_process: no shell, bounded, and nothing of what it says is left or shown."""

    def process(self, script, command="/bin/sh {home}/process"):
        home = self.home()
        self.script = home.file("process", script)
        home.file(".aws/config", "[default]\ncredential_process = "
                  + command.replace("{home}", str(home.dir)) + "\n")
        home.env["TMPDIR"] = str(home.dir / "tmp")
        (home.dir / "tmp").mkdir()
        return home

    def test_no_shell(self):
        mark = "$(touch {home}/mark); > {home}/mark `touch {home}/mark` && touch {home}/mark"
        home = self.process("printf %s \"$*\" >$HOME/args; exit 4",
                            "/bin/sh {home}/process " + mark)
        self.assertIn("ended with exit code 4", home.plumb()["error"])
        self.assertEqual((home.dir / "args").read_text(), mark.replace("{home}", str(home.dir)))
        self.assertFalse((home.dir / "mark").exists())

    def test_what_it_says_is_not_shown(self):
        for script in ("echo half-a-secret; echo half-a-secret >&2; exit 1",
                       "echo '{\"SecretAccessKey\": \"half-a-secret\"'",
                       "echo '{\"Version\": 1, \"SecretAccessKey\": \"half-a-secret\"}'",
                       "echo '{\"Version\": 2, \"AccessKeyId\": \"half-a-secret\"}'",
                       "echo half-a-secret; kill -9 $$"):
            error = self.process(script).plumb()["error"]
            self.assertIn("credential_process", error)
            self.assertNotIn("half", error)

    def test_version(self):
        for version in ("", '"Version": 2,', '"Version": "1",'):
            home = self.process(f"""echo '{{{version} "AccessKeyId": "AKIDp",
                "SecretAccessKey": "s"}}'""")
            self.assertIn('does not say "Version": 1', home.plumb()["error"])

    def test_nothing_on_the_disk(self):
        home = self.process("""find "$TMPDIR" -type f >"$HOME/files"
            echo '{"Version": 1, "AccessKeyId": "AKIDp", "SecretAccessKey": "s"}'
            find "$TMPDIR" -type f >>"$HOME/files" """)
        self.assertEqual(home.plumb()["access_key"], "AKIDp")
        self.assertEqual((home.dir / "files").read_text(), "")

    def test_flood(self):
        home = self.process("exec yes 'half-a-secret'")
        began = time.monotonic()
        error = home.plumb()["error"]
        self.assertIn("printed more than 1024 KiB", error)
        self.assertLess(time.monotonic() - began, 20)

    def test_interrupted(self):
        home = self.process("trap 'kill $!; exit 1' INT; echo $$ >$HOME/pid; sleep 60 & wait")
        child = subprocess.Popen([LIVETRY, "aws", '{"block": {}}'], env=home.env,
                                 stdout=subprocess.PIPE, text=True)
        while not (home.dir / "pid").exists() or not (home.dir / "pid").read_text().strip():
            time.sleep(0.02)
        child.send_signal(signal.SIGINT)
        self.assertIn("interrupted", json.loads(child.communicate(timeout=10)[0])["error"])
        with self.assertRaises(ProcessLookupError):
            os.kill(int((home.dir / "pid").read_text()), 0)


class Sso(WithWorld):
    def sso(self, profile="sso"):
        return self.home(SSO, AWS_PROFILE=profile)

    def test_nobody_has_signed_in(self):
        self.assertIn("nobody has signed in yet: run 'aws sso login --profile sso'",
                      self.sso().plumb()["error"])
        self.assertEqual(self.world.requests, [])

    def test_expired(self):
        for profile, key in (("sso", "corp"), ("old", "https://example.com/start")):
            home = self.sso(profile)
            home.sso_token(key, seconds=-1)
            error = home.plumb()["error"]
            self.assertIn(f"expired: run 'aws sso login --profile {profile}'", error)
            self.assertNotIn("sso-token", error)
        self.assertEqual(self.world.requests, [])

    def test_signed_out_elsewhere(self):
        home = self.sso()
        home.sso_token("corp", token="another-token")
        error = home.plumb()["error"]
        self.assertIn("no longer valid: run 'aws sso login --profile sso'", error)
        self.assertNotIn("another-token", error)
        self.assertEqual(len(self.world.requests), 1)

    def test_file_of_an_older_cli(self):
        home = self.sso("old")
        home.sso_token("https://example.com/start", expiresAt=stamp(600).replace("Z", "UTC"))
        self.assertEqual(home.plumb()["access_key"], "ASIAsso9012Older")

    def test_file_that_is_broken_is_not_quoted(self):
        home = self.sso()
        home.sso_token("corp")
        for path in (home.dir / ".aws/sso/cache").iterdir():
            path.write_text('{"accessToken": "half-a-secret')
        error = home.plumb()["error"]
        self.assertIn("run 'aws sso login", error)
        self.assertNotIn("half-a-secret", error)

    def test_what_is_missing_is_named(self):
        home = self.home(SSO.replace("sso_role_name = Reader\n", ""), AWS_PROFILE="sso")
        self.assertIn("lacks sso_role_name", home.plumb()["error"])
        home = self.home(SSO.replace("= corp", "= other"), AWS_PROFILE="sso")
        self.assertIn("sso_session 'other', which is not there", home.plumb()["error"])

    def test_expiry_is_known(self):
        home = self.sso()
        home.sso_token("corp")
        self.assertAlmostEqual(home.plumb()["expires"], time.time() + 3600, delta=60)


if __name__ == "__main__":
    unittest.main()
