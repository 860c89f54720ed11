//! Which rollout a service is in, and which tasks are a job's.

use rhumb_backend::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::pages::{items, text};

/// What a step left behind of what runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Rollout {
    /// The id of the deployment that was the primary one after the step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deployment: Option<String>,
    /// The ARNs of tasks that were started, for a job.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) tasks: Vec<String>,
}

impl Rollout {
    /// The rollout that a service is in, whoever began it.
    pub(crate) fn of_service(service: &Value) -> Self {
        let id = primary(service).and_then(|deployment| text(deployment, "id"));
        Self { deployment: id.map(ToOwned::to_owned), tasks: Vec::new() }
    }

    /// The tasks of a job.
    pub(crate) fn of_tasks<'v>(tasks: impl IntoIterator<Item = &'v Value>) -> Self {
        let arns = tasks.into_iter().filter_map(|task| text(task, "taskArn")).map(ToOwned::to_owned);
        Self { deployment: None, tasks: arns.collect() }
    }

    /// The rollout in the shape of a receipt.
    pub(crate) fn to_value(&self) -> Value {
        // Texts and lists of them always serialise.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The rollout of a receipt.
    ///
    /// # Errors
    /// `Corrupt` when it is another backend's.
    pub(crate) fn parse(value: &Value) -> Result<Self> {
        if value.is_null() {
            return Ok(Self::default());
        }
        serde_json::from_value(value.clone())
            .map_err(|error| Error::new(ErrorKind::Corrupt, "read a receipt", error.to_string()))
    }
}

/// The status of the deployment that was asked for last.
const PRIMARY: &str = "PRIMARY";
/// How ECS begins the reason of a deployment to which its circuit breaker went back.
///
/// Source: Amazon ECS developer guide, "How the Amazon ECS deployment circuit breaker detects failures".
const BREAKER: &str = "circuit breaker";

/// The deployments of a service.
pub(crate) fn deployments(service: &Value) -> impl Iterator<Item = &Value> {
    items(service, "deployments")
}

/// The deployment that was asked for last, by us or by the circuit breaker.
pub(crate) fn primary(service: &Value) -> Option<&Value> {
    deployments(service).find(|deployment| text(deployment, "status") == Some(PRIMARY))
}

/// Whether a deployment is one by which the circuit breaker went back.
pub(crate) fn is_rollback(deployment: &Value) -> bool {
    text(deployment, "rolloutStateReason")
        .is_some_and(|reason| reason.contains(BREAKER) && reason.contains("olling back"))
}

/// Why ECS has given a rollout up, if it has: the deployment that was asked for last failed, or the circuit breaker made
/// another one in its place.
pub(crate) fn given_up(service: &Value) -> Option<String> {
    let primary = primary(service)?;
    let reason = text(primary, "rolloutStateReason").unwrap_or("the deployment failed");
    let has_failed = text(primary, "rolloutState") == Some("FAILED");
    (has_failed || is_rollback(primary)).then(|| reason.to_owned())
}
