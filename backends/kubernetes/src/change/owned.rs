//! What those set who had an object before.

use serde_json::{Map, Value};

use super::rules::RULES;
use rhumb_backend::change::Path;

/// Whether an entry of `managedFields` is of somebody who applies documents, and not of a controller.
///
/// Source: client-go, `util/csaupgrade`; Helm 3 and 4, `pkg/kube`, whose manager is `helm`.
pub(crate) fn is_applier(entry: &Value) -> bool {
    let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
    let manager = text("manager");
    if !text("subresource").is_empty() || manager == crate::names::FIELD_MANAGER {
        return false;
    }
    text("operation") == "Apply"
        || manager.starts_with("kubectl")
        || manager.eq_ignore_ascii_case("helm")
        || manager == "before-first-apply"
}

/// The part of a live document that its appliers set, as far as its server tells. It stands for what was wanted last
/// of an object that was not ours.
pub(crate) fn applied(live: &Value) -> Value {
    let managers = live.pointer("/metadata/managedFields").and_then(Value::as_array);
    let mut applied = Value::Object(Map::new());
    for entry in managers.into_iter().flatten().filter(|entry| is_applier(entry)) {
        if let Some(fields) = entry.get("fieldsV1") {
            let part = picked(live, fields, &mut Path::default());
            unite(&mut applied, part);
        }
    }
    applied
}

/// The value with nothing but the fields of a set: `f:name` is a field, `k:{…}` an item by its key, `v:…` an item by its
/// value, and `.` the value itself.
///
/// Source: structured-merge-diff, `fieldpath/serialize-pe.go`.
fn picked(value: &Value, fields: &Value, path: &mut Path) -> Value {
    let Some(set) = fields.as_object().filter(|set| set.keys().any(|key| key != ".")) else {
        return value.clone();
    };
    match value {
        Value::Object(map) => {
            let mut part = Map::new();
            for (key, inner) in set {
                let Some(name) = key.strip_prefix("f:") else { continue };
                if let Some(found) = map.get(name) {
                    path.push(name);
                    part.insert(name.to_owned(), picked(found, inner, path));
                    path.pop();
                }
            }
            Value::Object(part)
        }
        Value::Array(items) => {
            let mut part = Vec::new();
            for item in items {
                let inner = set.iter().find(|(key, _)| is_of(item, key));
                if let Some((_, inner)) = inner {
                    let key = RULES.lists.find(path).and_then(|key| key.of(item)).unwrap_or_default();
                    path.push(&key);
                    part.push(picked(item, inner, path));
                    path.pop();
                }
            }
            Value::Array(part)
        }
        other => other.clone(),
    }
}

fn is_of(item: &Value, element: &str) -> bool {
    if let Some(key) = element.strip_prefix("k:") {
        let key = serde_json::from_str::<Map<String, Value>>(key).unwrap_or_default();
        return !key.is_empty() && key.iter().all(|(name, value)| item.get(name) == Some(value));
    }
    let value = element.strip_prefix("v:").and_then(|text| serde_json::from_str::<Value>(text).ok());
    value.is_some_and(|value| value == *item)
}

/// Adds what another applier set.
fn unite(into: &mut Value, part: Value) {
    match (into, part) {
        (Value::Object(into), Value::Object(part)) => {
            for (key, value) in part {
                match into.get_mut(&key) {
                    Some(there) => unite(there, value),
                    None => {
                        into.insert(key, value);
                    }
                }
            }
        }
        (Value::Array(into), Value::Array(part)) => {
            for item in part {
                let name = item.get("name");
                match into.iter().position(|there| name.is_some() && there.get("name") == name) {
                    Some(at) => unite(&mut into[at], item),
                    None if into.contains(&item) => {}
                    None => into.push(item),
                }
            }
        }
        _ => {}
    }
}
