//! The JSON Schema of the documents, by which editors complete and check them.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::API_VERSION;
use crate::model::{Config, Kind, Native, Network, Route, Secret, Volume, Workload};

/// The JSON Schema (2020-12) of one document, generated from the types that read it.
///
/// The kind decides which fields there are. A text field takes any plain scalar, since it is read as it was written.
pub fn json_schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    for kind in Kind::ALL {
        define(kind, &mut generator);
    }
    let mut definitions = generator.take_definitions(true);
    for kind in Kind::ALL {
        if let Some(Value::Object(definition)) = definitions.get_mut(kind.as_str()) {
            add_outer_keys(kind, definition);
        }
    }
    let kinds: Vec<Value> = Kind::ALL.into_iter().map(by_kind).collect();
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("A document of {API_VERSION}"),
        "type": "object",
        "properties": { "kind": { "enum": Kind::ALL.map(Kind::as_str) } },
        "required": ["kind", "name"],
        "allOf": kinds,
        "$defs": definitions,
    });
    widen_texts(&mut schema);
    schema
}

fn define(kind: Kind, generator: &mut SchemaGenerator) {
    fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
    let _reference = match kind {
        Kind::Workload => of::<Workload>(generator),
        Kind::Config => of::<Config>(generator),
        Kind::Secret => of::<Secret>(generator),
        Kind::Volume => of::<Volume>(generator),
        Kind::Network => of::<Network>(generator),
        Kind::Route => of::<Route>(generator),
        Kind::Native => of::<Native>(generator),
    };
}

fn by_kind(kind: Kind) -> Value {
    json!({
        "if": { "properties": { "kind": { "const": kind.as_str() } }, "required": ["kind"] },
        "then": { "$ref": format!("#/$defs/{}", kind.as_str()) },
    })
}

/// Puts the keys that every document has before the kind's own.
fn add_outer_keys(kind: Kind, definition: &mut Map<String, Value>) {
    let mut properties = Map::new();
    properties.insert(
        "apiVersion".to_owned(),
        json!({ "const": API_VERSION, "description": "The version of the documents' form." }),
    );
    properties
        .insert("kind".to_owned(), json!({ "const": kind.as_str(), "description": "The kind of document." }));
    properties.insert(
        "name".to_owned(),
        json!({
            "description": "The name, different from every other of its kind: a label of a DNS name.",
            "type": "string",
            "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
        }),
    );
    if let Some(Value::Object(own)) = definition.remove("properties") {
        properties.extend(own);
    }
    definition.insert("properties".to_owned(), Value::Object(properties));
}

/// Lets every text be any plain scalar, unless its form or its words are given.
fn widen_texts(schema: &mut Value) {
    match schema {
        Value::Object(entries) => {
            let is_bound =
                ["enum", "const", "pattern", "format"].iter().any(|key| entries.contains_key(*key));
            if !is_bound && let Some(types) = entries.get_mut("type") {
                widen_type(types);
            }
            entries.values_mut().for_each(widen_texts);
        }
        Value::Array(items) => items.iter_mut().for_each(widen_texts),
        _ => {}
    }
}

fn widen_type(types: &mut Value) {
    let mut words = match types {
        Value::String(word) => vec![Value::from(word.as_str())],
        Value::Array(words) => words.clone(),
        _ => return,
    };
    if words.contains(&Value::from("string")) {
        words.extend([Value::from("number"), Value::from("boolean")]);
        *types = Value::from(words);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/rhumb.dev_v1.schema.json");

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test reads the file that is checked in")]
    fn the_file_is_current() {
        let text = serde_json::to_string_pretty(&json_schema()).unwrap() + "\n";
        if std::env::var_os("RHUMB_BLESS").is_some() {
            std::fs::write(PATH, &text).unwrap();
        }
        let file = std::fs::read_to_string(PATH).unwrap_or_default();
        assert!(file == text, "{PATH} is out of date: run the test again with RHUMB_BLESS=1");
    }

    fn is_valid(text: &str) -> bool {
        let validator = jsonschema::validator_for(&json_schema()).unwrap();
        yaml::parse(text).unwrap().iter().all(|node| validator.is_valid(&node.to_value()))
    }

    #[test]
    fn what_is_read_is_valid() {
        assert!(is_valid(include_str!("verify/tests/complete.yaml")));
        assert!(is_valid("kind: Config\nname: a\ndata: { a: 1.10, b: yes, c: true }\n"));
        assert!(is_valid("kind: Volume\nname: a\napiVersion: rhumb.dev/v1\nsize: 1GB\n"));
    }

    #[test]
    fn what_is_refused_is_not_valid() {
        for text in [
            "kind: Config\n",
            "name: a\n",
            "kind: Confg\nname: a\n",
            "kind: Config\nname: A\n",
            "kind: Config\nname: a\nreplicas: 1\n",
            "kind: Volume\nname: a\nsize: big\n",
            "kind: Volume\nname: a\napiVersion: v1\n",
            "kind: Workload\nname: a\n",
            "kind: Workload\nname: a\ncontainers: { a: { image: a, stop: { grace: 30 } } }\n",
            "kind: Workload\nname: a\ncontainers: { a: { image: a, ports: { http: 70000 } } }\n",
            "kind: Workload\nname: a\nmode: glob\ncontainers: { a: { image: a } }\n",
        ] {
            assert!(!is_valid(text), "{text}");
        }
    }
}
