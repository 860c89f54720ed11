//! The secret values of a run, and how the user calls them.

use rhumb_backend::Material;
use rhumb_chart::Vault;
use rhumb_spec::model::Generate;
use serde_json::Value;

use crate::engine::SealedMaterial;
use crate::migrate::Carried;

/// The key of a sealed value in recorded values.
const SEALED_KEY: &str = "$sealed";

/// The secret values of a run, and how the user calls them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Secrets<'a> {
    /// The material that this run was given.
    pub(crate) vault: Option<&'a Vault>,
    /// All values, each secret one as `{"$sealed": "<id>"}`.
    pub(crate) values: &'a Value,
    /// What came with the release from another platform.
    pub(crate) carried: Option<&'a Carried>,
}

impl Secrets<'_> {
    /// No secret values at all.
    pub(crate) fn none() -> Self {
        Self { vault: None, values: &Value::Null, carried: None }
    }
}

impl SealedMaterial for Secrets<'_> {
    fn open(&self, id: &str) -> Option<Material> {
        let given = self.vault.and_then(|vault| vault.get(id)).map(|bytes| Material::new(bytes.to_vec()));
        given.or_else(|| self.carried?.sealed(id))
    }

    fn generated(&self, of: &str, how: &Generate, part: Option<&str>) -> Option<Material> {
        self.carried?.generated(of, how, part)
    }

    fn origin(&self, id: &str) -> Option<String> {
        find(self.values, id, "")
    }
}

/// The path of the value that a seal stands for: `db.users[0].password`.
fn find(value: &Value, id: &str, path: &str) -> Option<String> {
    match value {
        Value::Object(map) if map.get(SEALED_KEY).and_then(Value::as_str) == Some(id) => {
            Some(path.to_owned())
        }
        Value::Object(map) => map.iter().find_map(|(key, value)| {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            find(value, id, &path)
        }),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(index, value)| find(value, id, &format!("{path}[{index}]")))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_seal_is_traced_to_the_value_it_stands_for() {
        let values =
            json!({"db": {"users": [{"name": "a", "password": {"$sealed": "12"}}]}, "b": {"$sealed": "3"}});
        let secrets = Secrets { vault: None, values: &values, carried: None };
        assert_eq!(secrets.origin("12").as_deref(), Some("db.users[0].password"));
        assert_eq!(secrets.origin("3").as_deref(), Some("b"));
        assert_eq!(secrets.origin("4"), None);
        assert!(secrets.open("12").is_none());
    }
}
