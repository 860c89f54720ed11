//! How far rollouts are.

use rhumb_backend::{Health, Receipt, Result, Scope};

use crate::connect::Cluster;
use crate::error::unfinished;

/// How far the rollouts of these receipts are.
pub(crate) async fn health(_: &Cluster, _: &Scope, _: &[Receipt]) -> Result<Health> {
    Err(unfinished("ask for the rollouts"))
}
