//! Pods, numbers and restarts.

use rhumb_backend::{Backend, ErrorKind, Runtime, TaskState};
use serde_json::json;

use crate::lab::{Lab, SLEEP, pod};

fn runtime(lab: &Lab) -> &dyn Runtime {
    lab.kubernetes.runtime().unwrap()
}

#[tokio::test]
async fn pods_are_listed_as_kubectl_lists_them() {
    let Some(lab) = Lab::open("pods") else { return };
    lab.wait(&[lab.apply(&lab.deployment(SLEEP, &json!({})))]).await;
    let tasks = runtime(&lab).tasks(&lab.scope, Some("web")).await.unwrap();
    let [task] = tasks.as_slice() else { panic!("{tasks:#?}") };
    let name = lab.kubectl(
        &["get", "pods", "-n", &lab.scope.namespace, "-o", "jsonpath={.items[*].metadata.name}"],
        None,
    );
    assert_eq!((task.name.as_str(), task.workload.as_str()), (name.as_str(), "web"));
    assert_eq!(
        (task.state, task.desired, task.detail.as_str()),
        (TaskState::Running, TaskState::Running, "Running")
    );
    assert_eq!((task.image.as_str(), task.node.as_deref()), ("rhumb-busybox:1", Some("node1")));
    let error = runtime(&lab).tasks(&lab.scope, Some("nothing")).await.unwrap_err();
    assert_eq!((error.kind, error.remedy.as_deref()), (ErrorKind::NotFound, Some("it has web")));
}

#[tokio::test]
async fn a_number_is_set_beside_what_is_applied() {
    let Some(lab) = Lab::open("scale") else { return };
    lab.wait(&[lab.apply(&lab.deployment(SLEEP, &json!({})))]).await;
    let receipts = runtime(&lab).scale(&lab.scope, "web", 2).await.unwrap();
    let health = lab.wait(&receipts).await;
    assert_eq!((health[0].ready, health[0].wanted), (2, 2), "{health:#?}");
    let owners = lab.kubectl(
        &[
            "get",
            "deployment",
            "web",
            "-n",
            &lab.scope.namespace,
            "--show-managed-fields",
            "-o",
            "jsonpath={.metadata.managedFields[?(@.subresource==\"scale\")].manager}",
        ],
        None,
    );
    assert_eq!(owners, "rhumb-scale");
    runtime(&lab).scale(&lab.scope, "web", 0).await.unwrap();
    lab.apply(&json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": lab.metadata("web"),
        "spec": { "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
            "minReplicas": 1, "maxReplicas": 4, "metrics": [{ "type": "Resource", "resource": { "name": "cpu",
            "target": { "type": "Utilization", "averageUtilization": 80 } } }] },
    }));
    runtime(&lab).scale(&lab.scope, "web", 1).await.unwrap();
    let error = runtime(&lab).scale(&lab.scope, "web", 3).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported);
    assert!(error.message.contains("the autoscaler web sets its number, between 1 and 4"), "{error}");
}

#[tokio::test]
async fn what_has_no_number_says_so() {
    let Some(lab) = Lab::open("number") else { return };
    lab.apply(&lab.workload("apps/v1", "DaemonSet", json!({}), pod(SLEEP, &json!({}))));
    let error = runtime(&lab).scale(&lab.scope, "web", 2).await.unwrap_err();
    assert!(error.kind == ErrorKind::Unsupported && error.message.contains("DaemonSet"), "{error}");
}

#[tokio::test]
async fn a_restart_replaces_every_pod() {
    let Some(lab) = Lab::open("restart") else { return };
    lab.wait(&[lab.apply(&lab.deployment(SLEEP, &json!({})))]).await;
    let before = runtime(&lab).tasks(&lab.scope, Some("web")).await.unwrap().remove(0);
    let receipts = runtime(&lab).restart(&lab.scope, "web").await.unwrap();
    lab.wait(&receipts).await;
    let after = runtime(&lab).tasks(&lab.scope, Some("web")).await.unwrap().remove(0);
    assert_ne!(before.name, after.name);
    assert_eq!(after.desired, TaskState::Running);
    // Applying the same again neither shows nor removes the mark.
    let again = lab.apply(&lab.deployment(SLEEP, &json!({})));
    assert_eq!(again.rollout["generation"], receipts[0].rollout["generation"]);
}
