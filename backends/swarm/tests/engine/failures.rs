//! Rollouts that fail, and how fast and how clearly that is told.

use std::time::{Duration, Instant};

use rhumb_backend::{DiffOptions, ErrorKind, Failure, State};
use serde_json::{Value, json};

use crate::lab::{Lab, of, steps};

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

/// The engine's own client, for what no release does.
fn docker() -> bollard::Docker {
    let host = std::env::var("RHUMB_TEST_DOCKER_HOST").unwrap();
    bollard::Docker::connect_with_unix(&host, 20, bollard::API_DEFAULT_VERSION).unwrap()
}

/// Gives an image of the engine a second name, or takes that away again.
async fn name_image(name: &str, is_there: bool) {
    if is_there {
        let options = bollard::query_parameters::TagImageOptionsBuilder::new().repo(name).tag("1").build();
        docker().tag_image("rhumb-busybox:1", Some(options)).await.unwrap();
    } else {
        // It may not be there, which is as good.
        let _ = docker()
            .remove_image(&format!("{name}:1"), None::<bollard::query_parameters::RemoveImageOptions>, None)
            .await;
    }
}

#[tokio::test]
async fn an_update_that_the_engine_paused_is_tried_anew() {
    let Some(mut lab) = Lab::open("swe-paused").await else { return };
    name_image("swe-late", false).await;
    let app = |image: &str| {
        workload(&json!({
            "replicas": 2,
            "update": { "onFailure": "pause", "monitor": "1s", "order": "stopFirst" },
            "containers": { "web": {
                "image": image,
                "command": ["sh", "-c", "sleep 1000"],
                "stop": { "grace": "1s" },
            } },
        }))
    };
    lab.deploy(&app("rhumb-busybox:1")).await.unwrap();
    let failure = fail(&mut lab, &app("swe-late:1"), Duration::from_mins(1)).await;
    assert!(failure.reason.contains("No such image"), "{failure:#?}");
    let want = lab.lower(&app("swe-late:1")).await;
    let unfinished = DiffOptions { unfinished: true, ..DiffOptions::default() };
    let deadline = Instant::now() + Duration::from_secs(30);
    while lab.plan_with(&want, &unfinished).await.1.is_empty() {
        assert!(Instant::now() < deadline, "the engine never paused");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    name_image("swe-late", true).await;
    let (observed, plan) = lab.plan_with(&want, &unfinished).await;
    assert_eq!(steps(&plan), ["Update service/web"]);
    let reason = plan.steps[0].reason.clone().unwrap();
    assert!(reason.contains("paused the update"), "{reason}");
    let receipts = lab.carry_out(&observed, &plan).await.unwrap();
    let health = lab.wait(&receipts).await;
    assert_eq!(
        (of(&health, "service/web").state, of(&health, "service/web").ready),
        (State::Ready, 2),
        "{health:#?}"
    );
    let (_, plan) = lab.plan_with(&want, &unfinished).await;
    assert!(plan.is_empty(), "what runs is not tried again: {plan:#?}");
    lab.uninstall().await;
    name_image("swe-late", false).await;
}

#[tokio::test]
async fn a_port_that_its_own_old_task_holds_is_told() {
    let Some(mut lab) = Lab::open("swe-own-port").await else { return };
    let app = |version: &str| {
        workload(&json!({
            "containers": { "web": { "image": "rhumb-demo:1", "ports": { "http": 8080 }, "env": { "V": version } } },
            "expose": { "http": { "port": 38_231, "as": "node", "traffic": "local", "internalPort": 8080 } },
            "update": { "maxSurge": 1, "order": "startFirst" },
        }))
    };
    lab.deploy(&app("1")).await.unwrap();
    let failure = fail(&mut lab, &app("2"), Duration::from_secs(18)).await;
    assert!(failure.reason.contains("port already in use"), "{failure:#?}");
    assert!(failure.remedy.as_ref().is_some_and(|remedy| remedy.contains("maxSurge: 0")), "{failure:#?}");
    lab.uninstall().await;
}

#[tokio::test]
async fn what_somebody_rolled_back_by_hand_is_ready() {
    let Some(mut lab) = Lab::open("swe-by-hand").await else { return };
    let app = |seconds: u32| {
        let command = ["sh", "-c", &format!("sleep {seconds}")];
        workload(&json!({ "containers": { "web": {
            "image": "rhumb-busybox:1", "command": command, "stop": { "grace": "1s" },
        } } }))
    };
    lab.deploy(&app(1000)).await.unwrap();
    lab.deploy(&app(1001)).await.unwrap();
    let live = docker()
        .inspect_service("swe-by-hand_web", None::<bollard::query_parameters::InspectServiceOptions>)
        .await
        .unwrap();
    let version = i32::try_from(live.version.unwrap().index.unwrap()).unwrap();
    let options = bollard::query_parameters::UpdateServiceOptionsBuilder::new()
        .version(version)
        .rollback("previous")
        .build();
    docker().update_service("swe-by-hand_web", live.spec.unwrap(), options, None).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let receipt = lab.look("service/web").await;
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
