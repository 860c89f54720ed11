//! What tasks printed, from CloudWatch Logs.

use rhumb_backend::{LogLine, LogQuery, Result, Scope};
use tokio::sync::mpsc;

use crate::connect::Account;
use crate::error::unfinished;

/// Sends the lines of a workload, or of all.
pub(crate) async fn logs(_: &Account, _: &Scope, _: &LogQuery, _: mpsc::Sender<LogLine>) -> Result<()> {
    Err(unfinished("logs"))
}
