module "network" {
  source = "./modules/network"

  name = "main"
  cidr = "10.20.0.0/16"
  subnets = {
    "public-a"  = { cidr = "10.20.0.0/24", zone = "${var.region}a", public = true }
    "public-b"  = { cidr = "10.20.1.0/24", zone = "${var.region}b", public = true }
    "private-a" = { cidr = "10.20.10.0/24", zone = "${var.region}a", public = false }
    "private-b" = { cidr = "10.20.11.0/24", zone = "${var.region}b", public = false }
  }
  tags = { owner = var.owner }
}

module "network_dr" {
  source    = "./modules/network"
  providers = { aws = aws.dr }

  name = "dr"
  cidr = "10.30.0.0/16"
  subnets = {
    "only" = { cidr = "10.30.0.0/20", zone = "${var.dr_region}c", public = true }
  }
  tags = {}
}

resource "aws_vpc" "lab" {
  cidr_block           = "172.31.0.0/20"
  enable_dns_support   = false
  enable_dns_hostnames = false
  instance_tenancy     = "dedicated"

  # No tags of its own: only default_tags.
}

# Inline rules, from a variable.
resource "aws_security_group" "web" {
  name        = "web"
  description = "web servers"
  vpc_id      = module.network.vpc_id

  dynamic "ingress" {
    for_each = var.open_ports
    content {
      description = ingress.value.note
      protocol    = "tcp"
      from_port   = ingress.value.port
      to_port     = ingress.value.port
      cidr_blocks = ingress.value.cidrs
    }
  }

  egress {
    protocol         = "-1"
    from_port        = 0
    to_port          = 0
    cidr_blocks      = ["0.0.0.0/0"]
    ipv6_cidr_blocks = ["::/0"]
  }

  tags = { Name = "web", tier = "front" }
}

# Inline rules that point at groups, and at itself.
resource "aws_security_group" "app" {
  name_prefix = "app-"
  description = "application servers"
  vpc_id      = module.network.vpc_id

  ingress {
    description     = "from the web tier"
    protocol        = "tcp"
    from_port       = 8080
    to_port         = 8089
    security_groups = [aws_security_group.web.id]
  }

  ingress {
    description = "gossip"
    protocol    = "udp"
    from_port   = 7946
    to_port     = 7946
    self        = true
  }

  lifecycle {
    create_before_destroy = true
  }
}

# Without rules in the group itself: one resource a rule.
resource "aws_security_group" "database" {
  name        = "database"
  description = "databases"
  vpc_id      = module.network.vpc_id
  tags        = { Name = "database" }
}

resource "aws_vpc_security_group_ingress_rule" "database_app" {
  security_group_id            = aws_security_group.database.id
  referenced_security_group_id = aws_security_group.app.id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
  tags                         = { why = "app" }
}

resource "aws_vpc_security_group_ingress_rule" "database_office" {
  for_each = toset(var.office_ranges)

  security_group_id = aws_security_group.database.id
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 5432
  to_port           = 5433
  description       = "postgres from an office"
}

resource "aws_vpc_security_group_ingress_rule" "database_ping" {
  security_group_id = aws_security_group.database.id
  cidr_ipv6         = "2001:db8::/32"
  ip_protocol       = "icmpv6"
  from_port         = -1
  to_port           = -1
}

resource "aws_vpc_security_group_egress_rule" "database_out" {
  security_group_id = aws_security_group.database.id
  cidr_ipv4         = "10.20.0.0/16"
  ip_protocol       = "-1"
}

resource "aws_vpc_security_group_egress_rule" "database_https" {
  security_group_id = aws_security_group.database.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  description       = "updates"
}

# The older kind of separate rule.
resource "aws_security_group" "cache" {
  name        = "cache"
  description = "caches"
  vpc_id      = module.network.vpc_id
}

resource "aws_security_group_rule" "cache_in" {
  type              = "ingress"
  security_group_id = aws_security_group.cache.id
  protocol          = "tcp"
  from_port         = 6379
  to_port           = 6379
  cidr_blocks       = ["10.20.10.0/24", "10.20.11.0/24"]
  description       = "redis"
}

resource "aws_security_group_rule" "cache_from_app" {
  type                     = "ingress"
  security_group_id        = aws_security_group.cache.id
  protocol                 = "tcp"
  from_port                = 11211
  to_port                  = 11211
  source_security_group_id = aws_security_group.app.id
}

resource "aws_security_group_rule" "cache_self" {
  type              = "ingress"
  security_group_id = aws_security_group.cache.id
  protocol          = "udp"
  from_port         = 9000
  to_port           = 9010
  self              = true
}

resource "aws_security_group_rule" "cache_out" {
  type              = "egress"
  security_group_id = aws_security_group.cache.id
  protocol          = "-1"
  from_port         = 0
  to_port           = 0
  cidr_blocks       = ["0.0.0.0/0"]
  ipv6_cidr_blocks  = ["::/0"]
}
