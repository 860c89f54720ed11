use proptest::prelude::*;
use serde_json::json;

use super::overlay::overlay;
use super::*;
use crate::change::ListKey;

const LISTS: ListKeys = ListKeys(&[("env", ListKey::Name)]);

#[track_caller]
fn check(base: &Value, there: &Value, want: &Value, expect: &Value) {
    assert_eq!(overlay(base, there, want, LISTS), *expect);
}

#[test]
fn what_was_there_stays_until_the_chart_changes_it() {
    let base = json!({ "image": "web:1", "replicas": 2, "ports": [80] });
    let there = json!({ "image": "web:1@sha256:a", "replicas": 3, "ports": [8080], "user": "nobody" });
    check(&base, &there, &base, &there);
    let want = json!({ "image": "web:2", "replicas": 2, "ports": [80] });
    let expect = json!({ "image": "web:2", "replicas": 3, "ports": [8080], "user": "nobody" });
    check(&base, &there, &want, &expect);
    let want = json!({ "image": "web:1", "replicas": 2, "user": "web" });
    let expect = json!({ "image": "web:1@sha256:a", "replicas": 3, "user": "web" });
    check(&base, &there, &want, &expect);
}

#[test]
fn items_with_keys_are_taken_one_by_one() {
    let base = json!({ "env": ["A=1", "B=1"] });
    let there = json!({ "env": ["B=0", "A=1", "C=1"] });
    check(&base, &there, &json!({ "env": ["A=2", "B=1"] }), &json!({ "env": ["B=0", "A=2", "C=1"] }));
    check(&base, &there, &json!({ "env": ["B=1", "D=1"] }), &json!({ "env": ["B=0", "C=1", "D=1"] }));
}

#[test]
fn references_are_one_value() {
    let reference = |name: &str| json!({ "on": { "$ref": format!("network/{name}#id") } });
    check(&reference("a"), &json!({ "on": "n1" }), &reference("b"), &reference("b"));
    let outputs = Outputs::from([("network/a".into(), [("id".to_owned(), "n1".to_owned())].into())]);
    assert_eq!(with_references(&json!({ "on": "n1" }), &reference("a"), &outputs), reference("a"));
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![Just(json!(1)), Just(json!("a")), Just(json!(["x"])), Just(json!(true))];
    let keys = || prop_oneof![Just("a"), Just("b"), Just("c")].prop_map(str::to_owned);
    leaf.prop_recursive(3, 16, 3, move |inner| {
        prop::collection::btree_map(keys(), inner, 0..3).prop_map(|map| json!(map))
    })
}

proptest! {
    #[test]
    fn an_unchanged_chart_keeps_everything(base in values(), there in values()) {
        prop_assert_eq!(overlay(&base, &there, &base, LISTS), there);
    }

    #[test]
    fn where_nothing_differed_the_chart_counts(base in values(), want in values()) {
        prop_assert_eq!(overlay(&base, &base, &want, LISTS), want);
    }

    #[test]
    fn laying_it_twice_changes_nothing(base in values(), there in values(), want in values()) {
        let once = overlay(&base, &there, &want, LISTS);
        prop_assert_eq!(overlay(&base, &once, &want, LISTS), once);
    }
}
