output "vpc_id" {
  value = module.network.vpc_id
}

output "web_addresses" {
  value = aws_eip.web[*].public_ip
}

output "database_password" {
  value     = var.database_password
  sensitive = true
}
