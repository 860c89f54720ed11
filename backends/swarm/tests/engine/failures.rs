//! Rollouts that fail, and how fast and how clearly that is told.

use std::time::{Duration, Instant};

use rhumb_backend::{ErrorKind, Failure, State};
use serde_json::{Value, json};

use crate::lab::{Lab, of};

fn workload(fields: &Value) -> Value {
    let mut workload = json!({ "containers": { "web": { "image": "rhumb-busybox:1" } } });
    for (key, value) in fields.as_object().unwrap() {
        workload[key] = value.clone();
    }
    json!({ "workloads": { "web": workload } })
}

/// Deploys an app that fails, and returns why.
async fn fail(lab: &mut Lab, app: &Value, within: Duration) -> Failure {
    let start = Instant::now();
    let health = lab.deploy(app).await.unwrap();
    let web = of(&health, "service/web").clone();
    assert_eq!(web.state, State::Failed, "{web:#?}");
    assert!(start.elapsed() < within, "it took {:?}", start.elapsed());
    web.failure.unwrap()
}

#[tokio::test]
async fn a_crash_tells_its_exit_code_and_last_lines() {
    let Some(mut lab) = Lab::open("swe-crash").await else { return };
    let command = ["sh", "-c", "echo about to fail; echo cause >&2; exit 7"];
    let app =
        workload(&json!({ "containers": { "web": { "image": "rhumb-busybox:1", "command": command } } }));
    let failure = fail(&mut lab, &app, Duration::from_mins(1)).await;
    assert_eq!(failure.exit_code, Some(7), "{failure:#?}");
    assert!(failure.reason.contains("non-zero exit (7)"), "{failure:#?}");
    assert!(failure.logs.contains(&"about to fail".to_owned()), "{failure:#?}");
    assert!(failure.node.is_some());
    lab.uninstall().await;
}

#[tokio::test]
async fn an_image_that_does_not_exist_is_told() {
    let Some(mut lab) = Lab::open("swe-image").await else { return };
    let app = workload(&json!({ "containers": { "web": { "image": "rhumb-nowhere:9" } } }));
    let failure = fail(&mut lab, &app, Duration::from_mins(1)).await;
    assert!(failure.reason.contains("No such image"), "{failure:#?}");
    assert_eq!(failure.exit_code, None, "no process ran");
    assert!(failure.remedy.is_some());
    lab.uninstall().await;
}

#[tokio::test]
async fn what_fits_no_node_fails_soon() {
    let Some(mut lab) = Lab::open("swe-nowhere").await else { return };
    let app = workload(&json!({ "placement": { "nodes": [{ "key": "nowhere", "values": ["true"] }] } }));
    let failure = fail(&mut lab, &app, Duration::from_secs(20)).await;
    assert!(failure.reason.contains("scheduling constraints not satisfied"), "{failure:#?}");
    lab.uninstall().await;
}

#[tokio::test]
async fn a_failed_update_that_the_engine_rolls_back_is_a_failure() {
    let Some(mut lab) = Lab::open("swe-back").await else { return };
    let app = |command: &str| {
        workload(&json!({
            "update": { "onFailure": "rollback", "monitor": "2s", "order": "stopFirst" },
            "containers": { "web": {
                "image": "rhumb-busybox:1",
                "command": ["sh", "-c", command],
                "stop": { "grace": "1s" },
            } },
        }))
    };
    lab.deploy(&app("sleep 1000")).await.unwrap();
    let failure = fail(&mut lab, &app("exit 3"), Duration::from_mins(1)).await;
    assert!(failure.reason.contains("rolled the update back"), "{failure:#?}");
    assert!(failure.reason.contains("non-zero exit (3)"), "{failure:#?}");
    lab.uninstall().await;
}

#[tokio::test]
async fn what_the_engine_went_back_to_may_be_ready() {
    let Some(mut lab) = Lab::open("swe-went-back").await else { return };
    let app = |command: &str| {
        workload(&json!({
            "update": { "onFailure": "rollback", "monitor": "1s", "order": "stopFirst" },
            "containers": { "web": {
                "image": "rhumb-busybox:1",
                "command": ["sh", "-c", command],
                "stop": { "grace": "1s" },
            } },
        }))
    };
    lab.deploy(&app("sleep 1000")).await.unwrap();
    fail(&mut lab, &app("exit 3"), Duration::from_mins(1)).await;
    let receipt = loop {
        let receipt = lab.look("service/web").await;
        if receipt.rollout.get("afterRollback").is_some() {
            break receipt;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    let health = lab.wait(&[receipt]).await;
    assert_eq!(of(&health, "service/web").state, State::Ready, "{health:#?}");
    lab.uninstall().await;
}

#[tokio::test]
async fn a_job_that_is_tried_no_more_fails_at_once() {
    let Some(mut lab) = Lab::open("swe-job-fails").await else { return };
    let command = ["sh", "-c", "echo no luck; exit 4"];
    let app = workload(&json!({
        "mode": "job",
        "containers": { "web": { "image": "rhumb-busybox:1", "command": command } },
    }));
    let failure = fail(&mut lab, &app, Duration::from_secs(20)).await;
    assert_eq!((failure.exit_code, failure.logs), (Some(4), vec!["no luck".to_owned()]));
    lab.uninstall().await;
}

#[tokio::test]
async fn an_ingress_port_that_is_taken_is_refused() {
    let Some(mut other) = Lab::open("swe-first").await else { return };
    let Some(mut lab) = Lab::open("swe-second").await else { return };
    let app = workload(&json!({
        "containers": { "web": { "image": "rhumb-demo:1", "ports": { "http": 8080 } } },
        "expose": { "http": { "port": 38_210, "as": "node", "internalPort": 8080 } },
    }));
    other.deploy(&app).await.unwrap();
    let error = lab.deploy(&app).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid, "{error}");
    assert!(error.to_string().contains("38210"), "{error}");
    assert!(error.remedy.is_some_and(|remedy| remedy.contains("another port")));
    lab.uninstall().await;
    other.uninstall().await;
}
