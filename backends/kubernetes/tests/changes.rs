//! What differs, field by field, and what the API server would not change.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::{Cause, Change, Live, Object, ObjectId};
use rhumb_kubernetes::change::change;
use serde_json::{Value, json};

fn object(id: &str, body: &Value) -> Object {
    Object::new(ObjectId::from(id), body.clone())
}

fn live(id: &str, body: &Value) -> Live {
    Live {
        object: object(id, body),
        native: id.to_owned(),
        version: None,
        outputs: BTreeMap::new(),
        holds: BTreeSet::new(),
        foreign: None,
    }
}

fn compare(id: &str, last: &Value, is: &Value, want: &Value) -> Change {
    change(Some(&object(id, last)), &live(id, is), &object(id, want))
}

fn deployment(replicas: Option<u32>, image: &str) -> Value {
    let mut body = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" },
        "spec": {
            "selector": { "matchLabels": { "app": "web" } },
            "template": {
                "metadata": { "labels": { "app": "web" } },
                "spec": { "containers": [{ "name": "web", "image": image }] },
            },
        },
    });
    if let Some(replicas) = replicas {
        body["spec"]["replicas"] = replicas.into();
    }
    body
}

#[track_caller]
fn updated(change: Change) -> (Value, Vec<(String, Cause)>) {
    match change {
        Change::Update { body, changes, .. } => {
            (body, changes.into_iter().map(|change| (change.path, change.cause)).collect())
        }
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn why(change: Change) -> String {
    match change {
        Change::Replace { why, outage, changes } => {
            assert!(!outage.is_empty() && !changes.is_empty());
            why
        }
        other => panic!("{other:?}"),
    }
}

const IMAGE: &str = "spec.template.spec.containers.web.image";

#[test]
fn a_replica_count_that_somebody_set_goes_along() {
    let (last, is) = (deployment(Some(2), "a:1"), deployment(Some(5), "a:1"));
    let Change::None { kept } = compare("deployment/web", &last, &is, &last) else { panic!("it stays") };
    assert_eq!((kept.len(), kept[0].path.as_str()), (1, "spec.replicas"));
    let (body, changes) = updated(compare("deployment/web", &last, &is, &deployment(Some(2), "a:2")));
    assert_eq!(body["spec"]["replicas"], 5);
    assert_eq!(changes, [(IMAGE.to_owned(), Cause::Wanted)]);
    let (body, _) = updated(compare("deployment/web", &last, &is, &deployment(Some(3), "a:1")));
    assert_eq!(body["spec"]["replicas"], 3, "the chart says another one");
    // An autoscaler has them from now on.
    let (body, _) = updated(compare("deployment/web", &last, &is, &deployment(None, "a:2")));
    assert_eq!(body["spec"]["replicas"], 5);
}

#[test]
fn what_others_set_is_neither_sent_nor_a_difference() {
    let want = deployment(Some(1), "a:1");
    let mut is = want.clone();
    is["metadata"]["annotations"] = json!({ "theirs": "x" });
    let containers = is["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap();
    containers.push(json!({ "name": "sidecar", "image": "b" }));
    assert_eq!(compare("deployment/web", &want, &is, &want), Change::None { kept: Vec::new() });
    let (body, _) = updated(compare("deployment/web", &want, &is, &deployment(Some(1), "a:2")));
    assert_eq!(body, deployment(Some(1), "a:2"));
}

#[test]
fn drift_is_told_and_put_back() {
    let want = deployment(Some(1), "a:1");
    let (body, changes) = updated(compare("deployment/web", &want, &deployment(Some(1), "a:9"), &want));
    assert_eq!(changes, [(IMAGE.to_owned(), Cause::Drift)]);
    assert_eq!(body, want);
}

#[test]
fn what_never_changes_is_made_anew() {
    let want = deployment(Some(1), "a:1");
    let mut is = want.clone();
    is["spec"]["selector"]["matchLabels"]["app"] = "other".into();
    let found = why(compare("deployment/web", &is, &is, &want));
    assert_eq!(found, "spec.selector.matchLabels.app: a Deployment's selector never changes");

    let set = |template: &str, service: &str| json!({ "kind": "StatefulSet", "spec": { "serviceName": service, "template": { "x": template } } });
    let of = |one: Value, other: Value| compare("statefulset/db", &one, &one, &other);
    assert!(why(of(set("a", "s"), set("a", "t"))).starts_with("spec.serviceName"));
    updated(of(set("a", "s"), set("b", "s")));

    let claim = |size: &str, class: &str| json!({ "kind": "PersistentVolumeClaim", "spec": { "storageClassName": class, "resources": { "requests": { "storage": size } } } });
    let of = |one: Value, other: Value| compare("persistentvolumeclaim/d", &one, &one, &other);
    updated(of(claim("1Gi", "a"), claim("2Gi", "a")));
    assert!(why(of(claim("2Gi", "a"), claim("1Gi", "a"))).contains("never shrinks"));
    assert!(why(of(claim("1Gi", "a"), claim("1Gi", "b"))).starts_with("spec.storageClassName"));

    let service = |address: &str| json!({ "kind": "Service", "spec": { "clusterIP": address } });
    let of = |one: Value, other: Value| compare("service/a", &one, &one, &other);
    assert!(why(of(service("10.0.0.1"), service("None"))).contains("headless"));
    let binding = |role: &str| json!({ "kind": "RoleBinding", "roleRef": { "name": role } });
    assert!(
        why(compare("rolebinding/a", &binding("a"), &binding("a"), &binding("b")))
            .starts_with("roleRef.name")
    );
    let config = |value: &str| json!({ "kind": "ConfigMap", "immutable": true, "data": { "a": value } });
    assert!(why(compare("configmap/a", &config("1"), &config("1"), &config("2"))).contains("immutable"));
}

#[test]
fn of_a_secret_only_its_hash_is_compared() {
    let secret = |hash: &str, known: &[&str]| {
        let mut body = json!({ "kind": "Secret", "metadata": { "name": "db", "annotations": { "rhumb.dev/content": hash } } });
        if known.contains(&"data") {
            body["type"] = "Opaque".into();
            body["data"] = json!({ "key": { "$material": { "sealed": "x" } } });
        }
        body
    };
    let (is, last) = (secret("1", &[]), secret("1", &["data"]));
    assert_eq!(compare("secret/db", &last, &is, &last), Change::None { kept: Vec::new() });
    let want = secret("2", &["data"]);
    let (body, changes) = updated(compare("secret/db", &last, &is, &want));
    assert_eq!(changes[0].0, "metadata.annotations.rhumb.dev/content");
    assert_eq!(body, want);
}

#[test]
fn of_what_was_anothers_what_its_makers_set_goes() {
    let mut is = deployment(Some(1), "a:1");
    is["spec"]["template"]["spec"]["containers"][0]["command"] = json!(["x"]);
    is["spec"]["progressDeadlineSeconds"] = 600.into();
    let container = json!({ ".": {}, "f:name": {}, "f:image": {}, "f:command": {} });
    is["metadata"]["managedFields"] = json!([{ "manager": "helm", "operation": "Update", "fieldsV1": { "f:spec": {
        "f:replicas": {},
        "f:template": { "f:spec": { "f:containers": { "k:{\"name\":\"web\"}": container } } },
    } } }]);
    let mut there = live("deployment/web", &is);
    there.foreign = Some("it belongs to Helm's release web".to_owned());
    let want = object("deployment/web", &deployment(Some(1), "a:1"));
    let (_, changes) = updated(change(Some(&there.object), &there, &want));
    assert_eq!(changes, [("spec.template.spec.containers.web.command".to_owned(), Cause::Wanted)]);
}

#[test]
fn what_was_put_to_rest_has_a_replica_again() {
    let (last, want) = (deployment(Some(0), "a:1"), deployment(None, "a:1"));
    let (body, changes) = updated(compare("deployment/web", &last, &deployment(Some(0), "a:1"), &want));
    assert_eq!(body["spec"]["replicas"], 1);
    assert_eq!(changes, [("spec.replicas".to_owned(), Cause::Wanted)]);
    // Whoever gave it some meanwhile knows better.
    let is = deployment(Some(4), "a:1");
    assert_eq!(compare("deployment/web", &last, &is, &want), Change::None { kept: Vec::new() });
}
