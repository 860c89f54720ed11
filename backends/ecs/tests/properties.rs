//! What holds for every app: lowering gives the same twice, never panics, and keeps its own rules.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod offline;

use std::collections::BTreeSet;

use proptest::prelude::*;
use rhumb_backend::{Choices, Object, Ownership, reference};
use rhumb_ecs::facts::EcsFacts;
use rhumb_ecs::kind::Kind;
use rhumb_ecs::{LaunchType, NetworkMode, names};
use rhumb_spec::App;
use serde_json::Value;

/// Apps of every subject: the golden apps.
fn documents() -> Vec<String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let apps = files.into_iter().filter(|path| path.to_string_lossy().ends_with(".app.yaml"));
    apps.map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

/// Targets with and without everything that they may have.
fn facts() -> impl Strategy<Value = EcsFacts> {
    let modes = prop::sample::select(vec![NetworkMode::Awsvpc, NetworkMode::Bridge, NetworkMode::Host]);
    (any::<[bool; 7]>(), modes).prop_map(|(has, network_mode)| {
        let all = EcsFacts::default();
        EcsFacts {
            launch_type: if has[0] { LaunchType::Fargate } else { LaunchType::Ec2 },
            network_mode,
            load_balancer: all.load_balancer.clone().filter(|_| has[1]),
            network_load_balancer: all.network_load_balancer.clone().filter(|_| has[2]),
            discovery: all.discovery.clone().filter(|_| has[3]),
            file_system: all.file_system.clone().filter(|_| has[4]),
            infrastructure_role: has[5].then(|| "arn:aws:iam::123456789012:role/infra".to_owned()),
            task_role: has[6].then(|| "arn:aws:iam::123456789012:role/task".to_owned()),
            ..all
        }
    })
}

/// Every golden app on every target that takes it.
fn lowered() -> Vec<(App, Vec<Object>)> {
    let ec2 = |network_mode| EcsFacts {
        launch_type: LaunchType::Ec2,
        network_mode,
        infrastructure_role: Some("arn:aws:iam::123456789012:role/infra".to_owned()),
        ..EcsFacts::default()
    };
    let targets =
        [EcsFacts::default(), ec2(NetworkMode::Awsvpc), ec2(NetworkMode::Bridge), ec2(NetworkMode::Host)];
    let mut found = Vec::new();
    for document in documents() {
        for target in &targets {
            let app = offline::parse(&document);
            if let Ok(lowered) = offline::lowered(&app, target, &Choices::default()) {
                found.push((app, lowered.objects));
            }
        }
    }
    assert!(found.len() > documents().len(), "hardly any app is lowered");
    found
}

/// The marks of an object, in whatever shape its service has tags.
fn tag(object: &Object, key: &str) -> Option<String> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    if let Some(map) = object.body.get("tags").and_then(Value::as_object) {
        return text(map.get(key));
    }
    let lists = ["/tags", "/Tags", "/TagSpecifications/0/Tags"];
    let tags = lists.iter().find_map(|at| object.body.pointer(at)).and_then(Value::as_array)?;
    let is_key = |tag: &&Value| text(tag.get("key").or_else(|| tag.get("Key"))).as_deref() == Some(key);
    tags.iter().find(is_key).and_then(|tag| text(tag.get("value").or_else(|| tag.get("Value"))))
}

proptest! {
    #[test]
    fn lowering_is_a_function(at in any::<prop::sample::Index>(), facts in facts()) {
        let app = offline::parse(at.get::<String>(&documents()));
        let once = offline::lowered(&app, &facts, &Choices::default());
        prop_assert_eq!(&once, &offline::lowered(&app, &facts, &Choices::default()));
        if let Ok(once) = once {
            // What was chosen stays chosen.
            let again = offline::lowered(&app, &facts, &once.choices).unwrap();
            prop_assert_eq!(once.objects, again.objects);
            prop_assert_eq!(once.choices, again.choices);
        }
    }
}

#[test]
fn every_object_bears_the_marks_and_only_what_is_there_is_waited_for() {
    for (_, objects) in lowered() {
        let ids: BTreeSet<_> = objects.iter().map(|object| &object.id).collect();
        assert_eq!(ids.len(), objects.len(), "an id is there twice");
        for object in &objects {
            assert!(object.after.iter().all(|after| ids.contains(&after.id)), "{}", object.id);
            let targets = reference::targets(&object.body);
            assert!(targets.iter().all(|id| ids.contains(id)), "{} refers to what is not there", object.id);
            let bears = !matches!(
                Kind::of(&object.id).unwrap(),
                Kind::ScalableTarget | Kind::ScalingPolicy | Kind::Schedule
            );
            if object.ownership == Ownership::External || !bears {
                continue;
            }
            assert_eq!(tag(object, names::NAMESPACE).as_deref(), Some("default"), "{}", object.id);
            assert_eq!(tag(object, names::RELEASE).as_deref(), Some("shop"), "{}", object.id);
            assert_eq!(tag(object, names::OBJECT).as_deref(), Some(object.id.as_str()));
            let generation = object.generation.as_ref().or(object.once.as_ref());
            assert_eq!(tag(object, names::GENERATION).as_ref(), generation, "{}", object.id);
            let runs = matches!(object.id.kind(), "service" | "task");
            assert_eq!(
                tag(object, names::WORKLOAD).filter(|_| runs),
                object.workload.clone().filter(|_| runs)
            );
        }
    }
}

/// What no API would take: two containers of one name, a mount of a volume that is not there, a wait for a container that
/// never ends, a health check on a container that ends.
#[test]
fn task_definitions_hold_together() {
    let names = |body: &Value, list: &str| -> Vec<String> {
        let items = body.get(list).and_then(Value::as_array).into_iter().flatten();
        items.map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    };
    for (_, objects) in lowered() {
        for object in objects.iter().filter(|object| object.id.kind() == "task-definition") {
            let body = &object.body;
            let volumes = names(body, "volumes");
            let containers = names(body, "containerDefinitions");
            assert_eq!(containers.iter().collect::<BTreeSet<_>>().len(), containers.len(), "{}", object.id);
            assert_eq!(volumes.iter().collect::<BTreeSet<_>>().len(), volumes.len(), "{}", object.id);
            for container in body["containerDefinitions"].as_array().unwrap() {
                let items =
                    |list: &str| container.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
                for point in items("mountPoints") {
                    assert!(
                        volumes.iter().any(|name| point["sourceVolume"] == name.as_str()),
                        "{}",
                        object.id
                    );
                }
                for wait in items("dependsOn") {
                    let other = body["containerDefinitions"].as_array().unwrap();
                    let other = other.iter().find(|other| other["name"] == wait["containerName"]).unwrap();
                    assert_eq!(other["essential"], false, "{}", object.id);
                    assert_eq!(other.get("healthCheck"), None, "{}", object.id);
                }
            }
        }
    }
}

/// What is empty would be ours for ever: AWS drops it, and the next plan finds it missing.
#[test]
fn nothing_is_empty_but_what_means_something() {
    fn empty(value: &Value, at: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(map) if map.is_empty() => found.push(at.to_owned()),
            Value::Array(items) if items.is_empty() => found.push(at.to_owned()),
            Value::Null => found.push(at.to_owned()),
            Value::String(text) if text.is_empty() => found.push(at.to_owned()),
            Value::Object(map) => {
                map.iter().for_each(|(key, value)| empty(value, &format!("{at}/{key}"), found));
            }
            Value::Array(items) => items.iter().for_each(|item| empty(item, &format!("{at}/*"), found)),
            Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    // A variable with an empty text, and how a password is made.
    let meant = ["/environment/*/value", "/how"];
    for (app, objects) in lowered() {
        for object in objects.iter().filter(|object| !app.natives.contains_key(object.id.name())) {
            let mut found = Vec::new();
            empty(&object.body, "", &mut found);
            found.retain(|at| !meant.iter().any(|meant| at.ends_with(meant)));
            assert!(found.is_empty(), "{}: {found:?}", object.id);
        }
    }
}
