# Types that no pack covers, several of them with the provider's newer plugin framework, beside a
# few that packs know. Small, and quick to apply. No default_tags: moto forgets tags that some of
# these are made with.

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
}

provider "aws" {
  alias             = "dr"
  region            = "us-east-1"
  s3_use_path_style = true
}

variable "token" {
  type      = string
  default   = "wide-estate-token"
  sensitive = true
}

# ---- network ------------------------------------------------------------------------------------

resource "aws_vpc" "main" {
  cidr_block = "10.40.0.0/16"
  tags       = { Name = "wide" }
}

resource "aws_subnet" "a" {
  vpc_id     = aws_vpc.main.id
  cidr_block = "10.40.1.0/24"
}

resource "aws_internet_gateway" "main" {
  vpc_id = aws_vpc.main.id
}

resource "aws_route_table" "main" {
  vpc_id = aws_vpc.main.id
}

resource "aws_route" "out" {
  route_table_id         = aws_route_table.main.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.main.id
}

resource "aws_route_table_association" "a" {
  subnet_id      = aws_subnet.a.id
  route_table_id = aws_route_table.main.id
}

resource "aws_network_acl" "main" {
  vpc_id = aws_vpc.main.id

  ingress {
    rule_no    = 100
    action     = "allow"
    protocol   = "tcp" # which the API calls 6
    cidr_block = "0.0.0.0/0"
    from_port  = 443
    to_port    = 443
  }
}

resource "aws_vpc_dhcp_options" "main" {
  domain_name         = "wide.example.com"
  domain_name_servers = ["AmazonProvidedDNS"]
}

resource "aws_vpc_endpoint" "s3" {
  vpc_id       = aws_vpc.main.id
  service_name = "com.amazonaws.eu-west-1.s3"
}

resource "aws_network_interface" "main" {
  subnet_id   = aws_subnet.a.id
  description = "spare"
}

resource "aws_ec2_managed_prefix_list" "main" {
  name           = "offices"
  address_family = "IPv4"
  max_entries    = 5

  entry {
    cidr        = "192.0.2.0/24"
    description = "first"
  }
}

resource "aws_customer_gateway" "main" {
  bgp_asn    = 65000
  ip_address = "192.0.2.1"
  type       = "ipsec.1"
}

resource "aws_key_pair" "main" {
  key_name   = "wide"
  public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl wide"
}

resource "aws_launch_template" "main" {
  name          = "wide"
  image_id      = "ami-0b301ce3ce347599c"
  instance_type = "t3.micro"
}

# ---- identities ---------------------------------------------------------------------------------

resource "aws_iam_user" "robot" {
  name = "robot"
}

resource "aws_iam_group" "robots" {
  name = "robots"
}

resource "aws_iam_user_group_membership" "robot" {
  user   = aws_iam_user.robot.name
  groups = [aws_iam_group.robots.name]
}

resource "aws_iam_access_key" "robot" {
  user = aws_iam_user.robot.name
}

resource "aws_iam_user_policy" "robot" {
  name   = "read"
  user   = aws_iam_user.robot.name
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:GetObject", Resource = "*" }] })
}

resource "aws_iam_account_alias" "main" {
  account_alias = "wide-estate"
}

resource "aws_iam_openid_connect_provider" "ci" {
  url             = "https://ci.example.com"
  client_id_list  = ["sts.example.com"]
  thumbprint_list = ["990f4193972f2becf12ddeda5237f9c952f20d9e"]
}

resource "aws_iam_role" "main" {
  name               = "wide"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }] })
}

resource "aws_cognito_user_pool" "main" {
  name = "wide"
}

resource "aws_cognito_user_pool_client" "main" {
  name         = "site"
  user_pool_id = aws_cognito_user_pool.main.id
}

# ---- data ---------------------------------------------------------------------------------------

resource "aws_s3_bucket" "main" {
  bucket = "wide-estate-data"
}

resource "aws_s3_object" "readme" {
  bucket  = aws_s3_bucket.main.id
  key     = "README"
  content = "wide"
}

resource "aws_s3_bucket_ownership_controls" "main" {
  bucket = aws_s3_bucket.main.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "main" {
  bucket = aws_s3_bucket.main.id

  rule {
    id     = "old"
    status = "Enabled"

    filter {
      prefix = "logs/"
    }

    expiration {
      days = 30
    }
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "main" {
  bucket = aws_s3_bucket.main.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_kms_key" "main" {
  description = "wide"
}

resource "aws_kms_alias" "main" {
  name          = "alias/wide"
  target_key_id = aws_kms_key.main.key_id
}

resource "aws_kinesis_stream" "main" {
  name        = "wide"
  shard_count = 1
}

resource "aws_dynamodb_table" "main" {
  name         = "wide"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"

  attribute {
    name = "id"
    type = "S"
  }
}

resource "aws_dynamodb_table_item" "main" {
  table_name = aws_dynamodb_table.main.name
  hash_key   = "id"
  item       = jsonencode({ id = { S = "one" }, size = { N = "12" } })
}

resource "aws_glue_catalog_database" "main" {
  name = "wide"
}

resource "aws_secretsmanager_secret" "main" {
  name = "wide"
}

resource "aws_secretsmanager_secret_version" "main" {
  secret_id     = aws_secretsmanager_secret.main.id
  secret_string = var.token
}

# ---- messages, events, functions ----------------------------------------------------------------

resource "aws_sns_topic" "main" {
  name = "wide"
}

resource "aws_sqs_queue" "main" {
  name = "wide"
}

resource "aws_sqs_queue_policy" "main" {
  queue_url = aws_sqs_queue.main.url
  policy    = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = "*", Action = "sqs:SendMessage", Resource = aws_sqs_queue.main.arn }] })
}

resource "aws_sns_topic_subscription" "main" {
  topic_arn = aws_sns_topic.main.arn
  protocol  = "sqs"
  endpoint  = aws_sqs_queue.main.arn
}

resource "aws_cloudwatch_event_rule" "main" {
  name                = "nightly"
  schedule_expression = "rate(1 day)"
}

resource "aws_cloudwatch_event_target" "main" {
  rule = aws_cloudwatch_event_rule.main.name
  arn  = aws_sqs_queue.main.arn
}

resource "aws_cloudwatch_event_bus" "main" {
  name = "wide"
}

resource "aws_cloudwatch_log_group" "main" {
  name = "wide"
}

resource "aws_cloudwatch_log_stream" "main" {
  name           = "one"
  log_group_name = aws_cloudwatch_log_group.main.name
}

resource "aws_cloudwatch_log_metric_filter" "main" {
  name           = "errors"
  pattern        = "ERROR"
  log_group_name = aws_cloudwatch_log_group.main.name

  metric_transformation {
    name      = "errors"
    namespace = "wide"
    value     = "1"
  }
}

resource "aws_cloudwatch_dashboard" "main" {
  dashboard_name = "wide"
  dashboard_body = jsonencode({ widgets = [] })
}

resource "aws_ssm_document" "main" {
  name          = "wide"
  document_type = "Command"
  content       = jsonencode({ schemaVersion = "2.2", description = "nothing", mainSteps = [] })
}

resource "aws_ssm_maintenance_window" "main" {
  name     = "wide"
  schedule = "cron(0 16 ? * TUE *)"
  duration = 3
  cutoff   = 1
}

resource "aws_resourcegroups_group" "main" {
  name = "wide"

  resource_query {
    query = jsonencode({ ResourceTypeFilters = ["AWS::AllSupported"], TagFilters = [{ Key = "env", Values = ["wide"] }] })
  }
}

resource "aws_ses_email_identity" "main" {
  email = "ops@example.com"
}

resource "aws_ecr_repository" "main" {
  name = "wide"
}

resource "aws_ecr_lifecycle_policy" "main" {
  repository = aws_ecr_repository.main.name
  policy     = jsonencode({ rules = [{ rulePriority = 1, selection = { tagStatus = "untagged", countType = "imageCountMoreThan", countNumber = 5 }, action = { type = "expire" } }] })
}

resource "aws_api_gateway_rest_api" "main" {
  name = "wide"
}

resource "aws_service_discovery_http_namespace" "main" {
  name = "wide"
}

resource "aws_sqs_queue" "dr" {
  provider = aws.dr
  name     = "wide-dr"
}

resource "aws_sns_topic_subscription" "dr" {
  provider  = aws.dr
  topic_arn = aws_sns_topic.dr.arn
  protocol  = "sqs"
  endpoint  = aws_sqs_queue.dr.arn
}

resource "aws_sns_topic" "dr" {
  provider = aws.dr
  name     = "wide-dr"
}
