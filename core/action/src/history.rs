//! `rhumb history`: the revisions of a release.

use rhumb_release::{ChartInfo, Head, Record, Status};
use serde::Serialize;

use crate::known::not_found;
use crate::{ActionResult, Context};

/// Which release, and how many of its revisions.
#[derive(Clone, Debug, Default)]
pub struct HistoryRequest {
    /// The release.
    pub name: String,
    /// The newest so many; none means all that are kept.
    pub max: Option<usize>,
}

/// A revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PastRevision {
    /// Its number.
    pub revision: u64,
    /// When it began, in RFC 3339.
    pub created: String,
    /// When its status last changed, in RFC 3339.
    pub updated: String,
    /// Its status.
    pub status: Status,
    /// Its chart.
    pub chart: ChartInfo,
    /// What the record says of it.
    pub description: String,
}

impl From<&Head> for PastRevision {
    fn from(head: &Head) -> Self {
        Self {
            revision: head.revision,
            created: head.created.clone(),
            updated: head.updated.clone(),
            status: head.status,
            chart: head.chart.clone(),
            description: head.description.clone(),
        }
    }
}

/// The revisions of a release, the newest last. Only heads are read.
///
/// # Errors
/// `NotFound` for a release that is not there.
pub async fn history(context: &Context<'_>, request: &HistoryRequest) -> ActionResult<Vec<PastRevision>> {
    let heads = context.releases().history(&context.scope(&request.name)).await?;
    if heads.is_empty() {
        return Err(not_found(context, &request.name).await);
    }
    let surplus = request.max.map_or(0, |max| heads.len().saturating_sub(max));
    Ok(heads.iter().skip(surplus).map(PastRevision::from).collect())
}

impl From<&Record> for PastRevision {
    fn from(record: &Record) -> Self {
        Self {
            revision: record.revision,
            created: record.created.clone(),
            updated: record.updated.clone(),
            status: record.status,
            chart: record.chart.clone(),
            description: record.description.clone(),
        }
    }
}
