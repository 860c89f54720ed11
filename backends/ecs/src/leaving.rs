//! What is still on its way out: services that drain.

use rhumb_backend::{Health, ObjectId, Result, Scope};

use crate::connect::Account;
use crate::error::unfinished;

/// What is still on its way out of a release that was removed.
pub(crate) async fn leaving(_: &Account, _: &Scope, _: &[ObjectId]) -> Result<Health> {
    Err(unfinished("leaving"))
}
