//! From documents back to an app.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod offline;

use std::path::Path;

use rhumb_backend::{Choices, Object};
use rhumb_spec::{App, yaml};
use rhumb_swarm::facts::SwarmFacts;
use rhumb_swarm::lift::lift;
use rhumb_swarm::normalize;
use serde_json::{Value, json};

/// The object without every mark of ours.
fn stripped(object: &Object) -> Object {
    fn strip(value: &Value) -> Value {
        match value {
            Value::Object(map) => {
                let kept = map.iter().filter(|(key, _)| !key.starts_with("rhumb.dev/"));
                Value::Object(kept.map(|(key, value)| (key.clone(), strip(value))).collect())
            }
            Value::Array(items) => Value::Array(items.iter().map(strip).collect()),
            other => other.clone(),
        }
    }
    Object { body: strip(&object.body), workload: None, sequence: None, ..object.clone() }
}

fn lowered(app: &App, facts: &SwarmFacts) -> Vec<Object> {
    offline::lowered(app, facts, &Choices::default())
        .unwrap_or_else(|errors| panic!("{}", offline::texts(&errors)))
        .objects
}

fn golden(subject: &str, kind: &str) -> Option<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    std::fs::read_to_string(folder.join(format!("{subject}.{kind}.yaml"))).ok()
}

fn facts(subject: &str) -> SwarmFacts {
    let text = golden(subject, "facts");
    text.map_or_else(SwarmFacts::default, |text| {
        serde_json::from_value(yaml::value_from_str(&text).unwrap()).unwrap()
    })
}

fn bodies(objects: &[Object]) -> Vec<(String, Value)> {
    let bodies = objects.iter().map(|object| (object.id.as_str().to_owned(), stripped(object).body));
    let mut found: Vec<(String, Value)> = bodies.collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found
}

/// Lowering what was lifted gives what was lifted from.
#[track_caller]
fn check_round(subject: &str) {
    let app = offline::parse(&golden(subject, "app").unwrap());
    let facts = facts(subject);
    let objects: Vec<Object> = lowered(&app, &facts).iter().map(stripped).collect();
    let lifted = lift(&objects);
    assert!(lifted.notes.iter().all(|note| !note.is_error()));
    let again = lowered(&lifted.app, &facts);
    let (before, after) = (bodies(&objects), bodies(&again));
    for ((id, before), (other, after)) in before.iter().zip(&after) {
        assert_eq!(id, other);
        let (before, after) = (normalize::service(before), normalize::service(after));
        assert!(before == after, "{subject}: {id} was\n{}\nand is\n{}", text(&before), text(&after));
    }
    assert_eq!(before.len(), after.len());
}

fn text(body: &Value) -> String {
    yaml::to_string(body).unwrap()
}

#[test]
fn lowering_what_was_lifted_gives_the_same() {
    for subject in
        ["web", "stateful", "jobs", "probes", "networks", "placement", "environment", "routes", "security"]
    {
        check_round(subject);
    }
}

#[test]
fn a_plain_app_comes_back_as_it_was() {
    let app = offline::parse(&golden("plain", "app").unwrap());
    let objects: Vec<Object> = lowered(&app, &SwarmFacts::default()).iter().map(stripped).collect();
    let lifted = lift(&objects);
    assert_eq!(
        serde_json::to_string_pretty(&lifted.app).unwrap(),
        serde_json::to_string_pretty(&app).unwrap(),
        "{}",
        offline::texts(&lifted.notes)
    );
    assert_eq!(offline::texts(&lifted.notes), "");
}

/// A service as `docker stack deploy` makes it, with fields that the neutral app does not have.
#[test]
fn foreign_stacks_are_read_and_what_is_lost_is_told() {
    let service = json!({
        "Name": "blog_Web_Front",
        "Labels": { "com.docker.stack.image": "nginx:1", "com.docker.stack.namespace": "blog", "team": "a" },
        "TaskTemplate": {
            "ContainerSpec": {
                "Image": "nginx:1@sha256:00",
                "Labels": { "com.docker.stack.namespace": "blog" },
                "Env": ["NODE={{.Node.Hostname}}", "MODE=fast", "EMPTY"],
                "TTY": true,
                "Privileges": { "CredentialSpec": null, "SELinuxContext": null },
                "StopGracePeriod": 10_000_000_000_u64,
                "Isolation": "default",
                "Healthcheck": { "Test": ["CMD-SHELL", "curl -f http://localhost"], "Retries": 2 },
                "Secrets": [{
                    "File": { "Name": "db_password", "UID": "0", "GID": "0", "Mode": 292 },
                    "SecretID": "s1", "SecretName": "blog_db_password",
                }],
                "Mounts": [
                    { "Type": "volume", "Source": "blog_data", "Target": "/data" },
                    { "Type": "npipe", "Source": "x", "Target": "/pipe" },
                ],
            },
            "Resources": { "Limits": { "NanoCPUs": 500_000_000, "Pids": 100 } },
            "Placement": {
                "Constraints": ["node.role == manager", "node.id==abc", "node.platform.os == linux"],
                "Platforms": [{ "Architecture": "amd64", "OS": "linux" }],
            },
            "Networks": [{ "Target": "net1", "Aliases": ["web_front", "www"] }],
            "ForceUpdate": 4,
            "Runtime": "container",
        },
        "Mode": { "Replicated": { "Replicas": 3 } },
        "EndpointSpec": { "Ports": [
            { "Protocol": "tcp", "TargetPort": 80, "PublishedPort": 8080, "PublishMode": "ingress" },
        ] },
    });
    let network = json!({
        "Id": "net1", "Name": "blog_default", "Driver": "overlay", "Labels": { "com.docker.stack.namespace": "blog" },
        "IPAM": { "Driver": "default", "Config": [{ "Subnet": "10.0.1.0/24", "Gateway": "10.0.1.1" }] },
    });
    let secret = json!({ "Name": "blog_db_password", "Labels": { "com.docker.stack.namespace": "blog" } });
    let lifted = lift(&[
        Object::new("service/blog_Web_Front".into(), service),
        Object::new("network/blog_default".into(), network),
        Object::new("secret/blog_db_password".into(), secret),
    ]);
    insta::assert_snapshot!(format!(
        "{}\n{}",
        yaml::to_string(&lifted.app).unwrap(),
        offline::texts(&lifted.notes)
    ));
    let again = lowered(&lifted.app, &SwarmFacts::default());
    assert!(again.iter().any(|object| object.id.as_str() == "service/web-front"));
}

/// Every leaf is counted once: carried, kept, the engine's own or lost.
#[test]
fn every_field_is_accounted_for() {
    let service = json!({
        "Name": "blog_web",
        "Labels": { "com.docker.stack.image": "nginx:1", "com.docker.stack.namespace": "blog", "team": "a" },
        "TaskTemplate": {
            "ContainerSpec": {
                "Image": "nginx:1@sha256:00",
                "Env": ["MODE=fast", "NODE={{.Node.Hostname}}"],
                "TTY": true,
                "Isolation": "default",
                "Healthcheck": { "Test": ["NONE"] },
                "Ulimits": [{ "Name": "nofile", "Soft": 1, "Hard": 2 }, { "Name": "odd" }],
                "Mounts": [{ "Type": "bind", "Source": "/srv", "Target": "/srv", "BindOptions": { "Propagation": "rslave" } }],
            },
            "Resources": { "Limits": { "Pids": 100 } },
            "ForceUpdate": 4,
        },
        "Mode": { "Global": {} },
        "RollbackConfig": { "FailureAction": "continue" },
    });
    let lifted = lift(&[Object::new("service/blog_web".into(), service)]);
    let account = &lifted.accounts[0];
    assert_eq!(account.document.as_deref(), Some("workload/web"));
    let mut rest: Vec<String> =
        account.rest.iter().map(|rest| format!("{:?} {} {}", rest.fate, rest.path, rest.fields)).collect();
    rest.sort();
    assert_eq!(
        rest,
        [
            "Kept TaskTemplate.ContainerSpec.Env.NODE 1",
            "Kept TaskTemplate.ContainerSpec.Healthcheck.Test 1",
            "Kept TaskTemplate.ContainerSpec.Mounts.0.BindOptions 1",
            "Kept TaskTemplate.ContainerSpec.TTY 1",
            "Kept TaskTemplate.Resources.Limits.Pids 1",
            "Lost RollbackConfig.FailureAction 1",
            "Lost TaskTemplate.ContainerSpec.Ulimits.1.Name 1",
            "Own Labels.com.docker.stack.namespace 1",
            "Own TaskTemplate.ContainerSpec.Isolation 1",
            "Own TaskTemplate.ForceUpdate 1",
        ]
    );
    let counts = account.counts();
    assert_eq!((counts.fields, counts.carried), (22, 12));
    let again = lowered(&lifted.app, &SwarmFacts::default());
    let body = &again.iter().find(|object| object.id.as_str() == "service/web").unwrap().body;
    let spec = &body["TaskTemplate"]["ContainerSpec"];
    assert_eq!(spec["TTY"], json!(true));
    assert_eq!(spec["Env"], json!(["MODE=fast", "NODE={{.Node.Hostname}}"]));
    assert_eq!(spec["Healthcheck"], json!({ "Test": ["NONE"] }));
    assert_eq!(spec["Mounts"][0]["BindOptions"], json!({ "Propagation": "rslave" }));
    assert_eq!(spec["Mounts"][0]["Source"], "/srv");
    assert_eq!(body["TaskTemplate"]["Resources"]["Limits"]["Pids"], 100);
}
