//! Rollouts, jobs and removals on a double of AWS, with tasks that fail.

use std::time::Duration;

use rhumb_backend::{Action, Backend, Change, ErrorKind, Live, Object, ObjectId, Receipt, Retry, State};
use rhumb_doubles::ecs::{Fate, Fault, Options, Pace, Rule, Trouble};
use serde_json::{Value, json};

use crate::stage::{Stage, definition, marks, object, service, step};

/// A service of this image; its receipt.
async fn run(stage: &Stage, image: &str) -> (Object, Receipt) {
    let arn = stage.create(&definition(stage, "web", image)).await.outputs["arn"].clone();
    let want = service(stage, "web", &arn);
    let receipt = stage.create(&want).await;
    (want, receipt)
}

/// Rolls a service to another image.
async fn roll(stage: &Stage, last: &Object, image: &str) -> (Object, Receipt) {
    let arn = stage.create(&definition(stage, "web", image)).await.outputs["arn"].clone();
    let want = service(stage, "web", &arn);
    let (receipt, paths) = stage.update(last, &want).await;
    assert_eq!(paths, ["taskDefinition"]);
    (want, receipt)
}

/// A stage with the release's log group, without which no task starts.
async fn ready() -> Option<Stage> {
    with(Options::default()).await
}

async fn with(options: Options) -> Option<Stage> {
    let stage = Stage::with(options)?;
    let tags = json!({ "rhumb.dev/namespace": "default", "rhumb.dev/release": "shop", "rhumb.dev/object": "log-group/shop" });
    let group = object("log-group/shop", json!({ "logGroupName": "/rhumb/default/shop", "tags": tags }));
    stage.create(&group).await;
    Some(stage)
}

#[tokio::test]
async fn a_rollout_is_ready_when_its_own_tasks_run() {
    let Some(stage) = ready().await else { return };
    let (want, receipt) = run(&stage, "nginx:1").await;
    assert_eq!(stage.health(&receipt).await.state, State::Progressing);
    let health = stage.settled(&receipt).await;
    assert_eq!((health.state, health.ready, health.wanted), (State::Ready, 2, 2), "{health:?}");
    let (want, next) = roll(&stage, &want, "nginx:2").await;
    assert_ne!(receipt.rollout, next.rollout);
    assert_eq!(stage.settled(&next).await.state, State::Ready);
    assert_eq!(stage.health(&receipt).await.state, State::Failed, "the first was overtaken");
    let live = stage.live("service/web").await;
    assert!(live.holds.contains(want.body["taskDefinition"].as_str().expect("an ARN")), "{live:#?}");
    let awaited = stage.apply(&step(Action::Await, &want, Some(&live))).await.expect("it is there");
    assert_eq!((awaited.rollout, awaited.native), (next.rollout, next.native));
    stage.is_in_order();
}

#[tokio::test]
async fn what_the_circuit_breaker_gives_up_has_failed_and_can_be_tried_anew() {
    let Some(stage) = ready().await else { return };
    let (want, receipt) = run(&stage, "nginx:1").await;
    assert_eq!(stage.settled(&receipt).await.state, State::Ready);
    stage.double.rule(Rule {
        logs: vec!["no such table".to_owned()],
        ..Rule::of_image("nginx:2", Fate::Fails { after: 5, code: 3, reason: None, container: None })
    });
    let (want, receipt) = roll(&stage, &want, "nginx:2").await;
    let health = stage.settled(&receipt).await;
    assert_eq!(health.state, State::Failed, "{health:?}");
    let failure = health.failure.expect("a task failed");
    assert_eq!(failure.exit_code, Some(3), "{failure:?}");
    assert!(failure.logs.iter().any(|line| line == "no such table"), "{failure:?}");
    assert!(!health.message.contains("somebody"), "{}", health.message);
    let live = stage.live("service/web").await;
    stage.double.forget_rules();
    // The circuit breaker went back to the definition before, so the wanted one is a change.
    let Change::Update { body, changes, .. } = stage.ecs.change(Some(&want), &live, &want) else {
        panic!("it runs what is not wanted")
    };
    let object = Object { body, ..want };
    let anew = rhumb_backend::Step { changes, ..step(Action::Update, &object, Some(&live)) };
    let receipt = stage.carry_out(&anew).await;
    assert_eq!(stage.settled(&receipt).await.state, State::Ready);
    stage.is_in_order();
}

#[tokio::test]
async fn a_first_rollout_that_was_given_up_is_tried_by_force() {
    let Some(stage) = ready().await else { return };
    stage.double.rule(Rule::of_image("nginx:1", Fate::CannotPull));
    let (want, receipt) = run(&stage, "nginx:1").await;
    let health = stage.settled(&receipt).await;
    assert_eq!(health.state, State::Failed, "{health:?}");
    let failure = health.failure.expect("a task failed");
    assert!(failure.reason.contains("CannotPullContainerError"), "{failure:?}");
    assert!(failure.remedy.expect("a remedy").contains("execution role"));
    stage.double.forget_rules();
    let live = stage.live("service/web").await;
    assert!(live.outputs.contains_key(Live::GIVEN_UP), "{live:#?}");
    assert!(matches!(stage.ecs.change(Some(&want), &live, &want), Change::None { .. }));
    let body = stage.ecs.again(&live, &want).expect("it was given up");
    let receipt = stage.carry_out(&step(Action::Update, &Object { body, ..want }, Some(&live))).await;
    assert_eq!(stage.settled(&receipt).await.state, State::Ready);
    stage.is_in_order();
}

#[tokio::test]
async fn tasks_that_keep_failing_end_the_wait_without_a_circuit_breaker() {
    let Some(stage) = ready().await else { return };
    stage.double.rule(Rule::of_image(
        "nginx:1",
        Fate::Fails {
            after: 5,
            code: 137,
            reason: Some("OutOfMemoryError: Container killed due to memory usage".to_owned()),
            container: None,
        },
    ));
    let arn = stage.create(&definition(&stage, "web", "nginx:1")).await.outputs["arn"].clone();
    let mut want = service(&stage, "web", &arn);
    want.body["deploymentConfiguration"] = json!({ "maximumPercent": 200, "minimumHealthyPercent": 100 });
    let receipt = stage.create(&want).await;
    let health = stage.settled(&receipt).await;
    assert_eq!(health.state, State::Failed, "{health:?}");
    let failure = health.failure.expect("a task failed");
    assert!(failure.reason.contains("OutOfMemory") && failure.remedy.is_some(), "{failure:?}");
    assert_eq!(failure.exit_code, Some(137));
    stage.is_in_order();
}

#[tokio::test]
async fn what_drains_has_its_name_until_it_is_gone() {
    let pace = Pace { draining: Duration::from_secs(4), ..Pace::default() };
    let Some(stage) = with(Options { pace, ..Options::default() }).await else { return };
    let (want, receipt) = run(&stage, "nginx:1").await;
    assert_eq!(stage.settled(&receipt).await.state, State::Ready);
    let live = stage.live("service/web").await;
    stage.carry_out(&step(Action::Delete, &want, Some(&live))).await;
    let natives = [ObjectId::from(receipt.native.as_str()), ObjectId::from("service/web")];
    let leaving = stage.ecs.leaving(&stage.scope, &natives).await.expect("AWS answers");
    assert_eq!(leaving.len(), 1, "{leaving:?}");
    assert_eq!((leaving[0].id.as_str(), leaving[0].state), ("service/web", State::Progressing));
    let error = stage.apply(&step(Action::Create, &want, None)).await.expect_err("the name is not free");
    assert_eq!((error.kind, error.retry), (ErrorKind::Locked, Retry::Same), "{error}");
    let receipt = stage.carry_out(&step(Action::Create, &want, None)).await;
    assert_eq!(stage.settled(&receipt).await.state, State::Ready);
    assert_eq!(stage.ecs.leaving(&stage.scope, &natives).await.expect("AWS answers"), []);
    stage.is_in_order();
}

#[tokio::test]
async fn a_service_is_made_anew_once() {
    let Some(stage) = ready().await else { return };
    let (want, receipt) = run(&stage, "nginx:1").await;
    assert_eq!(stage.settled(&receipt).await.state, State::Ready);
    let live = stage.live("service/web").await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    let replace = step(Action::Replace, &want, Some(&live));
    let new = stage.carry_out(&replace).await;
    assert_ne!(new.rollout, receipt.rollout);
    let again = stage.carry_out(&replace).await;
    assert_eq!(again.rollout, new.rollout, "a repeated step leaves the new one alone");
    stage.is_in_order();
}

fn job(stage: &Stage, definition: &str, once: &str) -> Object {
    let account = stage.double.account();
    let body = json!({
        "cluster": "default",
        "taskDefinition": definition,
        "count": 2,
        "launchType": "FARGATE",
        "startedBy": format!("rhumb/{once}"),
        "networkConfiguration": { "awsvpcConfiguration": { "subnets": account.subnets, "securityGroups": [account.security_group] } },
        "tags": marks("task/migrate", &[("rhumb.dev/workload", "migrate"), ("rhumb.dev/generation", once)]),
    });
    Object {
        once: Some(once.to_owned()),
        workload: Some("migrate".to_owned()),
        ..object("task/migrate", body)
    }
}

#[tokio::test]
async fn a_job_runs_once_for_each_step() {
    let pace = Pace { job: Duration::from_secs(2), ..Pace::default() };
    let Some(stage) = with(Options { pace, ..Options::default() }).await else { return };
    let arn = stage.create(&definition(&stage, "migrate", "job:1")).await.outputs["arn"].clone();
    let want = job(&stage, &arn, "c0ffee");
    let receipt = stage.create(&want).await;
    assert!(!stage.live("task/migrate").await.outputs.contains_key(Live::JOB));
    let health = stage.settled(&receipt).await;
    assert_eq!((health.state, health.ready, health.wanted), (State::Ready, 2, 2), "{health:?}");
    let live = stage.live("task/migrate").await;
    assert_eq!(live.outputs.get(Live::JOB).map(String::as_str), Some(Live::JOB_SUCCEEDED));
    assert_eq!((live.object.once.as_deref(), &live.native), (Some("c0ffee"), &receipt.native));
    let again = stage.create(&want).await;
    assert_ne!(again.native, receipt.native, "another step is another run");
    stage.is_in_order();
}

#[tokio::test]
async fn a_job_that_fails_says_why_and_runs_again() {
    let Some(stage) = ready().await else { return };
    stage.double.rule(Rule::of_image("job:1", Fate::ExitsWith(4)));
    let arn = stage.create(&definition(&stage, "migrate", "job:1")).await.outputs["arn"].clone();
    let want = job(&stage, &arn, "c0ffee");
    let receipt = stage.create(&want).await;
    let health = stage.settled(&receipt).await;
    assert_eq!(health.state, State::Failed, "{health:?}");
    assert_eq!(health.failure.expect("a task failed").exit_code, Some(4));
    let live = stage.live("task/migrate").await;
    assert_eq!(live.outputs.get(Live::JOB).map(String::as_str), Some(Live::JOB_FAILED));
    stage.double.forget_rules();
    let receipt = stage.carry_out(&step(Action::Replace, &want, Some(&live))).await;
    assert_eq!(stage.settled(&receipt).await.state, State::Ready);
    stage.is_in_order();
}

#[tokio::test]
async fn a_job_is_not_started_twice_when_an_answer_is_lost() {
    let Some(stage) = ready().await else { return };
    let arn = stage.create(&definition(&stage, "migrate", "job:1")).await.outputs["arn"].clone();
    stage.double.fault(Fault {
        calls: "ecs:RunTask".to_owned(),
        at: Some(vec![0]),
        trouble: Trouble::AnswerLost,
    });
    let receipt = stage.create(&job(&stage, &arn, "c0ffee")).await;
    assert_eq!(stage.double.met(), 1);
    assert_eq!(stage.double.calls()["ecs:RunTask"], 2);
    assert_eq!(tasks(&stage), 2);
    assert_eq!(stage.settled(&receipt).await.state, State::Ready);
    stage.is_in_order();
}

/// The tasks that the double has or had.
fn tasks(stage: &Stage) -> usize {
    let of = |status: &str| {
        let listed =
            stage.double.ecs("ListTasks", &json!({ "desiredStatus": status })).expect("the double answers");
        listed["taskArns"].as_array().map_or(0, Vec::len)
    };
    of("RUNNING") + of("STOPPED")
}

#[tokio::test]
async fn nothing_is_made_twice_when_answers_are_lost() {
    let Some(stage) = ready().await else { return };
    let want = definition(&stage, "web", "nginx:1");
    let lost =
        |calls: &str| Fault { calls: calls.to_owned(), at: Some(vec![0]), trouble: Trouble::AnswerLost };
    stage.double.fault(lost("ecs:RegisterTaskDefinition"));
    let error = stage.apply(&step(Action::Create, &want, None)).await.expect_err("the answer was lost");
    assert_eq!(error.retry, Retry::AfterRead, "a look comes before anything is made again");
    let arn = stage.live("task-definition/web").await.native;
    stage.double.fault(lost("ecs:CreateService"));
    let want = service(&stage, "web", &arn);
    stage.apply(&step(Action::Create, &want, None)).await.expect_err("the answer was lost");
    let receipt = stage.apply(&step(Action::Create, &want, None)).await.expect("it is recognised");
    assert_eq!(stage.settled(&receipt).await.state, State::Ready);
    stage.is_in_order();
}

#[tokio::test]
async fn what_cannot_be_read_is_not_taken_for_absent() {
    let Some(stage) = ready().await else { return };
    let (_, receipt) = run(&stage, "nginx:1").await;
    stage.settled(&receipt).await;
    let ids = [ObjectId::from("service/web"), ObjectId::from("task-definition/web")];
    let trouble = |trouble| Fault { calls: "ecs:ListServices".to_owned(), at: None, trouble };
    stage.double.fault(trouble(Trouble::Throttled));
    let error = stage.ecs.observe(&stage.scope, &ids).await.expect_err("who looks may look again");
    assert_eq!(error.kind, ErrorKind::RateLimited);
    stage.double.heal();
    stage.double.fault(trouble(Trouble::Denied));
    let observed = stage.ecs.observe(&stage.scope, &ids).await.expect("the others answer");
    assert_eq!(observed.unreadable.keys().collect::<Vec<_>>(), [&ids[0]]);
    assert!(observed.objects.iter().any(|live| live.object.id == ids[1]));
    let secret = Value::from("canary-key");
    assert!(!format!("{observed:?}").contains(secret.as_str().expect("text")));
}
