//! Documents of all sorts, lifted: nothing is dropped in silence, and what is kept is there when it is lowered again.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod lifting_support;

use lifting_support::{
    account_adds_up, backend, body, carry, ec2, fargate, lift_text, lower, semantic_losses, shifting, told,
};
use proptest::prelude::*;
use rhumb_backend::{Backend as _, Fate, Import as _};
use rhumb_spec::model::{EnvSource, EnvValue, ExposeAs, Mode, MountSource, ProbeAction, Strategy as Way};
use serde_json::{Value, json};

#[test]
fn definitions_that_ecspresso_keeps() {
    let (lifted, lowered) = carry(
        r#"{
  "deploymentConfiguration": { "deploymentCircuitBreaker": { "enable": true, "rollback": true }, "maximumPercent": 200, "minimumHealthyPercent": 100 },
  "desiredCount": 4, "enableExecuteCommand": true, "launchType": "FARGATE", "propagateTags": "SERVICE",
  "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-1"], "securityGroups": ["sg-1"], "assignPublicIp": "DISABLED" } }
}
---
{
  "family": "api", "cpu": "512", "memory": "1 GB", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
  "executionRoleArn": "arn:aws:iam::1:role/exec", "taskRoleArn": "arn:aws:iam::1:role/api",
  "runtimePlatform": { "cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX" },
  "containerDefinitions": [
    { "name": "migrate", "image": "api:1", "essential": false, "command": ["migrate"] },
    {
      "name": "app", "image": "api:1", "essential": true, "portMappings": [{ "containerPort": 8080, "hostPort": 8080, "name": "web", "appProtocol": "http" }],
      "environment": [{ "name": "MODE", "value": "fast" }, { "name": "WORKERS", "value": 4 }],
      "secrets": [
        { "name": "TOKEN", "valueFrom": "arn:aws:secretsmanager:eu-west-1:1:secret:api-AbCdEf:token::" },
        { "name": "URL", "valueFrom": "arn:aws:ssm:eu-west-1:1:parameter/api/url" }
      ],
      "dependsOn": [{ "containerName": "migrate", "condition": "SUCCESS" }],
      "healthCheck": { "command": ["CMD-SHELL", "curl -f localhost:8080"], "interval": 10, "retries": 2 },
      "logConfiguration": { "logDriver": "awslogs", "options": { "awslogs-group": "/ecs/api", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "api" } },
      "ulimits": [{ "name": "nofile", "softLimit": 1024, "hardLimit": 2048 }], "stopTimeout": 60, "linuxParameters": { "initProcessEnabled": true }
    }
  ]
}"#,
        &fargate(),
    );
    assert_eq!(lifted.app.workloads.len(), 1);
    let (name, api) = lifted.app.workloads.first_key_value().unwrap();
    assert_eq!((api.replicas, api.mode), (Some(4), Mode::Replicated));
    assert_eq!(api.init_containers.keys().collect::<Vec<_>>(), ["migrate"]);
    assert_eq!(api.placement.arch.as_deref(), Some("arm64"));
    let app = &api.containers["app"];
    assert_eq!(app.env["WORKERS"], EnvValue::Text("4".to_owned()));
    let token = EnvSource::Secret { name: "api".to_owned(), key: "token".to_owned() };
    assert_eq!(app.env["TOKEN"], EnvValue::From(token));
    assert!(lifted.app.secrets["api"].external);
    assert!(matches!(&app.probes.live.as_ref().unwrap().action, ProbeAction::Exec(_)));
    let definition = body(&lowered, &format!("task-definition/{name}"));
    assert_eq!((&definition["cpu"], &definition["memory"]), (&json!("512"), &json!("1024")));
    let container =
        definition["containerDefinitions"].as_array().unwrap().iter().find(|it| it["name"] == "app").unwrap();
    assert_eq!(container["linuxParameters"]["initProcessEnabled"], true);
    assert_eq!(container["logConfiguration"]["options"]["awslogs-group"], "/ecs/api");
    assert_eq!(
        container["secrets"][0]["valueFrom"],
        "arn:aws:secretsmanager:eu-west-1:1:secret:api-AbCdEf:token::"
    );
    assert_eq!(body(&lowered, &format!("service/{name}"))["enableExecuteCommand"], true);
}

const LIVE: &str = r#"
services:
  - serviceName: shop-web
    serviceArn: arn:aws:ecs:eu-west-1:1:service/shop/shop-web
    clusterArn: arn:aws:ecs:eu-west-1:1:cluster/shop
    taskDefinition: arn:aws:ecs:eu-west-1:1:task-definition/shop-web:7
    desiredCount: 2
    runningCount: 2
    status: ACTIVE
    schedulingStrategy: REPLICA
    events: [{ id: a, message: steady }]
    deployments: [{ id: ecs-svc/1, status: PRIMARY }]
    deploymentConfiguration: { maximumPercent: 200, minimumHealthyPercent: 50, deploymentCircuitBreaker: { enable: true, rollback: false } }
    loadBalancers: [{ targetGroupArn: "arn:tg/web", containerName: web, containerPort: 80 }]
    serviceRegistries: [{ registryArn: "arn:aws:servicediscovery:eu-west-1:1:service/srv-1" }]
    healthCheckGracePeriodSeconds: 0
failures: []
---
taskDefinition:
  taskDefinitionArn: arn:aws:ecs:eu-west-1:1:task-definition/shop-web:7
  family: shop-web
  revision: 7
  status: ACTIVE
  networkMode: awsvpc
  compatibilities: [EC2, FARGATE]
  requiresCompatibilities: [FARGATE]
  cpu: "256"
  memory: "512"
  requiresAttributes: [{ name: ecs.capability.task-eni }]
  volumes: [{ name: cache, host: {} }, { name: data, efsVolumeConfiguration: { fileSystemId: fs-1, transitEncryption: ENABLED, authorizationConfig: { accessPointId: fsap-0a, iam: ENABLED } } }]
  placementConstraints: []
  containerDefinitions:
    - name: web
      image: nginx:1.27
      cpu: 0
      essential: true
      portMappings: [{ containerPort: 80, hostPort: 80, protocol: tcp }]
      mountPoints: [{ sourceVolume: cache, containerPath: /cache }, { sourceVolume: data, containerPath: /data, readOnly: true }]
      environment: []
      volumesFrom: []
tags: [{ key: team, value: shop }, { key: "owned by", value: "Jane & co" }]
---
TargetGroups: [{ TargetGroupArn: "arn:tg/web", TargetGroupName: web, Protocol: HTTP, Port: 80, VpcId: vpc-1, TargetType: ip, HealthCheckProtocol: HTTP, HealthCheckPath: /up, HealthCheckIntervalSeconds: 15, HealthCheckTimeoutSeconds: 5, HealthyThresholdCount: 3, UnhealthyThresholdCount: 2, HealthCheckEnabled: true, HealthCheckPort: traffic-port, Matcher: { HttpCode: "200" }, LoadBalancerArns: ["arn:lb"] }]
---
Listeners: [{ ListenerArn: "arn:listener/app/1", LoadBalancerArn: "arn:lb", Port: 443, Protocol: HTTPS, DefaultActions: [{ Type: fixed-response }] }]
---
Rules:
  - { RuleArn: "arn:listener-rule/app/1/9", Priority: "5", IsDefault: false, Conditions: [{ Field: host-header, HostHeaderConfig: { Values: [shop.example.com] } }, { Field: path-pattern, PathPatternConfig: { Values: [/api/*] } }], Actions: [{ Type: forward, TargetGroupArn: "arn:tg/web" }] }
  - { RuleArn: "arn:listener-rule/app/1/10", Priority: "6", Conditions: [{ Field: http-header }], Actions: [{ Type: forward, TargetGroupArn: "arn:tg/web" }] }
---
ScalableTargets: [{ ServiceNamespace: ecs, ResourceId: service/shop/shop-web, ScalableDimension: "ecs:service:DesiredCount", MinCapacity: 2, MaxCapacity: 8, RoleARN: "arn:role" }]
---
ScalingPolicies: [{ PolicyName: cpu, PolicyARN: "arn:policy", ServiceNamespace: ecs, ResourceId: service/shop/shop-web, ScalableDimension: "ecs:service:DesiredCount", PolicyType: TargetTrackingScaling, TargetTrackingScalingPolicyConfiguration: { TargetValue: 60.0, PredefinedMetricSpecification: { PredefinedMetricType: ECSServiceAverageCPUUtilization }, ScaleInCooldown: 30 } }]
"#;

#[test]
fn what_runs_with_all_that_belongs_to_it() {
    let (objects, lifted) = lift_text(LIVE);
    account_adds_up(&objects, &lifted);
    let web = &lifted.app.workloads["shop-web"];
    assert_eq!(web.labels, [("team".to_owned(), "shop".to_owned())].into());
    assert_eq!(web.expose["http"].port, 80);
    assert_eq!(web.autoscale.as_ref().map(|it| (it.min, it.max, it.cpu)), Some((2, 8, Some(60))));
    let ready = web.containers["web"].probes.ready.as_ref().unwrap();
    assert!(matches!(&ready.action, ProbeAction::Http { path, .. } if path == "/up"));
    let mounts = &web.containers["web"].mounts;
    assert_eq!(mounts["/data"].source, MountSource::Volume { name: "fsap-0a".to_owned() });
    assert!(mounts["/data"].read_only && lifted.app.volumes["fsap-0a"].external);
    let (_, route) = lifted.app.routes.first_key_value().unwrap();
    assert_eq!((route.host.as_deref(), lifted.app.routes.len()), (Some("shop.example.com"), 1));
    assert_eq!(route.paths["/api"].workload, "shop-web");
    assert!(route.tls.is_some());
    assert_eq!(told(&lifted, "listener-rule/10", Fate::Lost), [""]);
    assert!(told(&lifted, "service/shop-web", Fate::Own).contains(&"events".to_owned()));
    let lowered = lower(&lifted.app, &fargate());
    let definition = body(&lowered, "task-definition/shop-web");
    let volume = definition["volumes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it.get("efsVolumeConfiguration").is_some());
    let authorization = &volume.unwrap()["efsVolumeConfiguration"]["authorizationConfig"];
    assert_eq!(
        (&authorization["accessPointId"], &authorization["iam"]),
        (&json!("fsap-0a"), &json!("ENABLED"))
    );
    let tags = definition["tags"].as_array().unwrap();
    assert!(tags.contains(&json!({ "key": "owned by", "value": "Jane & co" })), "{tags:?}");
    assert_eq!(body(&lowered, "target-group/shop-web-http")["Matcher"]["HttpCode"], "200");
    let missing = semantic_losses(&objects, &lowered, &lifted);
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn a_balancer_leads_to_a_container_whose_name_no_chart_can_have() {
    let text = LIVE
        .replace("containerName: web,", "containerName: Web_App,")
        .replace("- name: web\n", "- name: Web_App\n");
    let (_, lifted) = lift_text(&text);
    let web = &lifted.app.workloads["shop-web"];
    assert!(web.containers.contains_key("web-app"), "{:?}", web.containers.keys());
    assert_eq!(web.expose["http"].port, 80);
    let (_, route) = lifted.app.routes.first_key_value().unwrap();
    assert_eq!(route.paths["/api"].workload, "shop-web");
    assert!(!web.on.get("ecs").is_some_and(|on| on.contains_key("Service")), "{:?}", web.on);
}

#[test]
fn container_instances_with_ports_of_their_own() {
    let (lifted, lowered) = carry(
        r#"
family: old
containerDefinitions:
  - { name: web-server, image: httpd, memory: 300, memoryReservation: 100, cpu: 10, links: [db], portMappings: [{ hostPort: 8080, containerPort: 80 }, { containerPort: 443, hostPort: 0, protocol: tcp }], dockerLabels: { a.b: c }, privileged: true, hostname: web }
  - { name: db, image: mysql, memory: 500, essential: false, mountPoints: [{ sourceVolume: data, containerPath: /var/lib/mysql }], dockerLabels: { a.b: c } }
volumes: [{ name: data, host: { sourcePath: /ecs/mysql } }]
placementConstraints: [{ type: memberOf, expression: "attribute:ecs.instance-type =~ t2.*" }, { type: memberOf, expression: "attribute:disk == ssd" }]
"#,
        &ec2(),
    );
    let old = &lifted.app.workloads["old"];
    assert_eq!(old.containers.keys().collect::<Vec<_>>(), ["web-server", "db"]);
    assert_eq!((old.expose["http"].kind, old.expose["http"].port), (ExposeAs::Node, 8080));
    assert_eq!(old.annotations["a.b"], "c");
    assert_eq!(old.placement.nodes.len(), 1);
    let definition = body(&lowered, "task-definition/old");
    let db = &definition["containerDefinitions"][1];
    assert_eq!(db["essential"], false);
    assert_eq!(definition["containerDefinitions"][0]["links"], json!(["db"]));
    assert_eq!(definition["placementConstraints"][0]["expression"], "attribute:ecs.instance-type =~ t2.*");
}

#[test]
fn runs_and_schedules() {
    let (lifted, lowered) = carry(
        r#"
[
  { "family": "tidy", "networkMode": "awsvpc", "cpu": "256", "memory": "512", "containerDefinitions": [{ "name": "tidy", "image": "busybox" }] },
  { "Name": "nightly", "GroupName": "default", "ScheduleExpression": "cron(30 2 ? * MON-FRI *)", "ScheduleExpressionTimezone": "Europe/Berlin", "FlexibleTimeWindow": { "Mode": "OFF" },
    "Target": { "Arn": "arn:aws:ecs:eu-west-1:1:cluster/shop", "RoleArn": "arn:role", "EcsParameters": { "TaskDefinitionArn": "arn:aws:ecs:eu-west-1:1:task-definition/tidy", "TaskCount": 2, "LaunchType": "FARGATE" } } },
  { "taskDefinition": "tidy", "cluster": "shop", "count": 3, "startedBy": "once", "launchType": "FARGATE" }
]"#,
        &fargate(),
    );
    let nightly = &lifted.app.workloads["nightly"];
    let cron = nightly.cron.as_ref().unwrap();
    assert_eq!((nightly.mode, cron.schedule.as_str()), (Mode::Cron, "30 2 * * mon-fri"));
    assert_eq!(nightly.job.as_ref().unwrap().completions, Some(2));
    assert_eq!(lifted.app.workloads["tidy"].mode, Mode::Job);
    assert_eq!(body(&lowered, "schedule/nightly")["ScheduleExpression"], "cron(30 2 ? * MON-FRI *)");
    assert_eq!(body(&lowered, "task/tidy")["count"], 3);
}

#[test]
fn keys_in_capitals_and_lists_of_containers() {
    let (lifted, _) = carry(
        r#"[{ "Family": "caps", "ContainerDefinitions": [{ "Name": "caps", "Image": "a:1", "Memory": "128", "Environment": [{ "Name": "A", "Value": "1" }], "DockerLabels": { "K": "V" } }], "Tags": [{ "Key": "team", "Value": "a" }] }]"#,
        &ec2(),
    );
    let caps = &lifted.app.workloads["caps"];
    assert_eq!((caps.labels["team"].as_str(), caps.annotations["K"].as_str()), ("a", "V"));
    let (lifted, _) = carry(
        r#"[{ "name": "one", "image": "a", "memory": 64 }, { "name": "two", "image": "b", "memory": 64 }]"#,
        &ec2(),
    );
    assert_eq!(lifted.app.workloads["one"].containers.len(), 2);
}

#[test]
fn revisions_of_one_family() {
    let definition = |revision: u32| {
        format!(
            "{{ family: web, revision: {revision}, containerDefinitions: [{{ name: web, image: 'web:{revision}', memory: 64 }}] }}\n---\n"
        )
    };
    let (objects, lifted) = lift_text(&[definition(1), definition(3), definition(2)].concat());
    account_adds_up(&objects, &lifted);
    assert_eq!(lifted.app.workloads["web"].containers["web"].image, "web:3");
    assert_eq!(lifted.app.workloads.len(), 1);
    assert_eq!(told(&lifted, "task-definition/web:1", Fate::Lost), [""]);
}

#[test]
fn traffic_that_ecs_shifts() {
    let (lifted, _) = carry(
        r#"
- { serviceName: web, taskDefinition: web, desiredCount: 1, deploymentConfiguration: { strategy: CANARY, canaryConfiguration: { canaryPercent: 10.0 } }, serviceConnectConfiguration: { enabled: true, namespace: shop, services: [{ portName: http, discoveryName: web-http, clientAliases: [{ port: 80, dnsName: web }] }] } }
- { family: web, networkMode: awsvpc, cpu: "256", memory: "512", containerDefinitions: [{ name: web, image: nginx, portMappings: [{ name: http, containerPort: 8080 }] }] }
"#,
        &shifting(),
    );
    let web = &lifted.app.workloads["web"];
    let update = web.update.as_ref().unwrap();
    assert_eq!((update.strategy, update.steps.as_slice()), (Way::Canary, &[10][..]));
    assert!(web.short_names && web.expose["http"].port == 80);
}

#[test]
fn material_is_in_no_app() {
    let documents = vec![
        json!({ "Name": "db", "ARN": "arn:aws:secretsmanager:eu-west-1:1:secret:db-AbCdEf", "SecretString": "{\"password\":\"canary-1\"}" }),
        json!({ "Parameter": { "Name": "/app/key", "Type": "SecureString", "Value": "canary-2" } }),
        json!({ "family": "web", "containerDefinitions": [{ "name": "web", "image": "a", "memory": 64, "secrets": [
            { "name": "P", "valueFrom": "arn:aws:secretsmanager:eu-west-1:1:secret:db-AbCdEf:password::" },
            { "name": "K", "valueFrom": "/app/key" },
        ] }] }),
    ];
    let gathered = backend().gather(documents);
    let lifted = backend().lift(&gathered.objects);
    account_adds_up(&gathered.objects, &lifted);
    let text = format!(
        "{}{:?}{:?}{gathered:?}",
        serde_json::to_string(&lifted.app).unwrap(),
        lifted.notes,
        gathered.objects
    );
    assert!(!text.contains("canary"), "{text}");
    assert_eq!(gathered.material.len(), 2);
    let env = &lifted.app.workloads["web"].containers["web"].env;
    assert!(env.values().all(|value| matches!(value, EnvValue::From(EnvSource::Secret { .. }))), "{env:?}");
}

#[test]
fn what_is_no_document_of_ecs_is_told() {
    let check = |document: Value, expected: &str| {
        let gathered = backend().gather(vec![
            document,
            json!({ "family": "a", "containerDefinitions": [{ "name": "a", "image": "a" }] }),
        ]);
        assert_eq!(
            (gathered.objects.len(), gathered.notes.len()),
            (1, 1),
            "{expected}: {:?}",
            gathered.notes
        );
        let why = gathered.notes[0].why.as_deref().unwrap();
        assert!(why.contains(expected), "{why}");
        assert!(!gathered.notes[0].is_error());
    };
    check(json!({ "apiVersion": "v1", "kind": "Pod" }), "Kubernetes");
    check(json!({ "services": { "web": { "image": "a" } } }), "Compose");
    check(
        json!({ "region": "eu-west-1", "service_definition": "a.json", "task_definition": "b.json" }),
        "ecspresso",
    );
    check(json!({ "serviceArns": ["arn"] }), "list of names");
    check(json!({ "name": "web", "type": "Load Balanced Web Service" }), "Copilot");
    check(json!({ "hello": 1 }), "`hello`");
    check(json!("text"), "no mapping");
    check(json!({ "services": [], "failures": [{ "arn": "arn:x", "reason": "MISSING" }] }), "MISSING");
}

/// A definition in which something is of another kind than it should be.
fn odd() -> impl Strategy<Value = Value> {
    let value = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-zA-Z0-9:/${}. -]{0,12}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!([{ "name": "x", "key": "k" }, 1, null])),
        Just(json!({ "a": { "b": [] }, "$ref": "task-definition/web#arn" })),
    ];
    (prop::collection::vec((any::<prop::sample::Index>(), value), 1..6)).prop_map(|changes| {
        let mut documents: Vec<Value> =
            rhumb_spec::yaml::parse(LIVE).unwrap().iter().map(rhumb_spec::yaml::Node::to_value).collect();
        documents.push(json!({ "family": "b", "containerDefinitions": [
            { "name": "b", "image": "b", "healthCheck": { "command": ["CMD", "true"] }, "linuxParameters": { "tmpfs": [{ "containerPath": "/t", "size": 1 }], "capabilities": { "add": ["SYS_PTRACE"] } },
              "logConfiguration": { "logDriver": "json-file", "options": { "a": "b" } }, "resourceRequirements": [{ "type": "GPU", "value": "1" }], "extraHosts": [{ "hostname": "a", "ipAddress": "10.0.0.1" }],
              "secrets": [{ "name": "S", "valueFrom": "/p" }], "dependsOn": [{ "containerName": "c", "condition": "START" }], "ulimits": [{ "name": "nofile", "softLimit": 1, "hardLimit": 2 }] },
            { "name": "c", "image": "c", "essential": false },
        ] }));
        let mut whole = Value::Array(documents);
        for (index, value) in changes {
            let mut pointers = Vec::new();
            pointers_of(&whole, String::new(), &mut pointers);
            let pointer = index.get(&pointers).clone();
            if let Some(place) = whole.pointer_mut(&pointer) {
                *place = value;
            }
        }
        whole
    })
}

fn pointers_of(value: &Value, at: String, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            let key = key.replace('~', "~0").replace('/', "~1");
            pointers_of(value, format!("{at}/{key}"), found);
        }),
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(index, value)| pointers_of(value, format!("{at}/{index}"), found));
        }
        _ => {}
    }
    if !at.is_empty() {
        found.push(at);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn odd_documents_are_accounted_for(whole in odd()) {
        let documents = whole.as_array().cloned().unwrap_or_default();
        let gathered = backend().gather(documents);
        let lifted = backend().lift(&gathered.objects);
        account_adds_up(&gathered.objects, &lifted);
    }
}
