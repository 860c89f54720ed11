//! `rhumb logs`: what a release prints.

use rhumb_backend::{LogLine, LogQuery};
use tokio::sync::mpsc;

use crate::running::{running, runtime};
use crate::{ActionResult, Context};

/// Whose output.
#[derive(Clone, Debug, Default)]
pub struct LogsRequest {
    /// The release.
    pub name: String,
    /// Which lines.
    pub query: LogQuery,
}

/// Sends lines of output to `lines` until there are no more, the receiver is dropped, or the verb is cancelled.
///
/// # Errors
/// `NotFound` for a release that is not there; what the platform answers.
pub async fn logs(
    context: &Context<'_>,
    request: &LogsRequest,
    lines: mpsc::Sender<LogLine>,
) -> ActionResult<()> {
    let scope = running(context, &request.name).await?;
    let runtime = runtime(context, "reading output")?;
    tokio::select! {
        result = runtime.logs(&scope, &request.query, lines) => Ok(result?),
        () = context.cancel.cancelled() => Ok(()),
    }
}
