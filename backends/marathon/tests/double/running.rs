//! What is asked of things that run.

use std::time::Duration;

use rhumb_backend::{
    Backend, ErrorKind, Exec, Interactive, LogQuery, LogStream, Place, Runtime, Streams, TaskState,
};
use rhumb_doubles::marathon::{Fate, Fault, FaultRule, Rule};
use tokio::sync::mpsc;

use crate::lab::{app, failed, lab};

#[tokio::test]
async fn tasks_are_listed_scaled_and_restarted() {
    let lab = lab();
    lab.ready(&lab.create(&app("web", "nginx:1", 2)).await).await;
    let tasks = lab.marathon.tasks(&lab.scope, None).await.unwrap();
    assert_eq!(tasks.len(), 2);
    assert_eq!((tasks[0].name.as_str(), tasks[0].state), ("web.1", TaskState::Running));
    assert_eq!(tasks[0].image, "nginx:1");
    assert!(tasks[0].ports[0].ends_with("->80/tcp"), "{:?}", tasks[0].ports);
    assert_eq!(failed(lab.marathon.tasks(&lab.scope, Some("api")).await).kind, ErrorKind::NotFound);

    let receipts = lab.marathon.scale(&lab.scope, "web", 3).await.unwrap();
    lab.ready(&receipts[0]).await;
    let before: Vec<String> = ids(&lab).await;
    assert_eq!(before.len(), 3);
    let receipts = lab.marathon.restart(&lab.scope, "web").await.unwrap();
    lab.ready(&receipts[0]).await;
    let after = ids(&lab).await;
    assert!(after.iter().all(|id| !before.contains(id)), "{before:?} {after:?}");
    lab.is_sound();
}

async fn ids(lab: &crate::lab::Lab) -> Vec<String> {
    let tasks = lab.marathon.tasks(&lab.scope, Some("web")).await.unwrap();
    let running = tasks.into_iter().filter(|task| task.state == TaskState::Running);
    running.map(|task| task.id).collect()
}

#[tokio::test]
async fn what_tasks_printed_comes_from_their_sandboxes() {
    let lab = lab();
    lab.ready(&lab.create(&app("web", "nginx:1", 2)).await).await;
    let (sender, mut receiver) = mpsc::channel(100);
    lab.marathon.logs(&lab.scope, &LogQuery::default(), sender).await.unwrap();
    let mut lines = Vec::new();
    while let Some(line) = receiver.recv().await {
        lines.push(line);
    }
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].text.ends_with("says hello") && lines[0].stream == LogStream::Stdout);
    assert_eq!(lines[0].workload, "web");

    let (sender, _receiver) = mpsc::channel(100);
    let since = LogQuery { since: Some(1), ..LogQuery::default() };
    assert_eq!(failed(lab.marathon.logs(&lab.scope, &since, sender).await).kind, ErrorKind::Unsupported);
}

#[tokio::test]
async fn following_ends_when_nobody_listens() {
    let lab = lab();
    lab.ready(&lab.create(&app("web", "nginx:1", 1)).await).await;
    let (sender, mut receiver) = mpsc::channel(100);
    let query = LogQuery { follow: true, tail: Some(1), ..LogQuery::default() };
    let followed = async {
        tokio::join!(lab.marathon.logs(&lab.scope, &query, sender), async {
            assert!(receiver.recv().await.unwrap().text.ends_with("says hello"));
            drop(receiver);
        })
        .0
    };
    tokio::time::timeout(Duration::from_secs(10), followed).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_command_is_refused_with_what_else_runs_it() {
    let lab = lab();
    lab.ready(&lab.create(&app("web", "nginx:1", 1)).await).await;
    let place = Place { workload: "web".to_owned(), ..Place::default() };
    let streams = Streams {
        stdin: None,
        stdout: Box::new(tokio::io::sink()),
        stderr: Box::new(tokio::io::sink()),
        resize: None,
    };
    let error = failed(lab.marathon.exec(&lab.scope, &place, &Exec::default(), streams).await);
    assert_eq!(error.kind, ErrorKind::Unsupported);
    assert!(error.remedy.unwrap().contains("dcos task exec"));
}

#[tokio::test]
async fn what_still_stops_is_told() {
    let lab = lab();
    lab.double.tell(Rule::of("/default/shop/web", Fate::NeverStops));
    let want = app("web", "nginx:1", 1);
    lab.ready(&lab.create(&want).await).await;
    let live = lab.live(&want).await.unwrap();
    lab.apply(&crate::lab::step(rhumb_backend::Action::Delete, &want, Some(&live))).await.unwrap();
    let leaving = lab.marathon.leaving(&lab.scope, &[]).await.unwrap();
    assert_eq!(leaving.len(), 1);
    assert!(leaving[0].message.contains("being stopped"), "{leaving:?}");
}

#[tokio::test]
async fn events_wake_those_who_wait_and_their_absence_harms_nobody() {
    let lab = lab();
    let receipt = lab.create(&app("web", "nginx:1", 1)).await;
    let receipts = std::slice::from_ref(&receipt);
    let changed = || lab.marathon.changed(&lab.scope, receipts);
    // The stream opens when somebody waits, so what comes first is over by then.
    let first = tokio::time::timeout(Duration::from_secs(1), changed()).await;
    lab.ready(&receipt).await;
    if first.is_ok() {
        while tokio::time::timeout(Duration::from_millis(300), changed()).await.is_ok() {}
    }
    let scaled = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        lab.marathon.scale(&lab.scope, "web", 2).await.unwrap();
    };
    let (woken, ()) = tokio::join!(tokio::time::timeout(Duration::from_secs(10), changed()), scaled);
    woken.expect("an event of the app wakes");
    let other = rhumb_backend::Scope::new("default", "other");
    let elsewhere = rhumb_backend::Receipt { rollout: serde_json::Value::Null, ..receipt.clone() };
    let elsewhere = [elsewhere];
    let slept =
        tokio::time::timeout(Duration::from_millis(300), lab.marathon.changed(&other, &elsewhere)).await;
    assert!(slept.is_err(), "what is another release's wakes nobody");

    let next = lab.another();
    lab.double.fail(FaultRule::on("GET", "/v2/events", Fault::Status(404)));
    let slept = tokio::time::timeout(Duration::from_millis(300), next.changed(&lab.scope, receipts)).await;
    assert!(slept.is_err(), "without a stream nobody is woken");
}
