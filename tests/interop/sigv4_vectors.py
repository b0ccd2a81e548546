#!/usr/bin/env python3
"""Writes fixtures/sigv4/botocore.json: requests signed by botocore, an implementation that
shares no code with ours. Needs botocore; the file it writes does not."""
import datetime
import json
import random
import sys
import urllib.parse

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

STAMP = datetime.datetime(2026, 2, 3, 4, 5, 6)
SERVICES = ["ec2", "iam", "s3", "route53", "dynamodb", "lambda", "execute-api"]
PIECES = ["a", "b c", "x+y", "ü", "~t", "d.e", "k=v", "semi;colon", "com,ma", "per%cent",
          "role/name"]


class Frozen(datetime.datetime):
    @classmethod
    def utcnow(cls):
        return STAMP

    @classmethod
    def now(cls, tz=None):
        return STAMP.replace(tzinfo=tz)


def freeze():
    if hasattr(botocore.auth, "get_current_datetime"):
        botocore.auth.get_current_datetime = lambda *a, **k: STAMP
    botocore.auth.datetime = type("m", (), {"datetime": Frozen})


def case(rng):
    service = rng.choice(SERVICES)
    segments = [urllib.parse.quote(rng.choice(PIECES), safe="~") for _ in range(rng.randint(0, 3))]
    path = "/" + "/".join(segments)
    query = []
    for _ in range(rng.randint(0, 4)):
        name = urllib.parse.quote(rng.choice(PIECES), safe="~")
        query.append(name + "=" + urllib.parse.quote(rng.choice(PIECES), safe="~"))
    if service == "s3" and rng.random() < 0.5:
        query.append(rng.choice(["policy", "versioning", "tagging"]) + "=")
    url = f"https://{service}.eu-west-1.amazonaws.com{path}"
    if query:
        url += "?" + "&".join(query)
    body = rng.choice(["", "Action=DescribeVpcs&Version=2016-11-15", '{"a":"ü"}'])
    method = "POST" if body else rng.choice(["GET", "HEAD", "DELETE"])
    headers = {"X-Amz-Target": "Thing.Do"} if rng.random() < 0.3 else {}
    token = "session/token+==" if rng.random() < 0.5 else None
    rq = AWSRequest(method=method, url=url, data=body, headers=dict(headers))
    creds = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", token)
    signer = botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth
    signer(creds, service, "eu-west-1").add_auth(rq)
    return {"service": service, "method": method, "url": url, "body": body, "token": token,
            "headers": [f"{k}: {v}" for k, v in headers.items()],
            "authorization": rq.headers["Authorization"]}


def main():
    freeze()
    rng = random.Random(20260203)
    cases = [case(rng) for _ in range(200)]
    json.dump(cases, sys.stdout, indent=1, sort_keys=True, ensure_ascii=True)
    print()


main()
