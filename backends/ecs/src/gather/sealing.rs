//! Secret material, taken out of documents.

use std::collections::BTreeMap;

use rhumb_backend::material::Demand;
use rhumb_backend::{Material, ObjectId};
use serde_json::{Map, Value};

use crate::names;

/// What stands in the place of secret bytes that are no text.
const BYTES: &str = "(bytes)";

/// The key of a secret that is one text and no mapping.
pub(crate) const WHOLE: &str = "value";

/// Puts demands in the place of a secret's material: of each key where it is a JSON object, else of all of it.
pub(super) fn secret(id: &ObjectId, body: &mut Value, material: &mut BTreeMap<String, Material>) -> bool {
    if let Some(bytes) = body.get_mut("SecretBinary") {
        *bytes = BYTES.into();
    }
    if let Some(value) = body.get_mut("SecretString") {
        let keys = match &*value {
            Value::String(text) => serde_json::from_str::<Map<String, Value>>(text).ok(),
            Value::Object(map) if Demand::parse(value).is_none() => Some(map.clone()),
            _ => None,
        };
        match keys {
            Some(mut keys) => {
                keys.iter_mut().for_each(|(key, value)| seal(id, key, value, material));
                *value = Value::Object(keys);
            }
            None => seal(id, WHOLE, value, material),
        }
    }
    true
}

/// Puts a demand in the place of the value of a parameter that is secret. Says whether it is.
pub(super) fn parameter(id: &ObjectId, body: &mut Value, material: &mut BTreeMap<String, Material>) -> bool {
    let is_secret = body.get("Type").and_then(Value::as_str) == Some("SecureString");
    if let Some(value) = body.get_mut("Value").filter(|_| is_secret) {
        seal(id, WHOLE, value, material);
    }
    is_secret
}

fn seal(id: &ObjectId, key: &str, value: &mut Value, material: &mut BTreeMap<String, Material>) {
    if Demand::parse(value).is_some() || value.is_null() {
        return;
    }
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let sealed = names::hash(format!("{id}/{key}").as_bytes())[..32].to_owned();
    material.insert(sealed.clone(), Material::new(text.into_bytes()));
    *value = Demand::Sealed(sealed).to_value();
}
