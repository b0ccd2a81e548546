locals {
  # An image that moto knows in every region.
  image = "ami-0b301ce3ce347599c"
}

resource "aws_instance" "web" {
  count = 2

  ami                    = local.image
  instance_type          = count.index == 0 ? "t3.micro" : "t3.small"
  subnet_id              = module.network.subnet_ids[count.index == 0 ? "public-a" : "public-b"]
  vpc_security_group_ids = [aws_security_group.web.id, aws_security_group.app.id]
  ebs_optimized          = false
  iam_instance_profile   = aws_iam_instance_profile.web.name

  tags = { Name = "web-${count.index}", role = "web" }
}

resource "aws_instance" "worker" {
  ami                    = local.image
  instance_type          = "m5.large"
  subnet_id              = module.network.subnet_ids["private-a"]
  user_data              = "#!/bin/sh\necho worker > /etc/motd\n"
  vpc_security_group_ids = [aws_security_group.app.id]

  root_block_device {
    volume_size = 20
    volume_type = "gp3"
    encrypted   = true
  }

  metadata_options {
    http_tokens                 = "required"
    http_put_response_hop_limit = 2
  }

  tags = { Name = "worker" }

  lifecycle {
    ignore_changes = [tags["role"], instance_type]
  }
}

resource "aws_instance" "dr" {
  provider = aws.dr

  ami           = local.image
  instance_type = "t3.nano"
  subnet_id     = module.network_dr.subnet_ids["only"]
}

resource "aws_ebs_volume" "data" {
  for_each = {
    gp3      = { type = "gp3", size = 50, iops = 3500, throughput = 200 }
    io1      = { type = "io1", size = 100, iops = 1000, throughput = null }
    standard = { type = "standard", size = 8, iops = null, throughput = null }
  }

  availability_zone = "${var.region}a"
  type              = each.value.type
  size              = each.value.size
  iops              = each.value.iops
  throughput        = each.value.throughput
  encrypted         = each.key == "io1"
  kms_key_id        = each.key == "io1" ? aws_kms_key.data.arn : null
  tags              = { Name = "data-${each.key}" }
}

resource "aws_eip" "web" {
  count = 2

  domain   = "vpc"
  instance = aws_instance.web[count.index].id
  tags     = { Name = "web-${count.index}" }
}

resource "aws_eip" "spare" {
  domain = "vpc"
}

resource "aws_lb" "front" {
  name                       = "front"
  load_balancer_type         = "application"
  security_groups            = [aws_security_group.web.id]
  subnets                    = [module.network.subnet_ids["public-a"], module.network.subnet_ids["public-b"]]
  idle_timeout               = 120
  enable_deletion_protection = true
  drop_invalid_header_fields = true
  tags                       = { Name = "front" }
}

resource "aws_lb" "inside" {
  name               = "inside"
  internal           = true
  load_balancer_type = "network"
  subnets            = [module.network.subnet_ids["private-a"], module.network.subnet_ids["private-b"]]
}

resource "aws_autoscaling_group" "web" {
  name                      = "web"
  min_size                  = 0
  max_size                  = 3
  desired_capacity          = 1
  health_check_type         = "EC2"
  health_check_grace_period = 120
  default_cooldown          = 60
  wait_for_capacity_timeout = "0"
  termination_policies      = ["OldestInstance", "Default"]
  launch_configuration      = "golden"
  vpc_zone_identifier       = [module.network.subnet_ids["private-a"], module.network.subnet_ids["private-b"]]

  tag {
    key                 = "Name"
    value               = "web"
    propagate_at_launch = true
  }

  tag {
    key                 = "schedule"
    value               = "office-hours"
    propagate_at_launch = false
  }

  lifecycle {
    ignore_changes = [desired_capacity]
  }
}

resource "aws_autoscaling_group" "batch" {
  name                      = "batch"
  min_size                  = 0
  max_size                  = 10
  health_check_type         = "EC2"
  protect_from_scale_in     = true
  capacity_rebalance        = true
  wait_for_capacity_timeout = "0"
  launch_configuration      = "golden"
  vpc_zone_identifier       = [module.network.subnet_ids["private-b"]]
}

resource "aws_lambda_function" "resize" {
  function_name    = "resize"
  role             = aws_iam_role.lambda.arn
  runtime          = "python3.12"
  handler          = "handler.main"
  filename         = "${path.module}/files/handler.zip"
  source_code_hash = filebase64sha256("${path.module}/files/handler.zip")
  memory_size      = 512
  timeout          = 30
  description      = "makes thumbnails"
  architectures    = ["arm64"]

  environment {
    variables = {
      BUCKET = "estate-media"
      LEVEL  = "info"
    }
  }

  tags = { team = "media" }
}

resource "aws_lambda_function" "hook" {
  function_name = "hook"
  role          = aws_iam_role.lambda.arn
  runtime       = "nodejs20.x"
  handler       = "index.handler"
  filename      = "${path.module}/files/handler.zip"

  tracing_config {
    mode = "Active"
  }
}

resource "aws_db_instance" "main" {
  identifier              = "main"
  engine                  = "postgres"
  engine_version          = "16.3"
  instance_class          = "db.t3.medium"
  allocated_storage       = 20
  max_allocated_storage   = 100
  storage_type            = "gp2"
  db_name                 = "shop"
  username                = "shop"
  password                = var.database_password
  backup_retention_period = 7
  backup_window           = "02:00-02:30"
  maintenance_window      = "sun:04:00-sun:04:30"
  vpc_security_group_ids  = [aws_security_group.database.id]
  deletion_protection     = true
  copy_tags_to_snapshot   = true
  skip_final_snapshot     = true
  tags                    = { Name = "main" }
}

# In the other region: moto gives all databases of a region the same resource id.
resource "aws_db_instance" "reports" {
  provider = aws.dr

  identifier          = "reports"
  engine              = "mysql"
  engine_version      = "8.0.36"
  instance_class      = "db.t3.micro"
  allocated_storage   = 10
  username            = "reports"
  password            = var.database_password
  publicly_accessible = false
  skip_final_snapshot = true
  apply_immediately   = true
}
