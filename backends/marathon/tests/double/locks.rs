//! Deployments that hold an app: our own of an earlier run, and somebody else's.

use rhumb_backend::{Action, Backend, ErrorKind, Retry, State, Step};
use rhumb_doubles::marathon::{Fate, Rule};
use serde_json::json;

use crate::lab::{Given, app, failed, lab, step};

/// A deployment that never ends by itself is cancelled by the next run, which knows of it only by what is there.
#[tokio::test]
async fn our_own_deployment_of_an_earlier_run_is_cancelled_and_told() {
    let lab = lab();
    lab.double.tell(Rule::of("/default/shop/web", Fate::NeverStarts).times(1));
    let stuck = app("web", "nginx:1", 1);
    let begun = lab.create(&stuck).await;
    let deployment = begun.rollout["deployment"].as_str().unwrap().to_owned();

    let next = lab.another();
    let update = lab.update_step(&stuck, &app("web", "nginx:2", 1)).await;
    let receipt = next.apply(&lab.scope, &update, &Given).await.unwrap();
    assert_eq!(receipt.rollout["cancelled"], json!([deployment]));
    let told = &receipt.outputs[rhumb_backend::Receipt::TOLD];
    assert!(told.contains(&deployment), "{told}");
    let health = lab.settled(&receipt).await;
    assert_eq!(health.state, State::Ready, "{health:?}");
    assert!(health.message.contains(&deployment), "it is told: {health:?}");
}

#[tokio::test]
async fn somebody_elses_deployment_is_obeyed_unless_forced() {
    let lab = lab();
    let first = app("web", "nginx:1", 1);
    lab.ready(&lab.create(&first).await).await;
    lab.double.tell(Rule::of("/default/shop/web", Fate::NeverStarts).times(1));
    let path = "/v2/apps/default/shop/web";
    let (status, answer) = lab.foreign(reqwest::Method::PUT, path, &json!({ "instances": 2 })).await;
    assert_eq!(status, 200);
    let foreign = answer["deploymentId"].as_str().unwrap().to_owned();

    let update = lab.update_step(&first, &app("web", "nginx:2", 1)).await;
    let error = failed(lab.apply(&update).await);
    assert_eq!((error.kind, error.retry), (ErrorKind::Locked, Retry::Never));
    assert!(error.to_string().contains(&foreign), "{error}");
    assert!(error.remedy.unwrap().contains("--force-conflicts"));
    let error = failed(lab.apply(&step(Action::Delete, &first, None)).await);
    assert_eq!(error.kind, ErrorKind::Locked);

    let receipt = lab.apply(&Step { force: true, ..update }).await.unwrap();
    lab.ready(&receipt).await;
}

/// What cannot finish is taken back: the earlier definition goes over it.
#[tokio::test]
async fn a_deployment_that_cannot_finish_is_taken_back() {
    let lab = lab();
    let (good, bad) = (app("web", "nginx:1", 2), app("web", "nginx:bad", 2));
    lab.ready(&lab.create(&good).await).await;
    let fate = Fate::CannotStart { message: "Command exited with status 127".to_owned() };
    lab.double.tell(Rule { image: Some("bad".into()), fate, ..Rule::default() });
    let update = lab.update_step(&good, &bad).await;
    assert_eq!(lab.settled(&lab.apply(&update).await.unwrap()).await.state, State::Failed);
    let back = lab.update_step(&bad, &good).await;
    let receipt = lab.apply(&back).await.unwrap();
    assert_eq!(receipt.rollout["cancelled"].as_array().unwrap().len(), 1);
    lab.ready(&receipt).await;
    lab.is_as_wanted(&good).await;
}

/// A first install that cannot finish is removed.
#[tokio::test]
async fn what_cannot_start_is_removed() {
    let lab = lab();
    lab.double.tell(Rule::of("/default/shop/web", Fate::NeverStarts));
    let want = app("web", "nginx:1", 1);
    lab.create(&want).await;
    let live = lab.live(&want).await.unwrap();
    let next = lab.another();
    next.apply(&lab.scope, &step(Action::Delete, &want, Some(&live)), &Given).await.unwrap();
    assert!(lab.live(&want).await.is_none());
}

/// A number of replicas changes no definition, so that only what is recorded tells whose its deployment is.
#[tokio::test]
async fn what_an_earlier_process_began_is_ours_where_it_is_recalled() {
    let lab = lab();
    lab.ready(&lab.create(&app("web", "nginx:1", 1)).await).await;
    lab.double
        .tell(Rule::of("/default/shop/web", Fate::Unplaceable { reason: "InsufficientCpus".to_owned() }));
    let scaled = lab.marathon.runtime().unwrap().scale(&lab.scope, "web", 3).await.unwrap();
    let first = scaled[0].rollout["deployment"].as_str().unwrap().to_owned();

    let next = lab.another();
    let runtime = next.runtime().unwrap();
    let error = runtime.scale(&lab.scope, "web", 2).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Locked, "{error}");
    assert!(error.to_string().contains(&first), "{error}");
    next.recall(&scaled);
    let restarted = runtime.restart(&lab.scope, "web").await.unwrap();
    assert_eq!(restarted[0].rollout["cancelled"], json!([first]));
    assert!(restarted[0].outputs[rhumb_backend::Receipt::TOLD].contains(&first));

    let third = lab.another();
    third.recall(&restarted);
    let scaled = third.runtime().unwrap().scale(&lab.scope, "web", 2).await.unwrap();
    assert_eq!(scaled[0].rollout["cancelled"], json!([restarted[0].rollout["deployment"]]));
    lab.double.forget_rules();
    lab.ready(&scaled[0]).await;
}
