//! What is asked of things that run.

use std::time::Duration;

use rhumb_backend::{Backend, ErrorKind, LogLine, LogQuery, LogStream, State};
use serde_json::json;
use tokio::sync::mpsc;

use crate::lab::{Lab, of};

fn app() -> serde_json::Value {
    let command =
        ["sh", "-c", "echo one; echo two >&2; trap 'exit 0' TERM; while true; do sleep 1; echo tick; done"];
    json!({ "workloads": { "web": {
        "containers": { "web": { "image": "rhumb-busybox:1", "command": command, "stop": { "grace": "2s" } } },
    } } })
}

#[tokio::test]
async fn replicas_are_listed_scaled_and_restarted() {
    let Some(mut lab) = Lab::open("swe-runtime").await else { return };
    lab.deploy(&app()).await.unwrap();
    let runtime = lab.swarm.runtime().unwrap();
    let before = lab.running("web").await;
    assert_eq!(before.len(), 1, "{before:#?}");
    assert_eq!((before[0].name.as_str(), before[0].image.as_str()), ("web.1", "rhumb-busybox:1"));
    assert!(before[0].node.is_some());

    let receipts = runtime.scale(&lab.scope, "web", 3).await.unwrap();
    let health = lab.wait(&receipts).await;
    assert_eq!((of(&health, "service/web").state, of(&health, "service/web").ready), (State::Ready, 3));

    let receipts = runtime.restart(&lab.scope, "web").await.unwrap();
    let health = lab.wait(&receipts).await;
    assert_eq!(of(&health, "service/web").state, State::Ready, "{health:#?}");
    let after = lab.running("web").await;
    assert!(after.iter().all(|task| task.id != before[0].id), "every replica is a new one");

    let error = runtime.tasks(&lab.scope, Some("wep")).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert_eq!(error.remedy.as_deref(), Some("it has web"));
    lab.uninstall().await;
}

#[tokio::test]
async fn lines_come_with_their_task_and_stream() {
    let Some(mut lab) = Lab::open("swe-logs").await else { return };
    lab.deploy(&app()).await.unwrap();
    let runtime = lab.swarm.runtime().unwrap();
    let (sender, mut receiver) = mpsc::channel(100);
    let query = LogQuery { tail: Some(100), ..LogQuery::default() };
    runtime.logs(&lab.scope, &query, sender).await.unwrap();
    let mut lines: Vec<LogLine> = Vec::new();
    while let Some(line) = receiver.recv().await {
        lines.push(line);
    }
    let find = |text: &str| lines.iter().find(|line| line.text == text).unwrap();
    assert_eq!((find("one").task.as_str(), find("one").stream), ("web.1", LogStream::Stdout), "{lines:#?}");
    assert_eq!(find("two").stream, LogStream::Stderr);
    assert!(find("one").time.is_some());

    let (sender, mut receiver) = mpsc::channel(100);
    let query = LogQuery { follow: true, tail: Some(0), ..LogQuery::default() };
    let following = runtime.logs(&lab.scope, &query, sender);
    let listening = async {
        let line = tokio::time::timeout(Duration::from_secs(20), receiver.recv()).await.unwrap().unwrap();
        assert_eq!(line.text, "tick");
        drop(receiver);
    };
    let (followed, ()) = tokio::join!(following, listening);
    followed.unwrap();
    lab.uninstall().await;
}
