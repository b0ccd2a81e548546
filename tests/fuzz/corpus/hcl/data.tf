variable "pw" {
  type      = string
  sensitive = true
  default   = "hush"
}

resource "terraform_data" "counted" {
  count            = 2
  input            = { n = count.index, secret = var.pw }
  triggers_replace = [2]
}

resource "terraform_data" "new" {
  input = "moved"
}

module "m" {
  for_each = toset(["a.b", "c"])
  source   = "./mod"
  v        = each.key
}

moved {
  from = terraform_data.old
  to   = terraform_data.new
}

resource "terraform_data" "fn" {
  input            = jsonencode("x")
  triggers_replace = null
}
