//! What AWS's answers mean.

use rhumb_backend::{Error, ErrorKind};

/// Stands where something is still being built.
pub(crate) fn unfinished(operation: &'static str) -> Error {
    Error::new(ErrorKind::Unsupported, operation, "this part of the ECS backend is not built yet")
}
