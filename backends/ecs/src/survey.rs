//! Asking the account what lowering must know, and checking a target's settings against it.

use rhumb_backend::{Facts, Finding, Result, Scope, Survey};
use rhumb_spec::App;

use crate::connect::Account;
use crate::error::unfinished;

/// Asks the account what lowering must know.
pub(crate) async fn survey(_: &Account, _: &Scope, _: &App, _: &Survey<'_>) -> Result<Facts> {
    Err(unfinished("survey"))
}

/// Verifies every setting of the target.
pub(crate) async fn verify(_: &Account) -> Result<Vec<Finding>> {
    Err(unfinished("verify"))
}
