//! What is known of the other objects while one is read, and the app that grows.

use std::collections::BTreeMap;

use rhumb_backend::Account;
use rhumb_spec::Diagnostic;
use rhumb_spec::model::{App, Workload};
use serde_json::Value;

use super::document::PLATFORM;
use super::naming::Names;

/// What is known of the other objects while one is read, and the app that grows.
#[derive(Default)]
pub(super) struct World {
    pub(super) app: App,
    pub(super) notes: Vec<Diagnostic>,
    pub(super) accounts: Vec<Account>,
    pub(super) workloads: Names,
    pub(super) natives: Names,
    pub(super) volumes: Names,
}

/// Adds a patch for one of the kinds that a workload becomes.
pub(super) fn add_patch(workload: &mut Workload, word: &str, patch: Option<Value>) {
    if let Some(patch) = patch {
        let of_platform: &mut BTreeMap<String, Value> = workload.on.entry(PLATFORM.to_owned()).or_default();
        of_platform.insert(word.to_owned(), patch);
    }
}
