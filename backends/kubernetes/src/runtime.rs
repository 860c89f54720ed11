//! What is asked of things that run.

use rhumb_backend::{Receipt, Result, Scope, Task};

use crate::connect::Cluster;
use crate::error::unfinished;

/// The pods of a workload, or of all.
pub(crate) async fn tasks(_: &Cluster, _: &Scope, _: Option<&str>) -> Result<Vec<Task>> {
    Err(unfinished("list the pods"))
}

/// Sets the number of replicas.
pub(crate) async fn scale(_: &Cluster, _: &Scope, _: &str, _: u32) -> Result<Vec<Receipt>> {
    Err(unfinished("scale the workload"))
}

/// Replaces every pod by an equal one.
pub(crate) async fn restart(_: &Cluster, _: &Scope, _: &str) -> Result<Vec<Receipt>> {
    Err(unfinished("restart the workload"))
}
