//! `rhumb run`: one command in a container like those of a workload, once.

use std::time::Duration;

use rhumb_chart::Vault;
use serde::Serialize;

use crate::hold::Hold;
use crate::jobs::Jobs;
use crate::known::find_record;
use crate::one_off::job_like;
use crate::{ActionError, ActionResult, Context};

/// What to run.
#[derive(Clone, Debug)]
pub struct RunRequest {
    /// The release.
    pub name: String,
    /// The workload whose image, environment and mounts the job gets.
    pub workload: String,
    /// Which of its containers, when there are several.
    pub container: Option<String>,
    /// What runs instead of the container's own command; empty means the container's own.
    pub command: Vec<String>,
    /// How long it may take.
    pub timeout: Duration,
    /// What becomes of the job afterwards.
    pub after: AfterJob,
}

/// What becomes of a job once it has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AfterJob {
    /// It is removed.
    #[default]
    Remove,
    /// It stays, so that it can be looked at (`--keep`).
    Keep,
}

/// A job that ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobResult {
    /// Its name.
    pub name: String,
    /// Whether it succeeded.
    pub succeeded: bool,
    /// The exit code of its process, where the platform tells.
    pub exit_code: Option<i64>,
    /// Why it failed.
    pub why: Option<String>,
    /// How long it took.
    pub took: Duration,
}

/// Runs one command in a container like those of a workload, and tells what it prints.
///
/// # Errors
/// `NotFound`; a workload or container that is not there; `Busy`; what the platform cannot have or answers. That the
/// command failed is in the outcome.
pub async fn run(context: &Context<'_>, request: &RunRequest) -> ActionResult<JobResult> {
    let record = find_record(context, &request.name, None).await?;
    let name = format!("{}-run-{:06x}", request.workload, rand::random::<u32>() & 0x00ff_ffff);
    let mut app = record.app.clone();
    let job = job_like(&app, request)?;
    app.workloads.insert(name.clone(), job);
    let hold = Hold::take(context, &record.scope()).await?;
    let jobs = Jobs { context, hold: &hold, record: &record, timeout: request.timeout, after: request.after };
    let result = match jobs.objects(&app) {
        Ok(objects) => jobs.run(&name, &objects, &Vault::new()).await,
        Err(found) => Err(ActionError::Diagnostics(found)),
    };
    hold.give_back().await;
    result
}
