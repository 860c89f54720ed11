//! Which rollout a service is in.

use rhumb_backend::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::names;

/// What a write left of a service, so that its own rollout is told from others.
///
/// The API does not tell which version of a service a task was made for, but it returns the task's own template. The
/// template that the service had after the write is what its tasks must have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rollout {
    /// A digest of the service's `TaskTemplate`, as the engine returned it after the write.
    pub(crate) template: String,
    /// The engine had begun to roll the service back before, and what is asked is how what it went back to fares.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) after_rollback: bool,
}

/// What it means where the engine has given up an update with this `UpdateStatus.State`, if it has.
pub(crate) fn given_up(state: &str) -> Option<&'static str> {
    match state {
        "paused" => Some("the engine paused the update"),
        "rollback_started" | "rollback_completed" => Some("the engine rolled the update back"),
        "rollback_paused" => Some("the engine began to roll the update back, and paused"),
        _ => None,
    }
}

impl Rollout {
    /// The rollout of a service with this spec.
    pub(crate) fn of(spec: &Value) -> Self {
        let template = spec.get("TaskTemplate").map(ToString::to_string).unwrap_or_default();
        Self { template: names::hash(template.as_bytes()), after_rollback: false }
    }

    /// The rollout that a service is in, whoever began it.
    pub(crate) fn found(service: &Value) -> Self {
        let state = service.pointer("/UpdateStatus/State").and_then(Value::as_str);
        let spec = service.get("Spec").unwrap_or(&Value::Null);
        let after_rollback = matches!(state, Some("rollback_started" | "rollback_completed"));
        Self { after_rollback, ..Self::of(spec) }
    }

    /// The rollout in the shape of a receipt.
    pub(crate) fn to_value(&self) -> Value {
        // Text and a boolean always serialise.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The rollout of a receipt.
    ///
    /// # Errors
    /// `Corrupt` when it is another backend's.
    pub(crate) fn parse(value: &Value) -> Result<Self> {
        serde_json::from_value(value.clone())
            .map_err(|error| Error::new(ErrorKind::Corrupt, "read a receipt", error.to_string()))
    }
}
