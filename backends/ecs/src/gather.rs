//! Reading what people have already: files of task definitions and services, and what runs.

use rhumb_backend::{Gathered, ImportQuery, Result};
use serde_json::Value;

use crate::connect::Account;
use crate::error::unfinished;

/// Turns documents into objects.
pub(crate) fn gather(_: Vec<Value>) -> Gathered {
    Gathered::default()
}

/// Reads the services of a cluster.
pub(crate) async fn collect(_: &Account, _: &ImportQuery) -> Result<Gathered> {
    Err(unfinished("collect"))
}
