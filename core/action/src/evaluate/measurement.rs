//! What is measured.

use std::fmt;

use serde::Serialize;

use super::{LoadCount, Way};

/// A part of the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// From nothing to everything ready.
    Install,
    /// An upgrade that changes nothing.
    NoOp,
    /// Every replica of the workload is replaced.
    Update,
    /// The workload gets more replicas.
    ScaleUp,
    /// It gets its own number back.
    ScaleDown,
    /// One replica is ended, until it has been replaced.
    Recovery,
    /// Until nothing is left.
    Uninstall,
}

impl Phase {
    /// Every phase, in the order of the script.
    pub const ALL: [Self; 7] = [
        Self::Install,
        Self::NoOp,
        Self::Update,
        Self::ScaleUp,
        Self::ScaleDown,
        Self::Recovery,
        Self::Uninstall,
    ];

    /// Whether requests are sent meanwhile, to a workload that something is done with.
    pub const fn has_load(self) -> bool {
        matches!(self, Self::Update | Self::ScaleUp | Self::ScaleDown | Self::Recovery)
    }

    /// The word for machines: `scaleUp`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::NoOp => "noOp",
            Self::Update => "update",
            Self::ScaleUp => "scaleUp",
            Self::ScaleDown => "scaleDown",
            Self::Recovery => "recovery",
            Self::Uninstall => "uninstall",
        }
    }

    /// The words for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::NoOp => "no-op upgrade",
            Self::Update => "rolling update",
            Self::ScaleUp => "scale up",
            Self::ScaleDown => "scale down",
            Self::Recovery => "recovery",
            Self::Uninstall => "uninstall",
        }
    }

    /// What its time is: from when until when.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Install => "from the command until every workload is ready",
            Self::NoOp => {
                "an upgrade with the same chart and values, which must write nothing but its record"
            }
            Self::Update => "until every replica of the workload has been replaced and is ready",
            Self::ScaleUp => "until the larger number of replicas is ready",
            Self::ScaleDown => "until no more than the smaller number runs",
            Self::Recovery => "from the end of one replica until as many as before are ready without it",
            Self::Uninstall => "until the platform shows nothing of the release any more",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.title())
    }
}

/// One run of the script on a target.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Round {
    /// Its number, from 1; 0 for one that does not count.
    pub number: u32,
    /// Whether it counts.
    pub kind: RoundKind,
    /// When it began, in RFC 3339.
    pub started: String,
    /// When it ended.
    pub ended: String,
    /// Where requests were sent; none where they were not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub way: Option<Way>,
    /// Why none were sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_load: Option<String>,
    /// What was measured, in the order of the script.
    pub measurements: Vec<Measurement>,
}

/// Whether a round counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum RoundKind {
    /// It goes before the others and is reported only.
    WarmUp,
    /// It is in every median.
    Counted,
}

/// One phase of one round.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Measurement {
    /// Which one.
    pub phase: Phase,
    /// When it began, in RFC 3339.
    pub started: String,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// What became of the requests meanwhile, where there were any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load: Option<LoadCount>,
    /// What else is to be known of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What became of a phase.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", tag = "outcome")]
pub enum Outcome {
    /// It was done.
    Done {
        /// How long it took.
        seconds: f64,
    },
    /// It failed.
    Failed {
        /// After how long.
        seconds: f64,
        /// Why.
        error: String,
    },
    /// The platform, or this target, cannot do it.
    NotPossible {
        /// Why.
        why: String,
    },
    /// It was not tried.
    Skipped {
        /// Why.
        why: String,
    },
}

impl Outcome {
    /// The word for machines.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Done { .. } => "done",
            Self::Failed { .. } => "failed",
            Self::NotPossible { .. } => "notPossible",
            Self::Skipped { .. } => "skipped",
        }
    }

    /// How long it took, where it was done.
    pub const fn seconds(&self) -> Option<f64> {
        match self {
            Self::Done { seconds } => Some(*seconds),
            Self::Failed { .. } | Self::NotPossible { .. } | Self::Skipped { .. } => None,
        }
    }

    /// Why it was not done.
    pub fn why_not(&self) -> Option<&str> {
        match self {
            Self::Done { .. } => None,
            Self::Failed { error: why, .. } | Self::NotPossible { why } | Self::Skipped { why } => Some(why),
        }
    }
}
