# What the apply tests begin with: small, of types that are made without waiting.

terraform {
  required_version = ">= 1.5"
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
    tags = { managed-by = "git" }
  }
}

variable "retention" {
  type    = number
  default = 30
}

resource "aws_vpc" "main" {
  cidr_block = "10.40.0.0/16"
  tags       = { Name = "story" }
}

resource "aws_subnet" "zone" {
  for_each   = { a = "10.40.0.0/24", b = "10.40.1.0/24" }
  vpc_id     = aws_vpc.main.id
  cidr_block = each.value

  availability_zone = "eu-west-1${each.key}"
}

resource "aws_internet_gateway" "main" {
  vpc_id = aws_vpc.main.id
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.main.id

  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.main.id
  }
}

resource "aws_route_table_association" "zone" {
  for_each       = aws_subnet.zone
  subnet_id      = each.value.id
  route_table_id = aws_route_table.public.id
}

resource "aws_security_group" "web" {
  name        = "story-web"
  description = "web servers"
  vpc_id      = aws_vpc.main.id

  dynamic "ingress" {
    for_each = [80, 443]
    content {
      protocol    = "tcp"
      from_port   = ingress.value
      to_port     = ingress.value
      cidr_blocks = ["0.0.0.0/0"]
    }
  }
}

resource "aws_security_group" "database" {
  name        = "story-database"
  description = "databases"
  vpc_id      = aws_vpc.main.id
}

resource "aws_vpc_security_group_ingress_rule" "database" {
  security_group_id            = aws_security_group.database.id
  referenced_security_group_id = aws_security_group.web.id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_iam_role" "web" {
  name = "story-web"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ec2.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_policy" "read" {
  name = "story-read"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "s3:GetObject", Resource = "${aws_s3_bucket.media.arn}/*" }]
  })
}

resource "aws_iam_role_policy_attachment" "web" {
  role       = aws_iam_role.web.name
  policy_arn = aws_iam_policy.read.arn
}

resource "aws_iam_role_policy" "logs" {
  name = "logs"
  role = aws_iam_role.web.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "logs:PutLogEvents", Resource = "*" }]
  })
}

resource "aws_iam_instance_profile" "web" {
  name = "story-web"
  role = aws_iam_role.web.name
}

resource "aws_s3_bucket" "media" {
  bucket        = "story-media"
  force_destroy = true
}

resource "aws_s3_bucket_versioning" "media" {
  bucket = aws_s3_bucket.media.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_public_access_block" "media" {
  bucket                  = aws_s3_bucket.media.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_cloudwatch_log_group" "app" {
  for_each          = toset(["web", "worker"])
  name              = "/story/${each.key}"
  retention_in_days = var.retention
}

resource "aws_sqs_queue" "jobs" {
  name = "story-jobs"
}

resource "aws_sns_topic" "alerts" {
  name = "story-alerts"
}

resource "aws_ssm_parameter" "plain" {
  name  = "/story/plain"
  type  = "String"
  value = "one"
}

resource "aws_ssm_parameter" "secret" {
  name  = "/story/secret"
  type  = "SecureString"
  value = "story-secret-one"
}

resource "aws_dynamodb_table" "sessions" {
  name         = "story-sessions"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"

  attribute {
    name = "id"
    type = "S"
  }
}

resource "aws_kms_key" "data" {
  description             = "story"
  deletion_window_in_days = 7
}

resource "aws_kms_alias" "data" {
  name          = "alias/story"
  target_key_id = aws_kms_key.data.key_id
}
