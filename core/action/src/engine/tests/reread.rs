//! What becomes of a step when somebody else was there first.

use rhumb_backend::{Action, Error, ErrorKind, Retry};
use serde_json::json;

use super::platform::{Says, Stage, object, one, step, step_on, unreachable};
use crate::engine::Ended;

#[tokio::test(start_paused = true)]
async fn a_stale_update_is_made_anew_from_what_is_there() {
    let stage = Stage::new();
    let live = stage.platform.put(&object("service/web", json!({ "image": "a" })));
    stage.platform.put(&object("service/web", json!({ "image": "a", "replicas": 7 })));
    let executed = stage.execute(&one(step_on(Action::Update, &live, json!({ "image": "b" })))).await;
    assert!(executed.is_complete(), "{executed:?}");
    assert_eq!(stage.platform.body("service/web"), Some(json!({ "image": "b", "replicas": 7 })));
    let versions: Vec<_> =
        stage.platform.steps.lock().unwrap().iter().map(|(_, step)| step.version.clone()).collect();
    assert_eq!(versions, [Some("1".to_owned()), Some("2".to_owned())], "never sent again as it was");
}

#[tokio::test(start_paused = true)]
async fn what_somebody_did_already_is_not_done_again() {
    let stage = Stage::new();
    let live = stage.platform.put(&object("service/web", json!({ "image": "a" })));
    stage.platform.put(&object("service/web", json!({ "image": "b" })));
    let executed = stage.execute(&one(step_on(Action::Update, &live, json!({ "image": "b" })))).await;
    assert!(executed.is_complete());
    assert_eq!(stage.platform.log(), ["Update service/web", "Await service/web"]);
    assert_eq!(executed.receipts[0].native, live.native);
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_is_made() {
    let stage = Stage::new();
    let live = stage.platform.put(&object("service/web", json!({ "image": "a" })));
    let plan = one(step_on(Action::Update, &live, json!({ "image": "b" })));
    stage.platform.live.lock().unwrap().clear();
    let executed = stage.execute(&plan).await;
    assert!(executed.is_complete(), "{executed:?}");
    assert_eq!(stage.platform.log(), ["Update service/web", "Create service/web"]);
}

#[tokio::test(start_paused = true)]
async fn a_create_whose_answer_was_lost_is_recognised() {
    let stage = Stage::new();
    stage.platform.says("service/web", [Says::DoneAnd(unreachable())]);
    let executed =
        stage.execute(&one(step(Action::Create, object("service/web", json!({ "image": "a" }))))).await;
    assert!(executed.is_complete(), "{executed:?}");
    assert_eq!(stage.platform.log(), ["Create service/web", "Create service/web", "Await service/web"]);
}

#[tokio::test(start_paused = true)]
async fn a_replacement_whose_answer_was_lost_is_not_replaced_again() {
    let stage = Stage::new();
    let live = stage.platform.put(&object("service/web", json!({ "immutable": 1 })));
    let lost = Error::new(ErrorKind::Conflict, "replace", "unknown").retry(Retry::AfterRead);
    stage.platform.says("service/web", [Says::DoneAnd(lost)]);
    let executed = stage.execute(&one(step_on(Action::Replace, &live, json!({ "immutable": 2 })))).await;
    assert!(executed.is_complete(), "{executed:?}");
    assert_eq!(stage.platform.log(), ["Replace service/web", "Await service/web"]);
}

#[tokio::test(start_paused = true)]
async fn a_replacement_that_did_not_happen_is_tried_again() {
    let stage = Stage::new();
    let live = stage.platform.put(&object("service/web", json!({ "immutable": 1 })));
    let conflict = Error::new(ErrorKind::Conflict, "replace", "in use");
    stage.platform.says("service/web", [Says::Error(conflict)]);
    let executed = stage.execute(&one(step_on(Action::Replace, &live, json!({ "immutable": 2 })))).await;
    assert!(executed.is_complete(), "{executed:?}");
    assert_eq!(stage.platform.log(), ["Replace service/web", "Replace service/web"]);
    assert_eq!(stage.platform.body("service/web"), Some(json!({ "immutable": 2 })));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_replaced_that_the_plan_did_not_replace() {
    let stage = Stage::new();
    let live = stage.platform.put(&object("service/web", json!({ "immutable": 1, "image": "a" })));
    stage.platform.put(&object("service/web", json!({ "immutable": 9, "image": "a" })));
    let want = json!({ "immutable": 1, "image": "b" });
    let executed = stage.execute(&one(step_on(Action::Update, &live, want))).await;
    assert!(matches!(executed.ended, Ended::Failed));
    let error = &executed.failures[0].error;
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert!(error.message.contains("`immutable` is immutable"), "{error}");
    assert_eq!(stage.platform.body("service/web"), Some(json!({ "immutable": 9, "image": "a" })));
}

#[tokio::test(start_paused = true)]
async fn what_turns_out_to_be_somebody_elses_is_left_alone() {
    let stage = Stage::new();
    let conflict = Error::new(ErrorKind::Conflict, "create", "the name is taken");
    stage.platform.says("service/web", [Says::Error(conflict)]);
    stage.platform.put(&object("service/web", json!({ "image": "theirs" })));
    for live in stage.platform.live.lock().unwrap().values_mut() {
        live.foreign = Some("it belongs to stack `theirs`".to_owned());
    }
    let executed =
        stage.execute(&one(step(Action::Create, object("service/web", json!({ "image": "a" }))))).await;
    assert_eq!(executed.failures[0].error.kind, ErrorKind::NotOwned);
    assert!(executed.failures[0].error.message.contains("stack `theirs`"));
    assert_eq!(stage.platform.body("service/web"), Some(json!({ "image": "theirs" })));
}

#[tokio::test(start_paused = true)]
async fn what_goes_and_is_gone_is_done() {
    let stage = Stage::new();
    let live = stage.platform.put(&object("service/web", json!({})));
    let conflict = Error::new(ErrorKind::Conflict, "delete", "it changed");
    stage.platform.says("service/web", [Says::DoneAnd(conflict)]);
    let body = live.object.body.clone();
    let executed = stage.execute(&one(step_on(Action::Delete, &live, body))).await;
    assert!(executed.is_complete(), "{executed:?}");
    assert_eq!(stage.platform.log(), ["Delete service/web"]);
    assert!(executed.receipts.is_empty());
}
