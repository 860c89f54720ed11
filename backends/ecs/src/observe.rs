//! What is there.

use rhumb_backend::{ObjectId, Observed, Result, Scope};

use crate::connect::Account;
use crate::error::unfinished;

/// Looks at these ids and at whatever bears the release's tags.
pub(crate) async fn observe(_: &Account, _: &Scope, _: &[ObjectId]) -> Result<Observed> {
    Err(unfinished("observe"))
}
