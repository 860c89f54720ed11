//! How far deployments are.

mod patience;

use rhumb_backend::{Health, Receipt, Result, Scope};

use crate::connect::Server;
use crate::error::unfinished;

pub(crate) use patience::Patience;

/// How far the rollouts of these receipts are.
pub(crate) async fn health(_: &Server, _: &Patience, _: &Scope, _: &[Receipt]) -> Result<Health> {
    Err(unfinished("health"))
}
