//! Carrying out one step.

use rhumb_backend::{Materials, Receipt, Result, Scope, Step};

use crate::connect::Account;
use crate::error::unfinished;

/// Carries out one step whose references are resolved.
pub(crate) async fn apply(_: &Account, _: &Scope, _: &Step, _: &dyn Materials) -> Result<Receipt> {
    Err(unfinished("apply"))
}
