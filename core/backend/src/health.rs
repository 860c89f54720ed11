//! Whether what was applied runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ObjectId;

/// What a step left behind, by which its own rollout is told from older ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// The object.
    pub id: ObjectId,
    /// The platform's own id or name.
    pub native: String,
    /// The workload that it runs, for objects that run something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<String>,
    /// What others may refer to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, String>,
    /// The rollout, in the backend's own shape: an observed generation, a deployment id, a service version.
    #[serde(default)]
    pub rollout: Value,
}

impl Receipt {
    /// The output by which a backend tells people what a step did beside what it was for: that it cancelled what an earlier
    /// command had begun. It is told as a warning, and nobody refers to it.
    pub const TOLD: &str = "told";
}

/// The health of rollouts, one entry for each receipt asked about.
pub type Health = Vec<ObjectHealth>;

/// How far the rollout of one object is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectHealth {
    /// The object.
    pub id: ObjectId,
    /// The workload that it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<String>,
    /// How far it is.
    pub state: State,
    /// Replicas of this rollout that are ready.
    pub ready: u32,
    /// Replicas that are wanted.
    pub wanted: u32,
    /// What it waits for, in a few words.
    pub message: String,
    /// Why it failed, or why a replica did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// How far a rollout is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// On its way. An older rollout's health is always this.
    Progressing,
    /// Every replica of this rollout is ready; a job has succeeded.
    Ready,
    /// It will not get there by itself.
    Failed,
}

/// Why a replica failed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// The platform's name of the replica.
    pub task: String,
    /// The platform's reason.
    pub reason: String,
    /// The exit code of its process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i64>,
    /// The node that it was on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The last lines that it printed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<String>,
    /// What the user can do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}
