//! Waiting until rollouts are ready.

use std::time::Duration;

use rhumb_backend::{Error, ErrorKind, Receipt, State};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::platform::{Stage, object, unreachable};
use crate::Event;
use crate::engine::{Ended, Wait, Waited};

fn receipts(stage: &Stage, ids: &[&str]) -> Vec<Receipt> {
    let receipt = |id: &&str| {
        let live = stage.platform.put(&object(id, json!({})));
        Receipt {
            id: live.object.id.clone(),
            native: live.native,
            workload: live.object.workload,
            outputs: live.outputs,
            rollout: json!(null),
        }
    };
    ids.iter().map(receipt).collect()
}

fn waiting(stage: &Stage) -> Wait<'_> {
    Wait {
        backend: &stage.platform,
        scope: &stage.scope,
        guard: Some(&stage.watch),
        progress: &stage.told,
        cancel: &stage.cancel,
        deadline: Instant::now() + stage.timeout,
    }
}

async fn wait(stage: &Stage, receipts: &[Receipt]) -> Waited {
    waiting(stage).until_ready(receipts).await
}

#[tokio::test(start_paused = true)]
async fn everything_gets_ready() {
    let stage = Stage::new();
    stage.platform.slow("service/db", 10);
    let receipts = receipts(&stage, &["service/db", "service/web"]);
    let start = Instant::now();
    let waited = wait(&stage, &receipts).await;
    assert!(matches!(waited.ended, Ended::Complete));
    assert_eq!(waited.unready().count(), 0);
    assert_eq!(waited.health.len(), 2);
    assert!(start.elapsed() < Duration::from_secs(12));
    let told = stage.told.0.lock().unwrap();
    assert_eq!(
        told.iter().filter(|event| matches!(event, Event::Health { .. })).count(),
        2,
        "only changes are told"
    );
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_tells_wakes_those_who_wait() {
    let seen_after = async |told: Option<Duration>| {
        let stage = Stage::new();
        stage.platform.slow("service/db", 10);
        let receipts = receipts(&stage, &["service/db"]);
        let start = Instant::now();
        *stage.platform.tells.lock().unwrap() = told.map(|told| start + told);
        assert!(matches!(wait(&stage, &receipts).await.ended, Ended::Complete));
        start.elapsed()
    };
    let moment = Duration::from_millis(10_020);
    let (woken, polling) = (seen_after(Some(moment)).await, seen_after(None).await);
    assert!(woken < moment + Duration::from_millis(20), "{woken:?}");
    assert!(polling > woken + Duration::from_millis(100), "{polling:?} is as soon as {woken:?}");
}

#[tokio::test(start_paused = true)]
async fn a_failure_ends_it_at_once_with_its_reason() {
    let stage = Stage::new();
    stage.platform.slow("service/db", 100);
    stage.platform.fails("service/web");
    let receipts = receipts(&stage, &["service/db", "service/web"]);
    let start = Instant::now();
    let waited = wait(&stage, &receipts).await;
    assert!(matches!(waited.ended, Ended::Failed));
    assert!(start.elapsed() < Duration::from_secs(1));
    let failed: Vec<_> = waited.failed().collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].failure.as_ref().unwrap().reason, "No such image");
}

#[tokio::test(start_paused = true)]
async fn a_fault_of_the_platform_that_passes_does_not_end_it() {
    let stage = Stage::new();
    stage.platform.falters("service/web");
    let receipts = receipts(&stage, &["service/web"]);
    assert!(matches!(wait(&stage, &receipts).await.ended, Ended::Complete));
    let told = stage.told.0.lock().unwrap();
    let says = |event: &Event, text: &str| match event {
        Event::Health { objects } => objects.iter().any(|health| health.message.contains(text)),
        _ => false,
    };
    assert!(told.iter().any(|event| says(event, "fault of the platform (device or resource busy)")));
}

#[tokio::test(start_paused = true)]
async fn who_only_looks_sets_nothing_going_again() {
    let stage = Stage::new();
    stage.platform.falters("service/web");
    let receipts = receipts(&stage, &["service/web"]);
    let look = Wait { guard: None, ..waiting(&stage) };
    assert!(matches!(look.until_ready(&receipts).await.ended, Ended::Failed));
    assert_eq!(stage.platform.passing.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_is_made_again() {
    let stage = Stage::new();
    stage.platform.slow("service/web", 5);
    stage.platform.health_says.lock().unwrap().extend((0..4).map(|_| unreachable()));
    let receipts = receipts(&stage, &["service/web"]);
    assert!(matches!(wait(&stage, &receipts).await.ended, Ended::Complete));
}

#[tokio::test(start_paused = true)]
async fn what_will_not_pass_ends_it() {
    let stage = Stage::new();
    stage.platform.health_says.lock().unwrap().push_back(Error::new(
        ErrorKind::Forbidden,
        "list tasks",
        "no",
    ));
    let receipts = receipts(&stage, &["service/web"]);
    match wait(&stage, &receipts).await.ended {
        Ended::Platform(error) => assert_eq!(error.kind, ErrorKind::Forbidden),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn time_is_up() {
    let stage = Stage::new();
    stage.platform.slow("service/web", 1000);
    let receipts = receipts(&stage, &["service/web"]);
    let waited = wait(&stage, &receipts).await;
    assert!(matches!(waited.ended, Ended::TimedOut));
    assert_eq!(waited.unready().map(|health| health.state).collect::<Vec<_>>(), [State::Progressing]);
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_never_answers_leaves_nobody_out() {
    let mut stage = Stage::new();
    stage.timeout = Duration::from_secs(5);
    stage.platform.health_says.lock().unwrap().extend((0..100).map(|_| unreachable()));
    let receipts = receipts(&stage, &["service/web"]);
    let waited = wait(&stage, &receipts).await;
    assert!(matches!(waited.ended, Ended::TimedOut));
    let told: Vec<&str> = waited.unready().map(|health| health.message.as_str()).collect();
    assert_eq!(told, [format!("the platform does not tell how it is: {}", unreachable())]);
}

#[tokio::test(start_paused = true)]
async fn the_user_and_the_lease_end_it() {
    let stage = Stage::new();
    stage.platform.slow("service/web", 100);
    let receipts = receipts(&stage, &["service/web"]);
    let take = async {
        sleep(Duration::from_secs(3)).await;
        stage.watch.lost.cancel();
    };
    let (waited, ()) = tokio::join!(wait(&stage, &receipts), take);
    assert!(matches!(waited.ended, Ended::LeaseLost(_)));
    stage.cancel.cancel();
    assert!(matches!(wait(&stage, &receipts).await.ended, Ended::Cancelled | Ended::LeaseLost(_)));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_ready_at_once() {
    let stage = Stage::new();
    assert!(matches!(wait(&stage, &[]).await.ended, Ended::Complete));
}
