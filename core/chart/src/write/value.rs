//! The values of a chart that is written, and their schema.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_spec::yaml::{self, WriteError};
use serde_json::{Map, Value, json};

/// Words that an expression of a template cannot have behind a dot, or that mean something in values.
const RESERVED: [&str; 22] = [
    "and", "or", "not", "in", "is", "true", "false", "none", "null", "if", "else", "elif", "for", "set",
    "block", "global", "secrets", "routes", "volumes", "charts", "tags", "self",
];

/// The values of a chart that is written.
#[derive(Default)]
pub(super) struct Extracted {
    values: Map<String, Value>,
    /// Keys by what they were made of, for each mapping of values.
    keys: BTreeMap<String, BTreeMap<String, String>>,
    /// The paths of values that may be empty, or written as numbers.
    open: BTreeSet<Vec<String>>,
    /// The paths of secret values and the ids of their material.
    pub(super) secrets: Vec<(Vec<String>, String)>,
}

impl Extracted {
    /// Makes room for the values of a workload, in the order of workloads.
    pub(super) fn begin(&mut self, workload: &str) {
        self.key("", workload);
    }

    /// The path of a value of a workload, or of one of its several containers.
    pub(super) fn of_workload(
        &mut self,
        workload: &str,
        container: Option<&str>,
        field: &str,
    ) -> Vec<String> {
        let workload = self.key("", workload);
        let mut path = vec![workload.clone()];
        if let Some(container) = container {
            path.push("containers".to_owned());
            path.push(self.key(&format!("{workload}.containers"), container));
        }
        path.push(field.to_owned());
        path
    }

    /// The path of the value for a port of a workload.
    pub(super) fn port(&mut self, workload: &str, port: &str) -> Vec<String> {
        let workload = self.key("", workload);
        let port = self.key(&format!("{workload}.ports"), port);
        vec![workload, "ports".to_owned(), port]
    }

    /// The path of the value that a variable is.
    pub(super) fn variable(&mut self, name: &str) -> Vec<String> {
        let has_small = name.bytes().any(|byte| byte.is_ascii_lowercase());
        let words = if has_small { name.to_owned() } else { name.to_ascii_lowercase() };
        // Workloads have names without this character.
        let path = vec![self.key_of("", &format!("${name}"), &words)];
        self.open.insert(path.clone());
        path
    }

    /// The path of a value of another document.
    pub(super) fn group(&mut self, group: &str, document: &str, field: &str) -> Vec<String> {
        vec![group.to_owned(), self.key(group, document), field.to_owned()]
    }

    /// The path of a secret value, which is the material of this id.
    pub(super) fn secret(&mut self, secret: &str, key: &str, id: &str) -> Vec<String> {
        let secret = self.key("secrets", secret);
        let key = self.key(&format!("secrets.{secret}"), key);
        let path = vec!["secrets".to_owned(), secret, key];
        self.set(&path, "".into());
        self.secrets.push((path.clone(), id.to_owned()));
        path
    }

    /// A key for a name, other than those of its neighbours.
    fn key(&mut self, within: &str, name: &str) -> String {
        self.key_of(within, name, name)
    }

    /// A key for a name, made of words.
    fn key_of(&mut self, within: &str, name: &str, words: &str) -> String {
        let known = self.keys.entry(within.to_owned()).or_default();
        if let Some(key) = known.get(name) {
            return key.clone();
        }
        let wanted = identifier(words);
        let taken: BTreeSet<&String> = known.values().collect();
        let is_free = |key: &String| !taken.contains(key) && !RESERVED.contains(&key.as_str());
        let key = (1..=taken.len() + RESERVED.len() + 1)
            .map(|count| if count == 1 { wanted.clone() } else { format!("{wanted}{count}") })
            .find(is_free)
            .unwrap_or(wanted);
        known.insert(name.to_owned(), key.clone());
        key
    }

    /// Sets a value at a path.
    pub(super) fn set(&mut self, path: &[String], value: Value) {
        let Some((last, parents)) = path.split_last() else { return };
        let mut map = &mut self.values;
        for key in parents {
            let below = map.entry(key.clone()).or_insert_with(|| Value::Object(Map::new()));
            let Value::Object(below) = below else { return };
            map = below;
        }
        map.insert(last.clone(), value);
    }

    /// `values.yaml`.
    pub(super) fn text(&self) -> Result<String, WriteError> {
        let mut text = String::new();
        for (key, value) in &self.values {
            if !text.is_empty() {
                text.push('\n');
            }
            let about = match key.as_str() {
                "secrets" => "# Secret values. They are given at install, and this file has none of them.\n",
                "volumes" => "# How much the volumes hold.\n",
                "routes" => "# The host names by which routes are reached.\n",
                _ => "",
            };
            text.push_str(about);
            text.push_str(&yaml::to_string(&Value::Object(Map::from_iter([(key.clone(), value.clone())])))?);
        }
        Ok(if text.is_empty() { "{}\n".to_owned() } else { text })
    }

    /// `values.schema.json`.
    pub(super) fn schema(&self) -> String {
        let mut schema = Map::new();
        schema.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
        let secrets: BTreeSet<&[String]> = self.secrets.iter().map(|(path, _)| path.as_slice()).collect();
        let special = Special { secrets, open: &self.open };
        if let Value::Object(rest) = shape(&Value::Object(self.values.clone()), &mut Vec::new(), &special) {
            schema.extend(rest);
        }
        if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
            properties.insert("global".to_owned(), json!({ "type": "object" }));
        }
        format!("{:#}\n", Value::Object(schema))
    }

    /// Whether there is a secret value.
    pub(super) fn has_secrets(&self) -> bool {
        !self.secrets.is_empty()
    }
}

/// The paths of values that are no plain text.
struct Special<'e> {
    secrets: BTreeSet<&'e [String]>,
    open: &'e BTreeSet<Vec<String>>,
}

fn shape(value: &Value, path: &mut Vec<String>, special: &Special<'_>) -> Value {
    match value {
        Value::Object(_) if path.last().is_some_and(|key| key == "resources") => json!({ "type": "object" }),
        Value::Object(map) => {
            let mut properties = Map::new();
            for (key, value) in map {
                path.push(key.clone());
                properties.insert(key.clone(), shape(value, path, special));
                path.pop();
            }
            json!({ "type": "object", "additionalProperties": false, "properties": properties })
        }
        _ if special.open.contains(path.as_slice()) => json!({ "type": ["string", "number", "boolean"] }),
        Value::Number(_) => json!({ "type": "integer", "minimum": 0 }),
        _ if special.secrets.contains(path.as_slice()) => json!({ "type": "string", "writeOnly": true }),
        _ => json!({ "type": "string", "minLength": 1 }),
    }
}

/// A name as the key of a value: `carts-db` is `cartsDb`.
fn identifier(name: &str) -> String {
    let mut key = String::new();
    let mut is_new_word = false;
    for character in name.chars() {
        if !character.is_ascii_alphanumeric() {
            is_new_word = !key.is_empty();
        } else if is_new_word {
            key.push(character.to_ascii_uppercase());
            is_new_word = false;
        } else {
            key.push(if key.is_empty() { character.to_ascii_lowercase() } else { character });
        }
    }
    match key.chars().next() {
        Some(first) if first.is_ascii_digit() => format!("n{key}"),
        Some(_) => key,
        None => "unnamed".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_keys() {
        for (name, key) in [
            ("carts-db", "cartsDb"),
            ("tls.crt", "tlsCrt"),
            ("MYSQL_ROOT", "mYSQLROOT"),
            ("2048", "n2048"),
            ("..", "unnamed"),
        ] {
            assert_eq!(identifier(name), key);
        }
        let mut values = Extracted::default();
        assert_eq!(values.of_workload("a-b", None, "image"), ["aB", "image"]);
        assert_eq!(values.of_workload("aB", None, "image"), ["aB2", "image"]);
        assert_eq!(values.of_workload("secrets", None, "image"), ["secrets2", "image"]);
        assert_eq!(values.of_workload("a-b", Some("in"), "image"), ["aB", "containers", "in2", "image"]);
    }
}
