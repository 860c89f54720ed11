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

/// A platform whose task definitions are revised, and whose tasks name their log group.
struct Platform;

#[async_trait]
impl Adopt for Platform {
    async fn find(&self, _: &Scope, _: &ImportQuery, _: &[Object]) -> Result<Found> {
        Ok(Found::default())
    }

    async fn look(&self, _: &Scope, _: &ObjectId, _: &str) -> Result<Vec<Live>> {
        Ok(Vec::new())
    }

    async fn replicas(&self, _: &Scope, _: &[Live]) -> Result<BTreeSet<String>> {
        Ok(BTreeSet::new())
    }

    fn asked(&self, live: &Live, _: &Object) -> Value {
        live.object.body.clone()
    }

    fn reword(&self, adoption: &Adoption, _: &ObjectId, body: &Value) -> Value {
        let mut body = body.clone();
        if body.get("of") == Some(&json!("chart-web")) && !adoption.is_empty() {
            body["of"] = "web".into();
        }
        body
    }

    fn is_revised(&self, id: &ObjectId) -> bool {
        id.kind() == "definition"
    }

    fn mark(&self, _: &Object, body: &mut Value) {
        body["mark"] = true.into();
    }

    fn needs(&self, body: &Value, object: &Object) -> bool {
        body.get("log").is_some_and(|log| Some(log) == object.body.get("name"))
    }

    fn lists(&self, _: &ObjectId) -> ListKeys {
        LISTS
    }

    fn is_mark(&self, _: &ObjectId, path: &str) -> bool {
        path == "mark"
    }
}

fn object(id: &str, body: Value) -> Object {
    Object::new(ObjectId::from(id), body)
}

fn adopted(base: Value, there: Option<Value>) -> Adopted {
    let there = there.map(|body| There { identity: "1".to_owned(), body, ownership: Ownership::Owned });
    Adopted { base, generation: None, there }
}

/// What of these is kept, by id.
fn kept_of(adoption: &Adoption, want: Vec<Object>) -> BTreeMap<String, Object> {
    keep(&Platform, adoption, want).into_iter().map(|object| (object.id.to_string(), object)).collect()
}

#[test]
fn what_was_not_there_is_made_when_something_new_needs_it() {
    let group = || object("group/logs", json!({ "name": "g" }));
    let web = |log: &str| object("service/web", json!({ "log": log }));
    let adoption = Adoption::from([
        ("group/logs".into(), adopted(json!({ "name": "g" }), None)),
        ("service/web".into(), adopted(json!({ "log": "g" }), Some(json!({ "log": "own" })))),
    ]);
    let waits = |object: Object| {
        let after = crate::After { id: ObjectId::from("group/logs"), until: crate::Until::Exists };
        Object { after: vec![after], ..object }
    };
    let alone = kept_of(&adoption, vec![group(), waits(web("g"))]);
    assert_eq!(alone.keys().collect::<Vec<_>>(), ["service/web"]);
    assert_eq!((&alone["service/web"].body, alone["service/web"].after.len()), (&json!({ "log": "own" }), 0));
    for new in [
        waits(object("service/new", json!({}))),
        object("service/new", json!({ "log": "g" })),
        object("service/new", json!({ "log": { "$ref": "group/logs#name" } })),
    ] {
        let with_new = kept_of(&adoption, vec![group(), web("g"), new]);
        assert!(with_new.contains_key("group/logs"), "{with_new:?}");
    }
    let back = kept_of(&adoption, vec![group(), web("g2")]);
    assert!(!back.contains_key("group/logs"));
}

#[test]
fn a_revision_keeps_what_the_chart_did_not_change() {
    let of = |image: &str, generation: &str| Object {
        generation: Some(generation.to_owned()),
        ..object("definition/web", json!({ "image": image, "cpu": 1 }))
    };
    let there = Some(json!({ "image": "web:1@a", "cpu": 2, "tty": true }));
    let mut was = adopted(json!({ "image": "web:1", "cpu": 1 }), there.clone());
    was.generation = Some("one".to_owned());
    let adoption = Adoption::from([("definition/web".into(), was.clone()), ("config/web".into(), was)]);
    let same = kept_of(&adoption, vec![of("web:1", "one")]);
    assert_eq!(Some(&same["definition/web"].body), there.as_ref());
    let next = kept_of(&adoption, vec![of("web:2", "two")]);
    let expect = json!({ "image": "web:2", "cpu": 2, "tty": true, "mark": true });
    assert_eq!(next["definition/web"].body, expect);
    let other = Object { id: "config/web".into(), ..of("web:2", "two") };
    assert_eq!(kept_of(&adoption, vec![other.clone()])["config/web"].body, other.body);
}

#[test]
fn what_others_use_is_kept_by_an_uninstall_and_new_things_use_adopted_names() {
    let mut shared = adopted(json!({ "a": 1 }), Some(json!({ "a": 1 })));
    if let Some(there) = &mut shared.there {
        there.ownership = Ownership::Kept;
    }
    let adoption = Adoption::from([("group/web".into(), shared)]);
    let want =
        vec![object("group/web", json!({ "a": 1 })), object("scaling/web", json!({ "of": "chart-web" }))];
    let kept = kept_of(&adoption, want);
    assert_eq!(kept["group/web"].ownership, Ownership::Kept);
    assert_eq!(kept["scaling/web"].ownership, Ownership::Owned);
    assert_eq!(kept["scaling/web"].body, json!({ "of": "web" }));
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
