//! `rhumb ps`: the replicas of a release.

use rhumb_backend::{Task, TaskState};

use crate::running::{running, runtime};
use crate::{ActionResult, Context};

/// Whose replicas.
#[derive(Clone, Debug, Default)]
pub struct PsRequest {
    /// The release.
    pub name: String,
    /// One workload, or all.
    pub workload: Option<String>,
    /// Past replicas too.
    pub all: bool,
}

/// The replicas of a release, by workload and name.
///
/// # Errors
/// `NotFound` for a release that is not there; what the platform answers.
pub async fn ps(context: &Context<'_>, request: &PsRequest) -> ActionResult<Vec<Task>> {
    let scope = running(context, &request.name).await?;
    let tasks = runtime(context, "listing replicas")?.tasks(&scope, request.workload.as_deref()).await?;
    Ok(tasks.into_iter().filter(|task| request.all || is_current(task)).collect())
}

/// Whether a replica is one of those that should be there, or the newest of those that ended by themselves.
fn is_current(task: &Task) -> bool {
    !matches!(task.desired, TaskState::Shutdown | TaskState::Failed)
}
