use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::{Cause, ObjectId};
use serde_json::json;

use super::*;

fn object(id: &str, body: &Value) -> Object {
    Object::new(ObjectId::from(id), body.clone())
}

fn there(id: &str, body: &Value) -> Live {
    Live {
        object: object(id, body),
        native: "arn:x".to_owned(),
        version: None,
        outputs: BTreeMap::new(),
        holds: BTreeSet::new(),
        foreign: None,
    }
}

/// The paths that change, with who made the difference.
fn check(id: &str, (last, live, want): (Option<&Value>, &Value, &Value), expect: &[(&str, Cause)]) -> Change {
    let last = last.map(|last| object(id, last));
    let change = change(last.as_ref(), &there(id, live), &object(id, want));
    let changes = match &change {
        Change::None { .. } => Vec::new(),
        Change::Update { changes, .. } | Change::Replace { changes, .. } => {
            changes.iter().map(|change| (change.path.as_str(), change.cause)).collect()
        }
    };
    assert_eq!(changes, expect);
    change
}

#[test]
fn the_number_of_tasks_stays_as_somebody_set_it() {
    let (want, live) = (json!({ "desiredCount": 2 }), json!({ "desiredCount": 5 }));
    let Change::None { kept } = check("service/web", (Some(&want), &live, &want), &[]) else {
        panic!("it is not kept")
    };
    assert_eq!(kept[0].path, "desiredCount");
    let more = json!({ "desiredCount": 3 });
    check("service/web", (Some(&want), &live, &more), &[("desiredCount", Cause::Wanted)]);
    check(
        "service/web",
        (Some(&want), &live, &json!({ "serviceName": "w" })),
        &[("serviceName", Cause::Wanted)],
    );
}

#[test]
fn what_an_update_does_not_take_is_made_anew() {
    let is_replace = |id: &str, live: Value, want: Value| {
        let last = live.clone();
        let change = change(Some(&object(id, &last)), &there(id, &live), &object(id, &want));
        matches!(change, Change::Replace { .. })
    };
    let launch = |word: &str| json!({ "launchType": word });
    assert!(is_replace("service/web", launch("EC2"), launch("FARGATE")));
    let providers =
        json!({ "capacityProviderStrategy": [{ "capacityProvider": "FARGATE_SPOT", "weight": 1 }] });
    assert!(!is_replace("service/web", launch("FARGATE"), providers.clone()));
    assert!(!is_replace("service/web", providers, launch("FARGATE")));
    let strategy = |word: &str| json!({ "schedulingStrategy": word });
    assert!(is_replace("service/web", strategy("REPLICA"), strategy("DAEMON")));
    assert!(is_replace("target-group/web-80", json!({ "Port": 80 }), json!({ "Port": 81 })));
    assert!(!is_replace(
        "target-group/web-80",
        json!({ "HealthCheckPath": "/" }),
        json!({ "HealthCheckPath": "/a" })
    ));
    assert!(is_replace("access-point/data", json!({ "FileSystemId": "a" }), json!({ "FileSystemId": "b" })));
    assert!(is_replace("task/job", json!({ "count": 1 }), json!({ "count": 2 })));
}

#[test]
fn a_service_with_capacity_providers_does_not_drift_by_its_launch_type() {
    let want = json!({ "capacityProviderStrategy": [{ "capacityProvider": "FARGATE", "weight": 1 }] });
    let live = json!({
        "launchType": "FARGATE",
        "capacityProviderStrategy": [{ "capacityProvider": "FARGATE", "weight": 1, "base": 0 }],
    });
    check("service/web", (Some(&want), &live, &want), &[]);
}

#[test]
fn what_is_named_by_its_content_differs_by_its_tags_alone() {
    let mut want =
        object("secret/db", &json!({ "SecretString": { "a": 1 }, "Tags": [{ "Key": "a", "Value": "1" }] }));
    want.generation = Some("1".to_owned());
    let live = there("secret/db", &json!({ "Name": "x", "Tags": [{ "Key": "b", "Value": "2" }] }));
    let Change::Update { changes, .. } = change(None, &live, &want) else { panic!("the tag is missing") };
    assert_eq!(changes.iter().map(|change| change.path.as_str()).collect::<Vec<_>>(), ["Tags.a"]);
}

#[test]
fn what_was_given_up_is_asked_for_by_force() {
    let want = json!({ "taskDefinition": "arn:new", "desiredCount": 2 });
    let live = there("service/web", &json!({ "taskDefinition": "arn:new", "desiredCount": 4 }));
    let again = again(&live, &object("service/web", &want)).unwrap();
    assert_eq!(again, json!({ "taskDefinition": "arn:new", "desiredCount": 4, "forceNewDeployment": true }));
    assert_eq!(super::again(&there("schedule/web", &json!({})), &object("schedule/web", &json!({}))), None);
}

#[test]
fn what_a_secret_holds_is_told_by_what_was_wanted_last() {
    let body = |demand: u8| json!({ "Name": "db", "SecretString": { "a": demand } });
    let live = there("secret/db", &json!({ "Name": "db" }));
    let compare = |last: u8, want: u8| {
        change(Some(&object("secret/db", &body(last))), &live, &object("secret/db", &body(want)))
    };
    assert_eq!(compare(1, 1), Change::None { kept: Vec::new() });
    let Change::Update { body: sent, changes, .. } = compare(1, 2) else { panic!("it changes") };
    assert_eq!((sent, changes[0].path.as_str()), (body(2), "SecretString"));
    assert_eq!((&changes[0].from, &changes[0].to), (&None, &None));
}
