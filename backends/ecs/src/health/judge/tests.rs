use serde_json::json;

use super::*;

/// A service with these deployments: id, status, rollout state, running, wanted.
fn service(deployments: &[(&str, &str, &str, u32, u32)]) -> Value {
    let deployments: Vec<Value> = deployments
        .iter()
        .map(|(id, status, state, running, wanted)| {
            json!({
                "id": id, "status": status, "rolloutState": state, "runningCount": running, "desiredCount": wanted,
                "createdAt": 100.0,
            })
        })
        .collect();
    json!({ "serviceName": "web", "status": "ACTIVE", "deployments": deployments })
}

fn task(deployment: &str, code: i64) -> Value {
    json!({
        "taskArn": "arn:aws:ecs:r:1:task/c/7f",
        "startedBy": deployment,
        "stopCode": "EssentialContainerExited",
        "stoppedReason": "Essential container in task exited",
        "containers": [{ "name": "web", "exitCode": code }],
        "stoppedAt": 200.0,
    })
}

fn verdict(service: &Value, stopped: &[Value], targets: &[Value]) -> Verdict {
    let rollout = Rollout { deployment: Some("new".to_owned()), tasks: Vec::new() };
    judge(&Case { service, rollout: &rollout, stopped, targets })
}

fn check(service: &Value, stopped: &[Value], expect: (State, &str)) {
    let verdict = verdict(service, stopped, &[]);
    assert_eq!(verdict.state, expect.0, "{}", verdict.message);
    assert!(verdict.message.contains(expect.1), "{}", verdict.message);
}

#[test]
fn a_rollout_is_ready_when_it_is_steady_and_whole() {
    check(&service(&[("new", "PRIMARY", "COMPLETED", 2, 2)]), &[], (State::Ready, "running"));
    check(&service(&[("new", "PRIMARY", "IN_PROGRESS", 2, 2)]), &[], (State::Progressing, "steady"));
    check(&service(&[("new", "PRIMARY", "COMPLETED", 1, 3)]), &[], (State::Progressing, "2 to be started"));
    let both = [("new", "PRIMARY", "IN_PROGRESS", 2, 2), ("old", "ACTIVE", "COMPLETED", 1, 0)];
    check(&service(&both), &[], (State::Progressing, "version before"));
}

#[test]
fn another_rollout_in_its_place_is_a_failure() {
    check(&service(&[("other", "PRIMARY", "COMPLETED", 2, 2)]), &[], (State::Failed, "somebody changed"));
    let mut rolled_back =
        service(&[("old", "PRIMARY", "IN_PROGRESS", 2, 2), ("new", "ACTIVE", "FAILED", 0, 0)]);
    rolled_back["deployments"][1]["rolloutStateReason"] =
        "ECS deployment circuit breaker: tasks failed to start.".into();
    check(&rolled_back, &[task("new", 3)], (State::Failed, "circuit breaker"));
    let failure = verdict(&rolled_back, &[task("new", 3)], &[]).culprit.unwrap();
    assert_eq!((failure.name.as_str(), failure.reason.contains("exit code 3")), ("7f", true));
    let mut gone = service(&[("old", "PRIMARY", "COMPLETED", 2, 2)]);
    gone["deployments"][0]["rolloutStateReason"] =
        "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1.".into();
    check(&gone, &[], (State::Failed, "circuit breaker"));
    let mut over = service(&[("old", "PRIMARY", "COMPLETED", 2, 2)]);
    over["events"] =
        json!([{ "message": "(service web) (deployment new) deployment failed: tasks failed to start." }]);
    check(&over, &[], (State::Failed, "tasks failed to start"));
}

#[test]
fn tasks_that_keep_failing_end_the_wait() {
    let mut starting = service(&[("new", "PRIMARY", "IN_PROGRESS", 0, 1)]);
    let failing = |count: usize| vec![task("new", 1); count];
    check(&starting, &failing(2), (State::Progressing, "2 tasks failed"));
    check(&starting, &failing(3), (State::Failed, "3 tasks failed"));
    check(&starting, &vec![task("old", 1); 9], (State::Progressing, "1 to be started"));
    starting["deploymentConfiguration"] =
        json!({ "deploymentCircuitBreaker": { "enable": true, "rollback": true } });
    check(&starting, &failing(5), (State::Progressing, "5 tasks failed"));
    check(&starting, &failing(6), (State::Failed, "6 tasks failed"));
}

#[test]
fn what_no_waiting_changes_fails_at_once() {
    let mut unplaced = service(&[("new", "PRIMARY", "IN_PROGRESS", 0, 1)]);
    let event =
        |at: f64, text: &str| json!([{ "createdAt": at, "message": format!("(service web) {text}") }]);
    unplaced["events"] =
        event(150.0, "failed to launch a task with (error ECS was unable to assume the role 'arn:x')");
    check(&unplaced, &[], (State::Failed, "unable to assume the role"));
    unplaced["events"] =
        event(50.0, "failed to launch a task with (error ECS was unable to assume the role 'arn:x')");
    check(&unplaced, &[], (State::Progressing, "1 to be started"));
    unplaced["events"] =
        event(150.0, "was unable to place a task. Reason: Capacity is unavailable at this time.");
    check(&unplaced, &[], (State::Progressing, "Capacity is unavailable"));
}

#[test]
fn a_load_balancer_must_find_one_task_well() {
    let steady = service(&[("new", "PRIMARY", "COMPLETED", 2, 2)]);
    let target =
        |state: &str| json!({ "TargetHealth": { "State": state, "Description": "Health checks failed" } });
    assert_eq!(verdict(&steady, &[], &[target("unhealthy")]).state, State::Progressing);
    assert!(verdict(&steady, &[], &[target("unhealthy")]).message.contains("Health checks failed"));
    assert_eq!(verdict(&steady, &[], &[target("unhealthy"), target("healthy")]).state, State::Ready);
    assert_eq!(verdict(&steady, &[], &[target("unused")]).state, State::Ready);
}
