//! `rhumb list`: the releases of a target.

use rhumb_release::{ChartInfo, Filter, Head, Status};
use serde::Serialize;

use crate::{ActionResult, Context};

/// Which releases are listed.
#[derive(Clone, Debug, Default)]
pub struct ListRequest {
    /// Every namespace, not only the context's.
    pub all_namespaces: bool,
    /// Only names that contain this text.
    pub filter: Option<String>,
    /// Only these statuses of the latest revision; empty means every status but `uninstalled`.
    pub statuses: Vec<Status>,
}

/// A release, by its latest revision.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// The release.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The latest revision.
    pub revision: u64,
    /// When its status last changed, in RFC 3339.
    pub updated: String,
    /// Its status.
    pub status: Status,
    /// Its chart.
    pub chart: ChartInfo,
    /// What the record says of it.
    pub description: String,
}

/// Lists releases by namespace and name. Only heads are read.
pub async fn list(context: &Context<'_>, request: &ListRequest) -> ActionResult<Vec<Listed>> {
    let namespace = (!request.all_namespaces).then(|| context.namespace.to_owned());
    // The newest revision of a release is never superseded, so a server need not send those that are.
    let wants_superseded = request.statuses.contains(&Status::Superseded);
    let except = (!wants_superseded).then(|| ("status", Status::Superseded.as_str()));
    let heads = context.releases().heads(&Filter { namespace, release: None, except }).await?;
    Ok(latest(heads).filter(|head| request.takes(head)).map(listed).collect())
}

/// The newest head of each release. Heads come by namespace, release and revision.
fn latest(heads: Vec<Head>) -> impl Iterator<Item = Head> {
    let mut heads = heads.into_iter().peekable();
    std::iter::from_fn(move || {
        let mut newest = heads.next()?;
        while let Some(next) = heads.next_if(|next| next.scope() == newest.scope()) {
            newest = next;
        }
        Some(newest)
    })
}

impl ListRequest {
    fn takes(&self, head: &Head) -> bool {
        let has_name = self.filter.as_ref().is_none_or(|text| head.release.contains(text.as_str()));
        let has_status = match self.statuses.as_slice() {
            [] => head.status != Status::Uninstalled,
            statuses => statuses.contains(&head.status),
        };
        has_name && has_status
    }
}

fn listed(head: Head) -> Listed {
    Listed {
        name: head.release,
        namespace: head.namespace,
        revision: head.revision,
        updated: head.updated,
        status: head.status,
        chart: head.chart,
        description: head.description,
    }
}
