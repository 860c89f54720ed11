//! What is asked of tasks that run.

use rhumb_backend::{Receipt, Result, Scope, Task};

use crate::connect::Account;
use crate::error::unfinished;

/// The tasks of a workload, or of all.
pub(crate) async fn tasks(_: &Account, _: &Scope, _: Option<&str>) -> Result<Vec<Task>> {
    Err(unfinished("tasks"))
}

/// Sets the number of tasks.
pub(crate) async fn scale(_: &Account, _: &Scope, _: &str, _: u32) -> Result<Vec<Receipt>> {
    Err(unfinished("scale"))
}

/// Replaces every task by an equal one.
pub(crate) async fn restart(_: &Account, _: &Scope, _: &str) -> Result<Vec<Receipt>> {
    Err(unfinished("restart"))
}
