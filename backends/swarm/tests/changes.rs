//! What an upgrade finds to do, on documents as engine 20.10 returns them.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod offline;

use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::{Cause, Change, Choices, Live, Object, Ownership};
use rhumb_swarm::change::change;
use rhumb_swarm::facts::SwarmFacts;
use serde_json::{Value, json};

const APP: &str = "
kind: Workload
name: web
replicas: 2
containers:
  web:
    image: shop/web:1
    args: [--verbose]
    env: { A: \"1\" }
    ports: { http: 8080 }
    probes: { ready: { http: /, port: http, period: 5s } }
    stop: { grace: 0s }
expose:
  http: { port: 80, as: node }
restart: { policy: onFailure, delay: 0s }
update: { maxSurge: 1, maxUnavailable: 0, delay: 0s, maxFailurePercent: 100 }
---
kind: Workload
name: agent
mode: global
containers:
  agent:
    image: shop/agent:1
networks: { private: {} }
---
kind: Network
name: private
encrypted: true
subnet: 10.9.0.0/24
";

fn objects(app: &str) -> Vec<Object> {
    offline::lowered(&offline::parse(app), &SwarmFacts::default(), &Choices::default()).unwrap().objects
}

fn find<'a>(objects: &'a [Object], id: &str) -> &'a Object {
    objects.iter().find(|object| object.id.as_str() == id).unwrap()
}

/// The object as the engine returns it, with what the engine adds and without what it does not keep.
fn returned(object: &Object) -> Live {
    let mut body = object.body.clone();
    let mut set = |pointer: &str, key: &str, value: Value| {
        if let Some(map) = body.pointer_mut(pointer).and_then(Value::as_object_mut) {
            map.insert(key.to_owned(), value);
        }
    };
    match object.id.kind() {
        "service" => {
            set("/TaskTemplate/ContainerSpec", "Isolation", json!("default"));
            set("/TaskTemplate", "ForceUpdate", json!(0));
            set("/TaskTemplate", "Runtime", json!("container"));
            set("/TaskTemplate/RestartPolicy", "MaxAttempts", json!(0));
            set("/UpdateConfig", "FailureAction", json!("pause"));
            set("/UpdateConfig", "MaxFailureRatio", json!(1));
            body.get_mut("UpdateConfig").map(|config| config.as_object_mut().unwrap().remove("Delay"));
        }
        "network" => {
            set("", "Id", json!("n1"));
            set("", "Scope", json!("swarm"));
            set("", "Internal", json!(false));
            set("", "Attachable", json!(false));
            set("", "Containers", Value::Null);
            set("/IPAM", "Options", Value::Null);
            set("/IPAM/Config/0", "Gateway", json!("10.9.0.1"));
            set("/Options", "com.docker.network.driver.overlay.vxlanid_list", json!("4097"));
        }
        _ => {}
    }
    let object = Object { body, ownership: Ownership::Owned, ..object.clone() };
    Live {
        object,
        native: "native".to_owned(),
        version: Some("7".to_owned()),
        outputs: BTreeMap::default(),
        holds: BTreeSet::default(),
        foreign: None,
    }
}

/// The change of a service that is there as it was wanted, but for `tampered`.
fn drifted(tampered: impl Fn(&mut Value)) -> Change {
    let objects = objects(APP);
    let web = find(&objects, "service/web");
    let mut live = returned(web);
    tampered(&mut live.object.body);
    change(Some(web), &live, web)
}

#[test]
fn what_was_just_made_is_unchanged() {
    for object in objects(APP) {
        for last in [None, Some(&object)] {
            assert_eq!(
                change(last, &returned(&object), &object),
                Change::None { kept: Vec::new() },
                "{}",
                object.id
            );
        }
    }
}

#[test]
fn a_new_network_shows_little_of_itself() {
    let objects = objects(APP);
    let private = find(&objects, "network/private");
    let mut live = returned(private);
    live.object.body = json!({
        "Id": "n1", "Name": "shop_private", "Driver": "", "Options": null, "Internal": false, "Attachable": false,
        "IPAM": { "Driver": "", "Options": null, "Config": null },
    });
    assert_eq!(change(Some(private), &live, private), Change::None { kept: Vec::new() });
}

#[test]
fn a_digest_is_no_difference_to_its_tag() {
    let image = "/TaskTemplate/ContainerSpec/Image";
    let same = |body: &mut Value| *body.pointer_mut(image).unwrap() = json!("shop/web:1@sha256:00");
    assert_eq!(drifted(same), Change::None { kept: Vec::new() });
    let other = |body: &mut Value| *body.pointer_mut(image).unwrap() = json!("shop/web:10@sha256:00");
    assert!(matches!(drifted(other), Change::Update { .. }));
}

#[test]
fn replicas_stay_as_somebody_set_them() {
    let found = drifted(|body| body["Mode"]["Replicated"]["Replicas"] = json!(5));
    let Change::None { kept } = found else { panic!("{found:?}") };
    assert_eq!(kept.len(), 1);
    assert_eq!((kept[0].path.as_str(), kept[0].cause), ("Mode.Replicated.Replicas", Cause::Kept));
    assert_eq!((kept[0].from.clone(), kept[0].to.clone()), (Some(json!(5)), Some(json!(2))));
}

#[test]
fn what_somebody_else_changed_of_ours_is_put_back() {
    let found = drifted(|body| {
        body["TaskTemplate"]["ContainerSpec"]["Env"] = json!(["B=2", "A=9"]);
        body["TaskTemplate"]["ForceUpdate"] = json!(3);
    });
    let Change::Update { body, changes, .. } = found else { panic!("{found:?}") };
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!(changes[0].cause, Cause::Drift);
    assert_eq!(
        body["TaskTemplate"]["ContainerSpec"]["Env"],
        json!(["B=2", "A=1"]),
        "what was never ours stays"
    );
    assert_eq!(body["TaskTemplate"]["ForceUpdate"], json!(3));
}

#[test]
fn what_is_wanted_now_wins() {
    let before = objects(APP);
    let after = objects(&APP.replace("replicas: 2", "replicas: 3").replace("--verbose", "--quiet"));
    let (last, want) = (find(&before, "service/web"), find(&after, "service/web"));
    let found = change(Some(last), &returned(last), want);
    let Change::Update { body, changes, .. } = found else { panic!("{found:?}") };
    let paths: Vec<&str> = changes.iter().map(|change| change.path.as_str()).collect();
    assert_eq!(paths, ["TaskTemplate.ContainerSpec.Args", "Mode.Replicated.Replicas"]);
    assert!(changes.iter().all(|change| change.cause == Cause::Wanted));
    assert_eq!(body["Mode"]["Replicated"]["Replicas"], json!(3));
}

#[test]
fn what_was_set_and_is_wanted_no_more_goes() {
    let before = objects(APP);
    let after = objects(&APP.replace("restart: { policy: onFailure, delay: 0s }\n", ""));
    let (last, want) = (find(&before, "service/web"), find(&after, "service/web"));
    let Change::Update { body, .. } = change(Some(last), &returned(last), want) else { panic!() };
    assert_eq!(body["TaskTemplate"].pointer("/RestartPolicy/Condition"), None);
}

#[test]
fn a_mode_changes_only_by_a_new_service() {
    let before = objects(APP);
    let after = objects(&APP.replace("replicas: 2", "mode: global").replace("maxSurge: 1, ", ""));
    let after = offline_web(&after);
    let last = find(&before, "service/web");
    let found = change(Some(last), &returned(last), &after);
    let Change::Replace { why, outage, changes } = found else { panic!("{found:?}") };
    assert_eq!(why, "Mode: Swarm cannot turn a service from Replicated into Global");
    assert_eq!(outage, "the service is removed and made anew: its tasks stop before new ones start");
    assert!(!changes.is_empty());
}

fn offline_web(objects: &[Object]) -> Object {
    find(objects, "service/web").clone()
}

#[test]
fn a_network_changes_only_by_a_new_one() {
    let before = objects(APP);
    let after = objects(&APP.replace("encrypted: true", "encrypted: true\nattachable: true"));
    let (last, want) = (find(&before, "network/private"), find(&after, "network/private"));
    let found = change(Some(last), &returned(last), want);
    let Change::Replace { why, .. } = found else { panic!("{found:?}") };
    assert_eq!(why, "Attachable: Swarm changes no network in place");
    let labelled = objects(&APP.replace("encrypted: true", "encrypted: true\nlabels: { a: b }"));
    let want = find(&labelled, "network/private");
    assert_eq!(change(Some(last), &returned(last), want), Change::None { kept: Vec::new() });
}

#[test]
fn new_credentials_are_a_change() {
    let app = |seal: &str| {
        format!(
            "kind: Workload\nname: web\npullSecret: registry\ncontainers: {{ web: {{ image: shop/web:1 }} }}\n---\n\
             kind: Secret\nname: registry\ndata: {{ .dockerconfigjson: \"sealed:{seal}\" }}\n"
        )
    };
    let (before, after) = (objects(&app("a")), objects(&app("b")));
    let (last, want) = (find(&before, "service/web"), find(&after, "service/web"));
    let mut live = returned(last);
    live.object.body.as_object_mut().unwrap().remove("$registryAuth");
    assert_eq!(change(Some(last), &live, last), Change::None { kept: Vec::new() });
    let Change::Update { body, changes, .. } = change(Some(last), &live, want) else { panic!() };
    assert_eq!(changes.len(), 1);
    assert_eq!(body["$registryAuth"], json!({ "$material": { "sealed": "b" } }));
}

#[test]
fn an_update_of_a_scheduled_service_is_no_run() {
    let app = "kind: Workload\nname: report\nmode: cron\ncron: { schedule: \"0 3 * * *\" }\n\
               containers: { report: { image: \"shop/report:1\" } }\n";
    let (before, after) = (objects(app), objects(&app.replace("report:1", "report:2")));
    let (last, want) = (find(&before, "service/report"), find(&after, "service/report"));
    let mut live = returned(last);
    live.object.body["Mode"]["Replicated"]["Replicas"] = json!(1);
    live.object.body["TaskTemplate"]["ForceUpdate"] = json!(77);
    assert_eq!(change(Some(last), &live, last), Change::None { kept: Vec::new() });
    let Change::Update { body, .. } = change(Some(last), &live, want) else { panic!() };
    assert_eq!(body["Mode"]["Replicated"]["Replicas"], json!(0));
}

#[test]
fn new_labels_of_a_service_leave_its_tasks_alone() {
    let all = objects(APP);
    let last = find(&all, "service/web");
    let mut live = returned(last);
    live.object.body["TaskTemplate"]["Resources"] = json!({});
    live.object.body["TaskTemplate"]["ContainerSpec"]["DNSConfig"] = json!({});
    live.object.body["Labels"].as_object_mut().unwrap().remove("rhumb.dev/release");
    let Change::Update { body, changes, .. } = change(Some(last), &live, last) else { panic!() };
    let paths: Vec<&str> = changes.iter().map(|change| change.path.as_str()).collect();
    assert_eq!(paths, ["Labels.rhumb.dev/release"]);
    assert_eq!(
        body["TaskTemplate"], live.object.body["TaskTemplate"],
        "another template restarts every task"
    );
}

#[test]
fn a_config_that_was_adopted_is_marked_and_nothing_else() {
    let all = objects("kind: Config\nname: look\ndata: { colour: blue }\n");
    let want = find(&all, "config/look/colour");
    let mut live = returned(want);
    assert_eq!(change(Some(want), &live, want), Change::None { kept: Vec::new() });
    live.object.body = json!({ "Name": "old", "Labels": { "team": "web" }, "Data": "eA==" });
    let Change::Update { body, .. } = change(Some(want), &live, want) else { panic!() };
    assert_eq!((&body["Name"], &body["Data"]), (&json!("old"), &json!("eA==")));
    assert_eq!(
        (&body["Labels"]["team"], &body["Labels"]["rhumb.dev/object"]),
        (&json!("web"), &json!("config/look/colour"))
    );
}
