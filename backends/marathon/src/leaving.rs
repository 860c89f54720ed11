//! What is still on its way out: apps whose tasks are being killed.

use rhumb_backend::{Health, ObjectId, Result, Scope};

use crate::connect::Server;
use crate::error::unfinished;

/// What is still on its way out of a release that was removed.
pub(crate) async fn leaving(_: &Server, _: &Scope, _: &[ObjectId]) -> Result<Health> {
    Err(unfinished("leaving"))
}
