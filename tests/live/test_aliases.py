"""Several configurations of one AWS provider in one unit: each resource is asked for where, and as
whom, its own says. From `plumb audit`, with the shipped packs."""

import json
import re
import unittest

from awsworld import World, role
from estate import Estate
from servers import Certificates, Server, reply


class Account:
    """SSM and STS of one account, as an endpoint of its own."""

    def __init__(self, number):
        self.number = number

    def __call__(self, request):
        target = request.headers.get("x-amz-target", "").rpartition(".")[2]
        if not target:
            return reply(200, "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>"
                         f"{self.number}</Account></GetCallerIdentityResult>"
                         "</GetCallerIdentityResponse>", {"Content-Type": "text/xml"})
        region = re.search(r"Credential=[^/]+/\d+/([^/]+)/", request.headers["authorization"])
        body = json.loads(request.body)
        (asked,) = body.get("ParameterFilters", [{}])
        names = body.get("Names") or asked.get("Values") or [body.get("Name")]
        one = [{"Name": n, "Type": "String", "Version": 1, "DataType": "text", "Tier": "Standard",
                "ARN": f"arn:aws:ssm:{region.group(1)}:{self.number}:parameter/{n}",
                "Value": f"{n} of {self.number}"} for n in names if n]
        return reply(200, {"Parameters": one, "TagList": [], "Parameter": one and one[0]})


def signed(server):
    """(access key, region) of each request that a server got."""
    return {re.search(r"Credential=([^/]+)/\d+/([^/]+)/", r.headers["authorization"]).groups()
            for r in server.requests if "authorization" in r.headers}


class Aliases(unittest.TestCase):
    def enter(self, thing):
        thing.__enter__()
        self.addCleanup(thing.__exit__)
        return thing

    def parameter(self, estate, name, account, region, alias=None):
        arn = f"arn:aws:ssm:{region}:{account}:parameter/{name}"
        estate.add("aws_ssm_parameter", name, {
            "id": name, "name": name, "arn": arn, "type": "String", "version": 1,
            "value": f"{name} of {account}", "data_type": "text", "tier": "Standard",
            "description": "", "allowed_pattern": "", "key_id": "", "tags": {}, "tags_all": {}},
            alias=alias,
            declared={"name": name, "value": f"{name} of {account}"})

    def check(self, done):
        self.assertEqual(done.code, 0, done.out + done.err)
        self.assertEqual(done.report["summary"]["coverage"]["resources_observed"],
                         len(done.verdicts()))

    def test_endpoints_regions_profiles_and_roles(self):
        world = self.enter(World())
        one, two = (self.enter(Server(Account(n))) for n in ("123456789012", "111122223333"))
        estate = self.enter(Estate("hashicorp/aws", [
            {"region": "eu-west-1", "endpoints": {"ssm": one.url, "sts": one.url}},
            {"alias": "far", "region": "us-west-2", "profile": "far",
             "endpoints": {"ssm": two.url, "sts": two.url}},
            {"alias": "deploy", "region": "eu-west-1", "access_key": "AKIDblock",
             "secret_key": "s", "endpoints": {"ssm": one.url}}]))
        (estate.top / "home/.aws/config").write_text(
            "[profile far]\naws_access_key_id = AKIDfar\naws_secret_access_key = s\n")
        estate.env.update(AWS_ACCESS_KEY_ID="AKIDenv", AWS_SECRET_ACCESS_KEY="s",
                          AWS_ENDPOINT_URL_STS=one.url)
        self.parameter(estate, "a", "123456789012", "eu-west-1")
        self.parameter(estate, "b", "111122223333", "us-west-2", "far")
        self.parameter(estate, "c", "123456789012", "eu-west-1", "deploy")
        self.check(estate.audit())
        self.assertEqual(signed(one), {("AKIDenv", "eu-west-1"), ("AKIDblock", "eu-west-1")})
        self.assertEqual(signed(two), {("AKIDfar", "us-west-2")})
        self.assertEqual(world.requests, [])

    def test_assumed_role(self):
        account = Account("123456789012")
        world = self.enter(World())
        given, answer = world.handler, account
        world.handler = lambda r: given(r) if b"AssumeRole" in r.body else answer(r)
        estate = self.enter(Estate("hashicorp/aws", [
            {"region": "eu-west-1"},
            {"alias": "deploy", "region": "eu-west-1",
             "assume_role": {"role_arn": role("deploy"), "session_name": "audit"}}]))
        estate.env.update(AWS_ACCESS_KEY_ID="AKIDenv", AWS_SECRET_ACCESS_KEY="s",
                          AWS_ENDPOINT_URL=world.url)
        self.parameter(estate, "a", "123456789012", "eu-west-1")
        self.parameter(estate, "b", "123456789012", "eu-west-1", "deploy")
        self.check(estate.audit())
        self.assertEqual({key for key, _ in signed(world)}, {"AKIDenv", "ASIAdeploy"})
        (one,) = [r for r in world.requests if b"AssumeRole" in r.body]
        self.assertIn(b"RoleSessionName=audit", one.body)

    def test_what_is_not_known_before_an_apply(self):
        """The environment is no substitute: it may be another account, or the wrong way there."""
        one = self.enter(Server(Account("123456789012")))
        for name in ("region", "profile", "secret_key", "shared_config_files", "custom_ca_bundle",
                     "shared_credentials_files", "assume_role_with_web_identity", "https_proxy",
                     "http_proxy", "use_fips_endpoint"):
            with self.subTest(name):
                estate = self.enter(Estate("hashicorp/aws", [{name: "var.unset"}],
                                           hcl='variable "unset" {}\n'))
                estate.env.update(AWS_ACCESS_KEY_ID="AKIDenv", AWS_SECRET_ACCESS_KEY="s",
                                  AWS_ENDPOINT_URL=one.url, AWS_REGION="eu-west-1")
                self.parameter(estate, "a", "123456789012", "eu-west-1")
                done = estate.audit()
                self.assertEqual(done.code, 4)
                self.assertIn(f"'{name}' of the", done.resource("aws_ssm_parameter.a")["reason"])
        self.assertEqual(one.requests, [])

    def test_another_account_proves_nothing(self):
        """Credentials that work, for another account than the record names: unknown."""
        one = self.enter(Server(Account("111122223333")))
        estate = self.enter(Estate("hashicorp/aws", [{"region": "eu-west-1"}]))
        estate.env.update(AWS_ACCESS_KEY_ID="AKIDenv", AWS_SECRET_ACCESS_KEY="s",
                          AWS_ENDPOINT_URL=one.url)
        self.parameter(estate, "a", "123456789012", "eu-west-1")
        gone = reply(400, {"__type": "ParameterNotFound", "message": "no"})
        answer = one.handler
        one.handler = lambda r: gone if b"Name" in r.body else answer(r)
        done = estate.audit()
        self.assertEqual((done.code, set(done.verdicts().values())), (4, {"unobserved"}))

    def test_ca_bundle(self):
        certs = Certificates()
        self.addCleanup(certs.cleanup)
        one = self.enter(Server(Account("123456789012"), certs.context()))
        for block, env in (({}, {"AWS_CA_BUNDLE": certs.path("ca.crt")}),
                           ({"custom_ca_bundle": certs.path("ca.crt")}, {})):
            estate = self.enter(Estate("hashicorp/aws", [{"region": "eu-west-1", **block}]))
            estate.env.update(AWS_ACCESS_KEY_ID="AKIDenv", AWS_SECRET_ACCESS_KEY="s",
                              AWS_ENDPOINT_URL=one.url)
            self.parameter(estate, "a", "123456789012", "eu-west-1")
            self.check(estate.audit(**env))
        done = estate.audit(AWS_CA_BUNDLE=certs.path("wrong.crt"))
        self.check(done)  # the block says otherwise
        estate.blocks = [{"region": "eu-west-1"}]
        done = estate.audit(AWS_CA_BUNDLE=certs.path("wrong.crt"))
        self.assertEqual(done.code, 4)
        self.assertIn("wrong.crt", done.resource("aws_ssm_parameter.a")["reason"])


if __name__ == "__main__":
    unittest.main()
