//! Rollouts of every kind that get there, and how far they are meanwhile.

use rhumb_backend::State;
use serde_json::json;

use crate::lab::{Lab, SLEEP, of, pod};

#[tokio::test]
async fn every_kind_that_runs_gets_ready() {
    let Some(lab) = Lab::open("kinds") else { return };
    let named = |mut object: serde_json::Value, name: &str| {
        object["metadata"] = lab.metadata(name);
        let labels = rhumb_kubernetes::names::labels(&lab.scope, name);
        object["spec"]["template"]["metadata"]["labels"] = json!(labels);
        if object["spec"].get("selector").is_some() {
            object["spec"]["selector"] =
                json!({ "matchLabels": rhumb_kubernetes::names::selector(&lab.scope, name) });
        }
        object
    };
    let mut once = pod(&["true"], &json!({}));
    once["restartPolicy"] = json!("Never");
    let mut agent = pod(SLEEP, &json!({}));
    agent["nodeSelector"] = json!({ "kubernetes.io/hostname": "node1" });
    let receipts = [
        lab.apply(&named(lab.workload("apps/v1", "Deployment", json!({ "replicas": 2 }), pod(SLEEP, &json!({}))), "web")),
        lab.apply(&named(
            lab.workload("apps/v1", "StatefulSet", json!({ "replicas": 2, "serviceName": "db" }), pod(SLEEP, &json!({}))),
            "db",
        )),
        lab.apply(&named(lab.workload("apps/v1", "DaemonSet", json!({}), agent), "agent")),
        lab.apply(&named(lab.workload("batch/v1", "Job", json!({}), once), "once")),
        lab.apply(&json!({ "apiVersion": "v1", "kind": "Pod", "metadata": lab.metadata("single"), "spec": pod(SLEEP, &json!({})) })),
    ];
    let first = lab.look(&receipts).await;
    assert!(first.iter().any(|health| health.state == State::Progressing), "{first:#?}");
    let health = lab.wait(&receipts).await;
    let counts = |id: &str| {
        let health = of(&health, id);
        assert_eq!(health.state, State::Ready, "{health:#?}");
        (health.ready, health.wanted)
    };
    assert_eq!(counts("deployment/web"), (2, 2));
    assert_eq!(counts("statefulset/db"), (2, 2));
    assert_eq!(counts("daemonset/agent"), (1, 1));
    assert_eq!(counts("job/once"), (1, 1));
    assert_eq!(counts("pod/single"), (1, 1));
}

#[tokio::test]
async fn an_update_is_ready_only_once_the_version_before_is_gone() {
    let Some(lab) = Lab::open("update") else { return };
    let version =
        |word: &str| lab.deployment(&["sh", "-c", &format!("echo {word}; sleep 100000")], &json!({}));
    let first = lab.apply(&version("one"));
    lab.wait(std::slice::from_ref(&first)).await;
    let second = lab.apply(&version("two"));
    let states = std::cell::RefCell::new(Vec::new());
    lab.wait_for(std::slice::from_ref(&second), |health| {
        states.borrow_mut().push(health[0].state);
        health[0].state == State::Ready
    })
    .await;
    assert_eq!(states.borrow()[0], State::Progressing, "the version before does not count");
    let pods = lab.kubectl(&["get", "pods", "-n", &lab.scope.namespace, "-o", "name"], None);
    let sets = lab.kubectl(
        &["get", "rs", "-n", &lab.scope.namespace, "-o", "jsonpath={.items[*].status.replicas}"],
        None,
    );
    assert_eq!(sets.split_whitespace().filter(|count| *count == "1").count(), 1, "{pods} {sets}");
}

#[tokio::test]
async fn a_failed_update_does_not_blame_the_version_before() {
    let Some(lab) = Lab::open("blame") else { return };
    lab.wait(&[lab.apply(&lab.deployment(SLEEP, &json!({})))]).await;
    let health = lab
        .fail(&lab.deployment(&["sh", "-c", "exit 3"], &json!({})), std::time::Duration::from_mins(1))
        .await;
    let failure = health.failure.unwrap();
    assert_eq!((failure.exit_code, health.ready), (Some(3), 0), "{failure:#?}");
    // And back: the crashing pods are now those of the version before.
    let back = lab.wait(&[lab.apply(&lab.deployment(SLEEP, &json!({})))]).await.remove(0);
    assert_eq!((back.state, back.ready), (State::Ready, 1), "{back:#?}");
}

#[tokio::test]
async fn a_stateful_set_that_its_broken_version_blocks_says_so() {
    let Some(lab) = Lab::open("blocked") else { return };
    let set = |command: &str| {
        let spec = json!({ "replicas": 1, "serviceName": "web" });
        lab.workload("apps/v1", "StatefulSet", spec, pod(&["sh", "-c", command], &json!({})))
    };
    lab.fail(&set("exit 4"), std::time::Duration::from_mins(1)).await;
    let receipt = lab.apply(&set("sleep 100000"));
    let health = lab
        .wait_for(std::slice::from_ref(&receipt), |health| health[0].state != State::Progressing)
        .await
        .remove(0);
    // Newer clusters replace the broken pod themselves; where they do not, the way out is told.
    if health.state == State::Failed {
        assert!(health.failure.unwrap().remedy.unwrap().contains("kubectl delete pod web-0"));
    }
}

#[tokio::test]
async fn what_is_removed_or_paused_is_told() {
    let Some(lab) = Lab::open("gone") else { return };
    let mut paused = lab.deployment(SLEEP, &json!({}));
    paused["spec"]["paused"] = json!(true);
    let health = lab.fail(&paused, std::time::Duration::from_secs(20)).await;
    assert!(health.message.contains("paused"), "{health:#?}");
    let receipt = lab.apply(&paused);
    lab.kubectl(&["delete", "deployment", "web", "-n", &lab.scope.namespace], None);
    let health = lab.look(&[receipt]).await.remove(0);
    assert!(health.state == State::Failed && health.message.contains("gone"), "{health:#?}");
}
