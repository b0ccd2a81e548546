# The second commit: every way in which Git can ask for something.

terraform {
  required_version = ">= 1.7"
  backend "local" {}
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

provider "aws" {
  region = "eu-west-1"
}

locals {
  longer = ["pending", "conflict", "converged", "partly"]
}

resource "aws_cloudwatch_log_group" "one" {
  for_each = toset([
    "steady", "pending", "drifted", "partly", "conflict", "converged", "vanished",
    "hidden", "hidden_gone", "restored",
  ])
  name              = "/truth/${each.key}"
  retention_in_days = contains(local.longer, each.key) ? 14 : 7
  tags              = { team = "net" }
}

moved {
  from = aws_cloudwatch_log_group.old_name
  to   = aws_cloudwatch_log_group.new_name
}

resource "aws_cloudwatch_log_group" "new_name" {
  name              = "/truth/moved"
  retention_in_days = 7
}

moved {
  from = aws_cloudwatch_log_group.old_name_drifted
  to   = aws_cloudwatch_log_group.new_name_drifted
}

resource "aws_cloudwatch_log_group" "new_name_drifted" {
  name              = "/truth/moved-drifted"
  retention_in_days = 7
}

removed {
  from = aws_cloudwatch_log_group.forgotten
  lifecycle {
    destroy = false
  }
}

import {
  to = aws_cloudwatch_log_group.adopted
  id = "/truth/adopted"
}

resource "aws_cloudwatch_log_group" "adopted" {
  name              = "/truth/adopted"
  retention_in_days = 7
}

resource "aws_cloudwatch_log_group" "fresh" {
  name              = "/truth/fresh"
  retention_in_days = 7
}

resource "aws_cloudwatch_log_group" "replaced" {
  name              = "/truth/replaced-by"
  retention_in_days = 7
}

resource "aws_cloudwatch_log_group" "counted" {
  count             = 1
  name              = "/truth/counted/${count.index}"
  retention_in_days = 7
}

resource "aws_ssm_parameter" "secret" {
  name  = "/truth/secret"
  type  = "SecureString"
  value = "truth-secret-two"
}

resource "aws_iam_policy" "read" {
  name = "truth-read"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Sid = "A", Effect = "Allow", Action = "s3:GetObject", Resource = "*" },
      { Sid = "B", Effect = "Allow", Action = ["s3:ListBucket", "s3:GetBucketAcl"], Resource = "*" },
    ]
  })
}

resource "aws_vpc" "main" {
  cidr_block = "10.30.0.0/16"
}

resource "aws_security_group" "set" {
  name        = "truth"
  description = "rules are a set"
  vpc_id      = aws_vpc.main.id

  dynamic "ingress" {
    for_each = [80, 443, 8080]
    content {
      from_port   = ingress.value
      to_port     = ingress.value
      protocol    = "tcp"
      cidr_blocks = ["10.0.0.0/8"]
    }
  }
}
