//! Why a task failed, for people.

use rhumb_backend::{Failure, Receipt, Scope};
use serde_json::json;

use super::{Culprit, reason};
use crate::connect::Account;
use crate::names;
use crate::observe::last_segment;
use crate::pages::{items, text};

/// How many of the last lines are told.
const LINES: u32 = 15;

/// What is known without asking.
pub(super) fn brief(culprit: &Culprit) -> Failure {
    let exit_code = culprit.task.as_ref().and_then(reason::exit_code);
    Failure {
        task: culprit.name.clone(),
        reason: culprit.reason.clone(),
        exit_code,
        node: culprit.task.as_ref().and_then(node),
        logs: Vec::new(),
        remedy: reason::remedy(&culprit.reason, exit_code).map(ToOwned::to_owned),
    }
}

/// Tells all that is known of a failure, the last lines that the task printed among it.
pub(super) async fn explain(
    account: &Account,
    scope: &Scope,
    receipt: &Receipt,
    culprit: &Culprit,
) -> Failure {
    let workload = receipt.workload.as_deref().unwrap_or_else(|| receipt.id.name());
    Failure { logs: tail(account, scope, workload, culprit).await, ..brief(culprit) }
}

/// The container instance that a task was on; on Fargate there is none.
fn node(task: &serde_json::Value) -> Option<String> {
    text(task, "containerInstanceArn").map(|arn| last_segment(arn).to_owned())
}

/// The last lines of the container that stopped the task. A task that never started has none, and lines that cannot be
/// read do not hide the failure.
///
/// Source: Amazon ECS developer guide, "awslogs log driver": `prefix-name/container-name/ecs-task-id`.
async fn tail(account: &Account, scope: &Scope, workload: &str, culprit: &Culprit) -> Vec<String> {
    let Some(task) = &culprit.task else { return Vec::new() };
    let Some(container) = reason::culprit(task).and_then(|container| text(container, "name")) else {
        return Vec::new();
    };
    if text(task, "stopCode") == Some("TaskFailedToStart") {
        return Vec::new();
    }
    let body = json!({
        "logGroupName": names::path(scope),
        "logStreamName": format!("{workload}/{container}/{}", culprit.name),
        "limit": LINES,
        "startFromHead": false,
    });
    match account.call("logs:GetLogEvents", &body).await {
        Ok(answer) => items(&answer, "events")
            .filter_map(|event| text(event, "message"))
            .map(ToOwned::to_owned)
            .collect(),
        Err(error) => {
            tracing::debug!(%error, "the last lines cannot be read");
            Vec::new()
        }
    }
}
