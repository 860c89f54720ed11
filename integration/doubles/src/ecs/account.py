"""moto on the loopback, with one account for each line of the standard input.

Prints a line {"port", "botocore"} when it serves; for each account's number that it reads it makes there what an
operator makes once (network, roles, balancers, a Cloud Map namespace, a file system) and prints its names as one
line of JSON. It ends with its standard input.
"""

import json
import logging
import sys
from functools import lru_cache

import boto3
import botocore
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


def listener(balancer_arn, port):
    refuse = {"MessageBody": "no such route", "StatusCode": "404", "ContentType": "text/plain"}
    made = client("elbv2").create_listener(
        LoadBalancerArn=balancer_arn,
        Protocol="HTTP",
        Port=port,
        DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": refuse}],
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
    return {
        "account": account,
        "region": REGION,
        "vpc": vpc,
        "subnets": subnets,
        "securityGroup": group,
        "executionRole": role("ecsTaskExecutionRole", "ecs-tasks.amazonaws.com"),
        "taskRole": role("web", "ecs-tasks.amazonaws.com"),
        "schedulerRole": role("ecsEventsRole", "scheduler.amazonaws.com"),
        "loadBalancer": application,
        "listener": listener(application, 80),
        "networkLoadBalancer": balancer("net", "network", subnets),
        "discoveryNamespace": targets["NAMESPACE"],
        "fileSystem": file_system,
    }


print(json.dumps({"port": server.get_host_and_port()[1], "botocore": botocore.__path__[0]}), flush=True)
for line in sys.stdin:
    account = line.strip()
    print(json.dumps(prepare()), flush=True)
