//! One step, carried out.

use rhumb_backend::{Materials, Receipt, Result, Scope, Step};

use crate::connect::Cluster;
use crate::error::unfinished;

/// Makes a namespace that is not there.
pub(crate) async fn create_namespace(_cluster: &Cluster, _namespace: &str) -> Result<()> {
    Err(unfinished("create the namespace"))
}

/// Carries out one step.
pub(crate) async fn apply(_: &Cluster, _: &Scope, _: &Step, _: &dyn Materials) -> Result<Receipt> {
    Err(unfinished("apply the step"))
}
