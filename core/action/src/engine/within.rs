//! Work that must not go on when time is up.

use rhumb_backend::{Error, ErrorKind, Retry};
use tokio::time::{Instant, timeout_at};

use crate::ActionResult;

/// Does work that can be dropped at any moment, until time is up.
///
/// # Errors
/// `Timeout` when it did not end in time; what the work answers.
pub(crate) async fn within<T>(end: Instant, work: impl Future<Output = ActionResult<T>>) -> ActionResult<T> {
    let late = |_| {
        Error::new(ErrorKind::Timeout, "look at the target", "it did not answer in time")
            .remedy("more time with --timeout, or `rhumb target check` to see whether it answers at all")
            .retry(Retry::Never)
    };
    timeout_at(end, work).await.map_err(late)?
}
