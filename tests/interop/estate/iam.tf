data "aws_iam_policy_document" "assume_ec2" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "web" {
  name                 = "web"
  path                 = "/estate/"
  description          = "what the web servers may do"
  max_session_duration = 7200
  assume_role_policy   = data.aws_iam_policy_document.assume_ec2.json
  tags                 = { tier = "front" }
}

resource "aws_iam_role" "lambda" {
  name = "lambda"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = ["lambda.amazonaws.com", "edgelambda.amazonaws.com"] }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role" "audit" {
  name                  = "audit"
  force_detach_policies = true
  permissions_boundary  = aws_iam_policy.boundary.arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::123456789012:root" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "sts:ExternalId" = "estate" } }
    }]
  })
}

resource "aws_iam_policy" "boundary" {
  name        = "boundary"
  description = "the most anybody may do"

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["s3:*", "logs:*", "ec2:Describe*"], Resource = "*" }]
  })
}

resource "aws_iam_policy" "media" {
  name = "media"
  path = "/estate/"
  tags = { team = "media" }

  policy = <<-EOT
    {
      "Version": "2012-10-17",
      "Statement": [
        {
          "Sid": "Media",
          "Effect": "Allow",
          "Action": ["s3:GetObject", "s3:PutObject"],
          "Resource": "${module.bucket_media.arn}/*"
        }
      ]
    }
  EOT
}

resource "aws_iam_role_policy" "web_logs" {
  name = "logs"
  role = aws_iam_role.web.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "*"
    }]
  })
}

resource "aws_iam_role_policy" "lambda_queue" {
  name = "queue"
  role = aws_iam_role.lambda.id

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sqs:SendMessage", Resource = aws_sqs_queue.plain.arn }]
  })
}

resource "aws_iam_role_policy_attachment" "media" {
  for_each = { web = aws_iam_role.web.name, lambda = aws_iam_role.lambda.name }

  role       = each.value
  policy_arn = aws_iam_policy.media.arn
}

resource "aws_iam_role_policy_attachment" "audit" {
  role       = aws_iam_role.audit.name
  policy_arn = aws_iam_policy.boundary.arn
}

resource "aws_iam_user" "deployer" {
  name = "deployer"
  path = "/machines/"
  tags = { kind = "machine" }
}

resource "aws_iam_user" "person" {
  count = 2

  name          = "person-${count.index}"
  force_destroy = true
}

resource "aws_iam_instance_profile" "web" {
  name = "web"
  role = aws_iam_role.web.name
}

resource "aws_iam_instance_profile" "empty" {
  name = "empty"
  path = "/estate/"
  tags = { kind = "placeholder" }
}
