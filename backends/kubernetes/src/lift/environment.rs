//! Environment variables.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use rhumb_spec::model::{EnvFrom, EnvSource, EnvValue, SelfField};
use serde_json::Value;

use super::naming::is_variable;
use super::world::{IsText, World};
use crate::lower::unescape;
use rhumb_backend::fields::{Fields, Item};

/// The label that says a replica's number.
const POD_INDEX: &str = "metadata.labels['apps.kubernetes.io/pod-index']";

/// Reads the variables. One whose value only Kubernetes knows stays, and so do those whose text names it.
pub(super) fn variables(fields: &mut Fields<'_>, world: &mut World) -> IndexMap<String, EnvValue> {
    let mut found = IndexMap::new();
    let mut left: BTreeSet<String> = BTreeSet::new();
    for item in fields.items("env", "name") {
        let name = item.name();
        if let Some(value) = value(&item, &left, world).filter(|_| is_variable(&name)) {
            found.insert(name, value);
        } else {
            left.insert(name);
            fields.put_whole_item("env", "name", item);
        }
    }
    found
}

fn value(item: &Item, left: &BTreeSet<String>, world: &mut World) -> Option<EnvValue> {
    match item.map.get("valueFrom") {
        None if item.map.keys().all(|key| key == "value") => {
            let text = item.map.get("value").map_or(Some(""), Value::as_str)?;
            if text.contains('\0') || left.iter().any(|name| text.contains(&format!("$({name})"))) {
                return None;
            }
            Some(EnvValue::Text(unescape(text)?))
        }
        Some(source) if item.map.len() == 1 => source_of(source, world).map(EnvValue::From),
        _ => None,
    }
}

fn source_of(source: &Value, world: &mut World) -> Option<EnvSource> {
    let source = source.as_object().filter(|source| source.len() == 1)?;
    let (kind, of) = source.iter().next()?;
    let of = of.as_object()?;
    let text = |key: &str| of.get(key).and_then(Value::as_str);
    let is_only = |keys: &[&str]| {
        let is_default = |key: &str, value: &Value| key == "optional" && *value == Value::Bool(false);
        of.iter().all(|(key, value)| keys.contains(&key.as_str()) || is_default(key, value))
    };
    match kind.as_str() {
        "secretKeyRef" if is_only(&["name", "key"]) => {
            let key = text("key")?.to_owned();
            let name = world.secret(text("name")?)?;
            world.secret_has(&name, &key).then_some(EnvSource::Secret { name, key })
        }
        "configMapKeyRef" if is_only(&["name", "key"]) => {
            let key = text("key")?.to_owned();
            let name = world.config(text("name")?)?;
            world.config_has(&name, &key, IsText::Yes).then_some(EnvSource::Config { name, key })
        }
        "fieldRef" if is_only(&["fieldPath", "apiVersion"]) && text("fieldPath") == Some(POD_INDEX) => {
            Some(EnvSource::Own(SelfField::Ordinal))
        }
        _ => None,
    }
}

/// Reads whole config maps and secrets as variables: all of them, or none.
pub(super) fn whole(fields: &mut Fields<'_>, world: &mut World) -> Vec<EnvFrom> {
    let read =
        |value: &Value| value.as_array()?.iter().map(|item| from(item, world)).collect::<Option<Vec<_>>>();
    fields.take("envFrom", read).unwrap_or_default()
}

fn from(item: &Value, world: &mut World) -> Option<EnvFrom> {
    let item = item.as_object()?;
    let prefix = item.get("prefix").and_then(Value::as_str).filter(|prefix| !prefix.is_empty());
    let mut found = EnvFrom { prefix: prefix.map(str::to_owned), ..EnvFrom::default() };
    for (key, value) in item {
        let name = || {
            let source = value.as_object()?;
            let is_plain = |(key, value): (&String, &Value)| {
                key == "name" || (key == "optional" && *value == Value::Bool(false))
            };
            source.get("name")?.as_str().filter(|_| source.iter().all(is_plain))
        };
        match key.as_str() {
            "prefix" => {}
            "configMapRef" => found.config = Some(world.config(name()?)?),
            "secretRef" => found.secret = Some(world.secret(name()?)?),
            _ => return None,
        }
    }
    (found.config.is_some() != found.secret.is_some() && world.are_variables(&found)).then_some(found)
}
