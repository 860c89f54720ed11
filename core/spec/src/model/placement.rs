//! Where replicas go.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::is_default;

/// Where replicas go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Placement {
    /// Nodes must match every one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<NodeConstraint>,
    /// Replicas are spread evenly over these, the first before the second.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spread: Vec<Spread>,
    /// The most replicas that one node takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_per_node: Option<u32>,
    /// On the same node or zone as these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub near: Vec<Affinity>,
    /// On another node or zone than these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub away: Vec<Affinity>,
    /// Taints that do not keep it away.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tolerations: Vec<Toleration>,
    /// The nodes' operating system: `linux`, `windows`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
    /// The nodes' processor: `amd64`, `arm64`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
}

/// A demand on a node's attribute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeConstraint {
    /// A node label, or one of `hostname`, `zone`, `region`, `role`.
    pub key: String,
    /// How it is compared (default `in`).
    #[serde(default, skip_serializing_if = "is_default")]
    pub op: ConstraintOp,
    /// What it is compared with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// How a node's attribute is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ConstraintOp {
    /// It is one of the values.
    #[default]
    In,
    /// It is none of the values.
    NotIn,
    /// It is there.
    Exists,
    /// It is not there.
    Absent,
}

/// Even distribution.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Spread {
    /// A node label, or one of `hostname`, `zone`, `region`.
    pub over: String,
    /// The most by which two of them may differ; none means as even as can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_skew: Option<u32>,
}

/// Another workload whose place matters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Affinity {
    /// The other workload's name; its own name keeps replicas apart.
    pub workload: String,
    /// The same or another what: `hostname` (default), `zone`, or a node label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<String>,
    /// A wish and not a demand.
    #[serde(default, skip_serializing_if = "is_default")]
    pub preferred: bool,
}

/// A taint that does not keep replicas away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Toleration {
    /// The taint's key; none means every taint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The taint's value; none means every value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The taint's effect: `NoSchedule`, `PreferNoSchedule`, `NoExecute`; none means every effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<String>,
}
