# A state in S3, with its lock beside it.

terraform {
  required_version = ">= 1.10"
  backend "s3" {
    bucket         = "remote-states"
    key            = "unit/terraform.tfstate"
    region         = "eu-west-1"
    use_lockfile   = true
    use_path_style = true

    skip_credentials_validation = true
    skip_requesting_account_id  = true
  }
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

resource "aws_cloudwatch_log_group" "app" {
  count             = 2
  name              = "/remote/${count.index}"
  retention_in_days = 7
}
