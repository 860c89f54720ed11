//! Verbs about what runs.

use std::time::Duration;

use rhumb_action::{ActionError, DeployOptions, LogsRequest, PsRequest, RestartRequest, Wait};
use rhumb_backend::LogQuery;
use tokio::sync::mpsc;

use crate::world::World;

#[tokio::test]
async fn replicas_and_their_output_are_shown() {
    let world = World::new();
    world.install(world.shop(), DeployOptions::default()).await.unwrap();
    let holder = world.holder();
    let context = world.context(&holder);
    let request = PsRequest { name: "shop".to_owned(), workload: None, all: false };
    let tasks = rhumb_action::ps(&context, &request).await.unwrap();
    let names: Vec<&str> = tasks.iter().map(|task| task.name.as_str()).collect();
    assert_eq!(names, ["front.1", "web.1", "web.2"]);

    let (sender, mut lines) = mpsc::channel(100);
    let query = LogQuery { workload: Some("web".to_owned()), ..LogQuery::default() };
    let request = LogsRequest { name: "shop".to_owned(), query };
    rhumb_action::logs(&context, &request, sender).await.unwrap();
    let mut count = 0;
    while let Some(line) = lines.recv().await {
        assert_eq!(line.workload, "web");
        count += 1;
    }
    assert!(count > 0);

    let request = PsRequest { name: "shopp".to_owned(), workload: None, all: false };
    let error = rhumb_action::ps(&context, &request).await.unwrap_err();
    assert!(matches!(&error, ActionError::NotFound { nearest, .. } if *nearest == ["shop"]), "{error:?}");
}

#[tokio::test]
async fn following_output_ends_when_it_is_cancelled() {
    let world = World::new();
    world.install(world.shop(), DeployOptions::default()).await.unwrap();
    let holder = world.holder();
    let (sender, mut lines) = mpsc::channel(100);
    let query = LogQuery { follow: true, ..LogQuery::default() };
    let request = LogsRequest { name: "shop".to_owned(), query };
    let context = world.context(&holder);
    let reading = rhumb_action::logs(&context, &request, sender);
    let cancel = async {
        lines.recv().await.unwrap();
        world.cancel.cancel();
        while lines.recv().await.is_some() {}
    };
    let both = async { tokio::join!(reading, cancel).0 };
    tokio::time::timeout(Duration::from_secs(5), both).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_restart_replaces_what_runs_and_changes_nothing_else() {
    let world = World::new();
    world.install(world.shop(), DeployOptions::default()).await.unwrap();
    let holder = world.holder();
    let request = RestartRequest {
        name: "shop".to_owned(),
        workloads: Vec::new(),
        wait: Wait::Ready,
        timeout: Duration::from_secs(5),
    };
    let rolled = rhumb_action::restart(&world.context(&holder), &request).await.unwrap();
    assert_eq!(rolled.workloads, ["front", "web"]);
    assert_eq!(rolled.health.len(), 2);
    assert_eq!(world.history().await.len(), 1);
    let upgraded = world.upgrade(world.shop(), DeployOptions::default()).await.unwrap();
    assert!(upgraded.plan.is_empty(), "a restart is no drift: {:?}", upgraded.plan);
    let unknown = RestartRequest { workloads: vec!["wep".to_owned()], ..request };
    assert!(rhumb_action::restart(&world.context(&holder), &unknown).await.is_err());
}
