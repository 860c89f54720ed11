"""What somebody runs on ECS already, made with AWS's own client: no mark of ours is on any of it.

    legacy.py URL SETTINGS             a shop: a service behind a rule of a listener, with a name in Cloud Map, that follows
                                       the load; a service beside it; tasks by the clock
    legacy.py URL SETTINGS FILE...     a service of each file with a task definition

It prints the ARNs of what it made.
"""

import json
import sys

import boto3

URL, SETTINGS = sys.argv[1], json.loads(sys.argv[2])
NETWORK = {"subnets": SETTINGS["subnets"], "securityGroups": SETTINGS["securityGroups"], "assignPublicIp": "ENABLED"}


def client(service):
    return boto3.client(
        service,
        endpoint_url=URL,
        region_name=SETTINGS["region"],
        aws_access_key_id="AKIDTEST",
        aws_secret_access_key="test",
    )


ecs = client("ecs")


def define(family, containers, **more):
    made = ecs.register_task_definition(
        family=family,
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="512",
        memory="1024",
        executionRoleArn=SETTINGS["executionRole"],
        containerDefinitions=containers,
        **more,
    )
    return made["taskDefinition"]["taskDefinitionArn"]


def logs(group):
    options = {"awslogs-group": group, "awslogs-region": SETTINGS["region"], "awslogs-stream-prefix": "ecs"}
    return {"logDriver": "awslogs", "options": options}


def serve(name, definition, count=1, **more):
    made = ecs.create_service(
        cluster="default",
        serviceName=name,
        taskDefinition=definition,
        desiredCount=count,
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": NETWORK},
        **more,
    )
    return made["service"]["serviceArn"]


def behind():
    """A target group, and the rule of the account's listener that leads to it."""
    balancing = client("elbv2")
    group = balancing.create_target_group(
        Name="front",
        Protocol="HTTP",
        Port=8080,
        VpcId=SETTINGS["vpc"],
        TargetType="ip",
        HealthCheckPath="/healthz",
        HealthCheckIntervalSeconds=17,
    )["TargetGroups"][0]["TargetGroupArn"]
    balancing.modify_target_group_attributes(
        TargetGroupArn=group, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "20"}]
    )
    rule = balancing.create_rule(
        ListenerArn=SETTINGS["listener"],
        Priority=7,
        Conditions=[
            {"Field": "host-header", "Values": ["shop.example"]},
            {"Field": "path-pattern", "Values": ["/shop*"]},
        ],
        Actions=[{"Type": "forward", "TargetGroupArn": group}],
    )["Rules"][0]["RuleArn"]
    return group, rule


def registry():
    cloud_map = client("servicediscovery")
    namespaces = cloud_map.list_namespaces()["Namespaces"]
    namespace = next(one["Id"] for one in namespaces if SETTINGS["discoveryNamespace"] in (one["Id"], one["Name"]))
    return cloud_map.create_service(
        Name="front",
        NamespaceId=namespace,
        DnsConfig={"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": "A", "TTL": 33}]},
        HealthCheckCustomConfig={"FailureThreshold": 1},
    )["Service"]["Arn"]


def follow(service):
    scaling = client("application-autoscaling")
    of = {
        "ServiceNamespace": "ecs",
        "ResourceId": f"service/default/{service}",
        "ScalableDimension": "ecs:service:DesiredCount",
    }
    scaling.register_scalable_target(MinCapacity=2, MaxCapacity=6, **of)
    metric = {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}
    scaling.put_scaling_policy(
        PolicyName="keep-cool",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 55.0,
            "PredefinedMetricSpecification": metric,
            "ScaleInCooldown": 61,
        },
        **of,
    )


def by_the_clock(family):
    return client("scheduler").create_schedule(
        Name="nightly",
        ScheduleExpression="cron(5 3 * * ? *)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": ecs.describe_clusters()["clusters"][0]["clusterArn"],
            "RoleArn": SETTINGS["schedulerRole"],
            "EcsParameters": {
                "TaskDefinitionArn": family,
                "LaunchType": "FARGATE",
                "NetworkConfiguration": {
                    "awsvpcConfiguration": {
                        "Subnets": NETWORK["subnets"],
                        "SecurityGroups": NETWORK["securityGroups"],
                        "AssignPublicIp": "ENABLED",
                    }
                },
            },
        },
    )["ScheduleArn"]


def secrets():
    token = client("secretsmanager").create_secret(Name="prod/token", SecretString='{"token": "canary"}')["ARN"]
    size = "/shop/size"
    client("ssm").put_parameter(Name=size, Value="7", Type="SecureString")
    arn = token.rsplit(":secret:", 1)[0].replace("secretsmanager", "ssm") + f":parameter{size}"
    return [{"name": "TOKEN", "valueFrom": f"{token}:token::"}, {"name": "SHOES", "valueFrom": arn}]


def shop():
    client("logs").create_log_group(logGroupName="/ecs/front")
    proxy = {
        "name": "nginx_proxy",
        "image": "rhumb-demo:1",
        "essential": True,
        "portMappings": [{"containerPort": 8080, "protocol": "tcp", "appProtocol": "http", "name": "front"}],
        "environment": [{"name": "COLOUR", "value": "blue"}, {"name": "SIZE", "value": "big"}],
        "secrets": secrets(),
        "ulimits": [{"name": "nofile", "softLimit": 1024, "hardLimit": 4096}],
        "dockerLabels": {"Team_Name": "web"},
        "startTimeout": 31,
        "interactive": True,
        "versionConsistency": "disabled",
        "logConfiguration": logs("/ecs/front"),
        "cpu": 256,
        "memory": 512,
    }
    side = {"name": "metrics", "image": "rhumb-demo:1", "essential": False, "memoryReservation": 64}
    front = define("front", [proxy, side], tags=[{"key": "cost", "value": "7"}])
    group, rule = behind()
    web = serve(
        "web",
        front,
        2,
        tags=[{"key": "team", "value": "shop"}],
        loadBalancers=[{"targetGroupArn": group, "containerName": "nginx_proxy", "containerPort": 8080}],
        serviceRegistries=[{"registryArn": registry()}],
        healthCheckGracePeriodSeconds=19,
        propagateTags="SERVICE",
        deploymentConfiguration={
            "maximumPercent": 150,
            "minimumHealthyPercent": 50,
            "deploymentCircuitBreaker": {"enable": True, "rollback": True},
        },
    )
    follow("web")
    api = define("api", [{"name": "api", "image": "rhumb-demo:1", "environment": [{"name": "COLOUR", "value": "red"}]}])
    serve("API_v1", api, tags=[{"key": "team", "value": "shop"}])
    report = define("report", [{"name": "report", "image": "rhumb-demo:1", "command": ["sleep", "1"]}])
    by_the_clock(report.rsplit(":", 1)[0])
    return {"web": web, "front": front, "group": group, "rule": rule, "report": report}


def said(value):
    """Without what is null, which AWS's client does not send."""
    if isinstance(value, dict):
        return {key: said(item) for key, item in value.items() if item is not None}
    return [said(item) for item in value] if isinstance(value, list) else value


def of_files(paths):
    made = {}
    for path in paths:
        with open(path) as file:
            request = said(json.load(file))
        request["executionRoleArn"] = SETTINGS["executionRole"]
        for container in request["containerDefinitions"]:
            group = container.get("logConfiguration", {}).get("options", {}).get("awslogs-group")
            if group:
                client("logs").create_log_group(logGroupName=group)
        definition = ecs.register_task_definition(**request)["taskDefinition"]["taskDefinitionArn"]
        made[request["family"]] = serve(request["family"], definition)
    return made


print(json.dumps(of_files(sys.argv[3:]) if sys.argv[3:] else shop()))
