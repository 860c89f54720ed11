"""boto3 on the double: what it answers must parse there, and behave as the API reference says.

    ecs_flows.py URL SETTINGS

SETTINGS is the JSON of what the account has. Rules and faults are told to the double on its control path.
"""

import json
import sys
import time
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

URL, ACCOUNT = sys.argv[1], json.loads(sys.argv[2])


def client(service, **more):
    config = Config(retries={"total_max_attempts": 1}, read_timeout=5, connect_timeout=5, **more)
    return boto3.client(
        service,
        endpoint_url=URL,
        region_name=ACCOUNT["region"],
        aws_access_key_id="AKIDTEST",
        aws_secret_access_key="test",
        config=config,
    )


ecs = client("ecs")
NETWORK = {"awsvpcConfiguration": {"subnets": ACCOUNT["subnets"], "securityGroups": ACCOUNT["securityGroups"]}}


def tell(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{URL}/_double/{path}", data=data, method=method)
    with urllib.request.urlopen(request) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def define(family, **more):
    container = {"name": "app", "image": "nginx:1", "portMappings": [{"containerPort": 80}]}
    container.update(more.pop("container", {}))
    request = {
        "family": family,
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": "256",
        "memory": "512",
        "executionRoleArn": ACCOUNT["executionRole"],
        "containerDefinitions": [container],
    }
    request.update(more)
    return ecs.register_task_definition(**request)["taskDefinition"]["taskDefinitionArn"]


def create(name, definition, **more):
    request = {
        "serviceName": name,
        "taskDefinition": definition,
        "desiredCount": 2,
        "launchType": "FARGATE",
        "networkConfiguration": NETWORK,
    }
    request.update(more)
    return ecs.create_service(**request)["service"]


def service(name):
    return ecs.describe_services(services=[name], include=["TAGS"])["services"][0]


def eventually(what, look, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what} did not come about")


def refused(code, call, words=""):
    try:
        call()
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        assert words in error.response["Error"]["Message"], error
    else:
        raise AssertionError(f"{code} was expected")


def completed(name):
    def look():
        found = service(name)
        primary = found["deployments"][0]
        if primary["rolloutState"] == "COMPLETED" and len(found["deployments"]) == 1:
            return found

    return eventually(f"{name} completed", look)


BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}


def definitions():
    first = define("def", tags=[{"key": "a", "value": "1"}])
    second = define("def")
    assert first.endswith("def:1") and second.endswith("def:2")
    shown = ecs.describe_task_definition(taskDefinition="def", include=["TAGS"])
    assert shown["taskDefinition"]["revision"] == 2 and shown["tags"] == []
    container = shown["taskDefinition"]["containerDefinitions"][0]
    assert container["portMappings"] == [{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}], container
    assert ecs.describe_task_definition(taskDefinition=first, include=["TAGS"])["tags"] == [{"key": "a", "value": "1"}]
    refused("ClientException", lambda: define("def", memory="600"), "No Fargate configuration")
    refused("ClientException", lambda: define("def", networkMode="bridge"))
    ecs.deregister_task_definition(taskDefinition=first)
    assert ecs.describe_task_definition(taskDefinition=first)["taskDefinition"]["status"] == "INACTIVE"
    assert ecs.list_task_definitions(familyPrefix="def")["taskDefinitionArns"] == [second]
    failures = ecs.delete_task_definitions(taskDefinitions=[second])["failures"]
    assert len(failures) == 1, failures
    deleted = ecs.delete_task_definitions(taskDefinitions=[first])["taskDefinitions"]
    assert [one["status"] for one in deleted] == ["DELETE_IN_PROGRESS"]
    refused("ClientException", lambda: ecs.describe_task_definition(taskDefinition=first))
    refused("ClientException", lambda: create("none", first), "not found")


def rolling():
    one, two = define("roll"), define("roll", container={"image": "nginx:2"})
    made = create("roll", one, clientToken="t-1", tags=[{"key": "k", "value": "v"}], propagateTags="SERVICE")
    assert made["deployments"][0]["rolloutState"] == "IN_PROGRESS"
    again = create("roll", one, clientToken="t-1", tags=[{"key": "k", "value": "v"}], propagateTags="SERVICE")
    assert again["serviceArn"] == made["serviceArn"]
    refused("InvalidParameterException", lambda: create("roll", two), "not idempotent")
    done = completed("roll")
    assert done["runningCount"] == 2 and "steady state" in done["events"][0]["message"], done["events"]
    arns = ecs.list_tasks(serviceName="roll")["taskArns"]
    tasks = ecs.describe_tasks(tasks=arns, include=["TAGS"])["tasks"]
    assert all(task["tags"] == [{"key": "k", "value": "v"}] for task in tasks)
    assert {task["startedBy"] for task in tasks} == {done["deployments"][0]["id"]}
    new = ecs.update_service(service="roll", taskDefinition=two)["service"]
    assert [one["status"] for one in new["deployments"]] == ["PRIMARY", "ACTIVE"]
    least = 2

    def look():
        nonlocal least
        found = service("roll")
        least = min(least, found["runningCount"])
        return found if len(found["deployments"]) == 1 else None

    rolled = eventually("the roll", look)
    assert rolled["taskDefinition"] == two and least == 2, least
    completed("roll")
    stopped = ecs.list_tasks(serviceName="roll", desiredStatus="STOPPED")["taskArns"]
    old = [task for task in ecs.describe_tasks(tasks=stopped)["tasks"]]
    assert {task["stopCode"] for task in old} == {"ServiceSchedulerInitiated"}
    same = ecs.update_service(service="roll", taskDefinition=two, desiredCount=3)["service"]
    assert len(same["deployments"]) == 1, "a count alone begins no deployment"
    eventually("three tasks", lambda: service("roll")["runningCount"] == 3)
    forced = ecs.update_service(service="roll", forceNewDeployment=True)["service"]
    assert len(forced["deployments"]) == 2
    completed("roll")


def failing():
    good, bad = define("fail"), define("fail", container={"image": "broken:1"})
    tell("POST", "rules", {"image": "broken", "fate": {"fails": {"after": 10, "code": 3}}, "logs": ["no way"]})
    create("fail", good, deploymentConfiguration=BREAKER)
    first = completed("fail")["deployments"][0]["id"]
    failed = ecs.update_service(service="fail", taskDefinition=bad)["service"]["deployments"][0]["id"]

    def look():
        for one in service("fail")["deployments"]:
            if one["id"] == failed and one["rolloutState"] == "FAILED":
                return one

    assert "circuit breaker" in eventually("the breaker", look)["rolloutStateReason"]
    back = completed("fail")
    assert back["deployments"][0]["id"] == first and back["taskDefinition"] == good
    words = [event["message"] for event in back["events"]]
    assert any("rolling back to deployment" in word for word in words), words
    stopped = ecs.list_tasks(serviceName="fail", desiredStatus="STOPPED")["taskArns"]
    tasks = [task for task in ecs.describe_tasks(tasks=stopped)["tasks"] if task["startedBy"] == failed]
    assert tasks and all(task["stopCode"] == "EssentialContainerExited" for task in tasks)
    assert all(task["containers"][0]["exitCode"] == 3 for task in tasks)
    create("alone", bad, deploymentConfiguration=BREAKER)
    eventually("failure without a way back", lambda: service("alone")["deployments"][0]["rolloutState"] == "FAILED")
    for rule, code, words in [
        ({"family": "pull", "fate": "cannotPull"}, "TaskFailedToStart", "CannotPullContainerError"),
        ({"family": "sick", "fate": "neverHealthy"}, "ServiceSchedulerInitiated", "failed container health checks"),
    ]:
        name = rule["family"]
        tell("POST", "rules", rule)
        check = {"healthCheck": {"command": ["CMD-SHELL", "true"]}} if name == "sick" else {}
        create(name, define(name, container=check), desiredCount=1)
        arns = eventually(name, lambda: ecs.list_tasks(serviceName=name, desiredStatus="STOPPED")["taskArns"])
        task = ecs.describe_tasks(tasks=arns)["tasks"][0]
        assert task["stopCode"] == code and words in task["stoppedReason"], task
    tell("POST", "rules", {"family": "nowhere", "fate": "unplaceable"})
    create("nowhere", define("nowhere"))
    eventually("an event", lambda: any("unable to place" in e["message"] for e in service("nowhere")["events"]))
    missing = define(
        "nolog",
        container={
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {"awslogs-group": "/none", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "a"},
            }
        },
    )
    create("nolog", missing, desiredCount=1)
    arns = eventually("nolog", lambda: ecs.list_tasks(serviceName="nolog", desiredStatus="STOPPED")["taskArns"])
    assert "ResourceInitializationError" in ecs.describe_tasks(tasks=arns)["tasks"][0]["stoppedReason"]
    for name in ["alone", "pull", "sick", "nowhere", "nolog"]:
        ecs.delete_service(service=name, force=True)
    tell("DELETE", "rules")


def draining():
    definition = define("drain")
    create("drain", definition)
    completed("drain")
    refused("InvalidParameterException", lambda: ecs.delete_service(service="drain"), "scaled above 0")
    assert ecs.delete_service(service="drain", force=True)["service"]["status"] == "DRAINING"
    refused("InvalidParameterException", lambda: create("drain", definition), "still Draining")
    refused("ServiceNotActiveException", lambda: ecs.update_service(service="drain", desiredCount=1))
    assert not [arn for arn in ecs.list_services(maxResults=100)["serviceArns"] if arn.endswith("/drain")]
    eventually("its end", lambda: service("drain")["status"] == "INACTIVE")
    assert ecs.list_tasks(family="drain")["taskArns"] == []
    create("drain", definition, desiredCount=0)
    ecs.delete_service(service="drain")
    refused("ServiceNotFoundException", lambda: ecs.update_service(service="never"))


def paging():
    definition = define("page")
    names = [f"page-{number:02}" for number in range(23)]
    for name in names:
        create(name, definition, desiredCount=0)
    assert len(ecs.list_services()["serviceArns"]) == 10
    pages = list(ecs.get_paginator("list_services").paginate(PaginationConfig={"PageSize": 7}))
    found = [arn.rsplit("/", 1)[1] for page in pages for arn in page["serviceArns"]]
    assert set(names) <= set(found) and len(found) == len(set(found)) and len(pages) >= 4
    refused("InvalidParameterException", lambda: ecs.describe_services(services=names))
    missing = ecs.describe_services(services=["page-00", "nobody"])
    assert [one["reason"] for one in missing["failures"]] == ["MISSING"]
    for name in names:
        ecs.delete_service(service=name)


def running():
    job = define("job")
    request = {
        "taskDefinition": job,
        "launchType": "FARGATE",
        "networkConfiguration": NETWORK,
        "count": 2,
        "startedBy": "shop",
        "clientToken": "run-1",
        "tags": [{"key": "a", "value": "b"}],
    }
    first = ecs.run_task(**request)
    again = ecs.run_task(**request)
    arns = [task["taskArn"] for task in first["tasks"]]
    assert arns == [task["taskArn"] for task in again["tasks"]] and len(arns) == 2
    refused("ConflictException", lambda: ecs.run_task(**{**request, "count": 3}))
    assert set(arns) <= set(ecs.list_tasks(startedBy="shop")["taskArns"] + ecs.list_tasks(startedBy="shop", desiredStatus="STOPPED")["taskArns"])

    def look():
        tasks = ecs.describe_tasks(tasks=arns)["tasks"]
        return tasks if all(task["lastStatus"] == "STOPPED" for task in tasks) else None

    tasks = eventually("the jobs' end", look)
    assert all(task["containers"][0]["exitCode"] == 0 for task in tasks)
    tell("POST", "rules", {"family": "job", "fate": {"exitsWith": 4}})
    bad = ecs.run_task(taskDefinition=job, launchType="FARGATE", networkConfiguration=NETWORK)["tasks"][0]["taskArn"]
    eventually("its end", lambda: ecs.describe_tasks(tasks=[bad])["tasks"][0]["lastStatus"] == "STOPPED")
    assert ecs.describe_tasks(tasks=[bad])["tasks"][0]["containers"][0]["exitCode"] == 4
    tell("DELETE", "rules")
    create("stopped", job, desiredCount=1)
    completed("stopped")
    task = ecs.list_tasks(serviceName="stopped")["taskArns"][0]
    assert ecs.stop_task(task=task, reason="by hand")["task"]["stoppedReason"] == "by hand"
    eventually("another task", lambda: ecs.list_tasks(serviceName="stopped")["taskArns"] not in ([], [task]))
    refused(
        "InvalidParameterException",
        lambda: ecs.execute_command(
            task=ecs.list_tasks(serviceName="stopped")["taskArns"][0], command="sh", interactive=True
        ),
    )
    refused("InvalidParameterException", lambda: ecs.run_task(taskDefinition=job, launchType="FARGATE"), "Network Configuration")


def daemons():
    definition = define("agent", requiresCompatibilities=["EC2"])
    tell("POST", "instances", {"cluster": "default", "count": 3})
    ecs.create_service(
        serviceName="agent",
        taskDefinition=definition,
        launchType="EC2",
        schedulingStrategy="DAEMON",
        networkConfiguration=NETWORK,
    )
    done = completed("agent")
    eventually("three", lambda: service("agent")["runningCount"] == 3)
    tasks = ecs.describe_tasks(tasks=ecs.list_tasks(serviceName="agent")["taskArns"])["tasks"]
    assert len({task["containerInstanceArn"] for task in tasks}) == 3
    ecs.update_service(service="agent", forceNewDeployment=True)
    completed("agent")
    instances = ecs.list_container_instances()["containerInstanceArns"]
    shown = ecs.describe_container_instances(containerInstances=instances)["containerInstances"]
    assert [one["runningTasksCount"] for one in shown] == [1, 1, 1], shown
    refused("InvalidParameterException", lambda: create("agents", define("agent"), schedulingStrategy="DAEMON"), "daemon")


def tags():
    arn = service("roll")["serviceArn"]
    ecs.tag_resource(resourceArn=arn, tags=[{"key": "x", "value": "y"}, {"key": "k", "value": "w"}])
    found = {tag["key"]: tag["value"] for tag in ecs.list_tags_for_resource(resourceArn=arn)["tags"]}
    assert found == {"x": "y", "k": "w"}, found
    ecs.untag_resource(resourceArn=arn, tagKeys=["x"])
    assert service("roll")["tags"] == [{"key": "k", "value": "w"}]
    refused("InvalidParameterException", lambda: ecs.tag_resource(resourceArn=arn + "x", tags=[]))
    assert ecs.list_account_settings(effectiveSettings=True)["settings"]
    ecs.put_account_setting(name="containerInsights", value="enabled")
    clusters = ecs.describe_clusters(clusters=["default", "none"], include=["TAGS", "SETTINGS"])
    assert clusters["clusters"][0]["status"] == "ACTIVE" and len(clusters["failures"]) == 1
    refused("ClusterNotFoundException", lambda: ecs.list_services(cluster="none"))
    assert len(ecs.describe_capacity_providers()["capacityProviders"]) == 2


def neighbours():
    """A service with a target group, a Cloud Map name, logs and a secret, all of them in moto."""
    logs, elb, cloud_map = client("logs"), client("elbv2"), client("servicediscovery")
    secrets, ssm = client("secretsmanager"), client("ssm")
    logs.create_log_group(logGroupName="/rhumb/default/shop")
    group = elb.create_target_group(Name="shop-web", Protocol="HTTP", Port=80, VpcId=ACCOUNT["vpc"], TargetType="ip")
    group = group["TargetGroups"][0]["TargetGroupArn"]
    registry = cloud_map.create_service(
        Name="web", NamespaceId=ACCOUNT["discoveryNamespace"], DnsConfig={"DnsRecords": [{"Type": "A", "TTL": 10}]}
    )["Service"]
    secret = secrets.create_secret(Name="shop-db", SecretString=json.dumps({"url": "x"}))["ARN"]
    ssm.put_parameter(Name="/rhumb/a", Value="b", Type="String")
    definition = define(
        "shop",
        container={
            "secrets": [
                {"name": "URL", "valueFrom": f"{secret}:url::"},
                {"name": "A", "valueFrom": f"arn:aws:ssm:us-east-1:{ACCOUNT['account']}:parameter/rhumb/a"},
            ],
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {
                    "awslogs-group": "/rhumb/default/shop",
                    "awslogs-region": "us-east-1",
                    "awslogs-stream-prefix": "web",
                },
            },
        },
    )
    balancers = [{"targetGroupArn": group, "containerName": "app", "containerPort": 80}]
    refused("InvalidParameterException", lambda: create("shop", definition, loadBalancers=balancers), "associated load balancer")
    elb.create_rule(
        ListenerArn=ACCOUNT["listener"],
        Priority=7,
        Conditions=[{"Field": "path-pattern", "Values": ["/*"]}],
        Actions=[{"Type": "forward", "TargetGroupArn": group}],
    )
    create("shop", definition, loadBalancers=balancers, serviceRegistries=[{"registryArn": registry["Arn"]}])
    completed("shop")
    eventually("targets", lambda: len(elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]) == 2)
    eventually("instances", lambda: len(cloud_map.list_instances(ServiceId=registry["Id"])["Instances"]) == 2)
    streams = logs.describe_log_streams(logGroupName="/rhumb/default/shop")["logStreams"]
    assert all(stream["logStreamName"].startswith("web/app/") for stream in streams) and len(streams) == 2
    ecs.delete_service(service="shop", force=True)
    eventually("no targets", lambda: elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"] == [])
    eventually("no instances", lambda: cloud_map.list_instances(ServiceId=registry["Id"])["Instances"] == [])
    assert client("sts").get_caller_identity()["Account"] == ACCOUNT["account"]


def faults():
    definition = define("fault")
    tell("DELETE", "calls")
    tell("POST", "faults", {"calls": "ecs:CreateService", "at": [0], "trouble": "throttled"})
    tell("POST", "faults", {"calls": "ecs:CreateService", "at": [1], "trouble": "internal"})
    tell("POST", "faults", {"calls": "ecs:CreateService", "at": [2], "trouble": "reset"})
    tell("POST", "faults", {"calls": "ecs:CreateService", "at": [3], "trouble": "answerLost"})
    make = lambda: create("fault", definition, clientToken="f")
    refused("ThrottlingException", make)
    refused("ServerException", make)
    for _ in range(2):
        assert ecs.describe_services(services=["fault"])["services"] == []
        try:
            make()
        except ConnectionClosedError:
            continue
        raise AssertionError("the connection was expected to close")
    assert service("fault")["status"] == "ACTIVE", "what was carried out is there"
    make()
    assert tell("GET", "calls")["counts"]["ecs:CreateService"] == 5
    tell("POST", "faults", {"calls": "ssm:*", "at": [0], "trouble": {"silent": {"millis": 8000}}})
    try:
        client("ssm").describe_parameters()
    except ReadTimeoutError:
        pass
    else:
        raise AssertionError("no answer was expected")
    tell("POST", "faults", {"calls": "elbv2:*", "at": [0], "trouble": "throttled"})
    refused("Throttling", lambda: client("elbv2").describe_load_balancers())
    tell("DELETE", "faults")
    tell("POST", "latency", {"calls": "ecs:ListClusters", "millis": 200})
    begin = time.monotonic()
    ecs.list_clusters()
    assert time.monotonic() - begin >= 0.2
    ecs.delete_service(service="fault", force=True)


def violations():
    """What a careless client sends is noticed; botocore itself would not send it."""
    assert tell("GET", "violations") == [], tell("GET", "violations")
    careless = client("ecs", parameter_validation=False)
    refused("ClientException", lambda: careless.register_task_definition(family="x", containerDefinitions=[]))
    refused("InvalidParameterException", lambda: careless.create_service(taskDefinition="x"))
    client("elbv2", parameter_validation=False).describe_target_groups(PageSize=1000)
    found = tell("GET", "violations")
    assert any("lacks serviceName" in one for one in found), found
    assert any("PageSize" in one and "out of range" in one for one in found), found


for flow in [definitions, rolling, failing, draining, paging, running, daemons, tags, neighbours, faults, violations]:
    start = time.monotonic()
    flow()
    print(f"{flow.__name__}: {time.monotonic() - start:.1f} s", flush=True)
