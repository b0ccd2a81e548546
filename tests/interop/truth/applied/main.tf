# What Git says first. Each name tells what will become of it; next/ is the second commit.

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

resource "aws_cloudwatch_log_group" "one" {
  for_each = toset([
    "steady", "pending", "drifted", "partly", "conflict", "converged", "vanished",
    "hidden", "hidden_gone", "restored",
  ])
  name              = "/truth/${each.key}"
  retention_in_days = 7
  tags              = { team = "net" }
}

resource "aws_cloudwatch_log_group" "old_name" {
  name              = "/truth/moved"
  retention_in_days = 7
}

resource "aws_cloudwatch_log_group" "old_name_drifted" {
  name              = "/truth/moved-drifted"
  retention_in_days = 7
}

resource "aws_cloudwatch_log_group" "forgotten" {
  name              = "/truth/forgotten"
  retention_in_days = 7
}

resource "aws_cloudwatch_log_group" "dropped" {
  name              = "/truth/dropped"
  retention_in_days = 7
}

resource "aws_cloudwatch_log_group" "dropped_gone" {
  name              = "/truth/dropped-gone"
  retention_in_days = 7
}

resource "aws_cloudwatch_log_group" "replaced" {
  name              = "/truth/replaced"
  retention_in_days = 7
}

resource "aws_cloudwatch_log_group" "counted" {
  count             = 2
  name              = "/truth/counted/${count.index}"
  retention_in_days = 7
}

resource "aws_ssm_parameter" "secret" {
  name  = "/truth/secret"
  type  = "SecureString"
  value = "truth-secret-one"
}

resource "aws_iam_policy" "read" {
  name = "truth-read"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Sid = "A", Effect = "Allow", Action = "s3:GetObject", Resource = "*" }]
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
    for_each = [80]
    content {
      from_port   = ingress.value
      to_port     = ingress.value
      protocol    = "tcp"
      cidr_blocks = ["10.0.0.0/8"]
    }
  }
}
