provider "aws" {
  region = "us-east-1"
  access_key = "mock"
  secret_key = "mock"
  skip_credentials_validation = true
  skip_requesting_account_id = true
  skip_metadata_api_check = true
  default_tags { tags = { a = "b" } }
}
provider "aws" {
  alias = "west"
  region = "us-west-2"
  access_key = "mock"
  secret_key = "mock"
  skip_credentials_validation = true
  skip_requesting_account_id = true
  skip_metadata_api_check = true
}
locals { ports = [1,2] }
resource "aws_security_group" "a" {
  name = jsonencode("x")
  description = trimspace(file("d.txt"))
  dynamic "ingress" {
    for_each = local.ports
    content {
      from_port = ingress.value
      to_port = ingress.value
      protocol = "tcp"
    }
  }
  egress {
    from_port = 1
    to_port = 1
    protocol = "tcp"
    cidr_blocks = ["10.0.0.0/8"]
  }
  tags = null
  timeouts { create = "1m" }
  lifecycle { ignore_changes = [tags["x"], description] }
}
module "m" {
  source = "./mod"
  providers = { aws.x = aws.west }
}
resource "aws_db_instance" "d" {
  instance_class = "db.t3.micro"
  password = "pw"
  username = "a"
  allocated_storage = 5
  engine = "mysql"
}
