//! What is known of the other objects while one is read, and the app that grows.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::{Account, ObjectId};
use rhumb_spec::Diagnostic;
use rhumb_spec::model::{App, Workload};
use serde_json::Value;

use super::document::{PLATFORM, Referred};
use super::naming::Names;
use super::stores::Stores;
use crate::lower::size::Size;

/// What is known of the other objects while one is read, and the app that grows.
#[derive(Default)]
pub(super) struct World {
    pub(super) app: App,
    pub(super) notes: Vec<Diagnostic>,
    pub(super) accounts: Vec<Account>,
    pub(super) workloads: Names,
    pub(super) stores: Stores,
    /// The volumes of access points, by the ids of those: the name of the volume, and the part of it.
    pub(super) folders: BTreeMap<ObjectId, (String, Option<String>)>,
    /// The target groups among the documents, as they came, by their ids.
    pub(super) groups: BTreeMap<ObjectId, Value>,
    /// Where target groups lead to, by their ids.
    pub(super) led: BTreeMap<ObjectId, Led>,
    /// Second target groups, which traffic is shifted to.
    pub(super) alternates: BTreeSet<ObjectId>,
    /// The names in Cloud Map that are among the documents, by the workloads that are registered under them.
    pub(super) registered: BTreeMap<String, String>,
    /// What tasks have on Fargate, by their workloads.
    pub(super) sizes: BTreeMap<String, Size>,
    /// Workloads by the names of their services.
    pub(super) services: BTreeMap<String, String>,
}

/// Where a target group leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Led {
    pub(super) workload: String,
    /// The name of the port in the app.
    pub(super) port: String,
    /// Its number in the container.
    pub(super) number: u16,
    /// Its health check is the readiness of the container.
    pub(super) is_asked: bool,
}

impl World {
    /// The target group that a value refers to, where it is among the documents.
    pub(super) fn group(&self, value: &Value) -> Option<ObjectId> {
        match Referred::of(value)? {
            Referred::Object(id) => self.groups.contains_key(&id).then_some(id),
            Referred::Text(arn) => {
                let is_it =
                    |group: &&Value| group.get("TargetGroupArn").and_then(Value::as_str) == Some(&arn);
                self.groups.iter().find(|(_, group)| is_it(group)).map(|(id, _)| id.clone())
            }
        }
    }
}

/// Adds a patch for one of the kinds that a workload becomes.
pub(super) fn add_patch(workload: &mut Workload, word: &str, patch: Option<Value>) {
    if let Some(patch) = patch {
        let of_platform: &mut BTreeMap<String, Value> = workload.on.entry(PLATFORM.to_owned()).or_default();
        of_platform.insert(word.to_owned(), patch);
    }
}
