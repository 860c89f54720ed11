//! How maps of values are laid over one another.

use serde_json::{Map, Value};

/// The one key of a map that stands for a value sealed by an earlier revision.
pub(crate) const SEALED_KEY: &str = "$sealed";

/// The id, if the value stands for one that an earlier revision sealed.
pub(crate) fn sealed_id(value: &Value) -> Option<&str> {
    let map = value.as_object().filter(|map| map.len() == 1)?;
    map.get(SEALED_KEY)?.as_str()
}

/// Whether keys can be merged into the value.
fn is_map(value: &Value) -> bool {
    value.is_object() && sealed_id(value).is_none()
}

/// Lays `over` upon `base`: maps are merged, everything else replaces what was there.
///
/// A null is kept, so that it can still delete what a chart brings as default.
pub(crate) fn layer(base: &mut Map<String, Value>, over: Map<String, Value>) {
    for (key, value) in over {
        let both_maps = is_map(&value) && base.get(&key).is_some_and(is_map);
        match (base.get_mut(&key), value) {
            (Some(Value::Object(below)), Value::Object(above)) if both_maps => layer(below, above),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// Fills in `defaults` below what is there. What is there wins; a null that is there stays, and hides the default.
///
/// Returns the paths where a map meets something that is none, in the order in which they were met.
pub(crate) fn fill(values: &mut Map<String, Value>, defaults: &Map<String, Value>) -> Vec<String> {
    let mut clashes = Vec::new();
    fill_at(values, defaults, "", &mut clashes);
    clashes
}

fn fill_at(
    values: &mut Map<String, Value>,
    defaults: &Map<String, Value>,
    at: &str,
    clashes: &mut Vec<String>,
) {
    for (key, default) in defaults {
        let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
        match (values.get_mut(key), default) {
            (None, default) => {
                values.insert(key.clone(), default.clone());
            }
            (Some(value), _) if sealed_id(value).is_some() => {}
            (Some(Value::Object(values)), Value::Object(defaults)) => {
                fill_at(values, defaults, &path, clashes);
            }
            (Some(Value::Null), _) | (Some(_), Value::Null) => {}
            (Some(value), default) if value.is_object() != default.is_object() => clashes.push(path),
            (Some(_), _) => {}
        }
    }
}

/// Removes every key that `over` sets to null and, in maps, what is null further down.
///
/// A default that is null, and that nothing overrides, is left: its author says that the key may be asked for.
pub(crate) fn delete_nulls(values: &mut Map<String, Value>, over: &Map<String, Value>) {
    for (key, above) in over {
        match above {
            Value::Null => {
                values.shift_remove(key);
            }
            Value::Object(above) => {
                if let Some(Value::Object(values)) = values.get_mut(key) {
                    delete_nulls(values, above);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        let Value::Object(map) = value else { panic!("a map") };
        map
    }

    fn layered(base: &Value, over: &Value) -> Value {
        let mut base = object(base.clone());
        layer(&mut base, object(over.clone()));
        Value::Object(base)
    }

    #[test]
    fn later_values_win_and_keep_their_place() {
        let base = json!({"a": {"x": 1, "y": 2}, "b": [1, 2], "c": 1});
        let over = json!({"a": {"y": 3}, "b": [9], "c": {"d": 1}, "e": null});
        let both = json!({"a": {"x": 1, "y": 3}, "b": [9], "c": {"d": 1}, "e": null});
        assert_eq!(layered(&base, &over), both);
        assert_eq!(layered(&json!({"a": null}), &json!({"a": {"x": 1}})), json!({"a": {"x": 1}}));
    }

    #[test]
    fn defaults_are_filled_in_below() {
        let mut values = object(json!({"a": {"x": 1}, "gone": null, "text": "t", "map": {"k": 1}}));
        let defaults =
            json!({"a": {"x": 0, "y": 2}, "gone": {"z": 1}, "text": {"m": 1}, "map": "s", "new": null});
        let clashes = fill(&mut values, &object(defaults));
        let expected =
            json!({"a": {"x": 1, "y": 2}, "gone": null, "text": "t", "map": {"k": 1}, "new": null});
        assert_eq!(Value::Object(values), expected);
        assert_eq!(clashes, ["text", "map"]);
    }

    fn json_values() -> impl Strategy<Value = Value> {
        let leaf =
            prop_oneof![Just(json!(null)), any::<bool>().prop_map(Value::from), (0..5).prop_map(Value::from)];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[a-c]", inner, 0..4).prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    fn maps() -> impl Strategy<Value = Value> {
        prop::collection::btree_map("[a-c]", json_values(), 0..4).prop_map(|map| map.into_iter().collect())
    }

    proptest! {
        #[test]
        fn layering_is_associative(a in maps(), b in maps(), c in maps()) {
            // A null or a scalar between two maps cuts them apart in one order only, so it is left out.
            let cuts = |value: &Value| format!("{value}").contains("null");
            prop_assume!(!cuts(&a) && !cuts(&b) && !cuts(&c));
            let left = layered(&layered(&a, &b), &c);
            let right = layered(&a, &layered(&b, &c));
            if comparable(&a, &b) && comparable(&b, &c) && comparable(&a, &c) {
                prop_assert_eq!(left, right);
            }
        }

        #[test]
        fn layering_nothing_or_the_same_changes_nothing(a in maps()) {
            prop_assert_eq!(layered(&a, &json!({})), a.clone());
            prop_assert_eq!(layered(&json!({}), &a), a.clone());
            prop_assert_eq!(layered(&a, &a), a);
        }

        #[test]
        fn what_is_there_survives_every_default(values in maps(), defaults in maps()) {
            let mut filled = object(values.clone());
            fill(&mut filled, &object(defaults));
            prop_assert_eq!(layered(&Value::Object(filled.clone()), &values), Value::Object(filled));
        }
    }

    /// Whether maps meet only maps in both.
    fn comparable(a: &Value, b: &Value) -> bool {
        match (a, b) {
            (Value::Object(a), Value::Object(b)) => {
                a.iter().all(|(key, value)| b.get(key).is_none_or(|other| comparable(value, other)))
            }
            (a, b) => !a.is_object() && !b.is_object(),
        }
    }
}
