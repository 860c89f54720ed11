//! What the API server answers, in the contract's words.

use rhumb_backend::{Error, ErrorKind};

/// Stands in the way of everything that is not there yet.
pub(crate) fn unfinished(operation: &str) -> Error {
    Error::new(ErrorKind::Unsupported, operation, "the Kubernetes backend is not finished")
}
