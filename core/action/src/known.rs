//! What is recorded of a release when a verb begins.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;
use rhumb_backend::{ErrorKind, ObjectId, Scope};
use rhumb_release::{Filter, Head, Record, Releases, Status};
use rhumb_spec::Diagnostic;

use crate::inventory::Inventory;
use crate::{ActionError, ActionResult, Context, Event, Left};

/// How alike a name must be to be offered in place of another.
const LIKENESS: f64 = 0.7;

/// What is recorded of a release when a verb begins.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// The heads, the newest last.
    pub(crate) heads: Vec<Head>,
    /// What may be on the target.
    pub(crate) inventory: Inventory,
}

impl Known {
    /// Reads what is recorded. A record that is damaged is told and passed over: what it knew is not needed to go on.
    pub(crate) async fn read(context: &Context<'_>, scope: &Scope) -> ActionResult<Self> {
        let releases = context.releases();
        let heads = releases.history(scope).await?;
        let mut records = Vec::new();
        for head in heads.iter().rev() {
            let Some(record) = readable(context, &releases, head).await? else { continue };
            let is_base = Inventory::is_base(record.status);
            records.push(record);
            if is_base {
                break;
            }
        }
        let inventory = Inventory::new(records);
        context.backend().recall(&inventory.receipts());
        Ok(Self { heads, inventory })
    }

    /// The newest revision's head.
    pub(crate) fn latest(&self) -> Option<&Head> {
        self.heads.last()
    }

    /// The newest revision that is deployed.
    pub(crate) fn deployed(&self) -> Option<&Head> {
        self.heads.iter().rev().find(|head| head.status == Status::Deployed)
    }

    /// Whether something of the release may be on the target.
    pub(crate) fn is_there(&self) -> bool {
        self.latest().is_some_and(|head| head.status != Status::Uninstalled)
    }

    /// The number of the revision that comes next.
    pub(crate) fn next_revision(&self) -> u64 {
        self.latest().map_or(1, |head| head.revision + 1)
    }

    /// The newest revision, when somebody began it and never ended it.
    pub(crate) fn left(&self) -> Option<Left> {
        let head = self.latest().filter(|head| head.status.is_pending())?;
        let record = self.inventory.latest().filter(|record| record.revision == head.revision);
        Some(Left {
            revision: head.revision,
            status: head.status,
            by: record.map(|record| record.writer.clone()).unwrap_or_default(),
            since: head.created.clone(),
        })
    }

    /// The generations that revisions need which are kept beside the next one, when `history_max` of them are kept.
    pub(crate) async fn needed(
        &self,
        context: &Context<'_>,
        history_max: u32,
    ) -> ActionResult<BTreeSet<(ObjectId, String)>> {
        let beside = if history_max == 0 { usize::MAX } else { history_max as usize - 1 };
        let newest = self.heads.iter().rev().take(beside);
        let deployed = self.heads.iter().filter(|head| head.status == Status::Deployed);
        let kept: BTreeSet<u64> = newest.chain(deployed).map(|head| head.revision).collect();
        let mut needed = self.inventory.generations(&kept);
        let releases = context.releases();
        let others = self
            .heads
            .iter()
            .filter(|head| kept.contains(&head.revision) && !self.inventory.has(head.revision));
        for record in
            try_join_all(others.map(|head| readable(context, &releases, head))).await?.into_iter().flatten()
        {
            needed.extend(generations(&record));
        }
        Ok(needed)
    }
}

/// The generations that a revision needs.
pub(crate) fn generations(record: &Record) -> impl Iterator<Item = (ObjectId, String)> + '_ {
    record.objects.iter().filter_map(|object| Some((object.id.clone(), object.generation.clone()?)))
}

async fn readable(
    context: &Context<'_>,
    releases: &Releases<'_>,
    head: &Head,
) -> ActionResult<Option<Record>> {
    match releases.get(&head.scope(), head.revision).await {
        Ok(record) => Ok(Some(record)),
        Err(error) if matches!(error.kind, ErrorKind::Corrupt | ErrorKind::NotFound) => {
            let text = format!("the record of revision {} cannot be read and is passed over", head.revision);
            context.tell(&Event::Warning(Diagnostic::warning("", text).why(error.to_string())));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// A revision's head.
///
/// # Errors
/// `NotFound` for a release that is not there, `NoRevision` for a revision that is not.
pub(crate) async fn find_head(
    context: &Context<'_>,
    release: &str,
    revision: Option<u64>,
) -> ActionResult<Head> {
    let heads = context.releases().history(&context.scope(release)).await?;
    let Some(latest) = heads.last() else { return Err(not_found(context, release).await) };
    let Some(revision) = revision else { return Ok(latest.clone()) };
    let found = heads.iter().find(|head| head.revision == revision).cloned();
    found.ok_or_else(|| no_revision(release, revision, &heads))
}

/// A revision's record.
///
/// # Errors
/// As [`find_head`].
pub(crate) async fn find_record(
    context: &Context<'_>,
    release: &str,
    revision: Option<u64>,
) -> ActionResult<Record> {
    let head = find_head(context, release, revision).await?;
    Ok(context.releases().get(&head.scope(), head.revision).await?)
}

pub(crate) fn no_revision(release: &str, revision: u64, heads: &[Head]) -> ActionError {
    ActionError::NoRevision {
        release: release.to_owned(),
        revision,
        kept: heads.iter().map(|head| head.revision).collect(),
    }
}

/// That a release is not there, with names that are close.
pub(crate) async fn not_found(context: &Context<'_>, release: &str) -> ActionError {
    let filter = Filter { namespace: Some(context.namespace.to_owned()), ..Filter::default() };
    let heads = context.releases().heads(&filter).await.unwrap_or_default();
    let names: BTreeSet<String> = heads.into_iter().map(|head| head.release).collect();
    let is_near = |name: &String| strsim::jaro_winkler(name, release) >= LIKENESS;
    ActionError::NotFound {
        release: release.to_owned(),
        namespace: context.namespace.to_owned(),
        target: context.target.name.clone(),
        nearest: names.into_iter().filter(is_near).collect(),
    }
}
