//! What tasks printed, from the sandboxes of Mesos agents.

use rhumb_backend::{LogLine, LogQuery, Result, Scope};
use tokio::sync::mpsc;

use crate::connect::Server;
use crate::error::unfinished;

/// Sends the lines of a workload, or of all.
pub(crate) async fn logs(_: &Server, _: &Scope, _: &LogQuery, _: mpsc::Sender<LogLine>) -> Result<()> {
    Err(unfinished("logs"))
}
