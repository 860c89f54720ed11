//! Environment variables.

use indexmap::IndexMap;
use rhumb_backend::fields::Fields;
use rhumb_spec::model::EnvValue;

use super::naming::is_variable;
use super::values::plain;

/// Reads the variables. One without a value of its own, or whose name no variable can have, stays.
///
/// Source: Amazon ECS API reference, `KeyValuePair`.
pub(super) fn variables(fields: &mut Fields<'_>) -> IndexMap<String, EnvValue> {
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
    found
}
