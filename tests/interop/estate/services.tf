module "service" {
  source   = "./modules/service"
  for_each = var.services

  name      = each.key
  retention = each.value.retention
  replicas  = each.value.replicas
  fifo      = each.value.fifo
  alarm     = each.value.alarm
  topic     = aws_sns_topic.alerts.arn
}

resource "aws_sqs_queue" "plain" {
  name                       = "plain"
  visibility_timeout_seconds = 45
  message_retention_seconds  = 86400
  delay_seconds              = 5
  receive_wait_time_seconds  = 10
  max_message_size           = 65536
  tags                       = { owner = var.owner }
}

resource "aws_sqs_queue" "guarded" {
  name                              = "guarded"
  kms_master_key_id                 = aws_kms_key.data.id
  kms_data_key_reuse_period_seconds = 600

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Topic"
      Effect    = "Allow"
      Principal = { Service = "sns.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = "*"
      Condition = { ArnEquals = { "aws:SourceArn" = aws_sns_topic.alerts.arn } }
    }]
  })
}

resource "aws_sns_topic" "alerts" {
  name         = "alerts"
  display_name = "Estate alerts"
  tags         = { severity = "high" }
}

resource "aws_sns_topic" "ordered" {
  name                        = "ordered.fifo"
  fifo_topic                  = true
  content_based_deduplication = true
  kms_master_key_id           = "alias/aws/sns"
}

resource "aws_sns_topic" "open" {
  name = "open"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Publish"
      Effect    = "Allow"
      Principal = { AWS = ["arn:aws:iam::123456789012:root"] }
      Action    = ["SNS:Publish", "SNS:Subscribe"]
      Resource  = "*"
    }]
  })

  delivery_policy = jsonencode({
    http = {
      defaultHealthyRetryPolicy = {
        minDelayTarget     = 10
        maxDelayTarget     = 20
        numRetries         = 3
        numMaxDelayRetries = 0
        numNoDelayRetries  = 0
        numMinDelayRetries = 0
        backoffFunction    = "linear"
      }
      disableSubscriptionOverrides = false
    }
  })
}

resource "aws_ssm_parameter" "endpoint" {
  name        = "/estate/endpoint"
  type        = "String"
  value       = "https://shop.example.com/"
  description = "where the shop answers"
  tags        = { owner = var.owner }
}

resource "aws_ssm_parameter" "token" {
  name   = "/estate/token"
  type   = "SecureString"
  value  = var.api_token
  key_id = aws_kms_key.data.id
}

resource "aws_ssm_parameter" "default_key" {
  name  = "/estate/secret"
  type  = "SecureString"
  value = "estate-test-secret-1"
}

resource "aws_ssm_parameter" "zones" {
  name            = "/estate/zones"
  type            = "StringList"
  value           = join(",", ["a", "b", "c"])
  allowed_pattern = "^[a-z,]+$"
}

resource "aws_ssm_parameter" "flag" {
  count = 3

  name  = "/estate/flag/${count.index}"
  type  = "String"
  tier  = count.index == 2 ? "Advanced" : "Standard"
  value = tostring(count.index)
}

resource "aws_ssm_parameter" "dr" {
  provider = aws.dr

  name  = "/estate/endpoint"
  type  = "String"
  value = "https://dr.example.com/"
}

resource "aws_secretsmanager_secret" "database" {
  name                    = "estate/database"
  description             = "password of the main database"
  recovery_window_in_days = 7
  kms_key_id              = aws_kms_key.data.arn
  tags                    = { rotates = "no" }
}

resource "aws_secretsmanager_secret" "partner" {
  name = "estate/partner"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = aws_iam_role.lambda.arn }
      Action    = "secretsmanager:GetSecretValue"
      Resource  = "*"
    }]
  })
}

resource "aws_cloudwatch_log_group" "plain" {
  name = "/estate/plain"
}

resource "aws_cloudwatch_log_group" "sealed" {
  name              = "/estate/sealed"
  retention_in_days = 90
  kms_key_id        = aws_kms_key.data.arn
  tags              = { data = "personal" }
}

resource "aws_cloudwatch_metric_alarm" "cpu" {
  alarm_name          = "cpu"
  alarm_description   = "web servers are busy"
  namespace           = "AWS/EC2"
  metric_name         = "CPUUtilization"
  statistic           = "Average"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 80.5
  period              = 300
  evaluation_periods  = 3
  datapoints_to_alarm = 2
  treat_missing_data  = "breaching"
  dimensions          = { InstanceId = aws_instance.web[0].id, Group = "web" }
  alarm_actions       = [aws_sns_topic.alerts.arn]
  ok_actions          = [aws_sns_topic.alerts.arn, aws_sns_topic.open.arn]
}

resource "aws_cloudwatch_metric_alarm" "latency" {
  alarm_name          = "latency"
  namespace           = "AWS/ApplicationELB"
  metric_name         = "TargetResponseTime"
  extended_statistic  = "p99.9"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 2
  period              = 60
  evaluation_periods  = 5
  unit                = "Seconds"
  actions_enabled     = false
  tags                = { owner = var.owner }
}

resource "aws_cloudwatch_metric_alarm" "ratio" {
  alarm_name          = "error-ratio"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0.01
  evaluation_periods  = 1

  metric_query {
    id          = "ratio"
    expression  = "errors / requests"
    label       = "error ratio"
    return_data = true
  }

  metric_query {
    id = "errors"

    metric {
      namespace   = "Shop"
      metric_name = "Errors"
      period      = 60
      stat        = "Sum"
    }
  }

  metric_query {
    id = "requests"

    metric {
      namespace   = "Shop"
      metric_name = "Requests"
      period      = 60
      stat        = "Sum"
      dimensions  = { Service = "front" }
    }
  }
}
