resource "aws_route53_zone" "public" {
  name    = "shop.example.com"
  comment = "the shop"
  tags    = { visibility = "public" }
}

resource "aws_route53_zone" "inside" {
  name          = "inside.example.com"
  force_destroy = true
}

resource "aws_route53_record" "www" {
  zone_id = aws_route53_zone.public.zone_id
  name    = "www"
  type    = "A"
  ttl     = 300
  records = ["192.0.2.10", "192.0.2.11"]
}

resource "aws_route53_record" "docs" {
  zone_id = aws_route53_zone.public.zone_id
  name    = "docs.shop.example.com"
  type    = "CNAME"
  ttl     = 3600
  records = ["docs.example.net"]
}

resource "aws_route53_record" "spf" {
  zone_id = aws_route53_zone.public.zone_id
  name    = ""
  type    = "TXT"
  ttl     = 60
  records = ["v=spf1 -all", "verify=estate"]
}

resource "aws_route53_record" "front" {
  zone_id = aws_route53_zone.public.zone_id
  name    = "front"
  type    = "A"

  alias {
    name                   = aws_lb.front.dns_name
    zone_id                = aws_lb.front.zone_id
    evaluate_target_health = true
  }
}

resource "aws_route53_record" "wild" {
  zone_id = aws_route53_zone.public.zone_id
  name    = "*.dev"
  type    = "A"
  ttl     = 30
  records = ["192.0.2.99"]
}

resource "aws_route53_record" "split" {
  for_each = { blue = 90, green = 10 }

  zone_id        = aws_route53_zone.inside.zone_id
  name           = "api"
  type           = "CNAME"
  ttl            = 60
  records        = ["${each.key}.inside.example.com"]
  set_identifier = each.key

  weighted_routing_policy {
    weight = each.value
  }
}

resource "aws_route53_record" "databases" {
  zone_id = aws_route53_zone.inside.zone_id
  name    = "db"
  type    = "CNAME"
  ttl     = 60
  records = [aws_db_instance.main.address]
}
