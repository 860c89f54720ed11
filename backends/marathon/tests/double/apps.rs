//! Apps: made, looked at, changed, kept, replaced, removed.

use rhumb_backend::{Action, Backend, Cause, Change, ErrorKind, State};
use rhumb_doubles::marathon::{Fate, Rule};
use serde_json::json;

use crate::lab::{Lab, app, failed, lab, step};

#[tokio::test]
async fn an_app_goes_its_way() {
    let lab = lab();
    let first = app("web", "nginx:1", 2);
    let receipt = lab.create(&first).await;
    assert_eq!(receipt.native, "/default/shop/web");
    assert!(receipt.rollout["deployment"].is_string(), "{:?}", receipt.rollout);
    lab.ready(&receipt).await;
    lab.is_as_wanted(&first).await;

    let second = app("web", "nginx:2", 2);
    let update = lab.update_step(&first, &second).await;
    assert_eq!(update.changes.len(), 1, "{:?}", update.changes);
    assert_eq!(update.changes[0].path, "container.docker.image");
    let receipt = lab.apply(&update).await.unwrap();
    let health = lab.settled(&receipt).await;
    assert_eq!((health.state, health.ready, health.wanted), (State::Ready, 2, 2));
    lab.is_as_wanted(&second).await;

    let live = lab.live(&second).await.unwrap();
    lab.apply(&step(Action::Delete, &second, Some(&live))).await.unwrap();
    while !lab.marathon.leaving(&lab.scope, &[]).await.unwrap().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(lab.live(&second).await.is_none());
    let groups = lab.double.state()["groups"].to_string();
    assert!(!groups.contains("/default/shop"), "the release's group goes with its last app: {groups}");
    lab.is_sound();
}

#[tokio::test]
async fn what_somebody_scaled_stays_and_what_they_changed_goes_back() {
    let lab = lab();
    let want = app("web", "nginx:1", 2);
    lab.ready(&lab.create(&want).await).await;
    let service_port =
        lab.live(&want).await.unwrap().object.body.pointer("/container/portMappings/0/servicePort").cloned();
    let path = "/v2/apps/default/shop/web?force=true";
    let put = reqwest::Method::PUT;
    assert_eq!(lab.foreign(put.clone(), path, &json!({ "instances": 3 })).await.0, 200);
    let live = lab.live(&want).await.unwrap();
    let Change::None { kept } = lab.marathon.change(Some(&want), &live, &want) else { panic!() };
    assert_eq!((kept[0].path.as_str(), kept[0].cause), ("instances", Cause::Kept));

    let other = json!({ "mem": 64, "acceptedResourceRoles": ["*"] });
    assert_eq!(lab.foreign(put, path, &other).await.0, 200);
    let live = lab.live(&want).await.unwrap();
    let Change::Update { body, changes, .. } = lab.marathon.change(Some(&want), &live, &want) else {
        panic!()
    };
    assert_eq!((changes[0].path.as_str(), changes[0].cause), ("mem", Cause::Drift));
    assert_eq!(body["instances"], 3, "the number that somebody set is written, too");
    assert_eq!(body["acceptedResourceRoles"], json!(["*"]), "what we never set stays");
    assert_eq!(body.pointer("/container/portMappings/0/servicePort").cloned(), service_port);
    lab.is_sound();
}

#[tokio::test]
async fn a_name_that_is_taken_is_refused_or_recognised() {
    let lab = lab();
    let want = app("web", "nginx:1", 1);
    lab.create(&want).await;
    let again = lab.apply(&step(Action::Create, &want, None)).await.unwrap();
    assert_eq!(again.native, "/default/shop/web", "our own answer got lost");
    let error = failed(lab.apply(&step(Action::Create, &app("web", "nginx:2", 1), None)).await);
    assert_eq!(error.kind, ErrorKind::Conflict);

    let other = json!({ "id": "/default/shop/api", "cmd": "sleep 1000", "instances": 0 });
    assert_eq!(lab.foreign(reqwest::Method::POST, "/v2/apps", &other).await.0, 201);
    let error = failed(lab.apply(&step(Action::Create, &app("api", "nginx:1", 1), None)).await);
    assert_eq!(error.kind, ErrorKind::NotOwned);
    let live = lab.live(&app("api", "nginx:1", 1)).await.unwrap();
    assert_eq!(live.foreign.as_deref(), Some("it was not made by a release"));
    let gone = lab.apply(&step(Action::Delete, &app("api", "nginx:1", 1), None)).await.unwrap();
    assert!(gone.outputs.is_empty());
    assert!(lab.double.spec("/default/shop/api").is_some(), "what is somebody else's stays");
}

#[tokio::test]
async fn somebody_in_between_is_noticed() {
    let lab = lab();
    let first = app("web", "nginx:1", 1);
    lab.ready(&lab.create(&first).await).await;
    let update = lab.update_step(&first, &app("web", "nginx:2", 1)).await;
    lab.foreign(reqwest::Method::PUT, "/v2/apps/default/shop/web?force=true", &json!({ "instances": 2 }))
        .await;
    let error = failed(lab.apply(&update).await);
    assert_eq!(error.kind, ErrorKind::Conflict, "{error}");
}

#[tokio::test]
async fn what_fails_again_and_again_is_told_with_its_reason() {
    let lab = lab();
    lab.double.tell(Rule::of("/default/shop/web", Fate::Exits { after_ms: 20, code: 3 }));
    let receipt = lab.create(&app("web", "nginx:1", 1)).await;
    let health = lab.settled(&receipt).await;
    assert_eq!(health.state, State::Failed, "{health:?}");
    let failure = health.failure.unwrap();
    assert_eq!(failure.exit_code, Some(3), "{failure:?}");
    assert!(failure.node.is_some());
}

#[tokio::test]
async fn what_no_agent_takes_and_what_cannot_start_is_told() {
    let lab = lab();
    let reason = "InsufficientCpus".to_owned();
    lab.double.tell(Rule::of("/default/shop/web", Fate::Unplaceable { reason }));
    let receipt = lab.create(&app("web", "nginx:1", 1)).await;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let health = lab.health(&receipt).await;
    assert_eq!(health.state, State::Progressing);
    assert!(health.message.contains("none has so many CPUs free"), "{health:?}");
    let message = "Failed to launch container: manifest unknown".to_owned();
    lab.double.tell(Rule::of("/default/shop/api", Fate::CannotStart { message }));
    let health = lab.settled(&lab.create(&app("api", "nginx:9", 1)).await).await;
    assert_eq!(health.state, State::Failed, "{health:?}");
    assert!(health.failure.unwrap().remedy.unwrap().contains("image"));
}

#[tokio::test]
async fn another_definition_took_the_place() {
    let lab = lab();
    let first = app("web", "nginx:1", 1);
    let receipt = lab.create(&first).await;
    lab.ready(&receipt).await;
    let other = json!({ "mem": 64 });
    assert_eq!(lab.foreign(reqwest::Method::PUT, "/v2/apps/default/shop/web", &other).await.0, 200);
    let health = lab.settled(&receipt).await;
    assert_eq!(health.state, State::Failed);
    assert!(health.message.contains("somebody else changed it meanwhile"), "{health:?}");
    let read = lab.apply(&step(Action::Await, &first, lab.live(&first).await.as_ref())).await.unwrap();
    lab.ready(&read).await;
}

/// What failed for a reason that is gone is tried anew by the next run, which does not wait for Marathon to do so.
#[tokio::test]
async fn what_marathon_holds_back_is_tried_anew() {
    let lab = lab();
    lab.double.tell(Rule::of("/default/shop/web", Fate::Exits { after_ms: 10, code: 1 }));
    let want = app("web", "nginx:1", 1);
    assert_eq!(lab.settled(&lab.create(&want).await).await.state, State::Failed);
    let live = lab.live(&want).await.unwrap();
    let why = live.outputs.get(rhumb_backend::Live::GIVEN_UP).expect("it is told that it is held back");
    assert!(why.contains("exited"), "{why}");
    lab.double.forget_rules();
    let next = lab.another();
    let object = rhumb_backend::Object { body: next.again(&live, &want).unwrap(), ..want.clone() };
    let again = rhumb_backend::Step {
        reason: Some("it is tried anew".to_owned()),
        ..step(Action::Update, &object, Some(&live))
    };
    let lab = Lab { marathon: next, ..lab };
    let receipt = lab.apply(&again).await.unwrap();
    lab.ready(&receipt).await;
    let calls = lab.double.counts();
    assert!(calls.keys().any(|call| call.ends_with("/v2/queue/default/shop/web/delay")), "{calls:?}");
}
