use super::*;
use crate::double::RULES;
use proptest::prelude::*;
use serde_json::json;

fn merge(last: &Value, live: &Value, want: &Value) -> Merged {
    three_way(Some(last), live, want, &RULES)
}

/// The body and, in short, what changes and what is kept.
#[expect(clippy::needless_pass_by_value, reason = "the callers write literals")]
fn check(last: Value, live: Value, want: Value, body: Value, said: &[&str]) {
    let merged = merge(&last, &live, &want);
    let short = |field: &FieldChange| {
        let text = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), Value::to_string);
        format!("{:?} {}: {} > {}", field.cause, field.path, text(&field.from), text(&field.to))
    };
    assert_eq!(merged.body, body);
    assert_eq!(merged.changes.iter().chain(&merged.kept).map(short).collect::<Vec<_>>(), said);
}

#[test]
fn want_wins_over_live() {
    check(json!({ "a": 1 }), json!({ "a": 1 }), json!({ "a": 2 }), json!({ "a": 2 }), &["Wanted a: 1 > 2"]);
    check(json!({ "a": 1 }), json!({ "a": 3 }), json!({ "a": 1 }), json!({ "a": 1 }), &["Drift a: 3 > 1"]);
    check(json!({ "a": 1 }), json!({}), json!({ "a": 1 }), json!({ "a": 1 }), &["Drift a: - > 1"]);
    check(
        json!({}),
        json!({}),
        json!({ "a": { "b": 1 } }),
        json!({ "a": { "b": 1 } }),
        &["Wanted a: - > {\"b\":1}"],
    );
}

#[test]
fn what_was_never_ours_stays() {
    check(
        json!({}),
        json!({ "a": 1, "b": { "c": 2 } }),
        json!({ "d": 3 }),
        json!({ "a": 1, "b": { "c": 2 }, "d": 3 }),
        &["Wanted d: - > 3"],
    );
    check(
        json!({ "b": {} }),
        json!({ "b": { "c": 2 } }),
        json!({ "b": {} }),
        json!({ "b": { "c": 2 } }),
        &[],
    );
}

#[test]
fn what_was_ours_goes() {
    check(json!({ "a": 1 }), json!({ "a": 1, "b": 2 }), json!({}), json!({ "b": 2 }), &["Wanted a: 1 > -"]);
    check(
        json!({ "a": { "b": 1 } }),
        json!({ "a": { "b": 1, "c": 2 } }),
        json!({}),
        json!({ "a": { "c": 2 } }),
        &["Wanted a.b: 1 > -"],
    );
    check(
        json!({ "a": { "b": 1 } }),
        json!({ "a": { "b": 1 } }),
        json!({ "c": 1 }),
        json!({ "c": 1 }),
        &["Wanted a.b: 1 > -", "Wanted c: - > 1"],
    );
    check(json!({ "a": 1 }), json!({}), json!({}), json!({}), &[]);
}

#[test]
fn null_is_nothing() {
    check(json!({ "a": null }), json!({ "a": null, "b": null }), json!({ "b": null }), json!({}), &[]);
    check(json!({ "a": 1 }), json!({ "a": 1 }), json!({ "a": null }), json!({}), &["Wanted a: 1 > -"]);
}

#[test]
fn lists_with_keys_merge_by_them() {
    check(
        json!({ "env": ["A=1", "B=1"] }),
        json!({ "env": ["B=1", "X=9", "A=1"] }),
        json!({ "env": ["A=2", "C=3"] }),
        json!({ "env": ["X=9", "A=2", "C=3"] }),
        &["Wanted env.B: \"B=1\" > -", "Wanted env.A: \"A=1\" > \"A=2\"", "Wanted env.C: - > \"C=3\""],
    );
    check(
        json!({ "mounts": [{ "at": "/a", "ro": true }] }),
        json!({ "mounts": [{ "at": "/b" }, { "at": "/a", "ro": true, "extra": 1 }] }),
        json!({ "mounts": [{ "at": "/a" }] }),
        json!({ "mounts": [{ "at": "/b" }, { "at": "/a", "extra": 1 }] }),
        &["Wanted mounts./a.ro: true > -"],
    );
    check(
        json!({ "set": [1, 2] }),
        json!({ "set": [2, 1] }),
        json!({ "set": [1, 2] }),
        json!({ "set": [2, 1] }),
        &[],
    );
    check(json!({ "set": [1] }), json!({ "set": [1] }), json!({}), json!({}), &["Wanted set.1: 1 > -"]);
}

#[test]
fn lists_without_keys_are_one_value() {
    check(
        json!({ "a": [1] }),
        json!({ "a": [1, 2] }),
        json!({ "a": [1] }),
        json!({ "a": [1] }),
        &["Drift a: [1,2] > [1]"],
    );
    let twice = json!({ "env": ["A=1", "A=2"] });
    check(
        json!({}),
        twice.clone(),
        json!({ "env": ["A=3"] }),
        json!({ "env": ["A=3"] }),
        &["Wanted env: [\"A=1\",\"A=2\"] > [\"A=3\"]"],
    );
}

#[test]
fn counts_stay_as_somebody_set_them() {
    let count = |replicas: u32| json!({ "replicas": replicas });
    check(count(2), count(5), count(2), count(5), &["Kept replicas: 5 > 2"]);
    check(count(2), count(5), count(3), count(3), &["Wanted replicas: 5 > 3"]);
    check(count(2), count(5), json!({}), count(5), &[]);
    check(count(2), json!({}), count(2), count(2), &["Drift replicas: - > 2"]);
    let merged = three_way(None, &count(5), &count(2), &RULES);
    assert_eq!(merged.body, count(2), "nobody knows that the two were wanted before");
}

#[test]
fn references_are_single_values() {
    let reference = json!({ "a": { "$ref": "config/web#id" } });
    check(
        json!({ "a": "1x" }),
        json!({ "a": "1x" }),
        reference.clone(),
        reference,
        &["Wanted a: \"1x\" > {\"$ref\":\"config/web#id\"}"],
    );
}

#[test]
fn what_is_sensitive_is_not_shown() {
    let merged = merge(&json!({}), &json!({ "password": "old" }), &json!({ "password": "new" }));
    assert_eq!(merged.body, json!({ "password": "new" }));
    assert!(!format!("{:?}", merged.changes).contains("new"), "{:?}", merged.changes);
    assert_eq!(merged.changes[0].from, Some(Value::from(HIDDEN)));
}

/// Documents in which every rule applies somewhere.
fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![Just(json!(null)), (0..3).prop_map(|number| json!(number)), Just(json!("x"))];
    let inner = leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            prop::collection::btree_map("[ab]", inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    });
    let env = prop::collection::vec("[AB]=[12]", 0..3);
    let mounts = prop::collection::btree_map("/[ab]", 0..3_u8, 0..3);
    (inner.clone(), prop::option::of(env), prop::option::of(mounts), prop::option::of(0..3_u8), inner)
        .prop_map(|(a, env, mounts, replicas, other)| {
            let mounts = mounts.map(|mounts| {
                Value::Array(mounts.iter().map(|(at, mode)| json!({ "at": at, "mode": mode })).collect())
            });
            json!({ "a": a, "env": env, "mounts": mounts, "replicas": replicas, "set": other })
        })
}

proptest! {
    #[test]
    fn merging_again_changes_nothing(last in document(), live in document(), want in document()) {
        let first = merge(&last, &live, &want);
        let second = merge(&want, &first.body, &want);
        prop_assert_eq!(&second.changes, &Vec::new());
        prop_assert_eq!(without_nulls(&second.body), without_nulls(&first.body));
    }

    #[test]
    fn what_is_as_wanted_does_not_change(last in document(), want in document()) {
        let merged = merge(&last, &want, &want);
        prop_assert_eq!(&merged.changes, &Vec::new());
        prop_assert_eq!(without_nulls(&merged.body), without_nulls(&want));
    }

    #[test]
    fn without_others_it_becomes_what_is_wanted(last in document(), want in document()) {
        let mut want = want;
        // Who wants no number any more leaves the one that is there.
        if want["replicas"].is_null() {
            want["replicas"] = last["replicas"].clone();
        }
        let merged = merge(&last, &last, &want);
        prop_assert_eq!(unordered(without_nulls(&merged.body)), unordered(without_nulls(&want)));
        prop_assert_eq!(merged.changes.is_empty(), unordered(without_nulls(&last)) == unordered(without_nulls(&want)));
    }
}

/// The document with the lists that are merged by a key in one order.
fn unordered(mut value: Value) -> Value {
    for list in ["env", "mounts", "set"] {
        if let Some(Value::Array(items)) = value.get_mut(list) {
            items.sort_by_key(Value::to_string);
        }
    }
    if let Value::Object(fields) = &mut value {
        fields.sort_keys();
    }
    value
}
