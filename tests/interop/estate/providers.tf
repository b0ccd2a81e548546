# Endpoints and credentials come from the environment (AWS_ENDPOINT_URL and friends).

provider "aws" {
  region            = var.region
  s3_use_path_style = true

  default_tags {
    tags = {
      managed-by = "terraform"
      env        = var.environment
    }
  }
}

# The disaster recovery copy. No default_tags on purpose: tags and tags_all are then the same.
provider "aws" {
  alias             = "dr"
  region            = var.dr_region
  s3_use_path_style = true
}
