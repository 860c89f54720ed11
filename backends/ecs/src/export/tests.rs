//! What objects become as requests, and the script.

use super::*;
use rhumb_backend::{After, reference};

struct Given;

impl Materials for Given {
    fn sealed(&self, _: &str) -> BackendResult<Material> {
        Ok(Material::new(b"canary".to_vec()))
    }

    fn generated(&self, _: &str, _: &Generate, _: Option<&str>) -> BackendResult<Material> {
        Ok(Material::new(b"made".to_vec()))
    }
}

fn object(kind: Kind, name: &str, body: Value) -> Object {
    Object::new(kind.id(name), body)
}

fn sample() -> Vec<Object> {
    let marks = json!([{ "Key": "rhumb.dev/release", "Value": "shop" }]);
    let definition = |name: &str| reference::reference(&Kind::TaskDefinition.id(name), "arn");
    let ready = |id: ObjectId| After { id, until: Until::Ready };
    vec![
        Object {
            after: vec![ready(Kind::Service.id("db")), ready(Kind::Task.id("migrate"))],
            ..object(
                Kind::Service,
                "web",
                json!({ "cluster": "c", "serviceName": "default-shop-web", "taskDefinition": definition("web") }),
            )
        },
        object(
            Kind::Service,
            "db",
            json!({ "cluster": "c", "serviceName": "default-shop-db", "taskDefinition": definition("web") }),
        ),
        Object {
            after: vec![ready(Kind::Service.id("db"))],
            ..object(
                Kind::Task,
                "migrate",
                json!({ "cluster": "c", "startedBy": "rhumb/0123", "taskDefinition": definition("web") }),
            )
        },
        object(
            Kind::TaskDefinition,
            "web",
            json!({
                "family": "default-shop-web",
                "containerDefinitions": [{ "name": "web", "secrets": [{ "name": "A", "valueFrom": "arn:x:secret:rhumb/default/shop/db-0123456789:key::" }] }],
                "tags": [{ "key": "rhumb.dev/release", "value": "shop" }, { "key": "team", "value": "web" }],
            }),
        ),
        Object {
            generation: Some("x".to_owned()),
            ..object(
                Kind::Secret,
                "db",
                json!({ "Name": "rhumb/default/shop/db-0123456789", "SecretString": { "key": Demand::Sealed("a".to_owned()).to_value() }, "Tags": marks }),
            )
        },
        object(
            Kind::LogGroup,
            "shop",
            json!({ "logGroupName": "/rhumb/default/shop", "retentionInDays": 30 }),
        ),
        object(
            Kind::SecurityGroup,
            "back",
            json!({
                "GroupName": "back", "ingress": [{ "IpProtocol": "-1", "UserIdGroupPairs": [{ "GroupId": lower_self() }] }],
                "TagSpecifications": [{ "ResourceType": "security-group", "Tags": marks }],
            }),
        ),
    ]
}

fn lower_self() -> &'static str {
    crate::lower::SELF
}

fn export(secrets: &ExportSecrets<'_>) -> Exported {
    files(&Scope::new("default", "shop"), &sample(), secrets).unwrap()
}

fn file<'a>(exported: &'a Exported, path: &str) -> &'a str {
    let file = exported.files.iter().find(|file| file.path == path).expect(path);
    std::str::from_utf8(&file.content).unwrap()
}

fn json_of(exported: &Exported, path: &str) -> Value {
    serde_json::from_str(file(exported, path)).unwrap()
}

#[test]
fn requests_are_plain_and_complete() {
    let exported = export(&ExportSecrets::Written(&Given));
    assert_eq!(
        json_of(&exported, "task-definitions/web.json"),
        json!({
            "family": "default-shop-web",
            "containerDefinitions": [{ "name": "web", "secrets": [{ "name": "A", "valueFrom": "arn:x:secret:rhumb/default/shop/db/current:key::" }] }],
            "tags": [{ "key": "team", "value": "web" }],
        })
    );
    assert_eq!(json_of(&exported, "services/web.json")["taskDefinition"], "${TASK_DEFINITION_WEB_ARN}");
    assert_eq!(json_of(&exported, "tasks/migrate.json")["startedBy"], "shop");
    let secret = json_of(&exported, "secrets/db.json");
    assert_eq!(secret["Name"], "rhumb/default/shop/db/current");
    assert!(secret.get("Tags").is_none() && secret["SecretString"].as_str().unwrap().contains("canary"));
    assert_eq!(json_of(&exported, "log-groups/shop.json"), json!({ "logGroupName": "/rhumb/default/shop" }));
    assert_eq!(
        json_of(&exported, "log-groups/shop.put-retention-policy.json"),
        json!({ "logGroupName": "/rhumb/default/shop", "retentionInDays": 30 })
    );
    assert_eq!(json_of(&exported, "security-groups/back.json"), json!({ "GroupName": "back" }));
    let ingress = json_of(&exported, "security-groups/back.authorize-security-group-ingress.json");
    assert_eq!(ingress["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"], "${SECURITY_GROUP_BACK_ID}");
}

#[test]
fn the_script_sends_them_in_order_and_waits() {
    let exported = export(&ExportSecrets::Written(&Given));
    let script = file(&exported, "deploy.sh");
    let steps: Vec<&str> = script
        .lines()
        .filter(|line| ["call ", "aws ecs wait", "finished "].iter().any(|start| line.starts_with(start)))
        .collect();
    assert_eq!(
        steps,
        [
            "call security-groups/back.json ec2 create-security-group GroupId SECURITY_GROUP_BACK_ID",
            "call security-groups/back.authorize-security-group-ingress.json ec2 authorize-security-group-ingress",
            "call log-groups/shop.json logs create-log-group",
            "call log-groups/shop.put-retention-policy.json logs put-retention-policy",
            "call secrets/db.json secretsmanager create-secret",
            "call task-definitions/web.json ecs register-task-definition taskDefinition.taskDefinitionArn TASK_DEFINITION_WEB_ARN",
            "call services/db.json ecs create-service",
            "aws ecs wait services-stable --cluster c --services default-shop-db",
            "call tasks/migrate.json ecs run-task 'tasks[].taskArn' TASK_MIGRATE_ARN",
            "finished c $(value TASK_MIGRATE_ARN)",
            "call services/web.json ecs create-service",
        ]
    );
    assert!(!script.contains("<fill in>"));
}

#[test]
fn material_that_is_left_out_is_asked_for_before_anything_is_made() {
    let exported = export(&ExportSecrets::LeftOut);
    let secret = json_of(&exported, "secrets/db.json");
    assert_eq!(secret["SecretString"], r#"{"key":"<fill in>","key.b64":"<fill in>"}"#);
    assert!(file(&exported, "deploy.sh").contains("grep -l '<fill in>' secrets/*.json"));
    let file = exported.files.iter().find(|file| file.path == "secrets/db.json").unwrap();
    assert_eq!(file.fill_in, ["key in SecretString, and key.b64 in base64"]);
}

#[test]
fn calls_are_called_as_the_cli_calls_them() {
    for kind in Kind::ALL {
        let (service, operation) = script::command(kind.call());
        assert!(!service.is_empty() && operation.contains('-'), "{service} {operation}");
    }
    assert_eq!(script::command("elbv2:CreateTargetGroup"), ("elbv2", "create-target-group".to_owned()));
}
