#!/usr/bin/env python3
"""Outside changes to an applied estate, and what an audit must say of each.

usage: drift.py list
       drift.py apply DIR [NAME...]     DIR as given to tests/interop/up

`apply` makes every change (or the named ones), reads each back to see that moto really has it,
and prints what an audit has to find, as JSON: name, and expected as [address, path, verdict].

How to read `expect`
  (address, path, "drifted")   the attribute path, in Terraform's notation; a set or a JSON
                               document is named as a whole
  (address, None, "missing")   the object is gone
  []                           the same meaning in other words, an ignored change, or nothing
                               that anybody can observe: no verdict may come of it
An audit may say the same of an echo of such an attribute (tags_all, a parent that lists its
children), and of what `echo` names; anything else it says is invented.

Values: {address|attribute} is taken from the state. A read-back is (service, method, arguments,
JMESPath, value), or GONE as the value: the call fails or finds nothing.
"""

import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import estate  # noqa: E402

GONE = object()
DR = estate.DR_REGION
NET = "module.network"
NETDR = "module.network_dr"
MEDIA, LOGS, COPY = "module.bucket_media", "module.bucket_logs", "module.bucket_dr"

CHANGES = []


def change(name, calls, expect, check, region=estate.REGION, echo=()):
    """One outside change. `calls` is a list of (service, method, arguments)."""
    CHANGES.append({"name": name, "calls": calls, "expect": expect, "check": check,
                    "region": region, "echo": list(echo)})


def tag(name, address, key, value, region=estate.REGION):
    """Set (or, with None, take away) a tag of an EC2 object."""
    ident = "{%s|id}" % address
    where = [{"Name": "resource-id", "Values": [ident]}, {"Name": "key", "Values": [key]}]
    if value is None:
        call = ("ec2", "delete_tags", {"Resources": [ident], "Tags": [{"Key": key}]})
    else:
        call = ("ec2", "create_tags",
                {"Resources": [ident], "Tags": [{"Key": key, "Value": value}]})
    change(name, [call], [(address, "tags." + key, "drifted")],
           ("ec2", "describe_tags", {"Filters": where}, "Tags[0].Value", value), region)


def document(*statements, **more):
    """A policy, as plain JSON with the keys in the order given."""
    return json.dumps(dict({"Statement": list(statements), "Version": "2012-10-17"}, **more),
                      indent=3)


# ---- network ------------------------------------------------------------------------------------

tag("vpc-tag-changed", NET + ".aws_vpc.this", "owner", "ops")
tag("vpc-tag-added", "aws_vpc.lab", "intruder", "yes")
change("vpc-dns-hostnames-off",
       [("ec2", "modify_vpc_attribute", {"VpcId": "{%s.aws_vpc.this|id}" % NETDR,
                                         "EnableDnsHostnames": {"Value": False}})],
       [(NETDR + ".aws_vpc.this", "enable_dns_hostnames", "drifted")],
       ("ec2", "describe_vpc_attribute", {"VpcId": "{%s.aws_vpc.this|id}" % NETDR,
                                          "Attribute": "enableDnsHostnames"},
        "EnableDnsHostnames.Value", False), DR)
change("subnet-public-off",
       [("ec2", "modify_subnet_attribute", {"SubnetId": '{%s.aws_subnet.this["public-a"]|id}' % NET,
                                            "MapPublicIpOnLaunch": {"Value": False}})],
       [(NET + '.aws_subnet.this["public-a"]', "map_public_ip_on_launch", "drifted")],
       ("ec2", "describe_subnets", {"SubnetIds": ['{%s.aws_subnet.this["public-a"]|id}' % NET]},
        "Subnets[0].MapPublicIpOnLaunch", False))
tag("subnet-tag-removed", NET + '.aws_subnet.this["private-b"]', "Name", None)
tag("gateway-tag-added", NET + ".aws_internet_gateway.this", "intruder", "yes")
change("association-deleted",
       [("ec2", "disassociate_route_table",
         {"AssociationId": '{%s.aws_route_table_association.public["only"]|id}' % NETDR})],
       [(NETDR + '.aws_route_table_association.public["only"]', None, "missing")],
       ("ec2", "describe_route_tables", {"Filters": [
           {"Name": "association.route-table-association-id",
            "Values": ['{%s.aws_route_table_association.public["only"]|id}' % NETDR]}]},
        "RouteTables[0]", GONE), DR)
change("route-added",
       [("ec2", "create_route", {"RouteTableId": "{%s.aws_route_table.public|id}" % NET,
                                 "DestinationCidrBlock": "203.0.113.0/24",
                                 "GatewayId": "{%s.aws_internet_gateway.this|id}" % NET})],
       [(NET + ".aws_route_table.public", "route", "drifted")],
       ("ec2", "describe_route_tables",
        {"RouteTableIds": ["{%s.aws_route_table.public|id}" % NET]},
        "RouteTables[0].Routes[?DestinationCidrBlock=='203.0.113.0/24'] | length(@)", 1))
change("route-removed",
       [("ec2", "delete_route", {"RouteTableId": "{%s.aws_route_table.public|id}" % NETDR,
                                 "DestinationIpv6CidrBlock": "::/0"})],
       [(NETDR + ".aws_route_table.public", "route", "drifted")],
       ("ec2", "describe_route_tables",
        {"RouteTableIds": ["{%s.aws_route_table.public|id}" % NETDR]},
        "RouteTables[0].Routes[?DestinationIpv6CidrBlock=='::/0'] | length(@)", 0), DR)
change("group-rule-added",
       [("ec2", "authorize_security_group_ingress",
         {"GroupId": "{aws_security_group.web|id}", "IpPermissions": [
             {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22,
              "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "just for a moment"}]}]})],
       [("aws_security_group.web", "ingress", "drifted")],
       ("ec2", "describe_security_groups", {"GroupIds": ["{aws_security_group.web|id}"]},
        "SecurityGroups[0].IpPermissions[?FromPort==`22`] | length(@)", 1))
change("group-rule-removed",
       [("ec2", "revoke_security_group_ingress",
         {"GroupId": "{aws_security_group.app|id}", "IpPermissions": [
             {"IpProtocol": "udp", "FromPort": 7946, "ToPort": 7946, "UserIdGroupPairs": [
                 {"GroupId": "{aws_security_group.app|id}", "Description": "gossip"}]}]})],
       [("aws_security_group.app", "ingress", "drifted")],
       ("ec2", "describe_security_groups", {"GroupIds": ["{aws_security_group.app|id}"]},
        "SecurityGroups[0].IpPermissions[?FromPort==`7946`] | length(@)", 0))
tag("group-tag-changed", "aws_security_group.database", "Name", "db")
change("ingress-rule-deleted",
       [("ec2", "revoke_security_group_ingress",
         {"GroupId": "{aws_security_group.database|id}",
          "SecurityGroupRuleIds": ["{aws_vpc_security_group_ingress_rule.database_ping|id}"]})],
       [("aws_vpc_security_group_ingress_rule.database_ping", None, "missing")],
       ("ec2", "describe_security_group_rules",
        {"SecurityGroupRuleIds": ["{aws_vpc_security_group_ingress_rule.database_ping|id}"]},
        "SecurityGroupRules[0]", GONE))
tag("ingress-rule-tag-changed", "aws_vpc_security_group_ingress_rule.database_app", "why", "?")
# One of the two ranges of a rule goes: no rule is left that holds both, so the provider calls it
# gone. "cidr_blocks drifted" is as true.
change("old-rule-range-removed",
       [("ec2", "revoke_security_group_ingress",
         {"GroupId": "{aws_security_group.cache|id}", "IpPermissions": [
             {"IpProtocol": "tcp", "FromPort": 6379, "ToPort": 6379,
              "IpRanges": [{"CidrIp": "10.20.11.0/24", "Description": "redis"}]}]})],
       # One of its two ranges is left. The provider gives the whole rule up; the API does not.
       [("aws_security_group_rule.cache_in", "cidr_blocks", "drifted")],
       ("ec2", "describe_security_groups", {"GroupIds": ["{aws_security_group.cache|id}"]},
        "SecurityGroups[0].IpPermissions[?FromPort==`6379`] | [0].IpRanges | length(@)", 1))

# ---- compute ------------------------------------------------------------------------------------

tag("instance-tag-changed", "aws_instance.web[0]", "role", "proxy")
change("instance-ignored-tag",
       [("ec2", "create_tags", {"Resources": ["{aws_instance.worker|id}"],
                                "Tags": [{"Key": "role", "Value": "any"}]})],
       [],
       ("ec2", "describe_instances", {"InstanceIds": ["{aws_instance.worker|id}"]},
        "Reservations[0].Instances[0].Tags[?Key=='role'] | [0].Value", "any"))
change("instance-ignored-type",
       [("ec2", "stop_instances", {"InstanceIds": ["{aws_instance.worker|id}"]}),
        ("ec2", "modify_instance_attribute", {"InstanceId": "{aws_instance.worker|id}",
                                              "InstanceType": {"Value": "m5.xlarge"}}),
        ("ec2", "start_instances", {"InstanceIds": ["{aws_instance.worker|id}"]})],
       [],
       ("ec2", "describe_instances", {"InstanceIds": ["{aws_instance.worker|id}"]},
        "Reservations[0].Instances[0].InstanceType", "m5.xlarge"))
change("instance-groups-changed",
       [("ec2", "modify_instance_attribute", {"InstanceId": "{aws_instance.web[1]|id}",
                                              "Groups": ["{aws_security_group.web|id}"]})],
       [("aws_instance.web[1]", "vpc_security_group_ids", "drifted")],
       ("ec2", "describe_instances", {"InstanceIds": ["{aws_instance.web[1]|id}"]},
        "Reservations[0].Instances[0].SecurityGroups | length(@)", 1),
       echo=["security_groups"])
change("instance-terminated",
       [("ec2", "terminate_instances", {"InstanceIds": ["{aws_instance.dr|id}"]})],
       [("aws_instance.dr", None, "missing")],
       ("ec2", "describe_instances", {"InstanceIds": ["{aws_instance.dr|id}"]},
        "Reservations[0].Instances[0].State.Name", "terminated"), DR)
change("volume-grown",
       [("ec2", "modify_volume", {"VolumeId": '{aws_ebs_volume.data["gp3"]|id}', "Size": 60})],
       [('aws_ebs_volume.data["gp3"]', "size", "drifted")],
       ("ec2", "describe_volumes", {"VolumeIds": ['{aws_ebs_volume.data["gp3"]|id}']},
        "Volumes[0].Size", 60))
change("volume-deleted",
       [("ec2", "delete_volume", {"VolumeId": '{aws_ebs_volume.data["standard"]|id}'})],
       [('aws_ebs_volume.data["standard"]', None, "missing")],
       ("ec2", "describe_volumes", {"VolumeIds": ['{aws_ebs_volume.data["standard"]|id}']},
        "Volumes[0]", GONE))
tag("volume-tag-changed", 'aws_ebs_volume.data["io1"]', "Name", "mine")
change("address-released",
       [("ec2", "release_address", {"AllocationId": "{aws_eip.spare|id}"})],
       [("aws_eip.spare", None, "missing")],
       ("ec2", "describe_addresses", {"AllocationIds": ["{aws_eip.spare|id}"]},
        "Addresses[0]", GONE))
tag("address-tag-removed", "aws_eip.web[1]", "Name", None)
change("balancer-idle-timeout",
       [("elbv2", "modify_load_balancer_attributes",
         {"LoadBalancerArn": "{aws_lb.front|arn}",
          "Attributes": [{"Key": "idle_timeout.timeout_seconds", "Value": "60"}]})],
       [("aws_lb.front", "idle_timeout", "drifted")],
       ("elbv2", "describe_load_balancer_attributes", {"LoadBalancerArn": "{aws_lb.front|arn}"},
        "Attributes[?Key=='idle_timeout.timeout_seconds'] | [0].Value", "60"))
change("balancer-protection-off",
       [("elbv2", "modify_load_balancer_attributes",
         {"LoadBalancerArn": "{aws_lb.front|arn}",
          "Attributes": [{"Key": "deletion_protection.enabled", "Value": "false"}]})],
       [("aws_lb.front", "enable_deletion_protection", "drifted")],
       ("elbv2", "describe_load_balancer_attributes", {"LoadBalancerArn": "{aws_lb.front|arn}"},
        "Attributes[?Key=='deletion_protection.enabled'] | [0].Value", "false"))
change("balancer-tag-added",
       [("elbv2", "add_tags", {"ResourceArns": ["{aws_lb.inside|arn}"],
                               "Tags": [{"Key": "intruder", "Value": "yes"}]})],
       [("aws_lb.inside", "tags.intruder", "drifted")],
       ("elbv2", "describe_tags", {"ResourceArns": ["{aws_lb.inside|arn}"]},
        "TagDescriptions[0].Tags[?Key=='intruder'] | [0].Value", "yes"))
change("scaling-maximum",
       [("autoscaling", "update_auto_scaling_group",
         {"AutoScalingGroupName": "web", "MaxSize": 5})],
       [("aws_autoscaling_group.web", "max_size", "drifted")],
       ("autoscaling", "describe_auto_scaling_groups", {"AutoScalingGroupNames": ["web"]},
        "AutoScalingGroups[0].MaxSize", 5))
change("scaling-ignored-desired",
       [("autoscaling", "set_desired_capacity",
         {"AutoScalingGroupName": "web", "DesiredCapacity": 2})],
       [],
       ("autoscaling", "describe_auto_scaling_groups", {"AutoScalingGroupNames": ["web"]},
        "AutoScalingGroups[0].DesiredCapacity", 2))
change("scaling-tag-added",
       [("autoscaling", "create_or_update_tags", {"Tags": [
           {"ResourceId": "batch", "ResourceType": "auto-scaling-group", "Key": "intruder",
            "Value": "yes", "PropagateAtLaunch": False}]})],
       [("aws_autoscaling_group.batch", "tag", "drifted")],
       ("autoscaling", "describe_auto_scaling_groups", {"AutoScalingGroupNames": ["batch"]},
        "AutoScalingGroups[0].Tags[?Key=='intruder'] | [0].Value", "yes"))
change("function-memory",
       [("lambda", "update_function_configuration",
         {"FunctionName": "resize", "MemorySize": 1024})],
       [("aws_lambda_function.resize", "memory_size", "drifted")],
       ("lambda", "get_function_configuration", {"FunctionName": "resize"}, "MemorySize", 1024))
change("function-variable",
       [("lambda", "update_function_configuration",
         {"FunctionName": "resize",
          "Environment": {"Variables": {"BUCKET": "estate-media", "LEVEL": "debug"}}})],
       [("aws_lambda_function.resize", "environment[0].variables.LEVEL", "drifted")],
       ("lambda", "get_function_configuration", {"FunctionName": "resize"},
        "Environment.Variables.LEVEL", "debug"))
change("function-deleted",
       [("lambda", "delete_function", {"FunctionName": "hook"})],
       [("aws_lambda_function.hook", None, "missing")],
       ("lambda", "get_function", {"FunctionName": "hook"}, "Configuration", GONE))
change("database-backups",
       [("rds", "modify_db_instance", {"DBInstanceIdentifier": "main", "ApplyImmediately": True,
                                       "BackupRetentionPeriod": 1})],
       [("aws_db_instance.main", "backup_retention_period", "drifted")],
       ("rds", "describe_db_instances", {"DBInstanceIdentifier": "main"},
        "DBInstances[0].BackupRetentionPeriod", 1))
change("database-password-unobservable",
       [("rds", "modify_db_instance", {"DBInstanceIdentifier": "main", "ApplyImmediately": True,
                                       "MasterUserPassword": "somebody-elses-1"})],
       [],
       ("rds", "describe_db_instances", {"DBInstanceIdentifier": "main"},
        "DBInstances[0].DBInstanceIdentifier", "main"))
change("database-deleted",
       [("rds", "delete_db_instance", {"DBInstanceIdentifier": "reports",
                                       "SkipFinalSnapshot": True})],
       [("aws_db_instance.reports", None, "missing")],
       ("rds", "describe_db_instances", {"DBInstanceIdentifier": "reports"},
        "DBInstances[0]", GONE), DR)

# ---- storage ------------------------------------------------------------------------------------

change("versioning-suspended",
       [("s3", "put_bucket_versioning", {"Bucket": "estate-media",
                                         "VersioningConfiguration": {"Status": "Suspended"}})],
       [(MEDIA + ".aws_s3_bucket_versioning.this", "versioning_configuration[0].status",
         "drifted")],
       ("s3", "get_bucket_versioning", {"Bucket": "estate-media"}, "Status", "Suspended"))
change("public-access-opened",
       [("s3", "put_public_access_block",
         {"Bucket": "estate-media-copy", "PublicAccessBlockConfiguration": {
             "BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": False,
             "RestrictPublicBuckets": False}})],
       [(COPY + ".aws_s3_bucket_public_access_block.this", "block_public_policy", "drifted"),
        (COPY + ".aws_s3_bucket_public_access_block.this", "restrict_public_buckets", "drifted")],
       ("s3", "get_public_access_block", {"Bucket": "estate-media-copy"},
        "PublicAccessBlockConfiguration.BlockPublicPolicy", False), DR)
change("public-access-block-deleted",
       [("s3", "delete_public_access_block", {"Bucket": "estate-logs"})],
       [(LOGS + ".aws_s3_bucket_public_access_block.this", None, "missing")],
       ("s3", "get_public_access_block", {"Bucket": "estate-logs"}, "@", GONE))
change("ownership-changed",
       [("s3", "put_bucket_ownership_controls",
         {"Bucket": "estate-media", "OwnershipControls": {
             "Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}})],
       [(MEDIA + ".aws_s3_bucket_ownership_controls.this", "rule[0].object_ownership", "drifted")],
       ("s3", "get_bucket_ownership_controls", {"Bucket": "estate-media"},
        "OwnershipControls.Rules[0].ObjectOwnership", "BucketOwnerPreferred"))
change("ownership-deleted",
       [("s3", "delete_bucket_ownership_controls", {"Bucket": "estate-logs"})],
       [(LOGS + ".aws_s3_bucket_ownership_controls.this", None, "missing")],
       ("s3", "get_bucket_ownership_controls", {"Bucket": "estate-logs"}, "@", GONE))
change("encryption-changed",
       [("s3", "put_bucket_encryption",
         {"Bucket": "estate-media", "ServerSideEncryptionConfiguration": {"Rules": [
             {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}})],
       [(MEDIA + ".aws_s3_bucket_server_side_encryption_configuration.this", "rule", "drifted")],
       ("s3", "get_bucket_encryption", {"Bucket": "estate-media"},
        "ServerSideEncryptionConfiguration.Rules[0]"
        ".ApplyServerSideEncryptionByDefault.SSEAlgorithm", "AES256"))
change("bucket-policy-changed",
       [("s3", "put_bucket_policy", {"Bucket": "estate-logs", "Policy": document(
           {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::estate-logs/*"})})],
       [(LOGS + ".aws_s3_bucket_policy.this[0]", "policy", "drifted")],
       ("s3", "get_bucket_policy", {"Bucket": "estate-logs"}, "contains(Policy, 'TlsOnly')", False))
change("bucket-policy-same-meaning",
       [("s3", "put_bucket_policy", {"Bucket": "estate-media", "Policy": document(
           {"Resource": ["arn:aws:s3:::estate-media/*", "arn:aws:s3:::estate-media"],
            "Action": ["s3:ListBucket", "s3:GetObject"],
            "Principal": {"AWS": ["{aws_iam_role.lambda|arn}", "{aws_iam_role.web|arn}"]},
            "Effect": "Allow", "Sid": "Readers"},
           {"Condition": {"Bool": {"aws:SecureTransport": ["false"]}},
            "Resource": ["arn:aws:s3:::estate-media/*"], "Action": ["s3:*"], "Principal": "*",
            "Effect": "Deny", "Sid": "TlsOnly"})})],
       [],
       ("s3", "get_bucket_policy", {"Bucket": "estate-media"},
        "starts_with(Policy, '{\n')", True))
change("bucket-tags-changed",
       [("s3", "put_bucket_tagging", {"Bucket": "estate-media", "Tagging": {"TagSet": [
           {"Key": "env", "Value": "production"}, {"Key": "managed-by", "Value": "terraform"},
           {"Key": "team", "Value": "sales"}]}})],
       [(MEDIA + ".aws_s3_bucket.this", "tags.team", "drifted")],
       ("s3", "get_bucket_tagging", {"Bucket": "estate-media"},
        "TagSet[?Key=='team'] | [0].Value", "sales"))
change("bucket-deleted",
       [("s3", "delete_bucket", {"Bucket": "estate-scratch"})],
       [("aws_s3_bucket.scratch", None, "missing")],
       ("s3", "head_bucket", {"Bucket": "estate-scratch"}, "@", GONE))
change("table-ttl-off",
       [("dynamodb", "update_time_to_live",
         {"TableName": "sessions",
          "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": False}})],
       [("aws_dynamodb_table.sessions", "ttl[0].enabled", "drifted")],
       ("dynamodb", "describe_time_to_live", {"TableName": "sessions"},
        "TimeToLiveDescription.TimeToLiveStatus", "DISABLED"), echo=["ttl[0].attribute_name"])
change("table-capacity",
       [("dynamodb", "update_table",
         {"TableName": "orders",
          "ProvisionedThroughput": {"ReadCapacityUnits": 9, "WriteCapacityUnits": 2}})],
       [("aws_dynamodb_table.orders", "read_capacity", "drifted")],
       ("dynamodb", "describe_table", {"TableName": "orders"},
        "Table.ProvisionedThroughput.ReadCapacityUnits", 9))
change("table-protection-off",
       [("dynamodb", "update_table", {"TableName": "orders", "DeletionProtectionEnabled": False})],
       [("aws_dynamodb_table.orders", "deletion_protection_enabled", "drifted")],
       ("dynamodb", "describe_table", {"TableName": "orders"},
        "Table.DeletionProtectionEnabled", False))
change("key-rotation-off",
       [("kms", "disable_key_rotation", {"KeyId": "{aws_kms_key.data|key_id}"})],
       [("aws_kms_key.data", "enable_key_rotation", "drifted")],
       ("kms", "get_key_rotation_status", {"KeyId": "{aws_kms_key.data|key_id}"},
        "KeyRotationEnabled", False), echo=["rotation_period_in_days"])
change("key-description",
       [("kms", "update_key_description", {"KeyId": "{aws_kms_key.signing|key_id}",
                                           "Description": "do not touch"})],
       [("aws_kms_key.signing", "description", "drifted")],
       ("kms", "describe_key", {"KeyId": "{aws_kms_key.signing|key_id}"},
        "KeyMetadata.Description", "do not touch"))
change("key-policy-same-meaning",
       [("kms", "put_key_policy", {"KeyId": "{aws_kms_key.signing|key_id}",
                                   "PolicyName": "default", "Policy": document(
           {"Resource": ["*"], "Action": ["kms:*"],
            "Principal": {"AWS": ["arn:aws:iam::123456789012:root"]}, "Effect": "Allow",
            "Sid": "root"})})],
       [],
       ("kms", "get_key_policy", {"KeyId": "{aws_kms_key.signing|key_id}", "PolicyName": "default"},
        "contains(Policy, '[')", True))
change("key-enabled",
       [("kms", "enable_key", {"KeyId": "{aws_kms_key.dr|key_id}"})],
       [("aws_kms_key.dr", "is_enabled", "drifted")],
       ("kms", "describe_key", {"KeyId": "{aws_kms_key.dr|key_id}"}, "KeyMetadata.Enabled", True),
       DR)
change("registry-mutability",
       [("ecr", "put_image_tag_mutability", {"repositoryName": "shop/api",
                                             "imageTagMutability": "MUTABLE"})],
       [('aws_ecr_repository.shop["api"]', "image_tag_mutability", "drifted")],
       ("ecr", "describe_repositories", {"repositoryNames": ["shop/api"]},
        "repositories[0].imageTagMutability", "MUTABLE"))
change("registry-scanning",
       [("ecr", "put_image_scanning_configuration",
         {"repositoryName": "shop/front", "imageScanningConfiguration": {"scanOnPush": True}})],
       [('aws_ecr_repository.shop["front"]', "image_scanning_configuration[0].scan_on_push",
         "drifted")],
       ("ecr", "describe_repositories", {"repositoryNames": ["shop/front"]},
        "repositories[0].imageScanningConfiguration.scanOnPush", True))
change("registry-deleted",
       [("ecr", "delete_repository", {"repositoryName": "sealed"})],
       [("aws_ecr_repository.sealed", None, "missing")],
       ("ecr", "describe_repositories", {"repositoryNames": ["sealed"]}, "repositories[0]", GONE))

# ---- iam ----------------------------------------------------------------------------------------

change("role-session",
       [("iam", "update_role", {"RoleName": "web", "MaxSessionDuration": 43200,
                                "Description": "what the web servers may do"})],
       [("aws_iam_role.web", "max_session_duration", "drifted")],
       ("iam", "get_role", {"RoleName": "web"}, "Role.MaxSessionDuration", 43200))
change("role-trust-same-meaning",
       [("iam", "update_assume_role_policy", {"RoleName": "lambda", "PolicyDocument": document(
           {"Principal": {"Service": ["edgelambda.amazonaws.com", "lambda.amazonaws.com"]},
            "Action": ["sts:AssumeRole"], "Effect": "Allow"})})],
       [],
       ("iam", "get_role", {"RoleName": "lambda"},
        "Role.AssumeRolePolicyDocument.Statement[0].Action[0]", "sts:AssumeRole"))
change("role-trust-changed",
       [("iam", "update_assume_role_policy", {"RoleName": "audit", "PolicyDocument": document(
           {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
            "Action": "sts:AssumeRole"})})],
       [("aws_iam_role.audit", "assume_role_policy", "drifted")],
       ("iam", "get_role", {"RoleName": "audit"},
        "Role.AssumeRolePolicyDocument.Statement[0].Condition", None))
change("policy-changed",
       [("iam", "create_policy_version",
         {"PolicyArn": "{aws_iam_policy.media|arn}", "SetAsDefault": True,
          "PolicyDocument": document({"Sid": "Media", "Effect": "Allow", "Action": "s3:*",
                                      "Resource": "*"})})],
       [("aws_iam_policy.media", "policy", "drifted")],
       ("iam", "get_policy", {"PolicyArn": "{aws_iam_policy.media|arn}"},
        "Policy.DefaultVersionId", "v2"))
change("policy-same-meaning",
       [("iam", "create_policy_version",
         {"PolicyArn": "{aws_iam_policy.boundary|arn}", "SetAsDefault": True,
          "PolicyDocument": document({"Resource": ["*"], "Effect": "Allow",
                                      "Action": ["ec2:Describe*", "logs:*", "s3:*"]})})],
       [],
       ("iam", "get_policy", {"PolicyArn": "{aws_iam_policy.boundary|arn}"},
        "Policy.DefaultVersionId", "v2"))
change("role-policy-changed",
       [("iam", "put_role_policy",
         {"RoleName": "web", "PolicyName": "logs", "PolicyDocument": document(
             {"Effect": "Allow", "Action": "*", "Resource": "*"})})],
       [("aws_iam_role_policy.web_logs", "policy", "drifted")],
       ("iam", "get_role_policy", {"RoleName": "web", "PolicyName": "logs"},
        "PolicyDocument.Statement[0].Action", "*"))
change("role-policy-deleted",
       [("iam", "delete_role_policy", {"RoleName": "lambda", "PolicyName": "queue"})],
       [("aws_iam_role_policy.lambda_queue", None, "missing")],
       ("iam", "get_role_policy", {"RoleName": "lambda", "PolicyName": "queue"}, "@", GONE))
change("attachment-removed",
       [("iam", "detach_role_policy", {"RoleName": "lambda",
                                       "PolicyArn": "{aws_iam_policy.media|arn}"})],
       [('aws_iam_role_policy_attachment.media["lambda"]', None, "missing")],
       ("iam", "list_attached_role_policies", {"RoleName": "lambda"}, "AttachedPolicies[0]", GONE))
change("user-tag-changed",
       [("iam", "tag_user", {"UserName": "deployer",
                             "Tags": [{"Key": "kind", "Value": "person"}]})],
       [("aws_iam_user.deployer", "tags.kind", "drifted")],
       ("iam", "list_user_tags", {"UserName": "deployer"}, "Tags[?Key=='kind'] | [0].Value",
        "person"))
change("user-deleted",
       [("iam", "delete_user", {"UserName": "person-1"})],
       [("aws_iam_user.person[1]", None, "missing")],
       ("iam", "get_user", {"UserName": "person-1"}, "@", GONE))
change("profile-role-removed",
       [("iam", "remove_role_from_instance_profile", {"InstanceProfileName": "web",
                                                      "RoleName": "web"})],
       [("aws_iam_instance_profile.web", "role", "drifted")],
       ("iam", "get_instance_profile", {"InstanceProfileName": "web"},
        "InstanceProfile.Roles | length(@)", 0))

# ---- messages, parameters, secrets --------------------------------------------------------------

change("queue-visibility",
       [("sqs", "set_queue_attributes", {"QueueUrl": "{aws_sqs_queue.plain|url}",
                                         "Attributes": {"VisibilityTimeout": "90"}})],
       [("aws_sqs_queue.plain", "visibility_timeout_seconds", "drifted")],
       ("sqs", "get_queue_attributes", {"QueueUrl": "{aws_sqs_queue.plain|url}",
                                        "AttributeNames": ["All"]},
        "Attributes.VisibilityTimeout", "90"))
change("queue-policy-same-meaning",
       [("sqs", "set_queue_attributes",
         {"QueueUrl": "{aws_sqs_queue.guarded|url}", "Attributes": {"Policy": document(
             {"Condition": {"ArnEquals": {"aws:SourceArn": ["{aws_sns_topic.alerts|arn}"]}},
              "Resource": ["*"], "Action": ["sqs:SendMessage"],
              "Principal": {"Service": ["sns.amazonaws.com"]}, "Effect": "Allow",
              "Sid": "Topic"})}})],
       [],
       ("sqs", "get_queue_attributes", {"QueueUrl": "{aws_sqs_queue.guarded|url}",
                                        "AttributeNames": ["All"]},
        "contains(Attributes.Policy, '[')", True))
change("queue-tag-removed",
       [("sqs", "untag_queue", {"QueueUrl": '{module.service["search"].aws_sqs_queue.work|url}',
                                "TagKeys": ["service"]})],
       [('module.service["search"].aws_sqs_queue.work', "tags.service", "drifted")],
       ("sqs", "list_queue_tags",
        {"QueueUrl": '{module.service["search"].aws_sqs_queue.work|url}'}, "Tags.service", None))
change("queue-deleted",
       [("sqs", "delete_queue",
         {"QueueUrl": '{module.service["payments"].aws_sqs_queue.dead|url}'})],
       [('module.service["payments"].aws_sqs_queue.dead', None, "missing")],
       ("sqs", "get_queue_attributes",
        {"QueueUrl": '{module.service["payments"].aws_sqs_queue.dead|url}',
         "AttributeNames": ["All"]}, "Attributes", GONE))
change("topic-display-name",
       [("sns", "set_topic_attributes", {"TopicArn": "{aws_sns_topic.alerts|arn}",
                                         "AttributeName": "DisplayName",
                                         "AttributeValue": "Noise"})],
       [("aws_sns_topic.alerts", "display_name", "drifted")],
       ("sns", "get_topic_attributes", {"TopicArn": "{aws_sns_topic.alerts|arn}"},
        "Attributes.DisplayName", "Noise"))
change("topic-policy-opened",
       [("sns", "set_topic_attributes",
         {"TopicArn": "{aws_sns_topic.open|arn}", "AttributeName": "Policy",
          "AttributeValue": document({"Sid": "Publish", "Effect": "Allow",
                                      "Principal": {"AWS": "*"},
                                      "Action": ["SNS:Publish", "SNS:Subscribe"],
                                      "Resource": "*"})})],
       [("aws_sns_topic.open", "policy", "drifted")],
       ("sns", "get_topic_attributes", {"TopicArn": "{aws_sns_topic.open|arn}"},
        "contains(Attributes.Policy, ':root')", False))
change("parameter-changed",
       [("ssm", "put_parameter", {"Name": "/estate/endpoint", "Type": "String",
                                  "Value": "https://elsewhere.example.com/", "Overwrite": True,
                                  "Description": "where the shop answers"})],
       [("aws_ssm_parameter.endpoint", "value", "drifted")],
       ("ssm", "get_parameter", {"Name": "/estate/endpoint"}, "Parameter.Value",
        "https://elsewhere.example.com/"), echo=["insecure_value", "version"])
change("secret-parameter-changed",
       [("ssm", "put_parameter", {"Name": "/estate/token", "Type": "SecureString",
                                  "Value": "stolen", "Overwrite": True,
                                  "KeyId": "{aws_kms_key.data|key_id}"})],
       [("aws_ssm_parameter.token", "value", "drifted")],
       ("ssm", "get_parameter", {"Name": "/estate/token", "WithDecryption": True},
        "Parameter.Value", "stolen"), echo=["version"])
change("parameter-list-reordered",
       [("ssm", "put_parameter", {"Name": "/estate/zones", "Type": "StringList",
                                  "Value": "c,b,a", "Overwrite": True,
                                  "AllowedPattern": "^[a-z,]+$"})],
       [("aws_ssm_parameter.zones", "value", "drifted")],
       ("ssm", "get_parameter", {"Name": "/estate/zones"}, "Parameter.Value", "c,b,a"),
       echo=["insecure_value", "version"])
change("parameter-deleted",
       [("ssm", "delete_parameter", {"Name": "/estate/flag/1"})],
       [("aws_ssm_parameter.flag[1]", None, "missing")],
       ("ssm", "get_parameter", {"Name": "/estate/flag/1"}, "Parameter", GONE))
change("secret-description",
       [("secretsmanager", "update_secret", {"SecretId": "estate/database",
                                             "Description": "unused"})],
       [("aws_secretsmanager_secret.database", "description", "drifted")],
       ("secretsmanager", "describe_secret", {"SecretId": "estate/database"}, "Description",
        "unused"))
change("secret-policy-changed",
       [("secretsmanager", "put_resource_policy",
         {"SecretId": "estate/partner", "ResourcePolicy": document(
             {"Effect": "Allow", "Principal": {"AWS": "*"},
              "Action": "secretsmanager:GetSecretValue", "Resource": "*"})})],
       [("aws_secretsmanager_secret.partner", "policy", "drifted")],
       ("secretsmanager", "get_resource_policy", {"SecretId": "estate/partner"},
        "contains(ResourcePolicy, 'role/lambda')", False))

# ---- watching -----------------------------------------------------------------------------------

change("log-retention-set",
       [("logs", "put_retention_policy", {"logGroupName": "/estate/plain", "retentionInDays": 1})],
       [("aws_cloudwatch_log_group.plain", "retention_in_days", "drifted")],
       ("logs", "describe_log_groups", {"logGroupNamePrefix": "/estate/plain"},
        "logGroups[0].retentionInDays", 1))
change("log-retention-removed",
       [("logs", "delete_retention_policy", {"logGroupName": "/service/payments"})],
       [('module.service["payments"].aws_cloudwatch_log_group.this', "retention_in_days",
         "drifted")],
       ("logs", "describe_log_groups", {"logGroupNamePrefix": "/service/payments"},
        "logGroups[0].retentionInDays", None))
change("log-group-deleted",
       [("logs", "delete_log_group", {"logGroupName": "/service/orders"})],
       [('module.service["orders"].aws_cloudwatch_log_group.this', None, "missing")],
       ("logs", "describe_log_groups", {"logGroupNamePrefix": "/service/orders"},
        "logGroups[0]", GONE))
change("alarm-threshold-and-same-actions",
       [("cloudwatch", "put_metric_alarm",
         {"AlarmName": "cpu", "AlarmDescription": "web servers are busy", "Namespace": "AWS/EC2",
          "MetricName": "CPUUtilization", "Statistic": "Average",
          "ComparisonOperator": "GreaterThanOrEqualToThreshold", "Threshold": 99.5,
          "Period": 300, "EvaluationPeriods": 3, "DatapointsToAlarm": 2,
          "TreatMissingData": "breaching", "ActionsEnabled": True,
          "Dimensions": [{"Name": "Group", "Value": "web"},
                         {"Name": "InstanceId", "Value": "{aws_instance.web[0]|id}"}],
          "Tags": [{"Key": "env", "Value": "production"},
                   {"Key": "managed-by", "Value": "terraform"}],
          "AlarmActions": ["{aws_sns_topic.alerts|arn}"],
          "OKActions": ["{aws_sns_topic.open|arn}", "{aws_sns_topic.alerts|arn}"]})],
       [("aws_cloudwatch_metric_alarm.cpu", "threshold", "drifted")],
       ("cloudwatch", "describe_alarms", {"AlarmNames": ["cpu"]}, "MetricAlarms[0].Threshold",
        99.5))
change("alarm-actions-on",
       [("cloudwatch", "put_metric_alarm",
         {"AlarmName": "latency", "Namespace": "AWS/ApplicationELB",
          "MetricName": "TargetResponseTime", "ExtendedStatistic": "p99.9",
          "ComparisonOperator": "GreaterThanThreshold", "Threshold": 2, "Period": 60,
          "EvaluationPeriods": 5, "Unit": "Seconds", "ActionsEnabled": True,
          "TreatMissingData": "missing",
          "Tags": [{"Key": "owner", "Value": "platform"}, {"Key": "env", "Value": "production"},
                   {"Key": "managed-by", "Value": "terraform"}]})],
       [("aws_cloudwatch_metric_alarm.latency", "actions_enabled", "drifted")],
       ("cloudwatch", "describe_alarms", {"AlarmNames": ["latency"]},
        "MetricAlarms[0].ActionsEnabled", True))
change("alarm-deleted",
       [("cloudwatch", "delete_alarms", {"AlarmNames": ["error-ratio"]})],
       [("aws_cloudwatch_metric_alarm.ratio", None, "missing")],
       ("cloudwatch", "describe_alarms", {"AlarmNames": ["error-ratio"]}, "MetricAlarms[0]", GONE))

# ---- names --------------------------------------------------------------------------------------


def record(name, address, verb, record_set, expect, check):
    """Change one record of the zone that holds it."""
    zone = "{%s|zone_id}" % address
    change(name,
           [("route53", "change_resource_record_sets",
             {"HostedZoneId": zone, "ChangeBatch": {"Changes": [
                 {"Action": verb, "ResourceRecordSet": record_set}]}})],
           [(address, path, verdict) for path, verdict in expect],
           ("route53", "list_resource_record_sets", {"HostedZoneId": zone}, *check))


record("record-reordered-same", "aws_route53_record.www", "UPSERT",
       {"Name": "www.shop.example.com", "Type": "A", "TTL": 300,
        "ResourceRecords": [{"Value": "192.0.2.11"}, {"Value": "192.0.2.10"}]}, [],
       ("ResourceRecordSets[?Name=='www.shop.example.com.'] | [0].ResourceRecords[0].Value",
        "192.0.2.11"))
record("record-ttl", "aws_route53_record.spf", "UPSERT",
       {"Name": "shop.example.com", "Type": "TXT", "TTL": 61,
        "ResourceRecords": [{"Value": '"v=spf1 -all"'}, {"Value": '"verify=estate"'}]},
       [("ttl", "drifted")],
       ("ResourceRecordSets[?Type=='TXT'] | [0].TTL", 61))
record("record-values", "aws_route53_record.wild", "UPSERT",
       {"Name": "\\052.dev.shop.example.com", "Type": "A", "TTL": 30,
        "ResourceRecords": [{"Value": "198.51.100.66"}]},
       [("records", "drifted")],
       ("ResourceRecordSets[?TTL==`30`] | [0].ResourceRecords[0].Value", "198.51.100.66"))
record("record-deleted", "aws_route53_record.docs", "DELETE",
       {"Name": "docs.shop.example.com", "Type": "CNAME", "TTL": 3600,
        "ResourceRecords": [{"Value": "docs.example.net"}]},
       [(None, "missing")],
       ("ResourceRecordSets[?Name=='docs.shop.example.com.'] | [0]", GONE))
record("record-weight", 'aws_route53_record.split["green"]', "UPSERT",
       {"Name": "api.inside.example.com", "Type": "CNAME", "TTL": 60, "SetIdentifier": "green",
        "Weight": 100, "ResourceRecords": [{"Value": "green.inside.example.com"}]},
       [("weighted_routing_policy[0].weight", "drifted")],
       ("ResourceRecordSets[?SetIdentifier=='green'] | [0].Weight", 100))
change("zone-comment",
       [("route53", "update_hosted_zone_comment", {"Id": "{aws_route53_zone.public|zone_id}",
                                                   "Comment": "for sale"})],
       [("aws_route53_zone.public", "comment", "drifted")],
       ("route53", "get_hosted_zone", {"Id": "{aws_route53_zone.public|zone_id}"},
        "HostedZone.Config.Comment", "for sale"))


class Drift:
    """Makes changes to one applied estate."""

    def __init__(self, endpoint, state):
        self.endpoint = endpoint
        self.clients = {}
        self.attributes = {}
        for resource in state["resources"]:
            for instance in resource["instances"]:
                name = f"{resource['type']}.{resource['name']}"
                if resource.get("module"):
                    name = f"{resource['module']}.{name}"
                if "index_key" in instance:
                    name += f"[{json.dumps(instance['index_key'])}]"
                self.attributes[name] = instance["attributes"]

    def resolve(self, value):
        """Put the state's values in."""
        if isinstance(value, str):
            return re.sub(r"\{((?:module|aws_)[^{}|]*)\|(\w+)\}",
                          lambda m: self.attributes[m.group(1)][m.group(2)], value)
        if isinstance(value, list):
            return [self.resolve(v) for v in value]
        if isinstance(value, dict):
            return {k: self.resolve(v) for k, v in value.items()}
        return value

    def call(self, region, service, method, arguments):
        key = (region, service)
        if key not in self.clients:
            self.clients[key] = estate.client(self.endpoint, service, region)
        return getattr(self.clients[key], method)(**self.resolve(arguments))

    def read_back(self, entry):
        """What moto has now, GONE when the call says that there is nothing."""
        import jmespath
        from botocore.exceptions import ClientError

        service, method, arguments, path, expected = entry["check"]
        try:
            found = jmespath.search(path, self.call(entry["region"], service, method, arguments))
        except ClientError:
            return GONE, expected
        return (GONE if found is None and expected is GONE else found), expected

    def make(self, entry):
        """Make one change and see that it took; a sentence when it did not."""
        for service, method, arguments in entry["calls"]:
            self.call(entry["region"], service, method, arguments)
        found, expected = self.read_back(entry)
        if found is expected or found == expected:
            return None
        return f"'{entry['name']}': moto has {found!r}, not {expected!r}"


def load(directory):
    """The endpoint and the state of what `up` made."""
    with open(os.path.join(directory, "moto.log"), encoding="utf-8") as text:
        endpoint = re.search(r"http://127\.0\.0\.1:\d+", text.read()).group(0)
    with open(os.path.join(directory, "repo", "terraform.tfstate"), encoding="utf-8") as text:
        return Drift(endpoint, json.load(text))


def main():
    if sys.argv[1:] == ["list"]:
        for entry in CHANGES:
            print(entry["name"])
        return 0
    if len(sys.argv) < 3 or sys.argv[1] != "apply":
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 64
    drift = load(sys.argv[2])
    names = sys.argv[3:]
    unknown = set(names) - {entry["name"] for entry in CHANGES}
    if unknown:
        print(f"drift: no change is called {sorted(unknown)}", file=sys.stderr)
        return 64
    done, failed = [], 0
    for entry in CHANGES:
        if names and entry["name"] not in names:
            continue
        try:
            problem = drift.make(entry)
        except Exception as error:  # a call that moto refuses is a failure like any other
            problem = f"'{entry['name']}': {type(error).__name__}: {error}"
        if problem:
            failed += 1
            print("drift: " + problem, file=sys.stderr)
            continue
        done.append({"name": entry["name"], "expected": [list(e) for e in entry["expect"]],
                     "echo": entry["echo"]})
    json.dump(done, sys.stdout, indent=1)
    print()
    print(f"drift: {len(done)} made, {failed} failed", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
