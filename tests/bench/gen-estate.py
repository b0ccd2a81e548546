#!/usr/bin/env python3
"""Write a Terraform configuration with about N resources of the packed types.

usage: gen-estate.py N DIR

Only types that moto and the provider make without waiting (no databases, no balancers), so that
applying takes a minute, not ten. Point the AWS provider at moto with AWS_ENDPOINT_URL.
"""

import os
import sys

HEAD = """terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

provider "aws" {
  region            = "eu-west-1"
  s3_use_path_style = true

  default_tags {
    tags = { env = "bench" }
  }
}

resource "aws_vpc" "bench" {
  cidr_block = "10.0.0.0/16"
}
"""

# (share in percent, the block; COUNT, ROLES, POLICIES, GROUPS and BUCKETS are put in)
BLOCKS = [
    ("PARAMETERS", 18, """resource "aws_ssm_parameter" "p" {
  count = COUNT
  name  = "/bench/${count.index}"
  type  = count.index % 5 == 0 ? "SecureString" : "String"
  value = "value ${count.index}"
  tags  = { Name = "p${count.index}" }
}"""),
    ("ROLES", 8, """resource "aws_iam_role" "r" {
  count = COUNT
  name  = "bench-${count.index}"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ec2.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}"""),
    ("POLICIES", 8, """resource "aws_iam_policy" "p" {
  count = COUNT
  name  = "bench-${count.index}"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:ListBucket"]
      Resource = "arn:aws:s3:::bench-${count.index}/*"
    }]
  })
}"""),
    ("ATTACHMENTS", 8, """resource "aws_iam_role_policy_attachment" "a" {
  count      = COUNT
  role       = aws_iam_role.r[count.index % ROLES].name
  policy_arn = aws_iam_policy.p[count.index % POLICIES].arn
}"""),
    ("LOGS", 12, """resource "aws_cloudwatch_log_group" "l" {
  count             = COUNT
  name              = "/bench/${count.index}"
  retention_in_days = count.index % 2 == 0 ? 30 : 90
}"""),
    ("ALARMS", 10, """resource "aws_cloudwatch_metric_alarm" "m" {
  count               = COUNT
  alarm_name          = "bench-${count.index}"
  namespace           = "Bench"
  metric_name         = "Errors"
  statistic           = "Sum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = count.index
  period              = 60
  evaluation_periods  = 2
  dimensions          = { Shard = tostring(count.index) }
}"""),
    ("TOPICS", 4, """resource "aws_sns_topic" "t" {
  count        = COUNT
  name         = "bench-${count.index}"
  display_name = "bench ${count.index}"
}"""),
    ("QUEUES", 4, """resource "aws_sqs_queue" "q" {
  count                      = COUNT
  name                       = "bench-${count.index}"
  visibility_timeout_seconds = 30 + count.index
}"""),
    ("GROUPS", 6, """resource "aws_security_group" "g" {
  count       = COUNT
  name        = "bench-${count.index}"
  description = "bench ${count.index}"
  vpc_id      = aws_vpc.bench.id
}"""),
    ("RULES", 10, """resource "aws_vpc_security_group_ingress_rule" "i" {
  count             = COUNT
  security_group_id = aws_security_group.g[count.index % GROUPS].id
  cidr_ipv4         = "10.0.${count.index % 256}.0/24"
  ip_protocol       = "tcp"
  from_port         = 1000 + count.index
  to_port           = 1000 + count.index
}"""),
    ("REPOSITORIES", 3, """resource "aws_ecr_repository" "e" {
  count = COUNT
  name  = "bench/${count.index}"
}"""),
    ("SECRETS", 3, """resource "aws_secretsmanager_secret" "s" {
  count = COUNT
  name  = "bench/${count.index}"
}"""),
    ("BUCKETS", 2, """resource "aws_s3_bucket" "b" {
  count  = COUNT
  bucket = "bench-${count.index}"
}"""),
    ("VERSIONING", 2, """resource "aws_s3_bucket_versioning" "v" {
  count  = COUNT
  bucket = aws_s3_bucket.b[count.index % BUCKETS].id
  versioning_configuration {
    status = "Enabled"
  }
}"""),
    ("BLOCKS", 2, """resource "aws_s3_bucket_public_access_block" "x" {
  count               = COUNT
  bucket              = aws_s3_bucket.b[count.index % BUCKETS].id
  block_public_acls   = true
  block_public_policy = true
}"""),
]


def main():
    if len(sys.argv) != 3 or not sys.argv[1].isdigit():
        print("usage: gen-estate.py N DIR", file=sys.stderr)
        return 64
    total, directory = int(sys.argv[1]) - 1, sys.argv[2]
    counts = {name: max(1, total * share // 100) for name, share, _ in BLOCKS}
    counts["PARAMETERS"] += max(0, total - sum(counts.values()))
    parts = [HEAD]
    for name, _, block in BLOCKS:
        block = block.replace("COUNT", str(counts[name]))
        for other in ("ROLES", "POLICIES", "GROUPS", "BUCKETS"):
            block = block.replace("% " + other, "% " + str(counts[other]))
        parts.append("\n" + block + "\n")
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "main.tf"), "w", encoding="utf-8") as out:
        out.write("".join(parts))
    with open(os.path.join(directory, ".gitignore"), "w", encoding="utf-8") as out:
        out.write(".terraform/\n*.tfstate\n*.tfstate.*\n")
    print(f"{1 + sum(counts.values())} resources", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
