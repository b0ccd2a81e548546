terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

variable "name" {
  type = string
}

variable "retention" {
  type = number
}

variable "replicas" {
  type = number
}

variable "fifo" {
  type = bool
}

variable "alarm" {
  type    = number
  default = null
}

variable "topic" {
  type = string
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/service/${var.name}"
  retention_in_days = var.retention
  tags              = { service = var.name }
}

resource "aws_sqs_queue" "dead" {
  name       = var.fifo ? "${var.name}-dead.fifo" : "${var.name}-dead"
  fifo_queue = var.fifo ? true : null
}

resource "aws_sqs_queue" "work" {
  name                        = var.fifo ? "${var.name}.fifo" : var.name
  fifo_queue                  = var.fifo ? true : null
  content_based_deduplication = var.fifo ? true : null
  sqs_managed_sse_enabled     = true

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead.arn
    maxReceiveCount     = 4
  })

  tags = { service = var.name }

  # moto answers with spaces between the JSON's tokens, which Terraform takes for a change.
  lifecycle {
    ignore_changes = [redrive_policy]
  }
}

resource "aws_ssm_parameter" "replica" {
  count = var.replicas

  name  = "/service/${var.name}/replica/${count.index}"
  type  = "String"
  value = "replica ${count.index} of ${var.name}"
}

resource "aws_cloudwatch_metric_alarm" "backlog" {
  count = var.alarm == null ? 0 : 1

  alarm_name          = "${var.name}-backlog"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.work.name }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.alarm
  period              = 60
  evaluation_periods  = 10
  alarm_actions       = [var.topic]
}
