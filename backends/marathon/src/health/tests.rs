//! Apps and pods, as Marathon shows them, and what is made of it.

use rhumb_backend::State;
use serde_json::{Value, json};

use super::Patience;
use super::pod::Pod;
use super::service::App;
use super::verdict::Verdict;
use crate::apply::Deployment;
use crate::rollout::Rollout;

const V1: &str = "2026-01-01T00:00:01.000Z";
const V2: &str = "2026-01-01T00:00:02.000Z";
const V3: &str = "2026-01-01T00:00:03.000Z";

#[expect(clippy::needless_pass_by_value, reason = "the callers write literals")]
fn app(extra: Value) -> Value {
    let mut app = json!({
        "id": "/default/shop/web",
        "instances": 2,
        "version": V2,
        "versionInfo": { "lastConfigChangeAt": V2, "lastScalingAt": V2 },
        "tasks": [],
        "deployments": [],
    });
    app.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    app
}

fn task(id: &str, version: &str, state: &str) -> Value {
    json!({ "id": id, "version": version, "state": state, "startedAt": V2 })
}

fn judge(document: &Value, patience: &Patience) -> Verdict {
    let rollout = Rollout { version: Some(V2.to_owned()), ..Rollout::default() };
    App { document, waiting: None, rollout: &rollout, patience }.judge()
}

fn check(extra: Value, state: State, counts: (u32, u32)) {
    let document = app(extra);
    let verdict = judge(&document, &Patience::default());
    assert_eq!((verdict.state, (verdict.ready, verdict.wanted)), (state, counts), "{verdict:?}");
}

#[test]
fn tasks_of_this_definition_count_once_the_deployment_is_over() {
    let running = json!([task("a", V2, "TASK_RUNNING"), task("b", V2, "TASK_RUNNING")]);
    check(json!({ "tasks": running }), State::Ready, (2, 2));
    check(json!({ "tasks": running, "deployments": [{ "id": "d" }] }), State::Progressing, (2, 2));
    let mixed = json!([task("a", V1, "TASK_RUNNING"), task("b", V2, "TASK_RUNNING")]);
    check(json!({ "tasks": mixed }), State::Progressing, (1, 2));
    let staging = json!([task("a", V2, "TASK_STAGING"), task("b", V2, "TASK_RUNNING")]);
    check(json!({ "tasks": staging }), State::Progressing, (1, 2));
    check(json!({ "instances": 0 }), State::Ready, (0, 0));
}

#[test]
fn health_checks_must_have_answered() {
    let with = |alive: Value| {
        let mut tasks = [task("a", V2, "TASK_RUNNING"), task("b", V2, "TASK_RUNNING")];
        for task in &mut tasks {
            task["healthCheckResults"] = alive.clone();
        }
        json!({ "tasks": tasks, "healthChecks": [{}] })
    };
    check(with(json!([])), State::Progressing, (0, 2));
    check(with(json!([{ "alive": false }])), State::Progressing, (0, 2));
    check(with(json!([{ "alive": true }])), State::Ready, (2, 2));
}

#[test]
fn another_definition_took_the_place_and_another_number_did_not() {
    check(json!({ "version": V3, "versionInfo": { "lastConfigChangeAt": V3 } }), State::Failed, (0, 0));
    let running =
        json!([task("a", V2, "TASK_RUNNING"), task("b", V2, "TASK_RUNNING"), task("c", V3, "TASK_RUNNING")]);
    let scaled = json!({ "instances": 3, "version": V3, "tasks": running });
    check(scaled, State::Ready, (3, 3));
}

#[test]
fn a_task_that_fails_again_and_again_ends_the_wait() {
    let patience = Patience::default();
    let failing = |task: &str, version: &str| {
        app(json!({ "deployments": [{ "id": "d" }], "lastTaskFailure": {
            "taskId": task, "version": version, "state": "TASK_FAILED", "message": "Command exited with status 3",
        } }))
    };
    assert_eq!(judge(&failing("0", V1), &patience).culprit, None, "it was another definition's");
    assert_eq!(judge(&failing("1", V2), &patience).state, State::Progressing);
    assert_eq!(judge(&failing("1", V2), &patience).state, State::Progressing);
    assert_eq!(judge(&failing("2", V2), &patience).state, State::Progressing);
    let verdict = judge(&failing("3", V2), &patience);
    assert_eq!(verdict.state, State::Failed);
    assert_eq!(verdict.message, "3 tasks failed, and Marathon only tries again");
    let failure = verdict.culprit.unwrap().failure;
    assert_eq!((failure.task.as_str(), failure.exit_code), ("3", Some(3)));
}

#[test]
fn an_image_that_cannot_be_had_ends_it_at_once() {
    let document = app(json!({ "deployments": [{ "id": "d" }], "lastTaskFailure": {
        "taskId": "1", "version": V2, "state": "TASK_FAILED", "message": "Failed to launch container: manifest unknown",
    } }));
    assert_eq!(judge(&document, &Patience::default()).state, State::Failed);
}

#[test]
fn pods_are_stable_or_end_again_and_again() {
    let instance = |version: &str, status: &str| json!({ "id": "i", "status": status, "specReference": format!("/v2/pods/a::versions/{version}") });
    let status = |instances: Value, ended: Value| {
        json!({ "id": "/a", "spec": { "version": V2, "scaling": { "instances": 1 } }, "instances": instances,
            "terminationHistory": ended })
    };
    let rollout = Rollout { version: Some(V2.to_owned()), ..Rollout::default() };
    let patience = Patience::default();
    let judge = |status: &Value| {
        Pod { status, deployment: None, waiting: None, rollout: &rollout, patience: &patience }.judge()
    };
    assert_eq!(judge(&status(json!([instance(V2, "STABLE")]), json!([]))).state, State::Ready);
    let deployment = Deployment { id: "d".to_owned(), ..Deployment::default() };
    let old = status(json!([instance(V1, "STABLE")]), json!([]));
    let underway = Pod {
        status: &old,
        deployment: Some(&deployment),
        waiting: None,
        rollout: &rollout,
        patience: &patience,
    };
    assert_eq!((underway.judge().state, underway.judge().ready), (State::Progressing, 0));
    assert_eq!(judge(&status(json!([instance(V2, "STAGING")]), json!([]))).state, State::Progressing);
    let ended = |id: &str, at: &str| {
        json!({ "instanceID": id, "startedAt": at, "terminatedAt": at, "containers": [
        { "containerId": "main", "termination": { "exitCode": 4, "message": "died" } },
    ] })
    };
    let twice = status(json!([]), json!([ended("0", V1), ended("1", V2), ended("2", V3)]));
    assert_eq!(judge(&twice).state, State::Progressing, "one is from before");
    let thrice = status(json!([]), json!([ended("1", V2), ended("2", V3), ended("3", V3)]));
    let verdict = judge(&thrice);
    assert_eq!(verdict.state, State::Failed);
    let failure = verdict.culprit.unwrap().failure;
    assert_eq!((failure.reason.as_str(), failure.exit_code), ("container main: died", Some(4)));
}
