//! Tasks, as the engine returns them.

use std::fmt;

use rhumb_backend::{Result, TaskState};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::connect::{Call, Engine};

/// A task of a service, now or in the past.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Task {
    #[serde(rename = "ID")]
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) created_at: String,
    #[serde(rename = "ServiceID", default)]
    pub(crate) service_id: String,
    /// Its place among the replicas, from 1; 0 for tasks of global services.
    #[serde(default)]
    pub(crate) slot: u64,
    /// The node that it is on, once it has one.
    #[serde(rename = "NodeID", default)]
    pub(crate) node_id: String,
    /// The template that it was made of.
    #[serde(default)]
    pub(crate) spec: Value,
    #[serde(default)]
    pub(crate) status: Status,
    #[serde(default)]
    pub(crate) desired_state: String,
    /// For a job: which of its runs this task is of.
    #[serde(default)]
    pub(crate) job_iteration: Option<Iteration>,
}

/// Where a task is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Status {
    pub(crate) timestamp: String,
    pub(crate) state: String,
    pub(crate) message: String,
    pub(crate) err: String,
    #[serde(rename = "ContainerStatus")]
    pub(crate) container: Option<ContainerStatus>,
    #[serde(rename = "PortStatus")]
    pub(crate) host: PortStatus,
}

/// What became of a task's container.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ContainerStatus {
    #[serde(rename = "ContainerID")]
    pub(crate) id: String,
    pub(crate) exit_code: Option<i64>,
}

/// The host-mode ports of a task.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct PortStatus {
    pub(crate) ports: Option<Vec<Port>>,
}

/// A host-mode port.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Port {
    pub(crate) protocol: String,
    #[serde(rename = "TargetPort")]
    pub(crate) target: u16,
    #[serde(rename = "PublishedPort")]
    pub(crate) published: u16,
}

impl fmt::Display for Port {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}->{}/{}", self.published, self.target, self.protocol)
    }
}

/// A run of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Iteration {
    pub(crate) index: u64,
}

impl Task {
    /// Whether it ended without success.
    pub(crate) fn has_failed(&self) -> bool {
        matches!(self.status.state.as_str(), "failed" | "rejected")
    }

    /// Whether it is wanted to run, or to run to its end.
    pub(crate) fn is_wanted(&self) -> bool {
        matches!(self.desired_state.as_str(), "ready" | "running" | "complete")
    }

    /// Whether it ended, in whatever way.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(
            self.status.state.as_str(),
            "complete" | "shutdown" | "failed" | "rejected" | "remove" | "orphaned"
        )
    }

    /// The exit code of its process, once that ended.
    pub(crate) fn exit_code(&self) -> Option<i64> {
        let code = self.status.container.as_ref()?.exit_code;
        // The engine says 0 as well where no process ran.
        code.filter(|code| *code != 0 || self.status.state == "complete")
    }

    /// The id of its container, once it has one.
    pub(crate) fn container(&self) -> Option<&str> {
        self.status.container.as_ref().map(|container| container.id.as_str()).filter(|id| !id.is_empty())
    }

    /// Which replica it is one life of: its slot, or its node where a service has one task on each.
    pub(crate) fn replica(&self) -> String {
        if self.slot > 0 { self.slot.to_string() } else { self.node_id.clone() }
    }

    /// Why it is where it is, in the engine's words.
    pub(crate) fn reason(&self) -> &str {
        if self.status.err.is_empty() { &self.status.message } else { &self.status.err }
    }

    /// Whether it is of this template. Placement is left out, because the engine keeps tasks on nodes that still
    /// meet it; the runtime, because the engine shows it with services only.
    pub(crate) fn is_of(&self, template: &Value) -> bool {
        let without = |template: &Value| {
            let mut template = template.clone();
            if let Some(template) = template.as_object_mut() {
                template.remove("Placement");
                template.remove("Runtime");
            }
            template
        };
        without(&self.spec) == without(template)
    }
}

/// The state in the words of the contract.
pub(crate) fn state(word: &str) -> TaskState {
    match word {
        "new" | "allocated" | "pending" | "assigned" | "accepted" => TaskState::Pending,
        "preparing" | "ready" | "starting" => TaskState::Starting,
        "running" => TaskState::Running,
        "complete" => TaskState::Complete,
        "failed" | "rejected" => TaskState::Failed,
        _ => TaskState::Shutdown,
    }
}

/// Every task of these services, past ones too.
///
/// # Errors
/// What the engine answers.
pub(crate) async fn list(engine: &Engine, services: &[&str]) -> Result<Vec<Task>> {
    if services.is_empty() {
        return Ok(Vec::new());
    }
    engine.json(Call::get("list tasks", "/tasks").filters(&json!({ "service": services }))).await
}
