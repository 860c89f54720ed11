//! Environment variables.

use indexmap::IndexMap;
use rhumb_backend::fields::Fields;
use rhumb_backend::reference;
use rhumb_spec::model::{EnvSource, EnvValue, Secret};

use super::naming::{document_name, is_variable};
use super::values::plain;
use super::world::World;
use crate::gather::WHOLE;

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
        let place = item.map.get("valueFrom").and_then(|value| match reference::parse(value) {
            Some((id, _)) => Some(format!("${{{}}}", id.name())),
            None => value.as_str().map(str::to_owned),
        });
        let place = place.as_deref();
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

/// The secret and the key that stand for a place of the account: of Secrets Manager those that its ARN names, of the
/// parameter `/shop/db/password` the key `password` of `shop-db`.
///
/// Source: Amazon ECS API reference, `Secret.valueFrom`.
fn elsewhere(place: &str) -> Option<(String, String)> {
    let is_plain = |text: &str| {
        let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'/');
        !text.is_empty() && text.bytes().all(is_legal)
    };
    let (native, key) = if let Some((_, rest)) = place.split_once(":secret:") {
        let mut parts = rest.split(':');
        let native = parts.next()?;
        let is_end = |end: &str| end.len() == 6 && end.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let name = native.rsplit_once('-').filter(|(_, end)| is_end(end)).map_or(native, |(name, _)| name);
        (name, parts.next().filter(|key| !key.is_empty()).unwrap_or(WHOLE))
    } else {
        let native = place.split_once(":parameter/").map_or(place, |(_, name)| name).trim_matches('/');
        native.rsplit_once('/').unwrap_or((native, WHOLE))
    };
    (is_plain(native) && is_plain(key) && !key.contains('/')).then(|| (document_name(native), key.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_the_account_are_keys_of_secrets() {
        for (place, expected) in [
            ("arn:aws:secretsmanager:r:1:secret:prod/db-AbCdEf:password::", Some(("prod-db", "password"))),
            ("arn:aws:secretsmanager:r:1:secret:token", Some(("token", "value"))),
            ("arn:aws:ssm:r:1:parameter/shop/db/password", Some(("shop-db", "password"))),
            ("/shop/key", Some(("shop", "key"))),
            ("key", Some(("key", "value"))),
            ("${Secret}", None),
        ] {
            let found = elsewhere(place);
            assert_eq!(found.as_ref().map(|(name, key)| (name.as_str(), key.as_str())), expected, "{place}");
        }
    }
}
