use rhumb_backend::State;
use serde_json::{Value, json};

use super::{Node, Patience, Rollout, Task, Verdict, judge};

const LONG_AGO: &str = "2026-01-01T00:00:00Z";
const NEVER_YET: &str = "2999-01-01T00:00:00Z";

fn template(image: &str) -> Value {
    json!({ "ContainerSpec": { "Image": image }, "Runtime": "container" })
}

/// A service with these fields beside those of two replicas of the image `new`.
fn service(fields: &Value) -> Value {
    let mut service = json!({
        "ID": "s",
        "UpdatedAt": "2026-01-01T00:00:10Z",
        "Spec": { "Name": "shop_web", "TaskTemplate": template("new"), "Mode": { "Replicated": { "Replicas": 2 } } },
    });
    merge(&mut service, fields);
    service
}

fn merge(into: &mut Value, fields: &Value) {
    match (into.as_object_mut(), fields.as_object()) {
        (Some(into), Some(fields)) => {
            for (key, value) in fields {
                merge(into.entry(key.as_str()).or_insert(Value::Null), value);
            }
        }
        _ => *into = fields.clone(),
    }
}

/// A task of a slot, in a state since a time.
fn task(slot: u64, image: &str, state: &str, since: &str) -> Task {
    let ended = ["failed", "rejected", "shutdown"].contains(&state);
    let json = json!({
        "ID": format!("{slot}-{image}-{state}-{since}"),
        "CreatedAt": since,
        "ServiceID": "s",
        "Slot": slot,
        "Spec": { "ContainerSpec": { "Image": image } },
        "Status": { "State": state, "Timestamp": since, "Err": if state == "failed" { "task: non-zero exit (1)" } else { "" } },
        "DesiredState": if ended { "shutdown" } else { "running" },
    });
    serde_json::from_value(json).unwrap()
}

fn verdict(service: &Value, tasks: &[Task]) -> Verdict {
    let rollout = Rollout::of(&service["Spec"]);
    let tasks: Vec<_> = tasks.iter().collect();
    judge(service, &rollout, &tasks, &[], &Patience::default())
}

#[track_caller]
fn check(service: &Value, tasks: &[Task], state: State, ready: u32, message: &str) {
    let verdict = verdict(service, tasks);
    assert_eq!((verdict.state, verdict.ready, verdict.message.as_str()), (state, ready, message));
}

#[test]
fn replicas_of_this_version_make_it_ready() {
    let both = [task(1, "new", "running", LONG_AGO), task(2, "new", "running", LONG_AGO)];
    check(&service(&json!({})), &both, State::Ready, 2, "running");
    check(&service(&json!({})), &both[..1], State::Progressing, 1, "to be scheduled");
    let none = service(&json!({ "Spec": { "Mode": { "Replicated": { "Replicas": 0 } } } }));
    check(&none, &[], State::Ready, 0, "running");
}

#[test]
fn replicas_of_the_version_before_do_not_count() {
    let tasks = [task(1, "new", "running", LONG_AGO), task(2, "old", "running", LONG_AGO)];
    check(&service(&json!({})), &tasks, State::Progressing, 1, "1 of the version before left");
    let both = [task(1, "new", "running", LONG_AGO), task(2, "new", "running", LONG_AGO)];
    let updating = service(&json!({ "UpdateStatus": { "State": "updating" } }));
    check(&updating, &both, State::Progressing, 2, "updating");
}

#[test]
fn until_the_engine_updates_ports_tasks_are_told_by_their_age() {
    let fields = json!({
        "Spec": { "EndpointSpec": { "Ports": [{ "PublishedPort": 81 }] }, "Mode": { "Replicated": { "Replicas": 1 } } },
        "PreviousSpec": { "EndpointSpec": { "Ports": [{ "PublishedPort": 80 }] } },
    });
    let before = [task(1, "new", "running", LONG_AGO)];
    check(&service(&fields), &before, State::Progressing, 0, "1 of the version before left");
    let after = [task(1, "new", "running", "2026-01-01T00:00:11Z")];
    check(&service(&fields), &after, State::Ready, 1, "running");
}

#[test]
fn what_has_just_started_may_end_at_once() {
    let one = service(&json!({ "Spec": { "Mode": { "Replicated": { "Replicas": 1 } } } }));
    let young = [task(1, "new", "running", NEVER_YET)];
    check(&one, &young, State::Progressing, 0, "the process to stay up");
    let again = [task(1, "new", "failed", LONG_AGO), task(1, "new", "running", NEVER_YET)];
    check(&one, &again, State::Progressing, 0, "the process to stay up (task: non-zero exit (1))");
    let probed = json!({ "ContainerSpec": { "Healthcheck": { "Test": ["CMD", "x"] } } });
    let one =
        service(&json!({ "Spec": { "TaskTemplate": probed, "Mode": { "Replicated": { "Replicas": 1 } } } }));
    let mut passed = task(1, "new", "running", NEVER_YET);
    passed.spec = one["Spec"]["TaskTemplate"].clone();
    check(&one, &[passed], State::Ready, 1, "running");
}

#[test]
fn a_replica_that_keeps_failing_has_failed() {
    let failures =
        |count: u32| (0..count).map(|at| task(1, "new", "failed", &format!("2026-01-01T00:00:{at:02}Z")));
    let mut tasks: Vec<_> = failures(2).collect();
    assert_eq!(verdict(&service(&json!({})), &tasks).state, State::Progressing);
    tasks.extend(failures(3));
    let verdict = verdict(&service(&json!({})), &tasks);
    assert_eq!(
        (verdict.state, verdict.message.as_str()),
        (State::Failed, "task: non-zero exit (1) (5 times)")
    );
    assert_eq!(verdict.culprit.unwrap().name, "shop_web.1");
}

#[test]
fn what_is_not_started_again_fails_at_once() {
    let never = json!({ "Spec": { "TaskTemplate": { "RestartPolicy": { "Condition": "none" } } } });
    let mut failed = task(1, "new", "failed", LONG_AGO);
    failed.spec["RestartPolicy"] = json!({ "Condition": "none" });
    check(&service(&never), &[failed.clone()], State::Failed, 0, "task: non-zero exit (1)");
    let mut ended = failed;
    ended.status.state = "complete".to_owned();
    let reason = "it ended with success, and its restart policy does not start it again";
    check(&service(&never), &[ended], State::Failed, 0, reason);
}

#[test]
fn what_fits_no_node_is_given_a_moment() {
    let waiting = |since: &str, err: &str| {
        let mut waiting = task(1, "new", "pending", since);
        err.clone_into(&mut waiting.status.err);
        waiting
    };
    let err = "no suitable node (scheduling constraints not satisfied on 1 node)";
    check(
        &service(&json!({})),
        &[waiting(NEVER_YET, err)],
        State::Progressing,
        0,
        &format!("a node ({err})"),
    );
    check(&service(&json!({})), &[waiting(LONG_AGO, err)], State::Failed, 0, err);
}

#[test]
fn what_waits_for_a_port_tells_so_before_it_has_failed() {
    let seconds_ago = |seconds: i64| {
        let moment = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(seconds);
        moment.to_string()
    };
    let check = |seconds: i64, state: State| {
        let mut waiting = task(1, "new", "pending", &seconds_ago(seconds));
        let err = "no suitable node (host-mode port already in use on 1 node)";
        err.clone_into(&mut waiting.status.err);
        let verdict = verdict(&service(&json!({})), &[waiting]);
        assert_eq!((verdict.state, verdict.culprit.unwrap().reason.as_str()), (state, err), "{seconds}");
    };
    check(2, State::Progressing);
    check(8, State::Progressing);
    check(11, State::Failed);
}

#[test]
fn what_the_engine_gave_up_has_failed() {
    let check = |state: &str, expect: &str| {
        let service = service(&json!({ "UpdateStatus": { "State": state } }));
        let tasks = [task(1, "old", "running", LONG_AGO), task(2, "bad", "failed", LONG_AGO)];
        assert_eq!(verdict(&service, &tasks).message, expect);
    };
    check("paused", "the engine paused the update: task: non-zero exit (1)");
    check("rollback_completed", "the engine rolled the update back: task: non-zero exit (1)");
}

#[test]
fn what_runs_after_the_engine_gave_up_is_ready() {
    let both = [task(1, "new", "running", LONG_AGO), task(2, "new", "running", LONG_AGO)];
    for state in ["paused", "rollback_paused", "rollback_completed"] {
        let status = json!({ "State": state, "Message": "manually requested rollback" });
        let service = service(&json!({ "UpdateStatus": status }));
        assert_eq!(verdict(&service, &both).state, State::Ready, "{state}");
        let one = [both[0].clone(), task(2, "old", "running", LONG_AGO)];
        assert_eq!(verdict(&service, &one).state, State::Failed, "{state}");
        let mut left = both.to_vec();
        left.push(task(3, "old", "running", LONG_AGO));
        assert_eq!(verdict(&service, &left).state, State::Failed, "{state}: the old one stays for ever");
    }
}

#[test]
fn a_change_by_somebody_else_ends_the_wait() {
    let service = service(&json!({}));
    let other = Rollout::of(&json!({ "TaskTemplate": template("other") }));
    let running = task(1, "new", "running", LONG_AGO);
    let verdict = judge(&service, &other, &[&running], &[], &Patience::default());
    assert_eq!(verdict.ready, 0, "what runs is not of this rollout");
    assert_eq!(verdict.message, "somebody changed the service before it was ready");
    assert_eq!(verdict.state, State::Failed);
}

#[test]
fn a_global_service_wants_a_task_on_each_fitting_node() {
    let node = |id: &str, availability: &str| -> Node {
        let json =
            json!({ "ID": id, "Spec": { "Availability": availability }, "Status": { "State": "ready" } });
        serde_json::from_value(json).unwrap()
    };
    let nodes = [node("a", "active"), node("b", "active"), node("c", "drain")];
    let mut global = service(&json!({}));
    global["Spec"]["Mode"] = json!({ "Global": {} });
    let mut on_a = task(0, "new", "running", LONG_AGO);
    "a".clone_into(&mut on_a.node_id);
    let rollout = Rollout::of(&global["Spec"]);
    let verdict = judge(&global, &rollout, &[&on_a], &nodes, &Patience::default());
    assert_eq!((verdict.state, verdict.ready, verdict.wanted), (State::Progressing, 1, 2));
}

#[test]
fn only_this_run_of_a_job_counts() {
    let mut job = service(&json!({ "JobStatus": { "JobIteration": { "Index": 1 } } }));
    job["Spec"]["Mode"] = json!({ "ReplicatedJob": { "MaxConcurrent": 1, "TotalCompletions": 1 } });
    let of_run = |run: u64| {
        let mut task = task(1, "new", "complete", LONG_AGO);
        task.job_iteration = Some(serde_json::from_value(json!({ "Index": run })).unwrap());
        task
    };
    check(&job, &[of_run(0)], State::Progressing, 0, "to be scheduled");
    check(&job, &[of_run(0), of_run(1)], State::Ready, 1, "completed");
}
