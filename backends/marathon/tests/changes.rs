//! What differs between what was wanted, what is there, and what is wanted.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use rhumb_backend::{Cause, Change, Live, Object, ObjectId};
use rhumb_marathon::change::change;
use serde_json::{Value, json};

fn object(id: &str, body: Value) -> Object {
    Object::new(ObjectId::from(id), body)
}

fn live(id: &str, body: Value) -> Live {
    Live {
        object: object(id, body),
        native: "/default/shop/web".to_owned(),
        version: Some("2026-01-01T00:00:00.000Z".to_owned()),
        outputs: std::collections::BTreeMap::new(),
        holds: std::collections::BTreeSet::new(),
        foreign: None,
    }
}

/// `update cpus wanted`, `kept instances`, `replace …`, `none`.
fn told(id: &str, last: &Value, there: &Value, want: &Value) -> String {
    let (last, want) = (object(id, last.clone()), object(id, want.clone()));
    match change(Some(&last), &live(id, there.clone()), &want) {
        Change::None { kept } if kept.is_empty() => "none".to_owned(),
        Change::None { kept } => format!("kept {}", kept[0].path),
        Change::Update { changes, .. } => {
            let of = |cause| match cause {
                Cause::Wanted => "wanted",
                Cause::Drift => "drift",
                Cause::Kept => "kept",
            };
            let changes: Vec<String> =
                changes.iter().map(|change| format!("{} {}", change.path, of(change.cause))).collect();
            format!("update {}", changes.join(", "))
        }
        Change::Replace { why, .. } => format!("replace {why}"),
    }
}

/// An app as Marathon returns it, with everything that it fills in.
fn returned() -> Value {
    json!({
        "id": "/default/shop/web",
        "acceptedResourceRoles": ["*"],
        "backoffFactor": 1.15,
        "backoffSeconds": 1,
        "container": {
            "type": "DOCKER",
            "docker": { "forcePullImage": false, "image": "nginx:1", "parameters": [], "privileged": false },
            "volumes": [],
            "portMappings": [{
                "containerPort": 80, "hostPort": 0, "labels": {}, "name": "http", "protocol": "tcp", "servicePort": 10_000,
            }],
        },
        "cpus": 0.1,
        "disk": 0,
        "executor": "",
        "healthChecks": [{
            "gracePeriodSeconds": 300, "intervalSeconds": 5, "maxConsecutiveFailures": 3, "path": "/", "portIndex": 0,
            "protocol": "HTTP", "ipProtocol": "IPv4", "timeoutSeconds": 20, "delaySeconds": 15, "ignoreHttp1xx": false,
        }],
        "instances": 2,
        "labels": { "a": "b" },
        "maxLaunchDelaySeconds": 300,
        "mem": 32.0,
        "gpus": 0,
        "networks": [{ "mode": "container/bridge" }],
        "requirePorts": false,
        "upgradeStrategy": { "maximumOverCapacity": 1.0, "minimumHealthCapacity": 1.0 },
        "version": "2026-01-01T00:00:00.000Z",
        "versionInfo": { "lastScalingAt": "2026-01-01T00:00:00.000Z" },
        "killSelection": "YOUNGEST_FIRST",
        "unreachableStrategy": { "inactiveAfterSeconds": 0, "expungeAfterSeconds": 0 },
        "tasksStaged": 0, "tasksRunning": 2, "tasksHealthy": 2, "tasksUnhealthy": 0,
        "deployments": [],
    })
}

fn wanted() -> Value {
    json!({
        "id": "/default/shop/web",
        "instances": 2,
        "cpus": 0.1,
        "mem": 32,
        "container": {
            "type": "DOCKER",
            "docker": { "image": "nginx:1" },
            "portMappings": [{ "containerPort": 80, "servicePort": 0, "name": "http" }],
        },
        "networks": [{ "mode": "container/bridge" }],
        "healthChecks": [{ "path": "/", "portIndex": 0, "protocol": "HTTP", "intervalSeconds": 5 }],
        "labels": { "a": "b" },
        "env": {},
    })
}

/// The document with a value at a place.
fn with(mut document: Value, at: &str, value: Value) -> Value {
    let (parent, key) = at.rsplit_once('/').unwrap();
    document.pointer_mut(parent).unwrap()[key] = value;
    document
}

#[test]
fn what_the_server_fills_in_is_no_difference() {
    assert_eq!(told("app/web", &wanted(), &returned(), &wanted()), "none");
}

#[test]
fn what_is_wanted_wins_and_drift_goes_back() {
    let image = "/container/docker/image";
    let newer = with(wanted(), image, "nginx:2".into());
    assert_eq!(told("app/web", &wanted(), &returned(), &newer), "update container.docker.image wanted");
    let drifted = with(returned(), image, "nginx:9".into());
    assert_eq!(told("app/web", &wanted(), &drifted, &wanted()), "update container.docker.image drift");
    let labelled = with(returned(), "/labels/mine", "x".into());
    assert_eq!(told("app/web", &wanted(), &labelled, &wanted()), "none", "what we never set stays");
    let checked = with(wanted(), "/healthChecks/0/intervalSeconds", 9.into());
    assert!(told("app/web", &wanted(), &returned(), &checked).starts_with("update healthChecks"));
}

#[test]
fn the_number_that_somebody_set_stays_until_the_chart_changes_its_own() {
    let scaled = with(returned(), "/instances", 5.into());
    assert_eq!(told("app/web", &wanted(), &scaled, &wanted()), "kept instances");
    let more = with(wanted(), "/instances", 3.into());
    assert_eq!(told("app/web", &wanted(), &scaled, &more), "update instances wanted");
    let (last, want) = (object("app/web", wanted()), object("app/web", with(wanted(), "/cpus", 1.into())));
    let Change::Update { body, .. } = change(Some(&last), &live("app/web", scaled), &want) else { panic!() };
    assert_eq!(body["instances"], 5);
    assert!(body.get("version").is_none() && body.get("deployments").is_none(), "states are not sent");
}

#[test]
fn an_app_leaves_the_hosts_network_with_its_ports() {
    let mut there = returned();
    there["networks"] = json!([{ "mode": "host" }]);
    there["portDefinitions"] = json!([{ "port": 10_000, "protocol": "tcp" }]);
    there["container"].as_object_mut().unwrap().remove("portMappings");
    let last = with(wanted(), "/networks", json!([{ "mode": "host" }]));
    let (last, want) = (object("app/web", last), object("app/web", wanted()));
    let Change::Update { body, .. } = change(Some(&last), &live("app/web", there), &want) else { panic!() };
    assert!(body.get("portDefinitions").is_none(), "{body}");
    assert!(body.get("requirePorts").is_none(), "{body}");
}

#[test]
fn what_has_persistent_volumes_changes_only_by_being_made_anew() {
    let volumes = json!([{ "containerPath": "data", "mode": "RW", "persistent": { "size": 100 } }]);
    let resident = |document: Value| with(document, "/container/volumes", volumes.clone());
    let check = |want: Value, expect: &str| {
        let told = told("app/web", &resident(wanted()), &resident(returned()), &resident(want));
        assert!(told.starts_with(expect), "{told}");
    };
    check(wanted(), "none");
    check(with(wanted(), "/container/docker/image", "nginx:2".into()), "update");
    check(with(wanted(), "/cpus", 1.into()), "replace cpus: Marathon changes no resources");
    let bigger = json!([{ "containerPath": "data", "mode": "RW", "persistent": { "size": 200 } }]);
    let want = with(wanted(), "/container/volumes", bigger);
    let told = told("app/web", &resident(wanted()), &resident(returned()), &want);
    assert!(told.starts_with("replace container.volumes"), "{told}");
    let (last, there) = (object("app/web", resident(wanted())), live("app/web", resident(returned())));
    let want = object("app/web", resident(with(wanted(), "/mem", 64.into())));
    let Change::Replace { outage, .. } = change(Some(&last), &there, &want) else { panic!() };
    assert!(outage.contains("is lost"), "what becomes of the data is told: {outage}");
}

#[test]
fn entries_of_the_store_are_equal_by_their_names() {
    let path = json!({ "path": "default/shop/db__password-0a" });
    assert_eq!(told("secret/db/password", &path, &path, &path), "none");
    assert_eq!(told("config/web/x", &path, &path, &path), "none");
}

#[test]
fn a_job_that_ran_is_made_anew_and_a_schedule_is_changed() {
    let job = |content: &str| {
        let mut job =
            object("job/init", json!({ "id": "default.shop.init", "run": { "cmd": content, "cpus": 0.1 } }));
        job.once = Some(content.to_owned());
        job
    };
    let there = Live { object: job("a"), ..live("job/init", json!({})) };
    assert!(matches!(change(Some(&job("a")), &there, &job("a")), Change::None { .. }));
    assert!(matches!(change(Some(&job("a")), &there, &job("b")), Change::Replace { .. }));
    let schedule = |cron: &str, more: &Value| {
        let mut schedule = json!({ "id": "default", "cron": cron });
        schedule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "id": "default.shop.backup", "run": { "cmd": "x" }, "schedules": [schedule] })
    };
    let filled = json!({ "timezone": "UTC", "concurrencyPolicy": "ALLOW", "enabled": true,
        "startingDeadlineSeconds": 900, "nextRunAt": "2026-01-01T00:00:00Z" });
    let (want, there) = (schedule("0 3 * * *", &json!({})), schedule("0 3 * * *", &filled));
    assert_eq!(told("job/backup", &want, &there, &want), "none");
    let later = schedule("0 4 * * *", &json!({}));
    assert_eq!(told("job/backup", &want, &there, &later), "update schedules.default.cron wanted");
}
