//! Verdicts about what runs.

use rhumb_backend::{ObjectId, Receipt, Scope, State};
use serde_json::{Value, json};

use super::scene::{Place, Scene};
use super::verdict::Verdict;
use super::{Patience, judge};
use crate::pods::tests::container;

fn receipt(id: &str, generation: u64) -> Receipt {
    Receipt {
        id: ObjectId::from(id),
        native: id.to_owned(),
        workload: None,
        outputs: std::collections::BTreeMap::new(),
        rollout: json!({ "generation": generation, "uid": "u" }),
    }
}

/// What becomes of an object with these pods and `ReplicaSets`. Its metadata is filled in where it is missing.
fn verdict(id: &str, object: Value, pods: &[Value], sets: &[Value]) -> Verdict {
    verdict_after(&Patience::default(), id, object, (pods, sets))
}

fn verdict_after(
    patience: &Patience,
    id: &str,
    mut object: Value,
    (pods, sets): (&[Value], &[Value]),
) -> Verdict {
    let name = id.split_once('/').unwrap().1;
    let metadata = json!({ "name": name, "namespace": "n", "uid": "u", "generation": 2 });
    object["metadata"] = object.get("metadata").cloned().unwrap_or(metadata);
    let pods = pods.iter().map(|pod| serde_json::from_value(pod.clone()).unwrap()).collect();
    let receipt = receipt(id, 2);
    let place = Place::of(&Scope::new("n", "shop"), &receipt);
    let scene = Scene::new(pods, sets.to_vec()).with(place.clone(), object);
    judge(&scene, &receipt, &place, patience)
}

#[expect(clippy::needless_pass_by_value, reason = "the callers write literals")]
fn pod(name: &str, owner: &str, labels: Value, status: Value) -> Value {
    json!({
        "metadata": {
            "name": name, "uid": name, "labels": labels, "creationTimestamp": "2026-01-01T00:00:00Z",
            "ownerReferences": [{ "apiVersion": "v1", "kind": "X", "name": owner, "uid": owner, "controller": true }],
        },
        "spec": { "nodeName": "a", "containers": [{ "name": "web" }] },
        "status": status,
    })
}

fn running() -> Value {
    json!({ "phase": "Running", "conditions": [
        { "type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z" },
    ] })
}

fn crashing() -> Value {
    let last = json!({ "terminated": { "exitCode": 3, "reason": "Error" } });
    let state = json!({ "waiting": { "reason": "CrashLoopBackOff" } });
    json!({ "phase": "Running", "containerStatuses": [container(4, &state, &last)] })
}

fn deployment(status: Value) -> Value {
    let mut status = status;
    if status.get("observedGeneration").is_none() {
        status["observedGeneration"] = json!(2);
    }
    json!({ "spec": { "replicas": 2, "template": { "spec": 1 } }, "status": status })
}

fn set(uid: &str, template: u64, available: u64) -> Value {
    json!({
        "metadata": { "name": uid, "uid": uid, "ownerReferences": [{ "uid": "u", "controller": true }] },
        "spec": { "template": { "spec": template } },
        "status": { "availableReplicas": available },
    })
}

fn full() -> Value {
    json!({ "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2 })
}

#[test]
fn a_deployment_is_ready_once_every_old_pod_is_gone() {
    let pods = [pod("new-1", "new", json!({}), running()), pod("new-2", "new", json!({}), running())];
    let ready = verdict("deployment/web", deployment(full()), &pods, &[set("new", 1, 2)]);
    assert_eq!((ready.state, ready.ready, ready.wanted), (State::Ready, 2, 2), "{ready:?}");
    let rolling = json!({ "replicas": 3, "updatedReplicas": 2, "availableReplicas": 3 });
    let rolling =
        verdict("deployment/web", deployment(rolling), &pods, &[set("new", 1, 2), set("old", 0, 1)]);
    assert_eq!(rolling.state, State::Progressing);
    assert_eq!(rolling.message, "1 of the version before left");
}

#[test]
fn what_the_controller_has_not_seen_is_progressing() {
    let mut behind = full();
    behind["observedGeneration"] = json!(1);
    let verdict = verdict("deployment/web", deployment(behind), &[], &[]);
    assert_eq!((verdict.state, verdict.ready), (State::Progressing, 0));
}

#[test]
fn an_old_pod_that_crashes_is_none_of_this_rollout() {
    let old = [pod("old-1", "old", json!({}), crashing()), pod("new-1", "new", json!({}), running())];
    let status = json!({ "replicas": 2, "updatedReplicas": 1, "availableReplicas": 1 });
    let sets = [set("new", 1, 1), set("old", 0, 0)];
    let waiting = verdict("deployment/web", deployment(status.clone()), &old, &sets);
    assert_eq!(waiting.state, State::Progressing, "{waiting:?}");
    let new = [pod("new-1", "new", json!({}), crashing())];
    let failed = verdict("deployment/web", deployment(status), &new, &sets);
    assert_eq!(failed.state, State::Failed);
    assert_eq!((failed.ready, failed.wanted), (1, 2));
    let culprit = failed.culprit.unwrap();
    assert_eq!((culprit.name.as_str(), culprit.exit_code), ("new-1", Some(3)));
}

#[test]
fn a_deployment_that_its_controller_gave_up_has_failed() {
    let status = json!({ "replicas": 2, "updatedReplicas": 1, "conditions": [
        { "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out" },
    ] });
    let failed = verdict("deployment/web", deployment(status), &[], &[set("new", 1, 0)]);
    assert_eq!(failed.state, State::Failed);
    assert!(failed.message.contains("ProgressDeadlineExceeded"), "{}", failed.message);
}

#[test]
fn a_deployment_that_is_paused_says_so() {
    let mut paused = deployment(json!({ "replicas": 2, "updatedReplicas": 0 }));
    paused["spec"]["paused"] = json!(true);
    let failed = verdict("deployment/web", paused, &[], &[]);
    assert!(failed.state == State::Failed && failed.message.contains("paused"), "{failed:?}");
    assert!(failed.culprit.unwrap().remedy.unwrap().contains("rollout resume"));
}

#[test]
fn pods_that_may_not_be_made_are_told() {
    let conditions = json!([
        { "type": "ReplicaFailure", "status": "True", "reason": "FailedCreate",
          "message": "pods \"web-1\" is forbidden: exceeded quota: small", "lastTransitionTime": "2026-01-01T00:00:00Z" },
    ]);
    let status = json!({ "conditions": conditions });
    let mut refused = set("new", 1, 0);
    refused["status"]["conditions"] = conditions;
    let deployment = |status: &Value| deployment(status.clone());
    // It may be left of a try whose cause is cured, however long it has been so.
    let stale = verdict("deployment/web", deployment(&status), &[], std::slice::from_ref(&refused));
    assert!(stale.state == State::Progressing && stale.message.contains("exceeded quota"), "{stale:?}");
    let patience = Patience::of_old("new", "ReplicaFailure");
    let failed = verdict_after(&patience, "deployment/web", deployment(&status), (&[], &[refused]));
    assert!(failed.state == State::Failed && failed.message.contains("exceeded quota"), "{failed:?}");
    // The set of a new try has said nothing yet, whatever the workload says of the one before.
    let tried_again = verdict("deployment/web", deployment(&status), &[], &[set("new", 1, 0)]);
    assert_eq!(tried_again.state, State::Progressing, "{tried_again:?}");
}

#[test]
fn another_object_of_the_same_name_is_not_waited_for() {
    let mut other = deployment(full());
    other["metadata"] = json!({ "name": "web", "namespace": "n", "uid": "other", "generation": 2 });
    assert_eq!(verdict("deployment/web", other, &[], &[]).state, State::Failed);
}

fn stateful_set(status: &Value) -> Value {
    let mut status = status.clone();
    status["observedGeneration"] = json!(2);
    json!({ "spec": { "replicas": 2, "updateStrategy": { "type": "RollingUpdate" } }, "status": status })
}

#[test]
fn a_stateful_set_waits_for_its_revision() {
    let hash = |revision: &str| json!({ "controller-revision-hash": revision });
    let pods = [pod("db-0", "u", hash("a"), running()), pod("db-1", "u", hash("b"), running())];
    let mut status = json!({ "replicas": 2, "availableReplicas": 2, "updatedReplicas": 1,
        "currentRevision": "a", "updateRevision": "b" });
    let rolling = verdict("statefulset/db", stateful_set(&status), &pods, &[]);
    assert_eq!((rolling.state, rolling.ready), (State::Progressing, 1), "{rolling:?}");
    let mut partition = stateful_set(&status);
    partition["spec"]["updateStrategy"]["rollingUpdate"] = json!({ "partition": 1 });
    assert_eq!(verdict("statefulset/db", partition, &pods, &[]).state, State::Ready);
    status["updatedReplicas"] = json!(2);
    let new = [pod("db-0", "u", hash("b"), running()), pod("db-1", "u", hash("b"), running())];
    assert_eq!(verdict("statefulset/db", stateful_set(&status), &new, &[]).state, State::Ready);
}

#[test]
fn a_broken_pod_of_the_version_before_holds_up_a_stateful_set() {
    let old = pod("db-1", "u", json!({ "controller-revision-hash": "a" }), crashing());
    let status =
        json!({ "replicas": 2, "availableReplicas": 1, "currentRevision": "a", "updateRevision": "b" });
    let failed = verdict("statefulset/db", stateful_set(&status), &[old], &[]);
    assert_eq!(failed.state, State::Failed);
    assert!(failed.culprit.unwrap().remedy.unwrap().contains("kubectl delete pod db-1"));
}

#[test]
fn a_daemon_set_that_no_node_takes_is_ready() {
    let status = |wanted: u64, updated: u64, serving: u64| {
        json!({ "spec": {}, "status": { "observedGeneration": 2, "desiredNumberScheduled": wanted,
            "updatedNumberScheduled": updated, "numberAvailable": serving } })
    };
    assert_eq!(verdict("daemonset/log", status(0, 0, 0), &[], &[]).state, State::Ready);
    let rolling = verdict("daemonset/log", status(3, 1, 3), &[], &[]);
    assert_eq!((rolling.state, rolling.message.as_str()), (State::Progressing, "1 of 3 pods are replaced"));
}

#[test]
fn a_job_has_its_own_word() {
    let job = |conditions: Value, pods: &[Value]| {
        verdict("job/once", json!({ "spec": {}, "status": { "conditions": conditions } }), pods, &[])
    };
    let is = |kind: &str, reason: &str| json!([{ "type": kind, "status": "True", "reason": reason }]);
    assert_eq!(job(is("Complete", ""), &[]).state, State::Ready);
    let ended = json!({ "phase": "Failed", "containerStatuses": [
        container(0, &json!({ "terminated": { "exitCode": 7, "reason": "Error" } }), &json!({})),
    ] });
    let failed = job(is("Failed", "BackoffLimitExceeded"), &[pod("once-1", "u", json!({}), ended.clone())]);
    assert_eq!(failed.message, "it exited with code 7 (BackoffLimitExceeded)");
    assert_eq!(failed.culprit.unwrap().exit_code, Some(7));
    assert_eq!(job(is("Failed", "DeadlineExceeded"), &[]).message, "DeadlineExceeded");
    let again = job(json!([]), &[pod("once-1", "u", json!({}), ended)]);
    assert!(again.state == State::Progressing && again.message.contains("code 7"), "{again:?}");
}

#[test]
fn a_process_without_a_probe_has_to_run_for_a_moment() {
    let now = jiff::Timestamp::now().to_string();
    let mut young = running();
    young["conditions"][0]["lastTransitionTime"] = json!(now);
    let pods = [pod("new-1", "new", json!({}), young)];
    let waiting = verdict("deployment/web", deployment(full()), &pods, &[set("new", 1, 2)]);
    assert_eq!((waiting.state, waiting.ready), (State::Progressing, 1), "{waiting:?}");
    let mut probed = pods[0].clone();
    probed["spec"]["containers"][0]["readinessProbe"] = json!({});
    let ready = verdict("deployment/web", deployment(full()), &[probed], &[set("new", 1, 2)]);
    assert_eq!(ready.state, State::Ready);
}

#[test]
fn objects_that_run_nothing_have_their_own_rules() {
    let check = |id: &str, object: Value, state: State| {
        let found = verdict(id, object, &[], &[]);
        assert_eq!(found.state, state, "{id}: {found:?}");
    };
    let conditions = |all: Value| json!({ "status": { "conditions": all } });
    check("persistentvolumeclaim/a", json!({ "status": { "phase": "Bound" } }), State::Ready);
    check("persistentvolumeclaim/a", json!({ "status": { "phase": "Lost" } }), State::Failed);
    check("service/a", json!({ "spec": { "type": "ClusterIP" } }), State::Ready);
    check("service/a", json!({ "spec": { "type": "LoadBalancer" } }), State::Progressing);
    let established = json!([
        { "type": "NamesAccepted", "status": "True" }, { "type": "Established", "status": "True" },
    ]);
    check("customresourcedefinition/a", conditions(established), State::Ready);
    check("customresourcedefinition/a", json!({}), State::Progressing);
    check(
        "certificate.cert-manager.io/a",
        conditions(json!([{ "type": "Ready", "status": "False" }])),
        State::Progressing,
    );
    check(
        "certificate.cert-manager.io/a",
        conditions(json!([{ "type": "Ready", "status": "True" }])),
        State::Ready,
    );
    check(
        "certificate.cert-manager.io/a",
        conditions(json!([{ "type": "Stalled", "status": "True" }])),
        State::Failed,
    );
    let stale = json!({ "status": { "observedGeneration": 1, "conditions": [{ "type": "Ready", "status": "True" }] } });
    check("certificate.cert-manager.io/a", stale, State::Progressing);
    check("poddisruptionbudget/a", json!({ "status": { "observedGeneration": 2 } }), State::Ready);
}
