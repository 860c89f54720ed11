"""moto on the loopback, with as many accounts as are asked for on the standard input.

Prints a line {"port", "botocore"} when it serves, and then for each line that it reads a line of JSON:

    prepare NUMBER    makes in the account what an operator makes once (network, roles, balancers, a Cloud Map
                      namespace, a file system), and prints its names
    inventory NUMBER  prints what there is in the account, each as {"kind", "name", "tags", "body"}, as boto3 reads it

It ends with its standard input.
"""

import json
import logging
import sys
from functools import lru_cache

import boto3
import botocore
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

REGION = "us-east-1"

logging.disable(logging.CRITICAL)
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
url = "http://%s:%d" % server.get_host_and_port()
account = None


def name_account(request, **_):
    request.headers["x-moto-account-id"] = account


@lru_cache
def client(service):
    made = boto3.client(
        service, region_name=REGION, endpoint_url=url, aws_access_key_id="setup", aws_secret_access_key="setup"
    )
    made.meta.events.register("before-sign.*", name_account)
    return made


def role(name, service):
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=policy)["Role"]["Arn"]


def balancer(name, kind, subnets):
    made = client("elbv2").create_load_balancer(Name=name, Type=kind, Subnets=subnets)["LoadBalancers"][0]
    return made["LoadBalancerArn"]


def listener(balancer_arn, protocol, port, **more):
    refuse = {"MessageBody": "no such route", "StatusCode": "404", "ContentType": "text/plain"}
    made = client("elbv2").create_listener(
        LoadBalancerArn=balancer_arn,
        Protocol=protocol,
        Port=port,
        DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": refuse}],
        **more,
    )
    return made["Listeners"][0]["ListenerArn"]


def prepare():
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=REGION + zone)["Subnet"]["SubnetId"]
        for n, zone in enumerate("ab")
    ]
    group = ec2.create_security_group(GroupName="tasks", Description="of the cluster's tasks", VpcId=vpc)["GroupId"]
    cloud_map = client("servicediscovery")
    operation = cloud_map.create_private_dns_namespace(Name="rhumb.local", Vpc=vpc)["OperationId"]
    targets = cloud_map.get_operation(OperationId=operation)["Operation"]["Targets"]
    file_system = client("efs").create_file_system(CreationToken="rhumb")["FileSystemId"]
    for subnet in subnets:
        client("efs").create_mount_target(FileSystemId=file_system, SubnetId=subnet)
    application = balancer("front", "application", subnets)
    certificate = client("acm").request_certificate(DomainName="*.example")["CertificateArn"]
    listener(application, "HTTPS", 443, Certificates=[{"CertificateArn": certificate}])
    return {
        "account": account,
        "region": REGION,
        "vpc": vpc,
        "subnets": subnets,
        "securityGroup": group,
        "executionRole": role("ecsTaskExecutionRole", "ecs-tasks.amazonaws.com"),
        "taskRole": role("web", "ecs-tasks.amazonaws.com"),
        "infrastructureRole": role("ecsInfrastructureRole", "ecs.amazonaws.com"),
        "schedulerRole": role("ecsEventsRole", "scheduler.amazonaws.com"),
        "loadBalancer": application,
        "listener": listener(application, "HTTP", 80),
        "networkLoadBalancer": balancer("net", "network", subnets),
        "discoveryNamespace": targets["NAMESPACE"],
        "fileSystem": file_system,
    }


def everything(service, operation, key, **arguments):
    """All items of a list, over its pages; none of what is gone meanwhile."""
    try:
        pages = client(service).get_paginator(operation).paginate(**arguments)
        return [item for page in pages for item in page[key]]
    except ClientError:
        return []


def told(service, operation, key, **arguments):
    """One answer's member; nothing of what is gone meanwhile."""
    try:
        return getattr(client(service), operation)(**arguments)[key]
    except ClientError:
        return None


def pairs(found):
    """Tags as a dictionary; nothing where they could not be asked for."""
    if found is None or isinstance(found, dict):
        return found
    return {tag["Key"]: tag["Value"] for tag in found}


def of_balancers():
    for one in everything("elbv2", "describe_target_groups", "TargetGroups"):
        yield "target-group", one["TargetGroupName"], one["TargetGroupArn"], one
    for one in everything("elbv2", "describe_load_balancers", "LoadBalancers"):
        for port in everything("elbv2", "describe_listeners", "Listeners", LoadBalancerArn=one["LoadBalancerArn"]):
            yield "listener", str(port["Port"]), port["ListenerArn"], port
            for rule in everything("elbv2", "describe_rules", "Rules", ListenerArn=port["ListenerArn"]):
                if not rule["IsDefault"]:
                    yield "listener-rule", rule["Priority"], rule["RuleArn"], rule


def of_autoscaling():
    scaling = "application-autoscaling"
    for one in everything(scaling, "describe_scalable_targets", "ScalableTargets", ServiceNamespace="ecs"):
        yield "scalable-target", one["ResourceId"], one
    for one in everything(scaling, "describe_scaling_policies", "ScalingPolicies", ServiceNamespace="ecs"):
        yield "scaling-policy", one["PolicyName"], one
    for one in everything("scheduler", "list_schedules", "Schedules"):
        try:
            yield "schedule", one["Name"], client("scheduler").get_schedule(Name=one["Name"])
        except ClientError:
            continue


def inventory():
    for one in everything("logs", "describe_log_groups", "logGroups"):
        name = one["logGroupName"]
        yield "log-group", name, told("logs", "list_tags_log_group", "tags", logGroupName=name), one
    for one in everything("ssm", "describe_parameters", "Parameters"):
        name = one["Name"]
        found = told("ssm", "list_tags_for_resource", "TagList", ResourceType="Parameter", ResourceId=name)
        yield "parameter", name, found, one
    for one in everything("secretsmanager", "list_secrets", "SecretList"):
        yield "secret", one["Name"], one.get("Tags", []), one
    for one in everything("servicediscovery", "list_services", "Services"):
        found = told("servicediscovery", "list_tags_for_resource", "Tags", ResourceARN=one["Arn"])
        yield "discovery", one["Name"], found, one
    for kind, name, arn, one in of_balancers():
        found = told("elbv2", "describe_tags", "TagDescriptions", ResourceArns=[arn])
        yield kind, name, found[0]["Tags"] if found else None, one
    for one in everything("ec2", "describe_security_groups", "SecurityGroups"):
        if one["GroupName"] not in ("default", "tasks"):
            yield "security-group", one["GroupName"], one.get("Tags", []), one
    for one in everything("efs", "describe_access_points", "AccessPoints"):
        yield "access-point", one["AccessPointId"], one.get("Tags", []), one
    for kind, name, one in of_autoscaling():
        yield kind, name, {}, one


def answer(order):
    if order == "prepare":
        return prepare()
    found = [(kind, name, pairs(tags), body) for kind, name, tags, body in inventory()]
    keys = ("kind", "name", "tags", "body")
    return [dict(zip(keys, item)) for item in found if item[2] is not None]


print(json.dumps({"port": server.get_host_and_port()[1], "botocore": botocore.__path__[0]}), flush=True)
for line in sys.stdin:
    order, account = line.split()
    print(json.dumps(answer(order), default=str), flush=True)
