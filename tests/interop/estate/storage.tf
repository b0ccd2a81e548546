module "bucket_media" {
  source = "./modules/bucket"

  name       = "estate-media"
  versioning = "Enabled"
  key        = aws_kms_key.data.arn
  tags       = { team = "media" }
  readers    = [aws_iam_role.web.arn, aws_iam_role.lambda.arn]
}

module "bucket_logs" {
  source = "./modules/bucket"

  name       = "estate-logs"
  versioning = "Suspended"
  block      = false
  tags       = {}
  readers    = [aws_iam_role.web.arn]
}

module "bucket_dr" {
  source    = "./modules/bucket"
  providers = { aws = aws.dr }

  name       = "estate-media-copy"
  versioning = "Enabled"
  tags       = { copy-of = "estate-media" }
}

resource "aws_s3_bucket" "scratch" {
  bucket        = "estate-scratch"
  force_destroy = true
}

resource "aws_dynamodb_table" "sessions" {
  name         = "sessions"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"

  attribute {
    name = "id"
    type = "S"
  }

  ttl {
    attribute_name = "expires"
    enabled        = true
  }

  tags = { data = "personal" }
}

resource "aws_dynamodb_table" "orders" {
  name                        = "orders"
  billing_mode                = "PROVISIONED"
  read_capacity               = 5
  write_capacity              = 2
  hash_key                    = "customer"
  range_key                   = "placed"
  stream_enabled              = true
  stream_view_type            = "NEW_AND_OLD_IMAGES"
  deletion_protection_enabled = true

  attribute {
    name = "customer"
    type = "S"
  }

  attribute {
    name = "placed"
    type = "N"
  }

  attribute {
    name = "status"
    type = "S"
  }

  global_secondary_index {
    name               = "by-status"
    hash_key           = "status"
    range_key          = "placed"
    projection_type    = "INCLUDE"
    non_key_attributes = ["total", "currency"]
    read_capacity      = 1
    write_capacity     = 1
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = aws_kms_key.data.arn
  }
}

resource "aws_kms_key" "data" {
  description             = "data at rest"
  deletion_window_in_days = 7
  enable_key_rotation     = true
  tags                    = { use = "data" }
}

resource "aws_kms_key" "signing" {
  description              = "signing"
  key_usage                = "SIGN_VERIFY"
  customer_master_key_spec = "RSA_2048"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "root"
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::123456789012:root" }
      Action    = "kms:*"
      Resource  = "*"
    }]
  })
}

resource "aws_kms_key" "dr" {
  provider = aws.dr

  description = "data at rest, copy"
  is_enabled  = false
}

resource "aws_ecr_repository" "shop" {
  for_each = toset(["api", "front"])

  name                 = "shop/${each.key}"
  image_tag_mutability = each.key == "api" ? "IMMUTABLE" : "MUTABLE"

  image_scanning_configuration {
    scan_on_push = each.key == "api"
  }

  tags = { image = each.key }
}

resource "aws_ecr_repository" "sealed" {
  name = "sealed"

  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = aws_kms_key.data.arn
  }
}
