//! What tests of lifting share.

use std::collections::BTreeSet;

use rhumb_backend::{Backend, Choices, Fate, Import as _, Lifted, Object, Scope, check};
use rhumb_marathon::{Environment, Marathon, Settings};
use rhumb_spec::{App, yaml};
use serde_json::Value;

/// A backend with no server behind it.
pub(crate) fn backend() -> Marathon {
    Marathon::new(Settings::default(), Environment::default())
}

/// The objects of a text of documents, and what is lifted from them.
pub(crate) fn lift_text(text: &str) -> (Vec<Object>, Lifted) {
    let documents = yaml::parse(text).unwrap().iter().map(yaml::Node::to_value).collect();
    let gathered = backend().gather(documents);
    assert_eq!(gathered.notes, []);
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
pub(crate) fn lower(app: &App) -> Vec<Object> {
    let errors: Vec<_> =
        rhumb_spec::verify(app).into_iter().filter(rhumb_spec::Diagnostic::is_error).collect();
    assert_eq!(errors, []);
    let backend = backend();
    let facts = backend.default_facts();
    let checked = check(app, &backend, &facts, &BTreeSet::new()).unwrap();
    let scope = Scope::new("default", "shop");
    backend.lower(&checked.app, &scope, &facts, &Choices::default()).unwrap().objects
}

/// The plain values of the documents that were neither told as own or lost nor are in any document that the app becomes:
/// what was dropped in silence.
pub(crate) fn semantic_losses(objects: &[Object], lowered: &[Object], lifted: &Lifted) -> Vec<String> {
    let mut there = BTreeSet::new();
    for object in lowered {
        values(&object.body, &mut |value| {
            there.insert(value);
        });
    }
    let mut missing = Vec::new();
    for object in objects.iter().filter(|object| object.id.kind() != "group") {
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
            if !is_told && !there.contains(&plain(value)) && !is_renamed(path, value) {
                missing.push(format!("{}.{path}: {value}", object.id));
            }
        });
    }
    missing
}

/// What says the same in other words: ids and names of secrets, which are those of the release; networks of older versions; protocols of checks,
/// which Mesos runs now; the places of ports; what a pod's containers call a volume; operators of constraints; and what Marathon takes where nothing is said.
fn is_renamed(path: &str, value: &Value) -> bool {
    let ends = [
        "id",
        "docker.network",
        "ipAddress.networkName",
        "protocol",
        "port",
        "endpoint",
        "scheme",
        "mode",
        "type",
        "taskLostBehavior",
        "networkName",
        "kind",
        "secret",
    ];
    let is_false = *value == Value::Bool(false) || value.is_null() || value.as_f64() == Some(0.0);
    let is_constraint = path.starts_with("constraints.") || path.contains(".constraints.");
    let is_volume = path
        .strip_suffix(".name")
        .is_some_and(|above| above.starts_with("volumes.") || above.contains(".volumeMounts."));
    let is_empty = matches!(value, Value::Object(map) if map.is_empty())
        || matches!(value, Value::Array(items) if items.is_empty())
        || value.as_str() == Some("");
    is_false
        || is_empty
        || is_constraint
        || is_volume
        || ends.iter().any(|end| path == *end || path.ends_with(&format!(".{end}")))
        || path.starts_with("dependencies.")
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
                let name = ["name", "mountPath", "id"]
                    .into_iter()
                    .find_map(|key| item.get(key))
                    .and_then(Value::as_str);
                let key = name.map_or_else(|| index.to_string(), str::to_owned);
                walk(item, &below(&key), take);
            }
        }
        other => take(path, other),
    }
}

/// Lifts documents, and holds that nothing is dropped in silence.
pub(crate) fn carry(text: &str) -> Lifted {
    let (objects, lifted) = lift_text(text);
    account_adds_up(&objects, &lifted);
    let missing = semantic_losses(&objects, &lower(&lifted.app), &lifted);
    assert!(missing.is_empty(), "{missing:#?}");
    lifted
}

/// The paths that met a fate.
pub(crate) fn fates(lifted: &Lifted, fate: Fate) -> Vec<&str> {
    let rest = lifted.accounts.iter().flat_map(|account| &account.rest);
    rest.filter(|rest| rest.fate == fate).map(|rest| rest.path.as_str()).collect()
}
