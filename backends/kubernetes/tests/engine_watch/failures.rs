//! Rollouts that fail, and how fast and how clearly that is told.

use std::time::Duration;

use rhumb_backend::{Failure, State};
use serde_json::{Value, json};

use crate::lab::{Lab, SLEEP, pod};

const SOON: Duration = Duration::from_mins(1);

async fn failure(lab: &Lab, object: &Value, within: Duration) -> Failure {
    lab.fail(object, within).await.failure.unwrap()
}

#[tokio::test]
async fn a_crash_loop_tells_its_exit_code_and_last_lines() {
    let Some(lab) = Lab::open("crash") else { return };
    let object = lab.deployment(&["sh", "-c", "echo about to fail; echo cause >&2; exit 7"], &json!({}));
    let failure = failure(&lab, &object, SOON).await;
    assert_eq!(failure.exit_code, Some(7), "{failure:#?}");
    assert!(failure.reason.contains("exited with code 7 (3 times)"), "{failure:#?}");
    let mut logs = failure.logs.clone();
    // The two ways that a process prints by are read one beside the other.
    logs.sort();
    assert_eq!(logs, ["about to fail", "cause"]);
    assert_eq!(failure.node.as_deref(), Some("node1"));
}

#[tokio::test]
async fn a_process_that_recovers_is_ready() {
    let Some(lab) = Lab::open("recover") else { return };
    let fields = json!({ "volumeMounts": [{ "name": "tmp", "mountPath": "/keep" }] });
    let mut pod = pod(&["sh", "-c", "test -e /keep/a || { touch /keep/a; exit 1; }; sleep 100000"], &fields);
    pod["volumes"] = json!([{ "name": "tmp", "emptyDir": {} }]);
    let object = lab.workload("apps/v1", "Deployment", json!({ "replicas": 1 }), pod);
    let health = lab.wait(&[lab.apply(&object)]).await.remove(0);
    assert_eq!((health.state, health.ready, health.wanted), (State::Ready, 1, 1), "{health:#?}");
}

#[tokio::test]
async fn too_little_memory_is_told() {
    let Some(lab) = Lab::open("oom") else { return };
    let limits = json!({ "resources": { "limits": { "memory": "16Mi" } } });
    let failure = failure(&lab, &lab.deployment(&["sh", "-c", "tail /dev/zero"], &limits), SOON * 2).await;
    assert!(failure.reason.contains("OOMKilled"), "{failure:#?}");
    assert!(failure.remedy.unwrap().contains("memory limit"));
}

#[tokio::test]
async fn images_that_cannot_be_had_are_told() {
    let Some(lab) = Lab::open("image") else { return };
    let never = json!({ "image": "rhumb-nowhere:1", "imagePullPolicy": "Never" });
    let told = failure(&lab, &lab.deployment(SLEEP, &never), SOON).await;
    assert!(told.reason.contains("ErrImageNeverPull"), "{told:#?}");
    assert_eq!(told.exit_code, None, "no process ran");
    let invalid = json!({ "image": "Not A Name", "imagePullPolicy": "IfNotPresent" });
    let told = failure(&lab, &lab.deployment(SLEEP, &invalid), SOON).await;
    assert!(told.reason.contains("InvalidImageName"), "{told:#?}");
    let nowhere = json!({ "image": "127.0.0.1:9/nowhere:1", "imagePullPolicy": "IfNotPresent" });
    let told = failure(&lab, &lab.deployment(SLEEP, &nowhere), SOON).await;
    assert!(told.reason.contains("ImagePullBackOff") || told.reason.contains("ErrImagePull"), "{told:#?}");
    assert!(told.remedy.unwrap().contains("registry"));
}

#[tokio::test]
async fn a_secret_without_the_key_is_told() {
    let Some(lab) = Lab::open("key") else { return };
    lab.apply(&json!({ "apiVersion": "v1", "kind": "Secret", "metadata": lab.metadata("db"), "stringData": { "a": "canary-key" } }));
    let env = json!({ "env": [{ "name": "URL", "valueFrom": { "secretKeyRef": { "name": "db", "key": "url" } } }] });
    let failure = failure(&lab, &lab.deployment(SLEEP, &env), SOON).await;
    assert!(failure.reason.contains("CreateContainerConfigError"), "{failure:#?}");
    assert!(failure.reason.contains("url"), "{failure:#?}");
    assert!(!format!("{failure:?}").contains("canary-key"), "secrets are told to nobody");
}

#[tokio::test]
async fn a_command_that_is_not_there_is_told() {
    let Some(lab) = Lab::open("command") else { return };
    let failure = failure(&lab, &lab.deployment(&["/no/such/command"], &json!({})), SOON).await;
    assert!(failure.reason.contains("no such file") || failure.reason.contains("not found"), "{failure:#?}");
    assert!(failure.remedy.unwrap().contains("not in the image"));
}

#[tokio::test]
async fn a_mount_that_is_not_there_is_told() {
    let Some(lab) = Lab::open("mount") else { return };
    let mut pod = pod(SLEEP, &json!({ "volumeMounts": [{ "name": "c", "mountPath": "/c" }] }));
    pod["volumes"] = json!([{ "name": "c", "configMap": { "name": "nowhere" } }]);
    let object = lab.workload("apps/v1", "Deployment", json!({ "replicas": 1 }), pod);
    let failure = failure(&lab, &object, SOON).await;
    assert!(failure.reason.contains("FailedMount") && failure.reason.contains("nowhere"), "{failure:#?}");
}

#[tokio::test]
async fn what_fits_no_node_fails_after_a_while() {
    let Some(lab) = Lab::open("nowhere") else { return };
    let mut picky = pod(SLEEP, &json!({}));
    picky["nodeSelector"] = json!({ "nowhere": "true" });
    let object = lab.workload("apps/v1", "Deployment", json!({ "replicas": 1 }), picky);
    let told = failure(&lab, &object, SOON).await;
    assert!(told.reason.contains("no node takes it"), "{told:#?}");
    assert!(told.remedy.unwrap().contains("kubectl label node"));
    let large = json!({ "resources": { "requests": { "cpu": "1000" } } });
    let told = failure(&lab, &lab.deployment(SLEEP, &large), SOON).await;
    assert!(told.reason.contains("Insufficient cpu"), "{told:#?}");
}

#[tokio::test]
async fn a_container_that_prepares_and_fails_is_told() {
    let Some(lab) = Lab::open("init") else { return };
    let mut pod = pod(SLEEP, &json!({}));
    pod["initContainers"] = json!([
        { "name": "prepare", "image": "rhumb-busybox:1", "command": ["sh", "-c", "echo no way; exit 5"] },
    ]);
    let object = lab.workload("apps/v1", "Deployment", json!({ "replicas": 1 }), pod);
    let failure = failure(&lab, &object, SOON).await;
    assert_eq!(
        (failure.exit_code, failure.logs.as_slice()),
        (Some(5), &["no way".to_owned()][..]),
        "{failure:#?}"
    );
}

#[tokio::test]
async fn a_quota_that_is_used_up_is_told() {
    let Some(lab) = Lab::open("quota") else { return };
    lab.apply(&json!({ "apiVersion": "v1", "kind": "ResourceQuota", "metadata": lab.metadata("small"), "spec": { "hard": { "pods": "0" } } }));
    let failed = failure(&lab, &lab.deployment(SLEEP, &json!({})), SOON).await;
    assert!(failed.reason.contains("exceeded quota"), "{failed:#?}");
    for (api, kind, spec) in [
        ("apps/v1", "StatefulSet", json!({ "replicas": 1, "serviceName": "web" })),
        ("batch/v1", "Job", json!({})),
    ] {
        let mut template = pod(SLEEP, &json!({}));
        template["restartPolicy"] = json!(if kind == "Job" { "Never" } else { "Always" });
        let failed = failure(&lab, &lab.workload(api, kind, spec, template), SOON).await;
        assert!(failed.reason.contains("exceeded quota"), "{kind}: {failed:#?}");
    }
}

#[tokio::test]
async fn a_service_account_that_is_not_there_is_told() {
    let Some(lab) = Lab::open("account") else { return };
    let mut pod = pod(SLEEP, &json!({}));
    pod["serviceAccountName"] = json!("nobody");
    let object = lab.workload("apps/v1", "Deployment", json!({ "replicas": 1 }), pod);
    let failure = failure(&lab, &object, SOON).await;
    assert!(failure.reason.contains("serviceaccount \"nobody\" not found"), "{failure:#?}");
}

#[tokio::test]
async fn a_probe_that_fails_is_told_while_it_is_waited_for() {
    let Some(lab) = Lab::open("probe") else { return };
    let probe = json!({ "readinessProbe": { "exec": { "command": ["sh", "-c", "echo not yet; exit 1"] }, "periodSeconds": 1 } });
    let receipt = lab.apply(&lab.deployment(SLEEP, &probe));
    let health = lab
        .wait_for(std::slice::from_ref(&receipt), |health| {
            health[0].message.contains("readiness probe: not yet")
        })
        .await;
    assert_eq!((health[0].state, health[0].ready, health[0].wanted), (State::Progressing, 0, 1));
    assert!(health[0].failure.as_ref().unwrap().remedy.is_some());
}

#[tokio::test]
async fn a_liveness_probe_that_kills_is_told() {
    let Some(lab) = Lab::open("liveness") else { return };
    let probe = json!({
        "livenessProbe": { "exec": { "command": ["false"] }, "periodSeconds": 1, "failureThreshold": 1 },
        "readinessProbe": { "exec": { "command": ["false"] }, "periodSeconds": 1 },
    });
    let failure = failure(&lab, &lab.deployment(SLEEP, &probe), SOON * 2).await;
    assert_eq!(failure.exit_code, Some(137), "{failure:#?}");
    assert!(failure.remedy.unwrap().contains("liveness"));
}

#[tokio::test]
async fn a_job_that_fails_tells_its_exit_code() {
    let Some(lab) = Lab::open("job") else { return };
    let mut pod = pod(&["sh", "-c", "echo bad migration; exit 9"], &json!({}));
    pod["restartPolicy"] = json!("Never");
    let object = lab.workload("batch/v1", "Job", json!({ "backoffLimit": 0 }), pod);
    let failure = failure(&lab, &object, SOON).await;
    assert_eq!(
        (failure.exit_code, failure.logs.as_slice()),
        (Some(9), &["bad migration".to_owned()][..]),
        "{failure:#?}"
    );
    assert!(failure.reason.contains("BackoffLimitExceeded"), "{failure:#?}");
}
