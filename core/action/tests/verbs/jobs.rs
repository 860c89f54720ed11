//! One-off jobs and tests of a release.

use std::time::Duration;

use rhumb_action::{ActionError, AfterJob, DeployOptions, Event, RunRequest, TestRequest};
use rhumb_backend::ErrorKind;

use crate::world::World;

const CHART: &[(&str, &str)] = &[
    ("values.yaml", "mode: ready\n"),
    (
        "templates/web.yaml",
        "kind: Workload\nname: web\ncontainers:\n  web:\n    image: web:1\n    ports: { http: 80 }\n    \
         mounts: { /etc/web: { config: web } }\n---\nkind: Config\nname: web\ndata: { a: b }\n",
    ),
    (
        "templates/tests/smoke.yaml",
        "kind: Workload\nname: smoke\nmode: job\nannotations: { memory.rhumb.dev/behaviour: \"{{ values.mode }}\" }\n\
         containers:\n  smoke: { image: \"curl:1\", mounts: { /etc/web: { config: web } } }\n",
    ),
];

fn run_request(command: &[&str]) -> RunRequest {
    RunRequest {
        name: "shop".to_owned(),
        workload: "web".to_owned(),
        container: None,
        command: command.iter().map(|&word| word.to_owned()).collect(),
        timeout: Duration::from_secs(10),
        after: AfterJob::Remove,
    }
}

#[tokio::test]
async fn a_job_runs_is_told_and_goes() {
    let world = World::new();
    world.install(world.inputs(CHART, &[]), DeployOptions::default()).await.unwrap();
    let before = world.there().await;
    world.told();
    let holder = world.holder();
    let result = rhumb_action::run(&world.context(&holder), &run_request(&["true"])).await.unwrap();
    assert!(result.succeeded && result.name.starts_with("web-run-"), "{result:?}");
    assert_eq!(result.exit_code, Some(0));
    assert_eq!(world.there().await, before);
    assert_eq!(world.history().await.len(), 1);
    let told = world.told();
    assert!(
        told.iter().any(|event| matches!(event, Event::Log(line) if line.workload == result.name)),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_job_that_is_kept_goes_with_the_next_upgrade() {
    let world = World::new();
    world.install(world.inputs(CHART, &[]), DeployOptions::default()).await.unwrap();
    let holder = world.holder();
    let request = RunRequest { after: AfterJob::Keep, ..run_request(&[]) };
    let result = rhumb_action::run(&world.context(&holder), &request).await.unwrap();
    assert!(world.ids().await.contains(&format!("workload/{}", result.name)));
    world.upgrade(world.inputs(CHART, &[]), DeployOptions::default()).await.unwrap();
    assert!(!world.ids().await.contains(&format!("workload/{}", result.name)));
}

#[tokio::test]
async fn tests_are_run_against_what_is_deployed() {
    for (mode, succeeds) in [("ready", true), ("crash:7", false)] {
        let world = World::new();
        let inputs = world.inputs(CHART, &[&format!("mode={mode}")]);
        world.install(inputs, DeployOptions::default()).await.unwrap();
        assert!(
            !world.ids().await.contains(&"workload/smoke".to_owned()),
            "tests are no part of the release"
        );
        let request = TestRequest {
            name: "shop".to_owned(),
            only: Vec::new(),
            timeout: Duration::from_secs(10),
            after: AfterJob::Remove,
        };
        let tested = rhumb_action::test(&world.context(&world.holder()), &request).await.unwrap();
        assert_eq!(tested.tests.len(), 1);
        assert_eq!(tested.succeeded(), succeeds, "{tested:?}");
        assert_eq!(tested.tests[0].exit_code, Some(if succeeds { 0 } else { 7 }));
        assert!(!world.ids().await.contains(&"workload/smoke".to_owned()));
        let unknown = TestRequest { only: vec!["smok".to_owned()], ..request };
        let error = rhumb_action::test(&world.context(&world.holder()), &unknown).await.unwrap_err();
        assert!(error.to_string().contains("no test `smok`"), "{error}");
    }
}

#[tokio::test]
async fn a_workload_that_is_not_there_is_told() {
    let world = World::new();
    world.install(world.inputs(CHART, &[]), DeployOptions::default()).await.unwrap();
    let request = RunRequest { workload: "wep".to_owned(), ..run_request(&[]) };
    let error = rhumb_action::run(&world.context(&world.holder()), &request).await.unwrap_err();
    let ActionError::Backend(error) = &error else { panic!("{error}") };
    assert_eq!(error.kind, ErrorKind::NotFound, "{error}");
    assert_eq!(error.remedy.as_deref(), Some("one of web"));
}

#[tokio::test]
async fn a_chart_without_tests_has_passed_them_all() {
    let world = World::new();
    world.install(world.inputs(&CHART[..2], &[]), DeployOptions::default()).await.unwrap();
    let request = TestRequest {
        name: "shop".to_owned(),
        only: Vec::new(),
        timeout: Duration::from_secs(5),
        after: AfterJob::Remove,
    };
    let tested = rhumb_action::test(&world.context(&world.holder()), &request).await.unwrap();
    assert!(tested.tests.is_empty() && tested.succeeded());
    let request = TestRequest { only: vec!["smoke".to_owned()], ..request };
    let error = rhumb_action::test(&world.context(&world.holder()), &request).await.unwrap_err();
    assert!(error.to_string().contains("no test `smoke`"), "{error}");
}
