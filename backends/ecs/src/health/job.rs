//! How a job fares, by the tasks that were started for it.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::{ErrorKind, Live, Result, State};
use serde_json::{Value, json};

use super::judge::number;
use super::{Culprit, Verdict, reason};
use crate::connect::Account;
use crate::observe::last_segment;
use crate::pages::{each, items, text};

/// The containers whose end ends their task, by the ARN of the task definition.
pub(crate) type Definitions = BTreeMap<String, BTreeSet<String>>;

/// The tasks that were started together last.
pub(crate) fn latest<'v>(tasks: impl Iterator<Item = &'v Value>) -> Vec<&'v Value> {
    let mut runs: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for task in tasks {
        let run = text(task, "startedBy").or_else(|| text(task, "taskArn")).unwrap_or_default();
        runs.entry(run).or_default().push(task);
    }
    let began = |tasks: &Vec<&Value>| tasks.iter().map(|task| number(task, "createdAt")).fold(0.0, f64::max);
    runs.into_values().max_by(|left, right| began(left).total_cmp(&began(right))).unwrap_or_default()
}

/// Whether all tasks have stopped and none of what they ran is active any more.
pub(crate) async fn is_over(account: &Account, tasks: &[&Value]) -> Result<bool> {
    if tasks.iter().any(|task| !has_stopped(task)) {
        return Ok(false);
    }
    let arns: BTreeSet<&str> = tasks.iter().filter_map(|task| text(task, "taskDefinitionArn")).collect();
    let active = each(arns, |arn| async move {
        let body = json!({ "taskDefinition": arn });
        match account.call("ecs:DescribeTaskDefinition", &body).await {
            Ok(answer) => Ok(answer["taskDefinition"]["status"] == "ACTIVE"),
            Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Invalid) => Ok(false),
            Err(error) => Err(error),
        }
    });
    Ok(!active.await?.contains(&true))
}

/// Reads which containers end their task, for tasks that have stopped.
pub(crate) async fn definitions(account: &Account, tasks: &[&Value]) -> Result<Definitions> {
    let stopped = tasks.iter().filter(|task| has_stopped(task));
    let arns: BTreeSet<&str> = stopped.filter_map(|task| text(task, "taskDefinitionArn")).collect();
    let found = each(arns, |arn| async move {
        let body = json!({ "taskDefinition": arn });
        match account.call("ecs:DescribeTaskDefinition", &body).await {
            Ok(answer) => {
                Ok((arn.to_owned(), essential(answer.get("taskDefinition").unwrap_or(&Value::Null))))
            }
            // It was removed since. Then every container counts.
            Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Invalid) => {
                Ok((arn.to_owned(), BTreeSet::new()))
            }
            Err(error) => Err(error),
        }
    });
    Ok(found.await?.into_iter().collect())
}

fn essential(definition: &Value) -> BTreeSet<String> {
    let containers = items(definition, "containerDefinitions");
    let is_essential =
        |container: &&Value| container.get("essential").and_then(Value::as_bool).unwrap_or(true);
    containers
        .filter(is_essential)
        .filter_map(|container| text(container, "name"))
        .map(ToOwned::to_owned)
        .collect()
}

fn has_stopped(task: &Value) -> bool {
    text(task, "lastStatus") == Some("STOPPED")
}

/// Whether a task that has stopped did what it was to do: a container that ends its task ended with success, and none of
/// them without. One that had to be stopped because another ended has not failed.
fn has_succeeded(task: &Value, definitions: &Definitions) -> bool {
    let known = text(task, "taskDefinitionArn")
        .and_then(|arn| definitions.get(arn))
        .filter(|known| !known.is_empty());
    let counts = |container: &&Value| {
        known.is_none_or(|known| text(container, "name").is_some_and(|name| known.contains(name)))
    };
    let codes: Vec<Option<i64>> = items(task, "containers")
        .filter(counts)
        .map(|container| container.get("exitCode").and_then(Value::as_i64))
        .collect();
    let was_stopped = |code: i64| matches!(code, 137 | 143);
    let is_fine =
        |code: &Option<i64>| code.is_some_and(|code| code == 0 || (codes.len() > 1 && was_stopped(code)));
    !codes.is_empty() && codes.contains(&Some(0)) && codes.iter().all(is_fine)
}

/// What became of a job, in the word of [`Live::JOB`]; none while it runs.
pub(crate) fn word(tasks: &[&Value], definitions: &Definitions) -> Option<&'static str> {
    match judge(tasks, tasks.len(), definitions).state {
        State::Ready => Some(Live::JOB_SUCCEEDED),
        State::Failed => Some(Live::JOB_FAILED),
        State::Progressing => None,
    }
}

/// What is made of a job's tasks, of which so many were started.
pub(crate) fn judge(tasks: &[&Value], started: usize, definitions: &Definitions) -> Verdict {
    let clamp = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let (done, open): (Vec<&Value>, Vec<&Value>) = tasks.iter().copied().partition(|task| has_stopped(task));
    let failed: Vec<&Value> = done.iter().copied().filter(|task| !has_succeeded(task, definitions)).collect();
    let ready = clamp(done.len() - failed.len());
    let verdict =
        |state, message: String, culprit| Verdict { state, ready, wanted: clamp(started), message, culprit };
    if let Some(task) = failed.first() {
        let reason = reason::of_task(task);
        let name = last_segment(text(task, "taskArn").unwrap_or_default()).to_owned();
        let culprit = Culprit { task: Some((*task).clone()), name, reason: reason.clone() };
        return verdict(State::Failed, reason, Some(culprit));
    }
    if tasks.len() < started || tasks.is_empty() {
        let message = "ECS knows nothing more of its tasks, so what became of them is unknown";
        return verdict(State::Failed, message.to_owned(), None);
    }
    if let Some(task) = open.first() {
        let status = text(task, "lastStatus").unwrap_or("PENDING").to_lowercase();
        return verdict(State::Progressing, format!("the task is {status}"), None);
    }
    verdict(State::Ready, "succeeded".to_owned(), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(codes: &[(&str, i64)], status: &str) -> Value {
        let containers: Vec<Value> =
            codes.iter().map(|(name, code)| json!({ "name": name, "exitCode": code })).collect();
        json!({
            "taskArn": "arn:aws:ecs:r:1:task/c/7",
            "taskDefinitionArn": "d",
            "lastStatus": status,
            "stopCode": "EssentialContainerExited",
            "stoppedReason": "Essential container in task exited",
            "containers": containers,
        })
    }

    fn check(task: &Value, expect: State) {
        let essential = ["main", "proxy"].map(ToOwned::to_owned).into();
        let definitions = BTreeMap::from([("d".to_owned(), essential)]);
        assert_eq!(judge(&[task], 1, &definitions).state, expect, "{task}");
    }

    #[test]
    fn a_job_is_judged_by_the_containers_that_end_its_task() {
        check(&task(&[("files", 0), ("main", 0)], "STOPPED"), State::Ready);
        check(&task(&[("files", 1), ("main", 0)], "STOPPED"), State::Ready);
        check(&task(&[("main", 0), ("proxy", 137)], "STOPPED"), State::Ready);
        check(&task(&[("main", 2), ("proxy", 0)], "STOPPED"), State::Failed);
        check(&task(&[("main", 137)], "STOPPED"), State::Failed);
        check(&task(&[("files", 0)], "STOPPED"), State::Failed);
        check(&task(&[("main", 0)], "RUNNING"), State::Progressing);
    }

    #[test]
    fn what_ecs_has_forgotten_did_not_succeed() {
        let verdict = judge(&[], 1, &Definitions::new());
        assert_eq!((verdict.state, verdict.wanted), (State::Failed, 1));
    }

    #[test]
    fn the_last_run_counts() {
        let task = |run: &str, at: f64| json!({ "taskArn": run, "startedBy": run, "createdAt": at });
        let all = [task("a", 1.0), task("b", 3.0), task("a", 2.0), task("b", 3.5)];
        assert_eq!(latest(all.iter()), [&all[1], &all[3]]);
    }
}
