//! Environment variables.

use rhumb_backend::fields::Fields;
use rhumb_spec::model::{Container, EnvSource, EnvValue, Workload};
use serde_json::Value;

use super::naming::is_variable;
use super::{World, files};
use crate::kind::Kind;
use crate::lower::{SEARCH, VIPS};

/// Reads the variables under a key. Names of entries of the secret store that were read are added to `used`.
pub(super) fn lift(
    fields: &mut Fields<'_>,
    key: &str,
    whole: &Value,
    (container, used, world): (&mut Container, &mut Vec<String>, &mut World),
) {
    let Some(mut variables) = fields.below(key) else { return };
    for name in variables.keys().into_iter().filter(|name| is_variable(name)) {
        let Some(value) = variables.get(&name) else { continue };
        let read = match value {
            Value::String(text) => Some(EnvValue::Text(text.clone())),
            Value::Number(_) | Value::Bool(_) => Some(EnvValue::Text(value.to_string())),
            Value::Object(map) if map.len() == 1 => {
                let Some(entry) = map.get("secret").and_then(Value::as_str).map(str::to_owned) else {
                    continue;
                };
                let own = files::place(whole, &entry, world).filter(|place| place.kind == Kind::Secret);
                if own.is_none()
                    && let Some(place) = files::elsewhere(whole, &entry, world)
                {
                    container.env.insert(name, secret(place));
                    continue;
                }
                own.map(|place| {
                    used.push(entry);
                    secret(place)
                })
            }
            _ => None,
        };
        if let Some(read) = read {
            variables.take_whole(&name);
            container.env.insert(name, read);
        }
    }
}

fn secret(place: files::Place) -> EnvValue {
    EnvValue::From(EnvSource::Secret { name: place.document, key: place.key })
}

/// Whether a text is the search domain in which a release's workloads are by their bare names.
pub(super) fn is_search_domain(text: &str) -> bool {
    text.strip_suffix(VIPS)
        .and_then(|rest| rest.strip_suffix('.'))
        .is_some_and(|rest| rest.split('.').count() == 2)
}

/// Takes the variable that names the search domain for bare names.
pub(super) fn take_search(container: &mut Container, workload: &mut Workload) {
    let is_ours = matches!(container.env.get(SEARCH), Some(EnvValue::Text(text)) if is_search_domain(text));
    if is_ours {
        container.env.shift_remove(SEARCH);
        workload.short_names = true;
    }
}
