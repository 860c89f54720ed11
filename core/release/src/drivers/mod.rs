//! Storage that needs no platform, and what makes one of stores that can only create.

mod chained;
mod file;
mod memory;

pub use chained::{Chained, CreateOnly};
pub use file::FileStorage;
pub use memory::MemoryStorage;

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;

use rhumb_backend::{Error, ErrorKind, Result};

use crate::Key;

fn check_size(key: &Key, value: &[u8], limit: usize) -> Result<()> {
    if value.len() <= limit {
        return Ok(());
    }
    let message = format!("it has {} bytes; at most {limit} are kept in one entry", value.len());
    Err(Error::new(ErrorKind::LimitExceeded, "create an entry", message).with("key", key.to_string()))
}

fn exists(key: &Key) -> Error {
    Error::new(ErrorKind::AlreadyExists, "create an entry", "it is there already")
        .with("key", key.to_string())
}

fn gone(key: &Key) -> Error {
    Error::new(ErrorKind::NotFound, "update an entry", "it is not there").with("key", key.to_string())
}

fn changed(key: &Key) -> Error {
    Error::new(ErrorKind::Conflict, "update an entry", "somebody changed it since it was read")
        .with("key", key.to_string())
}
