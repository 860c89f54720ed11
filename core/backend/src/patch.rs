//! Patches of a platform's documents, as an app writes them under `on`.

use serde_json::Value;

use crate::change::{ListKeys, Path, without_nulls};

/// Merges a patch into a document.
///
/// Mappings merge, and `null` removes a key. Lists whose key is known merge by it: an item that is there is patched,
/// another is added. Every other list, and every plain value, takes the place of what is there.
pub fn patch(body: &mut Value, patch: &Value, keys: &ListKeys) {
    merge(body, patch, keys, &mut Path::default());
}

fn merge(body: &mut Value, patch: &Value, keys: &ListKeys, at: &mut Path) {
    match (body, patch) {
        (Value::Object(body), Value::Object(patch)) => {
            for (name, value) in patch {
                if value.is_null() {
                    body.shift_remove(name);
                    continue;
                }
                at.push(name);
                merge(body.entry(name.clone()).or_insert(Value::Null), value, keys, at);
                at.pop();
            }
        }
        (Value::Array(body), Value::Array(items)) if keys.find(at).is_some() => {
            merge_items(body, items, keys, at);
        }
        (body, patch) => *body = without_nulls(patch),
    }
}

fn merge_items(body: &mut Vec<Value>, items: &[Value], keys: &ListKeys, at: &mut Path) {
    let Some(key) = keys.find(at) else { return };
    for item in items {
        let name = key.of(item);
        let there = body.iter_mut().find(|there| name.is_some() && key.of(there) == name);
        match there {
            Some(there) => {
                at.push(name.as_deref().unwrap_or_default());
                merge(there, item, keys, at);
                at.pop();
            }
            None => body.push(without_nulls(item)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::ListKey;
    use serde_json::json;

    const KEYS: ListKeys = ListKeys(&[("env", ListKey::Name), ("mounts", ListKey::Field("at"))]);

    #[expect(clippy::needless_pass_by_value, reason = "the callers write literals")]
    fn check(body: Value, with: Value, expected: Value) {
        let mut patched = body;
        patch(&mut patched, &with, &KEYS);
        assert_eq!(patched, expected);
    }

    #[test]
    fn mappings_merge_and_null_removes() {
        check(
            json!({ "a": { "b": 1, "c": 2 }, "d": 3 }),
            json!({ "a": { "b": null, "e": 4 }, "d": [5] }),
            json!({ "a": { "c": 2, "e": 4 }, "d": [5] }),
        );
        check(json!({}), json!({ "a": { "b": null, "c": { "d": null } } }), json!({ "a": { "c": {} } }));
    }

    #[test]
    fn lists_with_a_key_merge_by_it() {
        check(
            json!({ "env": ["A=1", "B=2"], "mounts": [{ "at": "/a", "mode": 1, "size": 2 }] }),
            json!({ "env": ["B=3", "C=4"], "mounts": [{ "at": "/a", "mode": null }, { "at": "/b", "mode": null }] }),
            json!({ "env": ["A=1", "B=3", "C=4"], "mounts": [{ "at": "/a", "size": 2 }, { "at": "/b" }] }),
        );
    }

    #[test]
    fn other_lists_are_replaced() {
        check(
            json!({ "args": [1, 2], "x": { "env": ["A=1"] } }),
            json!({ "args": [3] }),
            json!({ "args": [3], "x": { "env": ["A=1"] } }),
        );
        check(
            json!({ "x": { "env": ["A=1"] } }),
            json!({ "x": { "env": ["B=1"] } }),
            json!({ "x": { "env": ["B=1"] } }),
        );
    }
}
