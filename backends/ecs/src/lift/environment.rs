//! Environment variables.

use indexmap::IndexMap;
use rhumb_backend::fields::Fields;
use rhumb_spec::model::{EnvSource, EnvValue, Secret};
use serde_json::Value;

use super::naming::{document_name, is_variable};
use super::values::plain;
use super::world::World;

/// Reads the variables. One without a value of its own, or whose name no variable can have, stays.
///
/// Source: Amazon ECS API reference, `KeyValuePair`.
pub(super) fn variables(fields: &mut Fields<'_>, world: &mut World) -> IndexMap<String, EnvValue> {
    let mut found = IndexMap::new();
    for item in fields.items("environment", "name") {
        let name = item.name();
        let value = match item.map.get("value") {
            None => Some(String::new()),
            Some(value) => plain(value),
        };
        let is_plain = item.map.keys().all(|key| key == "value") && is_variable(&name);
        match value.filter(|text| is_plain && !text.contains('\0')) {
            Some(text) => {
                found.insert(name, EnvValue::Text(text));
            }
            None => fields.put_whole_item("environment", "name", item),
        }
    }
    secrets(fields, &mut found, world);
    found
}

/// Reads variables whose values are kept elsewhere. One of a secret that is not among the documents refers to one of
/// that name, which exists already; on ECS it keeps the place that it names.
///
/// Source: Amazon ECS API reference, `Secret`.
fn secrets(fields: &mut Fields<'_>, found: &mut IndexMap<String, EnvValue>, world: &mut World) {
    for item in fields.items("secrets", "name") {
        let name = item.name();
        let place = item.map.get("valueFrom").and_then(Value::as_str);
        let is_plain = item.map.len() == 1 && is_variable(&name) && !found.contains_key(&name);
        let held = place.filter(|_| is_plain).and_then(|place| world.stores.place(place));
        if let Some(held) = held {
            found.insert(name, EnvValue::From(held.source()));
            continue;
        }
        if let Some((secret, key)) = place.filter(|_| is_plain).and_then(elsewhere) {
            let is_free = world.app.secrets.get(&secret).is_none_or(|secret| secret.external);
            if is_free {
                let external = Secret { external: true, ..Secret::default() };
                world.app.secrets.insert(secret.clone(), external);
                found.insert(name, EnvValue::From(EnvSource::Secret { name: secret, key }));
            }
        }
        fields.put_whole_item("secrets", "name", item);
    }
}

/// The secret and the key that an ARN names, where a document can have that name.
fn elsewhere(place: &str) -> Option<(String, String)> {
    let (_, rest) = place.split_once(":secret:")?;
    let mut parts = rest.split(':');
    let native = parts.next()?;
    let key = parts.next().filter(|key| !key.is_empty())?;
    let is_end = |end: &str| end.len() == 6 && end.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let name = native.rsplit_once('-').filter(|(_, end)| is_end(end)).map_or(native, |(name, _)| name);
    (document_name(name) == name).then(|| (name.to_owned(), key.to_owned()))
}
