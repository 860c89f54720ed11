//! Tags and labels. What other platforms could not bear as a label stays as a patch.

use std::collections::BTreeMap;

use rhumb_backend::fields::{Fields, Item};
use rhumb_spec::model::Workload;
use serde_json::{Map, Value, json};

use super::defaults::{self, Tag};

/// The tags of a document become labels of the workload, unless it bears the label with another value.
pub(super) fn tags(fields: &mut Fields<'_>, workload: &mut Workload) {
    let mut left = Vec::new();
    for Tag { key, value, .. } in defaults::tags(fields) {
        let known = workload.labels.get(&key).is_none_or(|known| *known == value);
        if known && is_key(&key) && is_value(&value) {
            workload.labels.insert(key, value);
        } else {
            left.push(json!({ "key": key, "value": value }));
        }
    }
    if !left.is_empty() {
        if let Some(Value::Array(others)) = fields.take_whole("tags") {
            left.extend(others);
        }
        fields.put("tags", Value::Array(left));
    }
}

/// The tags of a document that is no workload, as its labels. Those that could be none elsewhere are lost.
pub(super) fn plain(fields: &mut Fields<'_>) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for Tag { key, value, fields: count } in defaults::tags(fields) {
        if is_key(&key) && is_value(&value) {
            found.insert(key, value);
        } else {
            fields.lost(&format!("tags.{key}"), count, "it could be no label on other platforms");
        }
    }
    found
}

/// The tags of a document that the app has no labels for.
pub(super) fn lost(fields: &mut Fields<'_>) {
    for Tag { key, fields: count, .. } in defaults::tags(fields) {
        fields.lost(&format!("tags.{key}"), count, "the app has no labels for what it is");
    }
}

/// Labels that every container of a task bears are annotations of the workload.
pub(super) fn of_containers(fields: &Fields<'_>, items: &mut [Item], workload: &mut Workload) {
    let labels =
        |item: &Item| item.map.get("dockerLabels").and_then(Value::as_object).cloned().unwrap_or_default();
    for item in items.iter_mut() {
        let mut item = fields.of_item("containerDefinitions", item);
        if let Some(mut labels) = item.below("dockerLabels") {
            for key in labels.keys().iter().filter(|key| key.starts_with("rhumb.dev/")) {
                labels.own(&[key.as_str()], "a release's own mark takes its place");
            }
        }
    }
    let Some(first) = items.first().map(labels) else { return };
    let is_everywhere =
        |key: &String, value: &Value| items.iter().all(|item| labels(item).get(key) == Some(value));
    let shared: Map<String, Value> = first
        .into_iter()
        .filter(|(key, value)| is_key(key) && value.is_string() && is_everywhere(key, value))
        .collect();
    for item in items.iter_mut() {
        let mut item = fields.of_item("containerDefinitions", item);
        if let Some(mut labels) = item.below("dockerLabels") {
            shared.keys().for_each(|key| drop(labels.take_whole(key)));
        }
    }
    let pairs = shared.into_iter().filter_map(|(key, value)| Some((key, value.as_str()?.to_owned())));
    workload.annotations.extend(pairs);
}

/// Whether every platform takes a key: a name of at most 63 letters, digits, `-`, `_` and `.`, behind a domain or not.
fn is_key(key: &str) -> bool {
    let (domain, name) = key.rsplit_once('/').unwrap_or(("", key));
    let is_domain = domain.len() <= 253
        && domain
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || ".-".contains(letter));
    !name.is_empty() && is_value(name) && is_domain && !key.starts_with('/') && !key.starts_with("rhumb.dev/")
}

fn is_value(text: &str) -> bool {
    let is_end = |letter: Option<char>| letter.is_none_or(|letter| letter.is_ascii_alphanumeric());
    text.len() <= 63
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter))
        && is_end(text.chars().next())
        && is_end(text.chars().last())
}
