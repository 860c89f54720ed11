//! What a revision wants: the end of the road before anything is looked at.

use std::collections::BTreeMap;
use std::sync::Arc;

use rhumb_backend::{Adoption, Choices, Facts, Loss, Object, ObjectId};
use rhumb_chart::Vault;
use rhumb_release::{ChartInfo, Record, Source};
use rhumb_spec::{App, Diagnostic};
use serde_json::Value;

use crate::migrate::Carried;

/// What a revision wants. Everything but the vault and the warnings is recorded.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) chart: ChartInfo,
    pub(crate) source: Option<Source>,
    /// The user's values, secret ones sealed.
    pub(crate) values: Value,
    /// All values, secret ones sealed.
    pub(crate) computed: Value,
    pub(crate) app: App,
    pub(crate) facts: Facts,
    pub(crate) choices: Choices,
    pub(crate) losses: Vec<Loss>,
    pub(crate) objects: Vec<Object>,
    /// What was there when the release was adopted.
    pub(crate) adopted: Adoption,
    pub(crate) notes: String,
    pub(crate) salt: String,
    pub(crate) warnings: Vec<Diagnostic>,
    /// The secret material that this run was given.
    pub(crate) vault: Vault,
    /// The secret material that came with the release from another platform.
    pub(crate) carried: Option<Arc<Carried>>,
    /// Jobs that succeeded on another platform, and the hash of what they would run here.
    pub(crate) done: BTreeMap<ObjectId, String>,
}

impl Wanted {
    /// What an earlier revision wanted. Its secret material is on the target or nowhere.
    pub(crate) fn again(record: Record) -> Self {
        Self {
            chart: record.chart,
            source: record.source,
            values: record.values,
            computed: record.computed,
            app: record.app,
            facts: record.facts,
            choices: record.choices,
            losses: record.losses,
            objects: record.objects,
            adopted: record.adopted,
            notes: record.notes,
            salt: record.salt,
            ..Self::default()
        }
    }

    /// The record of a revision that wants this. Who, when and which is filled in by the caller.
    pub(crate) fn record(&self) -> Record {
        Record {
            chart: self.chart.clone(),
            source: self.source.clone(),
            values: self.values.clone(),
            computed: self.computed.clone(),
            app: self.app.clone(),
            facts: self.facts.clone(),
            choices: self.choices.clone(),
            losses: self.losses.clone(),
            objects: self.objects.clone(),
            adopted: self.adopted.clone(),
            notes: self.notes.clone(),
            salt: self.salt.clone(),
            ..Record::default()
        }
    }
}
