"""Everything that gives AWS credentials, on one loopback server: STS, the SSO portal, the
container's endpoint and the instance's metadata; and a home folder with shared files.

The key that is given names where it came from: "ASIAdeploy" is the role deploy's."""

import datetime
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.parse
from pathlib import Path

from servers import Server, environment, livetry, reply

ACCOUNT = "123456789012"


def role(name):
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def stamp(seconds):
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


class World(Server):
    """`seconds` is how long what it gives will hold; `denied` roles get a 403; `down` is what
    answers 503."""

    def __init__(self):
        self.seconds, self.denied, self.down = 3600, set(), set()
        self.count = 0
        self.secret, self.token, self.sso_token = "secret", "token", "sso-token"
        super().__init__(self.answer)

    def answer(self, request):
        if any(request.path.startswith(p) for p in self.down):
            return reply(503)
        if request.path == "/" and request.method == "POST":
            return self.sts(dict(urllib.parse.parse_qsl(request.body.decode())))
        if request.path == "/federation/credentials":
            return self.sso(request, dict(urllib.parse.parse_qsl(request.query)))
        if request.path == "/container":
            return self.keys("container")
        if request.path == "/latest/api/token" and request.method == "PUT":
            return reply(200, b"metadata-token")
        if request.path.startswith("/latest/"):
            return self.instance(request)
        return reply(404)

    def sts(self, form):
        name = form.get("RoleArn", "").rpartition("/")[2]
        if name in self.denied:
            return reply(403, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no"
                              "</Message></Error></ErrorResponse>")
        action = form["Action"]
        self.count += 1
        return reply(200, f"""<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<{action}Result><Credentials><AccessKeyId>ASIA{name}</AccessKeyId>
<SecretAccessKey>{self.secret}-{name}-{self.count}</SecretAccessKey>
<SessionToken>{self.token}-{name}</SessionToken>
<Expiration>{stamp(self.seconds)}</Expiration></Credentials><AssumedRoleUser>
<AssumedRoleId>AROA:x</AssumedRoleId><Arn>{role(name)}/x</Arn></AssumedRoleUser></{action}Result>
<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{action}Response>""",
                     {"Content-Type": "text/xml"})

    def sso(self, request, query):
        if request.headers.get("x-amz-sso_bearer_token") != self.sso_token:
            return reply(401, {"message": "Session token not found or invalid"},
                         {"x-amzn-ErrorType": "UnauthorizedException"})
        self.count += 1
        until = int((datetime.datetime.now().timestamp() + self.seconds) * 1000)
        return reply(200, {"roleCredentials": {
            "accessKeyId": f"ASIAsso{query['account_id'][-4:]}{query['role_name']}",
            "secretAccessKey": f"{self.secret}-sso",
            "sessionToken": f"{self.token}-sso", "expiration": until}})

    def keys(self, name):
        self.count += 1
        return reply(200, {"Code": "Success", "AccessKeyId": f"ASIA{name}",
                           "SecretAccessKey": f"{self.secret}-{self.count}",
                           "Token": f"{self.token}-{name}",
                           "Expiration": stamp(self.seconds), "LastUpdated": stamp(0)})

    def instance(self, request):
        if request.headers.get("x-aws-ec2-metadata-token") != "metadata-token":
            return reply(401)
        path = request.path[len("/latest/"):]
        if path == "meta-data/iam/security-credentials/":
            return reply(200, b"machine")
        if path == "meta-data/iam/security-credentials/machine":
            return self.keys("machine")
        if path == "meta-data/placement/region":
            return reply(200, b"eu-north-1")
        return reply(404)

    def assumed(self):
        """What STS was asked: (action, role, signed with, the rest of the form)."""
        out = []
        for r in self.requests:
            if r.path == "/" and r.method == "POST":
                form = dict(urllib.parse.parse_qsl(r.body.decode()))
                key = re.search(r"Credential=([^/]*)/", r.headers.get("authorization", ""))
                out.append((form.pop("Action"), form.pop("RoleArn").rpartition("/")[2],
                            key and key.group(1), form))
        return out


class Home:
    """A home folder, and the environment that goes with it."""

    def __init__(self, world, config="", credentials="", **env):
        self.holder = tempfile.TemporaryDirectory(prefix="plumb-home-")
        self.dir = Path(self.holder.name)
        (self.dir / ".aws/sso/cache").mkdir(parents=True)
        (self.dir / ".aws/config").write_text(config)
        (self.dir / ".aws/credentials").write_text(credentials)
        self.env = environment(HOME=self.dir, AWS_EC2_METADATA_DISABLED="true",
                               AWS_DEFAULT_REGION="eu-central-1",
                               AWS_ENDPOINT_URL_STS=world.url, AWS_ENDPOINT_URL_SSO=world.url)
        self.env.update({k: str(v).replace("{home}", str(self.dir)).replace("{url}", world.url)
                         for k, v in env.items()})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.holder.cleanup()

    def file(self, name, text, mode=0o600):
        path = self.dir / name
        path.write_text(text)
        path.chmod(mode)
        return str(path)

    def sso_token(self, key, seconds=3600, token="sso-token", **more):
        """`key`: the session's name, or the start URL of the older form."""
        name = hashlib.sha1(key.encode()).hexdigest()
        self.file(f".aws/sso/cache/{name}.json", json.dumps(
            {"accessToken": token, "expiresAt": stamp(seconds), "region": "eu-west-1",
             "startUrl": "https://example.com/start", **more}))

    def plumb(self, block=None, **more):
        """What plumb found: the first of livetry's lines, or all with again_ms."""
        lines = livetry("aws", {"block": block or {}, **more}, self.env)
        return lines if "again_ms" in more else lines[0]

    BOTOCORE = """
import json, sys, logging
import botocore.session
logging.disable(logging.CRITICAL)
region, *ask = sys.argv[1:]
out = {}
try:
    s = botocore.session.Session()
    c = s.get_credentials()
    c = c and c.get_frozen_credentials()
    out = {"access_key": c and c.access_key, "secret_key": c and c.secret_key,
           "token": c and c.token, "region": s.get_config_variable("region")}
    out["endpoints"] = {n: s.create_client(n, region_name=region, aws_access_key_id="x",
                        aws_secret_access_key="x").meta.endpoint_url for n in ask}
except Exception as e:
    out = {"access_key": None, "error": type(e).__name__ + ": " + str(e)}
print(json.dumps(out))
"""

    def botocore(self, *ask, region="eu-west-1"):
        done = subprocess.run([sys.executable, "-c", self.BOTOCORE, region, *ask], env=self.env,
                              capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise AssertionError(done.stderr)
        return json.loads(done.stdout)


def have_botocore():
    return subprocess.run([sys.executable, "-c", "import botocore"], capture_output=True,
                          env=dict(os.environ)).returncode == 0
