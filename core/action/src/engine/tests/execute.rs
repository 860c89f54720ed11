//! Order, failures, and ends.

use std::sync::atomic::Ordering;
use std::time::Duration;

use rhumb_backend::{
    Action, Error, ErrorKind, Plan, Receipt, Retry, State, Step, StepAfter, Until, reference,
};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::platform::{CALL, Says, Stage, invalid, object, one, plan, step, step_on, unreachable};
use crate::Event;
use crate::engine::Ended;

const EXISTS: Until = Until::Exists;
const READY: Until = Until::Ready;

#[tokio::test(start_paused = true)]
async fn steps_wait_for_what_they_need_and_for_nothing_else() {
    let stage = Stage::new();
    stage.platform.slow("service/db", 5);
    let plan = plan(&[
        ("config/db", &[]),
        ("service/db", &[(0, EXISTS)]),
        ("service/web", &[(1, READY)]),
        ("service/other", &[]),
    ]);
    let start = Instant::now();
    let executed = stage.execute(&plan).await;
    assert!(executed.is_complete(), "{executed:?}");
    let begun = |id| stage.platform.begun(id) - start;
    assert!(begun("service/other") < CALL);
    assert!(begun("service/db") >= CALL && begun("service/db") < CALL * 3);
    assert!(begun("service/web") >= Duration::from_secs(5) && begun("service/web") < Duration::from_secs(7));
    assert_eq!(executed.receipts.len(), 4);
    assert_eq!(stage.told().last().unwrap(), "done service/web");
}

#[tokio::test(start_paused = true)]
async fn what_a_step_did_beside_is_told_and_not_kept() {
    let stage = Stage::new();
    let telling = object("service/web", json!({ "tells": "an earlier rollout was cancelled" }));
    let plan = Plan { steps: vec![step(Action::Create, telling)], ..Plan::default() };
    let executed = stage.execute(&plan).await;
    assert!(executed.is_complete(), "{executed:?}");
    assert!(!executed.receipts[0].outputs.contains_key(Receipt::TOLD));
    let told = stage.told.0.lock().unwrap();
    let warned = told.iter().filter_map(|event| match event {
        Event::Warning(warning) => Some(warning.to_string()),
        _ => None,
    });
    let warned: Vec<String> = warned.collect();
    assert!(warned.len() == 1 && warned[0].contains("an earlier rollout was cancelled"), "{warned:?}");
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_are_under_way_than_allowed() {
    let mut stage = Stage::new();
    stage.concurrency = 3;
    let names: Vec<String> = (0..10).map(|index| format!("service/web-{index}")).collect();
    let steps: Vec<(&str, &[(usize, Until)])> = names.iter().map(|name| (name.as_str(), &[][..])).collect();
    let executed = stage.execute(&plan(&steps)).await;
    assert!(executed.is_complete());
    assert_eq!(stage.platform.most_underway.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn waiting_for_many_holds_nobody_up() {
    let mut stage = Stage::new();
    stage.concurrency = 2;
    let mut steps: Vec<(&str, &[(usize, Until)])> =
        vec![("service/a", &[]), ("service/b", &[]), ("service/c", &[])];
    for name in ["a", "b", "c"] {
        stage.platform.slow(&format!("service/{name}"), 20);
    }
    steps.push(("service/after", &[(0, READY), (1, READY), (2, READY)]));
    steps.push(("service/free", &[]));
    let start = Instant::now();
    assert!(stage.execute(&plan(&steps)).await.is_complete());
    assert!(stage.platform.begun("service/free") - start < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn references_come_of_receipts_and_of_what_was_observed() {
    let stage = Stage::new();
    let there = stage.platform.put(&object("network/net", json!({})));
    let body = json!({
        "net": reference::reference(&"network/net".into(), "id"),
        "configs": [reference::reference(&"config/web".into(), "id")],
    });
    let create = step(Action::Create, object("config/web", json!({})));
    let user = Step {
        after: vec![StepAfter { step: 0, until: EXISTS }],
        ..step(Action::Create, object("service/web", body))
    };
    let executed = stage.execute(&Plan { steps: vec![create, user], notes: Vec::new() }).await;
    assert!(executed.is_complete(), "{executed:?}");
    let config = &executed.receipts[0].native;
    assert_eq!(stage.platform.body("service/web"), Some(json!({ "net": there.native, "configs": [config] })));
}

#[tokio::test(start_paused = true)]
async fn a_reference_to_nothing_is_never_sent() {
    let stage = Stage::new();
    let body = json!({ "net": reference::reference(&"network/net".into(), "id") });
    let executed = stage.execute(&one(step(Action::Create, object("service/web", body)))).await;
    assert_eq!(executed.failures[0].error.kind, ErrorKind::Invalid);
    assert!(executed.failures[0].error.message.contains("network/net"));
    assert!(stage.platform.log().is_empty());
}

#[tokio::test(start_paused = true)]
async fn every_failure_is_told_and_nothing_begins_after_one() {
    let stage = Stage::new();
    stage.platform.says("service/a", [Says::Error(invalid())]);
    stage.platform.says("service/b", [Says::Error(invalid())]);
    let plan = plan(&[
        ("service/a", &[]),
        ("service/b", &[]),
        ("service/c", &[]),
        ("service/d", &[(2, EXISTS)]),
        ("service/e", &[(0, EXISTS)]),
    ]);
    let executed = stage.execute(&plan).await;
    assert!(matches!(executed.ended, Ended::Failed));
    let failed: Vec<(usize, &str)> =
        executed.failures.iter().map(|failure| (failure.index, failure.id.as_str())).collect();
    assert_eq!(failed, [(0, "service/a"), (1, "service/b")]);
    assert_eq!(executed.receipts.len(), 1, "what was under way went on to its end");
    let unattempted: Vec<&str> = executed.unattempted.iter().map(rhumb_backend::ObjectId::as_str).collect();
    assert_eq!(unattempted, ["service/d", "service/e"]);
    assert_eq!(stage.told()[3..], ["failed service/a", "failed service/b", "done service/c"]);
}

#[tokio::test(start_paused = true)]
async fn a_rollout_that_fails_stops_those_that_wait_for_it() {
    let stage = Stage::new();
    stage.platform.slow("service/db", 2);
    stage.platform.fails("service/db");
    let executed = stage.execute(&plan(&[("service/db", &[]), ("service/web", &[(0, READY)])])).await;
    assert!(matches!(executed.ended, Ended::Failed));
    let failed: Vec<_> = executed.unhealthy().collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].failure.as_ref().unwrap().exit_code, Some(3));
    assert_eq!(executed.unattempted.len(), 1);
    assert_eq!(executed.receipts.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_fault_of_the_platform_that_passes_stops_nothing() {
    let stage = Stage::new();
    stage.platform.falters("service/db");
    let executed = stage.execute(&plan(&[("service/db", &[]), ("service/web", &[(0, READY)])])).await;
    assert!(executed.is_complete(), "{executed:?}");
    assert_eq!(executed.receipts.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_reached_is_tried_again() {
    let stage = Stage::new();
    stage.platform.says("service/web", [Says::Error(unreachable()), Says::Error(unreachable())]);
    let executed = stage.execute(&plan(&[("service/web", &[])])).await;
    assert!(executed.is_complete());
    assert_eq!(
        stage.told(),
        ["started service/web", "retried service/web 2", "retried service/web 3", "done service/web"]
    );
}

#[tokio::test(start_paused = true)]
async fn what_the_platform_has_locked_is_waited_for() {
    let stage = Stage::new();
    let locked = Error::new(ErrorKind::Locked, "make the service", "its name drains").retry(Retry::Same);
    stage.platform.says("service/web", vec![Says::Error(locked); 40]);
    let start = Instant::now();
    let executed = stage.execute(&plan(&[("service/web", &[])])).await;
    assert!(executed.is_complete(), "{executed:?}");
    assert!(start.elapsed() > Duration::from_mins(2));
}

#[tokio::test(start_paused = true)]
async fn trying_again_has_an_end() {
    let stage = Stage::new();
    stage.platform.says("service/web", (0..1000).map(|_| Says::Error(unreachable())));
    let start = Instant::now();
    let executed = stage.execute(&plan(&[("service/web", &[])])).await;
    assert_eq!(executed.failures[0].error.kind, ErrorKind::Unreachable);
    assert!(start.elapsed() <= Duration::from_secs(61), "{:?}", start.elapsed());
    assert!(stage.platform.log().len() < 40, "{}", stage.platform.log().len());
}

#[tokio::test(start_paused = true)]
async fn the_lease_is_looked_at_before_steps_begin() {
    let stage = Stage::new();
    let plan =
        plan(&[("a/1", &[]), ("a/2", &[]), ("a/3", &[(0, EXISTS), (1, EXISTS)]), ("a/4", &[(2, EXISTS)])]);
    assert!(stage.execute(&plan).await.is_complete());
    assert_eq!(stage.watch.verified.load(Ordering::SeqCst), 3, "one look serves steps that begin together");
}

#[tokio::test(start_paused = true)]
async fn nothing_begins_once_the_lease_is_lost() {
    let mut stage = Stage::new();
    stage.watch.lost_after = Some(1);
    let executed = stage.execute(&plan(&[("a/1", &[]), ("a/2", &[(0, EXISTS)])])).await;
    match executed.ended {
        Ended::LeaseLost(error) => assert!(error.message.contains("bob@host-1")),
        other => panic!("{other:?}"),
    }
    assert_eq!(stage.platform.log(), ["Create a/1"]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_tried_again_once_the_lease_is_lost() {
    let mut stage = Stage::new();
    stage.watch.lost_after = Some(1);
    stage.platform.says("a/1", [Says::Error(unreachable())]);
    let executed = stage.execute(&plan(&[("a/1", &[])])).await;
    assert!(matches!(executed.ended, Ended::LeaseLost(_)));
    assert_eq!(stage.platform.log().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_when_the_lease_is_lost() {
    let stage = Stage::new();
    stage.platform.slow("a/1", 200);
    let plan = plan(&[("a/1", &[]), ("a/2", &[(0, READY)])]);
    let taken = async {
        sleep(Duration::from_secs(10)).await;
        stage.watch.lost.cancel();
    };
    let start = Instant::now();
    let (executed, ()) = tokio::join!(stage.execute(&plan), taken);
    assert!(matches!(executed.ended, Ended::LeaseLost(_)));
    assert!(start.elapsed() < Duration::from_secs(11));
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_does_not_answer_is_asked_again_before_a_step() {
    let stage = Stage::new();
    stage.watch.says.lock().unwrap().extend([unreachable(), unreachable()]);
    assert!(stage.execute(&plan(&[("a/1", &[])])).await.is_complete());
}

#[tokio::test(start_paused = true)]
async fn what_is_under_way_ends_when_the_user_ends_it() {
    let stage = Stage::new();
    let plan = plan(&[("a/1", &[]), ("a/2", &[(0, EXISTS)])]);
    let interrupt = async {
        sleep(CALL / 2).await;
        stage.cancel.cancel();
    };
    let (executed, ()) = tokio::join!(stage.execute(&plan), interrupt);
    assert!(matches!(executed.ended, Ended::Cancelled));
    assert_eq!((executed.receipts.len(), executed.unattempted.len()), (1, 1));
    assert_eq!(stage.platform.log(), ["Create a/1"]);
}

#[tokio::test(start_paused = true)]
async fn time_is_up_for_waits() {
    let mut stage = Stage::new();
    stage.timeout = Duration::from_secs(30);
    stage.platform.slow("service/db", 500);
    let executed = stage.execute(&plan(&[("service/db", &[]), ("service/web", &[(0, READY)])])).await;
    assert!(matches!(executed.ended, Ended::TimedOut));
    assert_eq!(
        (executed.health[0].state, executed.health[0].message.as_str()),
        (State::Progressing, "starting")
    );
}

#[tokio::test(start_paused = true)]
async fn time_is_up_for_calls_that_hang() {
    let mut stage = Stage::new();
    stage.timeout = Duration::from_secs(30);
    stage.platform.says("a/1", [Says::Hangs]);
    let start = Instant::now();
    let executed = stage.execute(&plan(&[("a/1", &[])])).await;
    assert!(matches!(executed.ended, Ended::TimedOut));
    assert_eq!(executed.failures[0].error.kind, ErrorKind::Timeout);
    assert!(start.elapsed() < Duration::from_mins(1));
}

#[tokio::test(start_paused = true)]
async fn what_is_there_already_is_awaited() {
    let stage = Stage::new();
    stage.platform.slow("service/db", 3);
    let live = stage.platform.put(&object("service/db", json!({ "image": "a" })));
    let body = live.object.body.clone();
    let awaited = step_on(Action::Await, &live, body);
    let user = Step {
        after: vec![StepAfter { step: 0, until: READY }],
        ..step(Action::Create, object("service/web", json!({})))
    };
    let start = Instant::now();
    let executed = stage.execute(&Plan { steps: vec![awaited, user], notes: Vec::new() }).await;
    assert!(executed.is_complete());
    assert!(stage.platform.begun("service/web") - start >= Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn jobs_that_succeeded_are_remembered() {
    let stage = Stage::new();
    let mut plan = plan(&[("service/migrate", &[]), ("service/web", &[(0, READY)])]);
    plan.steps[0].object.once = Some("hash".to_owned());
    let executed = stage.execute(&plan).await;
    assert_eq!(executed.done, [("service/migrate".into(), "hash".to_owned())].into());
}

#[tokio::test(start_paused = true)]
async fn an_empty_plan_is_done_at_once() {
    let stage = Stage::new();
    assert!(stage.execute(&Plan::default()).await.is_complete());
    assert_eq!(stage.watch.verified.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn five_thousand_steps_are_carried_out() {
    let stage = Stage::new();
    let names: Vec<String> = (0..5000).map(|index| format!("service/web-{index}")).collect();
    let afters: Vec<Vec<(usize, Until)>> = (0..5000_usize)
        .map(|index| index.checked_sub(10).map(|before| (before, EXISTS)).into_iter().collect())
        .collect();
    let steps: Vec<(&str, &[(usize, Until)])> =
        names.iter().zip(&afters).map(|(name, after)| (name.as_str(), after.as_slice())).collect();
    let executed = stage.execute(&plan(&steps)).await;
    assert!(executed.is_complete());
    assert_eq!(executed.receipts.len(), 5000);
}
