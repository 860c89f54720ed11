//! What is there.

use rhumb_backend::{ObjectId, Observed, Result, Scope};

use crate::connect::Server;
use crate::error::unfinished;

/// Looks at these ids and at whatever bears the release's labels.
pub(crate) async fn observe(_: &Server, _: &Scope, _: &[ObjectId]) -> Result<Observed> {
    Err(unfinished("observe"))
}
