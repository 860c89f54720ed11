//! `rhumb exec`: a command beside what a container runs.

use rhumb_backend::{Exec, Place, Streams};

use crate::running::{interactive, running};
use crate::{ActionResult, Context};

/// What to run, and where.
#[derive(Clone, Debug, Default)]
pub struct ExecRequest {
    /// The release.
    pub name: String,
    /// The container.
    pub place: Place,
    /// The command.
    pub exec: Exec,
}

/// Runs a command in a container of a release, and returns its exit code.
///
/// # Errors
/// `NotFound` for a release, workload, replica or container that is not there; what the platform answers; `Cancelled`.
pub async fn exec(context: &Context<'_>, request: &ExecRequest, streams: Streams) -> ActionResult<i32> {
    let scope = running(context, &request.name).await?;
    let interactive = interactive(context, "running commands in containers")?;
    tokio::select! {
        code = interactive.exec(&scope, &request.place, &request.exec, streams) => Ok(code?),
        () = context.cancel.cancelled() => Err(crate::ActionError::Cancelled),
    }
}
