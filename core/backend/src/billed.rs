//! What a platform's provider charges for.

use rhumb_spec::{Bytes, MilliCpu};
use serde::{Deserialize, Serialize};

/// Replicas of one size that a platform's provider charges for by that size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Billed {
    /// The workload.
    pub workload: String,
    /// Processor time of one replica.
    pub cpu: MilliCpu,
    /// Memory of one replica.
    pub memory: Bytes,
    /// The whole disk of one replica.
    pub disk: Bytes,
    /// The operating system and processor: `linux/amd64`, `linux/arm64`.
    pub architecture: String,
    /// How many there are, and how long.
    pub running: Running,
}

/// How many replicas are charged for, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind")]
pub enum Running {
    /// Always: at least and at most so many.
    Always {
        /// The fewest.
        fewest: u32,
        /// The most.
        most: u32,
    },
    /// While a job runs: so many in each run.
    Runs {
        /// The replicas of one run.
        each: u32,
    },
}
