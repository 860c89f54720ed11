//! How far rollouts are.

use rhumb_backend::{Health, Receipt, Result, Scope};

use crate::connect::Account;
use crate::error::unfinished;

/// How far the rollouts of these receipts are.
pub(crate) async fn health(_: &Account, _: &Scope, _: &[Receipt]) -> Result<Health> {
    Err(unfinished("health"))
}
