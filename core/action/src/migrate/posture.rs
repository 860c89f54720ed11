//! Putting a release to rest, and bringing it back.

use rhumb_release::Status;

use super::departure::replicas;
use super::sides::At;
use crate::deploy::{Goal, Order, deploy};
use crate::known::Known;
use crate::{ActionResult, Conflicts, DeployOptions, ScaleRequest, Wait, scale};

use std::collections::BTreeMap;

/// How the description of a revision begins that runs nothing.
pub(super) const AT_REST: &str = "At rest";

/// What every deployment of a migration has in common.
pub(super) fn options(at: &At<'_>, wait: Wait, description: String) -> DeployOptions {
    DeployOptions {
        wait,
        timeout: at.timeout,
        // Autoscalers and people set numbers of replicas; they are noted, and come back.
        conflicts: Conflicts::Force,
        description: Some(description),
        ..DeployOptions::default()
    }
}

/// Makes a release run nothing, and waits until nothing of it runs. Everything else of it stays.
pub(super) async fn put_to_rest(at: &At<'_>, revision: u64, why: &str) -> ActionResult<()> {
    if !is_at_rest(at).await? {
        let options = options(at, Wait::Applied, format!("{AT_REST}: {why}"));
        let order = Order { release: at.release, goal: Goal::Rest(revision), options: &options };
        deploy(&at.context, order).await?;
    }
    at.wait_until_still().await
}

/// Whether the latest revision is one that runs nothing, and was applied as a whole.
pub(super) async fn is_at_rest(at: &At<'_>) -> ActionResult<bool> {
    let known = Known::read(&at.context, &at.scope()).await?;
    Ok(known
        .latest()
        .is_some_and(|head| head.status == Status::Deployed && head.description.starts_with(AT_REST)))
}

/// Brings a revision back that was put to rest, with as many replicas as it had.
pub(super) async fn bring_back(
    at: &At<'_>,
    revision: u64,
    had: &BTreeMap<String, u32>,
    why: &str,
) -> ActionResult<()> {
    let record = at.context.releases().get(&at.scope(), revision).await?;
    if is_resting_or_unfinished(at, revision).await? {
        let options = options(at, Wait::Ready, why.to_owned());
        let order = Order { release: at.release, goal: Goal::Rollback(Some(revision)), options: &options };
        deploy(&at.context, order).await?;
    }
    let has = replicas(at, &record).await?;
    let others: Vec<(String, u32)> = had
        .iter()
        .filter(|(workload, number)| has.get(*workload).is_some_and(|now| now != *number))
        .map(|(workload, number)| (workload.clone(), *number))
        .collect();
    if others.is_empty() {
        return Ok(());
    }
    let request = ScaleRequest {
        name: at.release.to_owned(),
        workloads: others,
        wait: Wait::Ready,
        timeout: at.timeout,
    };
    scale(&at.context, &request).await.map(drop)
}

/// Whether the latest revision is not the one that is to be there: it rests, or what brought it back was cut short.
async fn is_resting_or_unfinished(at: &At<'_>, revision: u64) -> ActionResult<bool> {
    let known = Known::read(&at.context, &at.scope()).await?;
    Ok(known.latest().is_some_and(|head| {
        let is_whole = head.status == Status::Deployed && !head.description.starts_with(AT_REST);
        !is_whole && (head.revision != revision || head.status != Status::Deployed)
    }))
}
