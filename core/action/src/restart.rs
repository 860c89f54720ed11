//! `rhumb restart`: equal replicas take the place of those that run.

use std::time::Duration;

use futures_util::future::join_all;
use rhumb_release::Record;
use rhumb_spec::model::{Mode, Workload};
use tokio::time::Instant;

use crate::hold::Hold;
use crate::known::find_record;
use crate::roll::{Patience, recall, roll};
use crate::running::runtime;
use crate::{ActionResult, Context, Rolled, Wait};

/// What to restart.
#[derive(Clone, Debug)]
pub struct RestartRequest {
    /// The release.
    pub name: String,
    /// The workloads; none means all that are no jobs.
    pub workloads: Vec<String>,
    /// Whether it waits until they are ready.
    pub wait: Wait,
    /// How long that may take.
    pub timeout: Duration,
}

/// Replaces every replica by an equal one, as an update would.
///
/// # Errors
/// `NotFound`; `Busy`; what the platform answers; with [`Wait::Ready`] what keeps replicas from being ready.
pub async fn restart(context: &Context<'_>, request: &RestartRequest) -> ActionResult<Rolled> {
    let record = find_record(context, &request.name, None).await?;
    let runtime = runtime(context, "restarting")?;
    let workloads = if request.workloads.is_empty() { lasting(&record) } else { request.workloads.clone() };
    let (scope, started) = (record.scope(), Instant::now());
    let hold = Hold::take(context, &scope).await?;
    let patience = Patience::new(request.wait, started, request.timeout);
    let result = async {
        recall(context, &scope).await?;
        let restarted = workloads.iter().map(|workload| runtime.restart(&scope, workload));
        roll(context, &hold, &scope, join_all(restarted).await, patience).await
    };
    let result = result.await;
    hold.give_back().await;
    Ok(Rolled { name: request.name.clone(), workloads, health: result? })
}

/// The workloads that are meant to run on and on.
fn lasting(record: &Record) -> Vec<String> {
    let is_lasting = |workload: &Workload| !matches!(workload.mode, Mode::Job | Mode::Cron);
    let workloads = record.app.workloads.iter().filter(|(_, workload)| is_lasting(workload));
    workloads.map(|(name, _)| name.clone()).collect()
}
