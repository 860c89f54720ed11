//! What people write into definitions that the app says otherwise, lifted.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test has its own needs")]
mod lifting_support;

use lifting_support::{account_adds_up, body, carry, ec2, lift_text, told};
use rhumb_backend::Fate;
use rhumb_spec::model::{Access, EnvSource, EnvValue, Mode, MountSource, Traffic};
use serde_json::json;

#[test]
fn placeholders_in_names_are_left_out() {
    let (objects, lifted) = lift_text(
        r#"
AWSTemplateFormatVersion: 2010-09-09
Resources:
  Task: { Type: "AWS::ECS::TaskDefinition", Properties: { Family: { "Fn::Sub": "${AWS::StackName}-etl" }, Cpu: 256, Memory: 512, NetworkMode: awsvpc, ContainerDefinitions: [{ Name: etl, Image: "etl:1" }] } }
  Rule:
    Type: AWS::Events::Rule
    Properties:
      ScheduleExpression: rate(10 minutes)
      State: DISABLED
      Targets: [{ Id: a, Arn: "arn:cluster", RoleArn: "arn:role", Input: "{\"containerOverrides\":[{\"name\":\"etl\",\"command\":[\"run\"]}]}", EcsParameters: { TaskCount: 1, TaskDefinitionArn: { Ref: Task } } }]
"#,
    );
    account_adds_up(&objects, &lifted);
    let etl = &lifted.app.workloads["rule"];
    assert_eq!((etl.mode, etl.cron.as_ref().unwrap().schedule.as_str()), (Mode::Cron, "*/10 * * * *"));
    assert_eq!(etl.containers["etl"].args, ["run"]);
    assert_eq!(etl.on["ecs"]["Schedule"]["State"], "DISABLED");
    let (_, alone) = lift_text(
        r#"{ "Resources": { "T": { "Type": "AWS::ECS::TaskDefinition", "Properties": { "Family": { "Fn::Sub": "${AWS::StackName}-etl" }, "ContainerDefinitions": [{ "Name": "a", "Image": "a" }] } } } }"#,
    );
    assert!(alone.app.workloads.contains_key("etl"), "{:?}", alone.app.workloads.keys());
}

#[test]
fn a_service_without_a_name_has_that_of_what_it_runs() {
    let definition = r#"{ "family": "shop", "containerDefinitions": [{ "name": "a", "image": "a:{{ env `TAG` `7` }}", "memory": 64 }] }"#;
    let (lifted, _) = carry(&format!("{{ \"desiredCount\": 2 }}\n---\n{definition}"), &ec2());
    assert_eq!(lifted.app.workloads["shop"].containers["a"].image, "a:7");
    let run = r#"{ "taskDefinition": "shop", "startedBy": "airflow", "count": 1, "overrides": { "containerOverrides": [{ "name": "a", "command": ["x"], "environment": [{ "name": "DAY", "value": "1" }] }] } }"#;
    let (lifted, lowered) = carry(&format!("{run}\n---\n{definition}"), &ec2());
    let shop = &lifted.app.workloads["shop"];
    assert_eq!((shop.mode, shop.containers["a"].args.as_slice()), (Mode::Job, &["x".to_owned()][..]));
    assert_eq!(
        body(&lowered, "task-definition/shop")["containerDefinitions"][0]["environment"][0]["name"],
        "DAY"
    );
}

#[test]
fn values_of_the_account_are_keys_of_secrets() {
    let (lifted, lowered) = carry(
        r#"{ "family": "web", "containerDefinitions": [{ "name": "web", "image": "a", "memory": 64, "secrets": [
            { "name": "URL", "valueFrom": "arn:aws:ssm:eu-west-1:1:parameter/shop/db/url" },
            { "name": "TOKEN", "valueFrom": "arn:aws:secretsmanager:eu-west-1:1:secret:prod/api-AbCdEf" }
        ] }] }"#,
        &ec2(),
    );
    let from = |name: &str, key: &str| {
        EnvValue::From(EnvSource::Secret { name: name.to_owned(), key: key.to_owned() })
    };
    let web = &lifted.app.workloads["web"].containers["web"];
    assert_eq!((&web.env["URL"], &web.env["TOKEN"]), (&from("shop-db", "url"), &from("prod-api", "value")));
    assert!(lifted.app.secrets["shop-db"].external);
    // On ECS they stay where they are, and no secret of these names is looked for.
    let definition = lowered.iter().find(|object| object.id.as_str() == "task-definition/web").unwrap();
    assert_eq!(
        definition.body["containerDefinitions"][0]["secrets"][0]["valueFrom"],
        "arn:aws:ssm:eu-west-1:1:parameter/shop/db/url"
    );
    let kinds = |ids: Vec<&str>| ids.into_iter().filter(|id| id.starts_with("secret/")).count();
    assert_eq!(kinds(lowered.iter().map(|object| object.id.as_str()).collect()), 0);
    assert_eq!(kinds(definition.after.iter().map(|after| after.id.as_str()).collect()), 0);
}

#[test]
fn file_systems_are_volumes() {
    let (lifted, lowered) = carry(
        r#"{ "family": "web", "volumes": [
            { "name": "all", "efsVolumeConfiguration": { "fileSystemId": "fs-0a", "transitEncryption": "ENABLED" } },
            { "name": "part", "efsVolumeConfiguration": { "fileSystemId": "fs-0b", "rootDirectory": "/media/photos" } }
        ], "containerDefinitions": [{ "name": "web", "image": "a", "memory": 64, "mountPoints": [
            { "sourceVolume": "all", "containerPath": "/all" },
            { "sourceVolume": "part", "containerPath": "/part", "readOnly": true }
        ] }] }"#,
        &ec2(),
    );
    assert_eq!(lifted.app.volumes["fs-0a"].access, Access::Shared);
    let part = &lifted.app.workloads["web"].containers["web"].mounts["/part"];
    assert_eq!(part.source, MountSource::Volume { name: "fs-0b".to_owned() });
    assert_eq!((part.sub_path.as_deref(), part.read_only), (Some("media/photos"), true));
    let volumes = &body(&lowered, "task-definition/web")["volumes"];
    assert_eq!(
        volumes[0]["efsVolumeConfiguration"],
        json!({ "fileSystemId": "fs-0a", "transitEncryption": "ENABLED" })
    );
    assert_eq!(
        volumes[1]["efsVolumeConfiguration"],
        json!({ "fileSystemId": "fs-0b", "rootDirectory": "/media/photos" })
    );
}

#[test]
fn a_container_that_may_fail_ends_before_the_others_start() {
    let (lifted, lowered) = carry(
        r#"{ "family": "web", "containerDefinitions": [
            { "name": "web", "image": "a", "memory": 64, "dependsOn": [{ "containerName": "migrate", "condition": "COMPLETE" }, { "containerName": "wait", "condition": "SUCCESS" }] },
            { "name": "migrate", "image": "b", "memory": 64, "essential": false },
            { "name": "wait", "image": "c", "memory": 64, "essential": false }
        ] }"#,
        &ec2(),
    );
    let init: Vec<_> = lifted.app.workloads["web"].init_containers.keys().collect();
    assert_eq!(init, ["wait", "migrate"]);
    let containers = body(&lowered, "task-definition/web")["containerDefinitions"].as_array().unwrap();
    let web = containers.iter().find(|one| one["name"] == "web").unwrap();
    assert_eq!(web["dependsOn"], json!([{ "containerName": "migrate", "condition": "COMPLETE" }]));
}

#[test]
fn windows_devices_and_ports_of_nodes() {
    let (objects, lifted) = lift_text(
        r#"{ "family": "web", "runtimePlatform": { "operatingSystemFamily": "WINDOWS_SERVER_2019_CORE" }, "containerDefinitions": [{
            "name": "web", "image": "a", "memory": 64, "portMappings": [{ "containerPort": 443, "hostPort": 8443 }],
            "resourceRequirements": [{ "type": "GPU", "value": "2" }, { "type": "InferenceAccelerator", "value": "d" }]
        }] }"#,
    );
    account_adds_up(&objects, &lifted);
    let web = &lifted.app.workloads["web"];
    assert_eq!(web.placement.os.as_deref(), Some("windows"));
    assert_eq!(
        web.on["ecs"]["TaskDefinition"]["runtimePlatform"]["operatingSystemFamily"],
        "WINDOWS_SERVER_2019_CORE"
    );
    assert_eq!(web.containers["web"].resources.gpu.as_ref().unwrap().count, 2);
    assert_eq!((web.expose["https"].port, web.expose["https"].traffic), (8443, Traffic::Local));
    let kept = told(&lifted, "task-definition/web", Fate::Kept);
    assert!(kept.iter().any(|path| path.contains("resourceRequirements")), "{kept:?}");
}

#[test]
fn a_role_is_an_identity_by_its_name() {
    let (lifted, lowered) = carry(
        r#"{ "family": "web", "taskRoleArn": "arn:aws:iam::1:role/apps/WebRole", "containerDefinitions": [{ "name": "web", "image": "a", "memory": 64 }] }"#,
        &ec2(),
    );
    assert_eq!(lifted.app.workloads["web"].identity.as_ref().unwrap().name, "web-role");
    assert_eq!(body(&lowered, "task-definition/web")["taskRoleArn"], "arn:aws:iam::1:role/apps/WebRole");
}

/// A template as the CDK writes it, with a rule of these conditions.
fn template(conditions: &str) -> String {
    format!(
        r#"
Resources:
  TaskB54694570: {{ Type: "AWS::ECS::TaskDefinition", Properties: {{ Family: StackTask, Cpu: "256", Memory: "512", NetworkMode: awsvpc, ContainerDefinitions: [{{
    Name: web, Image: "web:1", PortMappings: [{{ ContainerPort: 80 }}],
    LogConfiguration: {{ LogDriver: awslogs, Options: {{ awslogs-group: {{ Ref: Logs }}, awslogs-region: a, awslogs-stream-prefix: b }} }},
    Secrets: [{{ Name: PW, ValueFrom: {{ "Fn::Join": ["", [{{ Ref: DbSecret }}, ":password::"]] }} }}] }}] }} }}
  WebService9571FDD8: {{ Type: "AWS::ECS::Service", Properties: {{ DesiredCount: 2, TaskDefinition: {{ Ref: TaskB54694570 }}, LoadBalancers: [{{ ContainerName: web, ContainerPort: 80, TargetGroupArn: {{ Ref: Group }} }}] }} }}
  Group: {{ Type: "AWS::ElasticLoadBalancingV2::TargetGroup", Properties: {{ Port: 80, Protocol: HTTP, TargetType: ip, TargetGroupAttributes: [{{ Key: stickiness.enabled, Value: "true" }}] }} }}
  Rule: {{ Type: "AWS::ElasticLoadBalancingV2::ListenerRule", Properties: {{ Actions: [{{ Type: forward, TargetGroupArn: {{ Ref: Group }} }}], Conditions: {conditions}, Priority: 10 }} }}
  Target: {{ Type: "AWS::ApplicationAutoScaling::ScalableTarget", Properties: {{ MinCapacity: 2, MaxCapacity: 9, ServiceNamespace: ecs, ScalableDimension: "ecs:service:DesiredCount", ResourceId: {{ "Fn::Join": ["", ["service/", {{ Ref: Cluster }}, "/", {{ "Fn::GetAtt": [WebService9571FDD8, Name] }}]] }} }} }}
  Policy: {{ Type: "AWS::ApplicationAutoScaling::ScalingPolicy", Properties: {{ PolicyName: Cpu, PolicyType: TargetTrackingScaling, ScalingTargetId: {{ Ref: Target }}, TargetTrackingScalingPolicyConfiguration: {{ PredefinedMetricSpecification: {{ PredefinedMetricType: ECSServiceAverageCPUUtilization }}, TargetValue: 50 }} }} }}
  DbSecret: {{ Type: "AWS::SecretsManager::Secret", Properties: {{ GenerateSecretString: {{ GenerateStringKey: password }} }} }}
  Logs: {{ Type: "AWS::Logs::LogGroup", Properties: {{ RetentionInDays: 7 }} }}
"#
    )
}

#[test]
fn what_a_template_joins_is_found() {
    let paths = r#"[{ Field: path-pattern, PathPatternConfig: { Values: ["/api/*", "/auth/*"] } }]"#;
    let (objects, lifted) = lift_text(&template(paths));
    account_adds_up(&objects, &lifted);
    let web = &lifted.app.workloads["web-service"];
    assert_eq!(web.autoscale.as_ref().map(|scale| (scale.min, scale.max)), Some((2, 9)));
    let password = EnvSource::Secret { name: "db-secret".to_owned(), key: "password".to_owned() };
    assert_eq!(web.containers["web"].env["PW"], EnvValue::From(password));
    let route = lifted.app.routes.values().next().unwrap();
    assert_eq!(route.paths.keys().collect::<Vec<_>>(), ["/api", "/auth"]);
    // The log group is the release's own, and nothing refers to what is not in the chart.
    assert_eq!(web.on["ecs"].keys().collect::<Vec<_>>(), ["TargetGroup"]);
}

#[test]
fn a_target_group_that_nothing_leads_to_is_not_patched() {
    let (objects, lifted) = lift_text(&template("[{ Field: http-header }]"));
    account_adds_up(&objects, &lifted);
    assert!(lifted.app.workloads["web-service"].on.is_empty());
    let lost = told(&lifted, "target-group/Group", Fate::Lost);
    assert!(lost.iter().any(|path| path.contains("TargetGroupAttributes")), "{lost:?}");
}
