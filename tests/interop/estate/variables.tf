variable "region" {
  type    = string
  default = "eu-west-1"
}

variable "dr_region" {
  type    = string
  default = "us-east-1"
}

variable "environment" {
  type    = string
  default = "production"
}

variable "owner" {
  type    = string
  default = "platform"
}

variable "database_password" {
  type      = string
  sensitive = true
  default   = "estate-test-only-1"
}

variable "api_token" {
  type      = string
  sensitive = true
  default   = "estate-test-token-1"
}

variable "office_ranges" {
  type    = list(string)
  default = ["198.51.100.0/24", "203.0.113.0/25"]
}

variable "open_ports" {
  type = list(object({ port = number, cidrs = list(string), note = string }))
  default = [
    { port = 80, cidrs = ["0.0.0.0/0"], note = "plain web" },
    { port = 443, cidrs = ["0.0.0.0/0"], note = "web" },
    { port = 8443, cidrs = ["198.51.100.0/24", "203.0.113.0/25"], note = "admin" },
  ]
}

variable "services" {
  type = map(object({
    retention = number
    replicas  = number
    fifo      = optional(bool, false)
    alarm     = optional(number)
  }))
  default = {
    orders   = { retention = 30, replicas = 1, fifo = true, alarm = 100 }
    payments = { retention = 365, replicas = 2, alarm = 5 }
    search   = { retention = 7, replicas = 0 }
  }
}
