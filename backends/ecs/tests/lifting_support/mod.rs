//! What tests of lifting share.

use std::collections::BTreeSet;

use rhumb_backend::{Backend as _, Choices, Facts, Fate, Import as _, Lifted, Object, Scope, check};
use rhumb_ecs::{Ecs, Environment, LaunchType, NetworkMode, Settings};
use rhumb_spec::{App, yaml};
use serde_json::Value;

/// A backend with no account behind it.
pub(crate) fn backend() -> Ecs {
    Ecs::new(Settings::default(), Environment::default())
}

/// The facts of a cluster of Fargate.
pub(crate) fn fargate() -> Facts {
    backend().default_facts()
}

/// The facts of a cluster of Fargate with a role by which ECS shifts traffic.
pub(crate) fn shifting() -> Facts {
    let role = Some("ecsInfrastructureRole".to_owned());
    Ecs::new(Settings { infrastructure_role: role, ..Settings::default() }, Environment::default())
        .default_facts()
}

/// The facts of a cluster of container instances, on which tasks are on Docker's bridge.
pub(crate) fn ec2() -> Facts {
    let settings =
        Settings { launch_type: LaunchType::Ec2, network_mode: NetworkMode::Bridge, ..Settings::default() };
    Ecs::new(settings, Environment::default()).default_facts()
}

/// The objects of a text of documents, and what is lifted from them.
pub(crate) fn lift_text(text: &str) -> (Vec<Object>, Lifted) {
    let documents = yaml::parse(text).unwrap().iter().map(yaml::Node::to_value).collect();
    let gathered = backend().gather(documents);
    let lifted = backend().lift(&gathered.objects);
    (gathered.objects, lifted)
}

/// How many leaves a document has, counted here once more.
fn leaves(value: &Value) -> usize {
    match value {
        Value::Object(map) if !map.is_empty() => map.values().map(leaves).sum(),
        Value::Array(items) if !items.is_empty() => items.iter().map(leaves).sum(),
        _ => 1,
    }
}

/// Every object has one account, of all its fields, and no more of them met a fate than there are.
pub(crate) fn account_adds_up(objects: &[Object], lifted: &Lifted) {
    assert_eq!(objects.len(), lifted.accounts.len());
    for object in objects {
        let account = lifted.accounts.iter().find(|account| account.id == object.id).unwrap();
        assert_eq!(account.fields, leaves(&object.body), "{}", object.id);
        let counts = account.counts();
        let told: usize = account.rest.iter().map(|rest| rest.fields).sum();
        assert!(told <= account.fields, "{}: {told} of {} {:#?}", object.id, account.fields, account.rest);
        assert_eq!(counts.carried + counts.kept + counts.own + counts.lost, account.fields);
    }
}

/// The app checked and lowered again.
pub(crate) fn lower(app: &App, facts: &Facts) -> Vec<Object> {
    let errors: Vec<_> =
        rhumb_spec::verify(app).into_iter().filter(rhumb_spec::Diagnostic::is_error).collect();
    assert_eq!(errors, []);
    let backend = backend();
    let checked = check(app, &backend, facts, &BTreeSet::new()).unwrap();
    let scope = Scope::new("default", "shop");
    backend.lower(&checked.app, &scope, facts, &Choices::default()).unwrap().objects
}

/// The plain values of the documents that were neither told as own or lost nor are in any document that the app
/// becomes: what was dropped in silence.
pub(crate) fn semantic_losses(objects: &[Object], lowered: &[Object], lifted: &Lifted) -> Vec<String> {
    let mut there = BTreeSet::new();
    for object in lowered {
        values(&object.body, &mut |value| {
            there.insert(value);
        });
    }
    let mut missing = Vec::new();
    for object in objects {
        let account = lifted.accounts.iter().find(|account| account.id == object.id).unwrap();
        let told: Vec<&str> = account
            .rest
            .iter()
            .filter(|rest| rest.fate != Fate::Kept)
            .map(|rest| rest.path.as_str())
            .collect();
        if told.contains(&"") {
            continue;
        }
        walk(&object.body, "", &mut |path, value| {
            let is_told = told.iter().any(|told| {
                path == *told || path.strip_prefix(told).is_some_and(|rest| rest.starts_with('.'))
            });
            if !is_told && !there.contains(&plain(value)) && !is_renamed(path) {
                missing.push(format!("{}.{path}: {value}", object.id));
            }
        });
    }
    missing
}

/// What says the same in other words: names inside of one task, sizes with units, and references between the documents.
fn is_renamed(path: &str) -> bool {
    const ENDS: [&str; 10] = [
        ".healthCheck.command.0",
        ".expression",
        ".sourceVolume",
        "taskDefinition",
        "TaskDefinitionArn",
        ".$ref",
        ".registryArn",
        "Arn",
        "ScheduleExpression",
        ".clientAliases.0.port",
    ];
    let is_name = path.rsplit('.').next() == Some("name");
    let is_volume = path.starts_with("volumes.") && is_name;
    let is_port_name = path.contains(".portMappings.") && is_name;
    is_volume
        || is_port_name
        || path == "cpu"
        || path == "memory"
        || ENDS.iter().any(|end| path.ends_with(end))
}

/// Text as it is compared: a number that is written as text is the same.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn values(value: &Value, take: &mut impl FnMut(String)) {
    match value {
        Value::Object(map) if !map.is_empty() => map.values().for_each(|value| values(value, take)),
        Value::Array(items) if !items.is_empty() => items.iter().for_each(|value| values(value, take)),
        other => take(plain(other)),
    }
}

fn walk(value: &Value, path: &str, take: &mut impl FnMut(&str, &Value)) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::Object(map) if !map.is_empty() => {
            map.iter().for_each(|(key, value)| walk(value, &below(key), take));
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                let named = ["name", "containerPath", "containerName", "portName", "key"];
                let name = named.iter().find_map(|key| item.get(key)).and_then(Value::as_str);
                let key = name.map_or_else(|| index.to_string(), str::to_owned);
                walk(item, &below(&key), take);
            }
        }
        other => take(path, other),
    }
}

/// Lifts, checks that the account adds up and that every value that was not told of comes back.
pub(crate) fn carry(text: &str, facts: &Facts) -> (Lifted, Vec<Object>) {
    let (objects, lifted) = lift_text(text);
    account_adds_up(&objects, &lifted);
    let lowered = lower(&lifted.app, facts);
    let missing = semantic_losses(&objects, &lowered, &lifted);
    assert!(missing.is_empty(), "{missing:#?}\n{:#?}", lifted.app);
    (lifted, lowered)
}

/// The body of an object.
pub(crate) fn body<'a>(lowered: &'a [Object], id: &str) -> &'a Value {
    &lowered.iter().find(|object| object.id.as_str() == id).unwrap_or_else(|| panic!("no {id}")).body
}

/// The paths of an object's fields that met a fate.
pub(crate) fn told(lifted: &Lifted, id: &str, fate: Fate) -> Vec<String> {
    let account = lifted.accounts.iter().find(|account| account.id.as_str() == id).unwrap();
    account.rest.iter().filter(|rest| rest.fate == fate).map(|rest| rest.path.clone()).collect()
}
