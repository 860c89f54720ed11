//! What a write left behind, by which its deployment is told from others.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The rollout of an app, pod or job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Rollout {
    /// Marathon's deployment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deployment: Option<String>,
    /// The version that it makes: a moment, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    /// Deployments of earlier runs of ours that were cancelled for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) cancelled: Vec<String>,
    /// Metronome's run of a job that runs once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) run: Option<String>,
}

impl Rollout {
    /// As it stands in a receipt.
    pub(crate) fn to_value(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// What people should know of it.
    pub(crate) fn told(&self) -> Option<String> {
        let cancelled = self.cancelled.join(", ");
        let text =
            format!("an earlier command's deployment of it had not ended and was cancelled: {cancelled}");
        (!self.cancelled.is_empty()).then_some(text)
    }

    /// That of a receipt; one that says nothing where the receipt does not.
    pub(crate) fn parse(value: &Value) -> Self {
        serde_json::from_value(value.clone()).unwrap_or_default()
    }
}
