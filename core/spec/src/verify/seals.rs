//! Sealed material is legal inside the `data` of secrets only.

use serde::Serialize;
use serde_json::Value;

use crate::Diagnostic;
use crate::model::{App, Kind, Sealed};

/// The fewest hexadecimal digits by which the id of sealed material is recognised in a text.
const ID_DIGITS: usize = 16;

/// Finds sealed values wherever they do not belong.
pub(super) fn check(app: &App, found: &mut Vec<Diagnostic>) {
    for (name, workload) in &app.workloads {
        check_document(&Kind::Workload.path(name), workload, found);
    }
    for (name, config) in &app.configs {
        check_document(&Kind::Config.path(name), config, found);
    }
    for (name, secret) in &app.secrets {
        check_document(&format!("{}.template", Kind::Secret.path(name)), &secret.template, found);
        check_document(&format!("{}.labels", Kind::Secret.path(name)), &secret.labels, found);
    }
    for (name, volume) in &app.volumes {
        check_document(&Kind::Volume.path(name), volume, found);
    }
    for (name, network) in &app.networks {
        check_document(&Kind::Network.path(name), network, found);
    }
    for (name, route) in &app.routes {
        check_document(&Kind::Route.path(name), route, found);
    }
    for (name, native) in &app.natives {
        check_document(&Kind::Native.path(name), native, found);
    }
}

fn check_document<T: Serialize>(path: &str, document: &T, found: &mut Vec<Diagnostic>) {
    // Nearly no document has one: look at the text before looking for the place.
    let is_there = serde_json::to_string(document).is_ok_and(|text| holds_seal(&text));
    if is_there && let Ok(value) = serde_json::to_value(document) {
        check_value(path, &value, found);
    }
}

fn check_value(path: &str, value: &Value, found: &mut Vec<Diagnostic>) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                check_value(&format!("{path}.{key}"), value, found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                check_value(&format!("{path}[{index}]"), item, found);
            }
        }
        Value::String(text) if holds_seal(text) => found.push(
            Diagnostic::error(path, "a secret value stands outside of a secret")
                .why("everybody who can read this document could read it")
                .remedy("the value in the `data` of a `Secret`, and `{ secret: NAME, key: KEY }` here"),
        ),
        _ => {}
    }
}

fn holds_seal(text: &str) -> bool {
    text.match_indices(Sealed::PREFIX).any(|(at, prefix)| {
        let id = text[at + prefix.len()..].bytes().take_while(u8::is_ascii_hexdigit);
        id.take(ID_DIGITS).count() == ID_DIGITS
    })
}
