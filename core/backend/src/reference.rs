//! References from one object's body to what another object turns out to be.
//!
//! `{"$ref": "target-group/web#arn"}` stands for the output `arn` of the object `target-group/web`. It is resolved
//! from what was observed, or from the receipt of an earlier step, just before the step that needs it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::ObjectId;

/// The key of a reference.
pub const KEY: &str = "$ref";

/// Outputs by object.
pub type Outputs = BTreeMap<ObjectId, BTreeMap<String, String>>;

/// A reference as it stands in a body.
pub fn reference(id: &ObjectId, output: &str) -> Value {
    serde_json::json!({ KEY: format!("{id}#{output}") })
}

/// The object and output that a value refers to, if it is a reference. The references of JSON Schemas, such as
/// `#/definitions/name`, are none of ours.
pub fn parse(value: &Value) -> Option<(ObjectId, &str)> {
    let map = value.as_object().filter(|map| map.len() == 1)?;
    let (id, output) = map.get(KEY)?.as_str()?.rsplit_once('#')?;
    let (kind, name) = id.split_once('/')?;
    let is_reference = !kind.is_empty() && !name.is_empty() && !output.is_empty() && !output.contains('/');
    is_reference.then(|| (ObjectId::from(id), output))
}

/// Every object that a body refers to, each once.
pub fn targets(body: &Value) -> Vec<ObjectId> {
    let mut found = Vec::new();
    collect(body, &mut found);
    found.sort();
    found.dedup();
    found
}

fn collect(value: &Value, found: &mut Vec<ObjectId>) {
    if let Some((id, _)) = parse(value) {
        found.push(id);
        return;
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(map) => map.values().for_each(|item| collect(item, found)),
        _ => {}
    }
}

/// The body with every reference replaced whose output is known. Others stay as they are.
pub fn resolve(body: &Value, outputs: &Outputs) -> Value {
    if let Some((id, output)) = parse(body) {
        let known = outputs.get(&id).and_then(|of_id| of_id.get(output));
        return known.map_or_else(|| body.clone(), |text| Value::String(text.clone()));
    }
    match body {
        Value::Array(items) => Value::Array(items.iter().map(|item| resolve(item, outputs)).collect()),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(key, item)| (key.clone(), resolve(item, outputs))).collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn references_are_found_and_resolved() {
        let web = ObjectId::new("config", "web/nginx.conf");
        let body = json!({ "a": [reference(&web, "id")], "b": { "c": reference(&web, "name") }, "d": "x" });
        assert_eq!(targets(&body), std::slice::from_ref(&web));
        let outputs = Outputs::from([(web, BTreeMap::from([("id".to_owned(), "1a".to_owned())]))]);
        let resolved = resolve(&body, &outputs);
        assert_eq!(resolved["a"], json!(["1a"]));
        assert_eq!(
            resolved["b"]["c"],
            json!({ "$ref": "config/web/nginx.conf#name" }),
            "nobody knows its name"
        );
        assert_eq!(resolved["d"], "x");
    }

    #[test]
    fn other_references_are_none_of_ours() {
        for other in
            ["#/definitions/name", "schemas/pod.json#/spec", "web", "config/#id", "/web#id", "config/web#"]
        {
            assert_eq!(parse(&json!({ "$ref": other })), None, "{other}");
        }
        assert_eq!(parse(&json!({ "$ref": "config/web#id", "more": 1 })), None);
    }
}
