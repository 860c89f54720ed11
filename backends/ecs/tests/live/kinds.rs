//! Things of every kind on a double of AWS: made, made again, compared, changed, removed.

use rhumb_backend::material::Demand;
use rhumb_backend::{Action, Backend, Change, ErrorKind, Object};
use serde_json::{Value, json};

use crate::stage::{Stage, capital, definition, marks, object, service, step};

/// Makes a thing twice, finds it as it is wanted, changes it, and removes it twice.
async fn check(stage: &Stage, want: &Object, changed: &Object) {
    let id = want.id.as_str();
    let mut made = stage.create(want).await;
    // moto, unlike AWS, makes these again.
    if !matches!(want.id.kind(), "access-point" | "discovery" | "listener") {
        let again = stage.create(want).await;
        assert_eq!(made.native, again.native, "{id} was made twice");
        made = again;
    }
    let live = stage.live(id).await;
    assert_eq!(live.foreign, None);
    assert_eq!(live.native, made.native, "{id}");
    for (key, value) in &made.outputs {
        assert_eq!(live.outputs.get(key), Some(value), "{id}: {key}");
    }
    let change = stage.ecs.change(Some(want), &live, want);
    assert_eq!(change, Change::None { kept: Vec::new() }, "{id} is not as it was made: {live:#?}");
    if changed != want {
        stage.update(want, changed).await;
        let live = stage.live(id).await;
        let change = stage.ecs.change(Some(changed), &live, changed);
        assert_eq!(change, Change::None { kept: Vec::new() }, "{id} is not as it was changed: {live:#?}");
    }
    stage.delete(id).await;
    assert!(stage.is_gone(id).await, "{id} is still there");
    let gone = step(Action::Delete, changed, Some(&live));
    stage.apply(&gone).await.expect("what is gone already is no error");
    stage.is_in_order();
}

fn with(object: &Object, field: &str, value: Value) -> Object {
    let mut body = object.body.clone();
    body[field] = value;
    Object { body, ..object.clone() }
}

#[tokio::test]
async fn log_groups() {
    let Some(stage) = Stage::new() else { return };
    let tags = |more: &str| json!({ "rhumb.dev/namespace": "default", "rhumb.dev/release": "shop", "rhumb.dev/object": "log-group/shop", "team": more });
    let body = json!({ "logGroupName": "/rhumb/default/shop", "retentionInDays": 30, "tags": tags("a") });
    let want = object("log-group/shop", body);
    check(&stage, &want, &with(&with(&want, "retentionInDays", json!(7)), "tags", tags("b"))).await;
}

#[tokio::test]
async fn parameters() {
    let Some(stage) = Stage::new() else { return };
    let tags = capital(&marks("parameter/web/a.conf", &[("rhumb.dev/generation", "1")]));
    let body = json!({ "Name": "/rhumb/default/shop/web/a.conf-1", "Type": "String", "Value": "aGk=", "Tags": tags });
    let want = Object { generation: Some("1".to_owned()), ..object("parameter/web/a.conf", body) };
    check(&stage, &want, &want).await;
    let stable = with(
        &object("parameter/web/a.conf", want.body),
        "Tags",
        capital(&marks("parameter/web/a.conf", &[])),
    );
    check(&stage, &stable, &with(&stable, "Value", json!("aG8="))).await;
}

#[tokio::test]
async fn secrets() {
    let Some(stage) = Stage::new() else { return };
    let tags = capital(&marks("secret/db", &[("rhumb.dev/generation", "1")]));
    let demand = Demand::Sealed("1".to_owned()).to_value();
    let body =
        json!({ "Name": "rhumb/default/shop/db-1", "SecretString": { "password": demand }, "Tags": tags });
    let want = Object { generation: Some("1".to_owned()), sensitive: true, ..object("secret/db", body) };
    check(&stage, &want, &want).await;
    let stable =
        with(&object("secret/db", want.body.clone()), "Name", json!("rhumb/default/shop/db/current"));
    let other = with(&stable, "SecretString", json!({ "user": Demand::Sealed("2".to_owned()).to_value() }));
    check(&stage, &stable, &other).await;
    // What waits to be deleted comes back when it is wanted again.
    stage.create(&want).await;
    assert!(!stage.is_gone("secret/db").await);
    let live = stage.live("secret/db").await;
    assert!(!format!("{live:?}").contains("canary"));
    stage.is_in_order();
}

#[tokio::test]
async fn access_points() {
    let Some(stage) = Stage::new() else { return };
    let body = json!({
        "ClientToken": "default-shop-data",
        "FileSystemId": stage.double.account().file_system,
        "PosixUser": { "Uid": 1000, "Gid": 1000 },
        "RootDirectory": { "Path": "/default/shop/data", "CreationInfo": { "OwnerUid": 1000, "OwnerGid": 1000, "Permissions": "0755" } },
        "Tags": capital(&marks("access-point/data", &[("Name", "default-shop-data")])),
    });
    let want = object("access-point/data", body);
    let changed = with(
        &want,
        "Tags",
        capital(&marks("access-point/data", &[("Name", "default-shop-data"), ("team", "a")])),
    );
    check(&stage, &want, &changed).await;
}

#[tokio::test]
async fn names_in_cloud_map() {
    let Some(stage) = Stage::new() else { return };
    let body = json!({
        "Name": "default-shop-web",
        "NamespaceId": stage.double.account().discovery_namespace,
        "DnsConfig": { "RoutingPolicy": "MULTIVALUE", "DnsRecords": [{ "Type": "A", "TTL": 10 }] },
        "HealthCheckCustomConfig": { "FailureThreshold": 1 },
        "Tags": capital(&marks("discovery/web", &[])),
    });
    let want = object("discovery/web", body);
    let records = json!({ "RoutingPolicy": "MULTIVALUE", "DnsRecords": [{ "Type": "A", "TTL": 60 }] });
    check(&stage, &want, &with(&want, "DnsConfig", records)).await;
}

fn target_group(stage: &Stage) -> Object {
    let body = json!({
        "Name": "default-shop-web-80",
        "Protocol": "HTTP",
        "Port": 8080,
        "VpcId": stage.double.account().vpc,
        "TargetType": "ip",
        "HealthCheckPath": "/healthz",
        "HealthCheckIntervalSeconds": 10,
        "Tags": capital(&marks("target-group/web-80", &[])),
    });
    object("target-group/web-80", body)
}

#[tokio::test]
async fn target_groups() {
    let Some(stage) = Stage::new() else { return };
    let want = target_group(&stage);
    check(&stage, &want, &with(&want, "HealthCheckPath", json!("/ready"))).await;
}

fn rule(stage: &Stage, group: &str) -> Object {
    let body = json!({
        "ListenerArn": stage.double.account().listener,
        "Priority": 7,
        "Conditions": [
            { "Field": "host-header", "HostHeaderConfig": { "Values": ["shop.example.com"] } },
            { "Field": "path-pattern", "PathPatternConfig": { "Values": ["/api", "/api/*"] } },
        ],
        "Actions": [{ "Type": "forward", "TargetGroupArn": group }],
        "Tags": capital(&marks("listener-rule/web-0", &[])),
    });
    object("listener-rule/web-0", body)
}

#[tokio::test]
async fn rules() {
    let Some(stage) = Stage::new() else { return };
    let group = stage.create(&target_group(&stage)).await.outputs["arn"].clone();
    let want = rule(&stage, &group);
    check(&stage, &want, &with(&want, "Priority", json!(9))).await;
}

#[tokio::test]
async fn a_target_group_that_rules_lead_to_is_made_anew() {
    let Some(stage) = Stage::new() else { return };
    let want = target_group(&stage);
    let group = stage.create(&want).await.outputs["arn"].clone();
    let old_rule = rule(&stage, &group);
    stage.create(&old_rule).await;
    let moved = with(&want, "Port", json!(9090));
    let live = stage.live("target-group/web-80").await;
    assert!(matches!(stage.ecs.change(Some(&want), &live, &moved), Change::Replace { .. }));
    let replace = step(Action::Replace, &moved, Some(&live));
    let new = stage.carry_out(&replace).await.outputs["arn"].clone();
    assert_ne!(new, group);
    assert_eq!(stage.carry_out(&replace).await.outputs["arn"], new, "a repeated step makes no third one");
    stage.update(&old_rule, &rule(&stage, &new)).await;
    assert_eq!(
        stage.live("listener-rule/web-0").await.object.body["Actions"][0]["TargetGroupArn"],
        json!(new)
    );
    stage.is_in_order();
}

#[tokio::test]
async fn listeners() {
    let Some(stage) = Stage::new() else { return };
    let group = json!({
        "Name": "default-shop-web-81",
        "Protocol": "TCP",
        "Port": 81,
        "VpcId": stage.double.account().vpc,
        "TargetType": "ip",
        "Tags": capital(&marks("target-group/web-81", &[])),
    });
    let group = stage.create(&object("target-group/web-81", group)).await.outputs["arn"].clone();
    let body = json!({
        "LoadBalancerArn": stage.double.account().network_load_balancer,
        "Protocol": "TCP",
        "Port": 81,
        "DefaultActions": [{ "Type": "forward", "TargetGroupArn": group }],
        "Tags": capital(&marks("listener/web-81", &[])),
    });
    let want = object("listener/web-81", body);
    check(&stage, &want, &with(&want, "Port", json!(82))).await;
}

#[tokio::test]
async fn security_groups() {
    let Some(stage) = Stage::new() else { return };
    let own = capital(&marks("security-group/back", &[]));
    let body = json!({
        "GroupName": "default-shop-back",
        "Description": "members of the network back of the release shop",
        "VpcId": stage.double.account().vpc,
        "TagSpecifications": [{ "ResourceType": "security-group", "Tags": own }],
        "ingress": [{ "IpProtocol": "-1", "UserIdGroupPairs": [{ "GroupId": "self" }] }],
    });
    let want = object("security-group/back", body);
    let mut changed = want.clone();
    changed.body["TagSpecifications"][0]["Tags"] = capital(&marks("security-group/back", &[("team", "a")]));
    check(&stage, &want, &changed).await;
}

#[tokio::test]
async fn task_definitions() {
    let Some(stage) = Stage::new() else { return };
    let want = definition(&stage, "web", "nginx:1");
    let made = stage.create(&want).await;
    assert!(made.outputs["arn"].ends_with("default-shop-web:1"));
    let live = stage.live("task-definition/web").await;
    assert_eq!((live.object.generation.as_deref(), &live.native), (Some("nginx:1"), &made.native));
    let next = stage.create(&definition(&stage, "web", "nginx:2")).await;
    assert_eq!(stage.observe(&["task-definition/web"]).await.objects.len(), 2);
    stage.carry_out(&step(Action::Collect, &want, Some(&live))).await;
    assert_eq!(stage.live("task-definition/web").await.native, next.native);
    stage.is_in_order();
}

#[tokio::test]
async fn services() {
    let Some(stage) = Stage::new() else { return };
    let arn = stage.create(&definition(&stage, "web", "nginx:1")).await.outputs["arn"].clone();
    let want = service(&stage, "web", &arn);
    let mut changed = with(&want, "desiredCount", json!(3));
    changed.body["deploymentConfiguration"]["minimumHealthyPercent"] = json!(50);
    changed.body["tags"] = marks("service/web", &[("rhumb.dev/workload", "web"), ("team", "a")]);
    check(&stage, &want, &changed).await;
}

#[tokio::test]
async fn what_follows_the_load() {
    let Some(stage) = Stage::new() else { return };
    let arn = stage.create(&definition(&stage, "web", "nginx:1")).await.outputs["arn"].clone();
    stage.create(&service(&stage, "web", &arn)).await;
    let resource = "service/default/default-shop-web";
    known_to_moto(&stage);
    let body = json!({
        "ServiceNamespace": "ecs",
        "ResourceId": resource,
        "ScalableDimension": "ecs:service:DesiredCount",
        "MinCapacity": 2,
        "MaxCapacity": 5,
    });
    let target = object("scalable-target/web", body);
    stage.create(&target).await;
    let body = json!({
        "PolicyName": "default-shop-web-cpu",
        "ServiceNamespace": "ecs",
        "ResourceId": resource,
        "ScalableDimension": "ecs:service:DesiredCount",
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": {
            "TargetValue": 60.0,
            "PredefinedMetricSpecification": { "PredefinedMetricType": "ECSServiceAverageCPUUtilization" },
        },
    });
    let policy = object("scaling-policy/web-cpu", body);
    let mut hotter = policy.clone();
    hotter.body["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] = json!(80);
    check(&stage, &policy, &hotter).await;
    check(&stage, &target, &with(&target, "MaxCapacity", json!(9))).await;
}

/// moto knows only its own services, and those of the double are not.
fn known_to_moto(stage: &Stage) {
    let call = |operation: &str, body: Value| {
        let target = format!("AmazonEC2ContainerServiceV20141113.{operation}");
        stage.double.moto_json("ecs", &target, &body).expect("moto takes it");
    };
    call("CreateCluster", json!({ "clusterName": "default" }));
    let containers = json!([{ "name": "web", "image": "x", "memory": 64 }]);
    call("RegisterTaskDefinition", json!({ "family": "web", "containerDefinitions": containers }));
    call(
        "CreateService",
        json!({ "cluster": "default", "serviceName": "default-shop-web", "taskDefinition": "web", "desiredCount": 0 }),
    );
}

#[tokio::test]
async fn schedules() {
    let Some(stage) = Stage::new() else { return };
    let account = stage.double.account();
    let arn = stage.create(&definition(&stage, "nightly", "job:1")).await.outputs["arn"].clone();
    let body = json!({
        "Name": "default-shop-nightly",
        "GroupName": "default",
        "ScheduleExpression": "cron(0 3 * * ? *)",
        "ScheduleExpressionTimezone": "Europe/Berlin",
        "FlexibleTimeWindow": { "Mode": "OFF" },
        "State": "ENABLED",
        "Target": {
            "Arn": format!("arn:aws:ecs:{}:{}:cluster/default", account.region, account.account),
            "RoleArn": account.scheduler_role,
            "EcsParameters": {
                "TaskDefinitionArn": arn,
                "LaunchType": "FARGATE",
                "NetworkConfiguration": { "awsvpcConfiguration": { "Subnets": account.subnets, "AssignPublicIp": "DISABLED" } },
            },
        },
    });
    let want = object("schedule/nightly", body);
    check(&stage, &want, &with(&want, "ScheduleExpression", json!("cron(0 4 * * ? *)"))).await;
}

#[tokio::test]
async fn what_others_have_is_not_taken() {
    let Some(stage) = Stage::new() else { return };
    let arn = stage.create(&definition(&stage, "web", "nginx:1")).await.outputs["arn"].clone();
    let want = service(&stage, "web", &arn);
    let other = with(&want, "tags", json!([{ "key": "rhumb.dev/release", "value": "other" }]));
    stage.create(&other).await;
    let live = stage.live("service/web").await;
    assert_eq!(live.foreign.as_deref(), Some("it belongs to the release other in the namespace default"));
    let error = stage.apply(&step(Action::Create, &want, None)).await.expect_err("it is another's");
    assert_eq!(error.kind, ErrorKind::NotOwned, "{error}");
    stage.apply(&step(Action::Delete, &want, None)).await.expect("there is nothing of ours");
    assert!(!stage.is_gone("service/web").await);
    stage.is_in_order();
}
