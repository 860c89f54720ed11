//! What verbs that deploy something report.

use rhumb_backend::{Loss, Object, ObjectHealth, Plan};
use rhumb_release::{ChartInfo, Status, Writer};
use rhumb_spec::Diagnostic;
use serde::Serialize;

use crate::Execution;

/// A revision that an earlier command began and never ended, found by a later one.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Left {
    /// The revision.
    pub revision: u64,
    /// The status that it was left in.
    pub status: Status,
    /// Who began it.
    pub by: Writer,
    /// When it began, in RFC 3339.
    pub since: String,
}

/// What an install, upgrade or rollback did, or would do.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployed {
    /// The release.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The target's name.
    pub target: String,
    /// The revision that was, or would be, recorded.
    pub revision: u64,
    /// Its status. In a dry run, the status that it would begin with.
    pub status: Status,
    /// Its chart.
    pub chart: ChartInfo,
    /// What the record says of it.
    pub description: String,
    /// When its status last changed, in RFC 3339.
    pub updated: String,
    /// Whether it was done or only shown.
    pub execution: Execution,
    /// What was, or would be, done.
    pub plan: Plan,
    /// The platform's documents.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<Object>,
    /// What the chart asked for and does not get as asked.
    pub losses: Vec<Loss>,
    /// What the user should know.
    pub warnings: Vec<Diagnostic>,
    /// The chart's `NOTES.txt`, rendered.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub notes: String,
    /// A revision that was found unfinished.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<Left>,
    /// How far the rollouts are; empty when nothing was waited for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub health: Vec<ObjectHealth>,
}
