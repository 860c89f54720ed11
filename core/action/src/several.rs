//! One release on several targets at once.

use std::time::Duration;

use futures_util::future::join_all;
use rhumb_release::Status;
use tokio_util::sync::CancellationToken;

use crate::{
    ActionError, ActionResult, Context, DeployOptions, Deployed, Execution, HistoryAfter, IgnoreAbsent,
    InstallRequest, OnFailure, RollbackRequest, Silent, UninstallRequest, UpgradeRequest, Wait, install,
    rollback, uninstall, upgrade,
};

/// What is deployed, on one target or on several.
#[derive(Clone, Debug)]
pub enum Deployment {
    /// A first revision.
    Install(InstallRequest),
    /// Another chart or other values.
    Upgrade(UpgradeRequest),
    /// An earlier revision.
    Rollback(RollbackRequest),
}

impl Deployment {
    /// The release.
    pub fn release(&self) -> &str {
        match self {
            Self::Install(request) => &request.name,
            Self::Upgrade(request) => &request.name,
            Self::Rollback(request) => &request.name,
        }
    }

    /// How it is deployed.
    pub fn options(&self) -> &DeployOptions {
        match self {
            Self::Install(request) => &request.options,
            Self::Upgrade(request) => &request.options,
            Self::Rollback(request) => &request.options,
        }
    }

    fn with(&self, change: impl FnOnce(&mut DeployOptions)) -> Self {
        let mut other = self.clone();
        change(match &mut other {
            Self::Install(request) => &mut request.options,
            Self::Upgrade(request) => &mut request.options,
            Self::Rollback(request) => &mut request.options,
        });
        other
    }

    /// Deploys it on a target.
    ///
    /// # Errors
    /// Those of [`install`], [`upgrade`] and [`rollback`].
    pub async fn on(&self, context: &Context<'_>) -> ActionResult<Deployed> {
        match self {
            Self::Install(request) => install(context, request).await,
            Self::Upgrade(request) => upgrade(context, request).await,
            Self::Rollback(request) => rollback(context, request).await,
        }
    }
}

/// What became of a deployment on one of several targets.
#[derive(Debug)]
pub enum Fate {
    /// It was done, or shown.
    Done(Box<Deployed>),
    /// It failed. What it had done was taken back where that was asked for; the error tells.
    Failed(Box<ActionError>),
    /// It was not begun, because another target would have refused it.
    NotBegun,
    /// It was done, and taken back because it failed elsewhere.
    TakenBack {
        /// What was done first.
        deployed: Box<Deployed>,
        /// The revision that was gone back to; none means that the release was removed, as it had not been there.
        to: Option<u64>,
    },
    /// It was done and should have been taken back because it failed elsewhere, and that failed, too.
    Stays {
        /// What was done.
        deployed: Box<Deployed>,
        /// Why it could not be taken back.
        error: Box<ActionError>,
    },
}

/// Carries out a verb on several targets at once.
pub async fn on_each<T>(
    contexts: &[Context<'_>],
    verb: impl AsyncFn(&Context<'_>) -> ActionResult<T>,
) -> Vec<ActionResult<T>> {
    join_all(contexts.iter().map(async |context| verb(context).await)).await
}

/// Deploys on several targets at once, each for itself: what fails on one leaves the others as they are.
pub async fn deploy_on_each(contexts: &[Context<'_>], deployment: &Deployment) -> Vec<Fate> {
    let results = on_each(contexts, async |context| deployment.on(context).await).await;
    results.into_iter().map(fate).collect()
}

/// Deploys on all of several targets or on none.
///
/// Nothing is changed anywhere before every target would take it. It then waits until all is ready everywhere; where it
/// fails it is taken back there, and afterwards on every other target: to the revision that was deployed before, or
/// to nothing. An end asked for by the caller counts as a failure, and taking back is not cut short by it.
pub async fn deploy_on_all(contexts: &[Context<'_>], deployment: &Deployment) -> Vec<Fate> {
    let rehearsal = deployment.with(|options| options.execution = Execution::DryRun);
    let quiet: Vec<Context<'_>> =
        contexts.iter().map(|context| Context { progress: &Silent, ..*context }).collect();
    let rehearsed = deploy_on_each(&quiet, &rehearsal).await;
    if deployment.options().execution == Execution::DryRun {
        return rehearsed;
    }
    if rehearsed.iter().any(|fate| matches!(fate, Fate::Failed(_))) {
        let unbegun = |fate| if matches!(fate, Fate::Done(_)) { Fate::NotBegun } else { fate };
        return rehearsed.into_iter().map(unbegun).collect();
    }
    let before = match on_each(contexts, async |context| before(context, deployment).await).await {
        results if results.iter().all(Result::is_ok) => results.into_iter().flatten().collect::<Vec<_>>(),
        results => {
            let unread = |result: ActionResult<_>| {
                result.map_or_else(|error| Fate::Failed(Box::new(error)), |_| Fate::NotBegun)
            };
            return results.into_iter().map(unread).collect();
        }
    };
    let firm = deployment.with(|options| {
        options.wait = Wait::Ready;
        options.on_failure = OnFailure::TakeBack;
    });
    let fates = deploy_on_each(contexts, &firm).await;
    if fates.iter().all(|fate| matches!(fate, Fate::Done(_))) {
        return fates;
    }
    let undone = contexts.iter().zip(fates).zip(before).map(async |((context, fate), before)| match fate {
        Fate::Done(deployed) => take_back(context, deployed, before, deployment.options().timeout).await,
        other => other,
    });
    join_all(undone).await
}

fn fate(result: ActionResult<Deployed>) -> Fate {
    match result {
        Ok(deployed) => Fate::Done(Box::new(deployed)),
        Err(error) => Fate::Failed(Box::new(error)),
    }
}

/// What was there before anything was changed.
#[derive(Clone, Copy, Debug)]
struct Before {
    /// The revision that was deployed.
    deployed: Option<u64>,
    /// Whether the release had any record.
    has_records: bool,
}

async fn before(context: &Context<'_>, deployment: &Deployment) -> ActionResult<Before> {
    let heads = context.releases().history(&context.scope(deployment.release())).await?;
    let deployed = heads.iter().rev().find(|head| head.status == Status::Deployed);
    Ok(Before { deployed: deployed.map(|head| head.revision), has_records: !heads.is_empty() })
}

async fn take_back(
    context: &Context<'_>,
    deployed: Box<Deployed>,
    before: Before,
    timeout: Duration,
) -> Fate {
    let cancel = CancellationToken::new();
    let context = Context { cancel: &cancel, ..*context };
    let description = "Taken back: it failed on another target".to_owned();
    let undone = if let Some(revision) = before.deployed {
        let options = DeployOptions {
            wait: Wait::Ready,
            timeout,
            description: Some(description),
            ..DeployOptions::default()
        };
        let request = RollbackRequest { name: deployed.name.clone(), revision: Some(revision), options };
        rollback(&context, &request).await.map(drop)
    } else {
        let request = UninstallRequest {
            name: deployed.name.clone(),
            history: if before.has_records { HistoryAfter::Keep } else { HistoryAfter::Remove },
            absent: IgnoreAbsent::Ignore,
            wait: Wait::Ready,
            timeout,
            execution: Execution::Apply,
            description: Some(description),
        };
        uninstall(&context, &request).await.map(drop)
    };
    match undone {
        Ok(()) => Fate::TakenBack { deployed, to: before.deployed },
        Err(error) => Fate::Stays { deployed, error: Box::new(error) },
    }
}
