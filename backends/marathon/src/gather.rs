//! Reading what people have already: files of apps, groups and pods, and what runs.

use rhumb_backend::{Gathered, ImportQuery, Result};
use serde_json::Value;

use crate::connect::Server;
use crate::error::unfinished;

/// Turns documents into objects.
pub(crate) fn gather(_: Vec<Value>) -> Gathered {
    Gathered::default()
}

/// Reads the apps and pods of a group.
pub(crate) async fn collect(_: &Server, _: &ImportQuery) -> Result<Gathered> {
    Err(unfinished("collect"))
}
