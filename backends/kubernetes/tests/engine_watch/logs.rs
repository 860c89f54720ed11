//! What containers print, as it is read back.

use std::time::Duration;

use rhumb_backend::{Backend, LogLine, LogQuery};
use serde_json::json;
use tokio::sync::mpsc;

use crate::lab::{Lab, pod};

async fn read(lab: &Lab, query: LogQuery) -> Vec<LogLine> {
    let (sender, mut receiver) = mpsc::channel(16);
    let collect = async {
        let mut lines = Vec::new();
        while let Some(line) = receiver.recv().await {
            lines.push(line);
        }
        lines
    };
    let reading = lab.kubernetes.runtime().unwrap().logs(&lab.scope, &query, sender);
    let (read, lines) = tokio::join!(reading, collect);
    read.unwrap();
    lines
}

#[tokio::test]
async fn lines_of_all_containers_come_in_the_order_of_their_times() {
    let Some(lab) = Lab::open("lines") else { return };
    let mut pod =
        pod(&["sh", "-c", "for i in 1 2 3; do echo main $i; sleep 0.2; done; sleep 100000"], &json!({}));
    let side = json!({ "name": "side", "image": "rhumb-busybox:1",
        "command": ["sh", "-c", "for i in 1 2 3; do echo side $i >&2; sleep 0.2; done; sleep 100000"] });
    pod["containers"].as_array_mut().unwrap().push(side);
    lab.wait(&[lab.apply(&lab.workload("apps/v1", "Deployment", json!({ "replicas": 1 }), pod))]).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let lines = read(&lab, LogQuery { workload: Some("web".to_owned()), ..LogQuery::default() }).await;
    assert_eq!(lines.len(), 6, "{lines:#?}");
    let times: Vec<jiff::Timestamp> =
        lines.iter().map(|line| line.time.as_ref().unwrap().parse().unwrap()).collect();
    assert!(times.is_sorted(), "{lines:#?}");
    assert!(lines.iter().any(|line| line.task.ends_with(" side") && line.text == "side 3"), "{lines:#?}");
    let tail = read(&lab, LogQuery { tail: Some(1), ..LogQuery::default() }).await;
    assert_eq!(tail.len(), 2, "the last of each: {tail:#?}");
    let later = jiff::Timestamp::now().as_second() + 60;
    assert!(read(&lab, LogQuery { since: Some(later), ..LogQuery::default() }).await.is_empty());
}

#[tokio::test]
async fn pods_that_come_later_are_followed_too() {
    let Some(lab) = Lab::open("follow") else { return };
    let command = ["sh", "-c", "echo begin $HOSTNAME; sleep 100000"];
    lab.wait(&[lab.apply(&lab.deployment(&command, &json!({})))]).await;
    let (sender, mut receiver) = mpsc::channel(16);
    let query = LogQuery { follow: true, ..LogQuery::default() };
    let scope = lab.scope.clone();
    let runtime = lab.kubernetes.runtime().unwrap();
    let reading = runtime.logs(&scope, &query, sender);
    let watching = async {
        let first = receiver.recv().await.unwrap();
        let mut two = lab.deployment(&command, &json!({}));
        two["spec"]["replicas"] = json!(2);
        lab.apply(&two);
        let second = receiver.recv().await.unwrap();
        assert_ne!(first.task, second.task);
        assert!(second.text.starts_with("begin "), "{second:?}");
        // Who does not listen any more ends it.
        drop(receiver);
    };
    let both = async { tokio::join!(reading, watching) };
    let (read, ()) = tokio::time::timeout(Duration::from_mins(1), both).await.unwrap();
    read.unwrap();
}

#[tokio::test]
async fn every_life_of_a_container_is_followed() {
    let Some(lab) = Lab::open("lives") else { return };
    lab.apply(&lab.deployment(&["sh", "-c", "echo life; sleep 2; exit 1"], &json!({})));
    let (sender, mut receiver) = mpsc::channel(16);
    let query = LogQuery { follow: true, ..LogQuery::default() };
    let reading = lab.kubernetes.runtime().unwrap().logs(&lab.scope, &query, sender);
    let watching = async {
        for _ in 0..2 {
            assert_eq!(receiver.recv().await.unwrap().text, "life");
        }
        drop(receiver);
    };
    let both = async { tokio::join!(reading, watching) };
    let (read, ()) = tokio::time::timeout(Duration::from_mins(1), both).await.unwrap();
    read.unwrap();
}

#[tokio::test]
async fn following_a_job_ends_with_it() {
    let Some(lab) = Lab::open("joblog") else { return };
    let mut pod = pod(&["sh", "-c", "echo one; echo two"], &json!({}));
    pod["restartPolicy"] = json!("Never");
    lab.apply(&lab.workload("batch/v1", "Job", json!({ "backoffLimit": 0 }), pod));
    let query = LogQuery { follow: true, ..LogQuery::default() };
    let lines = tokio::time::timeout(Duration::from_mins(1), read(&lab, query)).await.unwrap();
    let texts: Vec<_> = lines.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(texts, ["one", "two"]);
}
