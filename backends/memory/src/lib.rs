//! The reference backend: everything is native, and the state is in memory or in one file.
//!
//! It defines what a feature means, makes tests fast, and lets anybody try every verb with no server. Its documents
//! are the neutral ones. Configs and secrets are named by their content, and of secrets nothing is stored but a hash
//! and the length. Everything is ready at once, unless a workload asks for trouble (see [`behaviour`]).

mod apply;
pub mod behaviour;
mod exec;
pub mod faults;
mod health;
mod lift;
mod lower;
mod names;
mod normalize;
mod observe;
mod ports;
mod records;
mod runtime;
mod state;
mod support;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use rhumb_backend::legalize::Pass;
use rhumb_backend::{
    Backend, Change, CheckedApp, Choices, Facts, Health, Interactive, Lifted, Live, Lowered, Materials,
    Object, ObjectId, Observed, Receipt, Result, Runtime, Scope, Step, Support, Survey,
};
use rhumb_spec::{App, Diagnostic, Feature};
use serde_json::{Value, json};

pub use records::MemoryStorage;
use state::Store;

/// The backend's name, in records and on the command line.
pub const NAME: &str = "memory";

/// A target in memory, or in one file that several processes may share. Clones are the same target.
#[derive(Clone, Debug)]
pub struct MemoryBackend {
    store: Arc<Store>,
}

impl MemoryBackend {
    /// A target that lives as long as the value.
    pub fn in_memory() -> Self {
        Self { store: Arc::new(Store::in_memory()) }
    }

    /// A target in a file, which is made with the first write. Beside it lies a lock file.
    pub fn with_file(path: impl Into<PathBuf>) -> Self {
        Self { store: Arc::new(Store::with_file(path.into())) }
    }

    /// Puts something there that is no release's, for tests of what is external or in the way.
    ///
    /// External documents are found under their kind and name, such as `volume/data`; what a release makes, under
    /// its stack, such as `shop/workload/web`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn provide(&self, native: &str, body: Value) -> Result<()> {
        self.store.write(|state| {
            state.provide(native, body);
            Ok(())
        })
    }
}

#[async_trait]
impl Backend for MemoryBackend {
    fn name(&self) -> &'static str {
        NAME
    }

    fn default_facts(&self) -> Facts {
        Facts { backend: NAME.to_owned(), live: false, data: json!({}) }
    }

    async fn survey(&self, _scope: &Scope, _app: &App, _survey: &Survey<'_>) -> Result<Facts> {
        Ok(Facts { live: true, ..self.default_facts() })
    }

    fn support(&self, feature: Feature, _facts: &Facts) -> Support {
        support::support(feature)
    }

    fn passes(&self) -> &'static [Pass] {
        &[]
    }

    fn lower(
        &self,
        app: &CheckedApp,
        _scope: &Scope,
        _facts: &Facts,
        choices: &Choices,
    ) -> Result<Lowered, Vec<Diagnostic>> {
        lower::lower(app, choices)
    }

    fn lift(&self, objects: &[Object]) -> Lifted {
        lift::lift(objects)
    }

    async fn observe(&self, scope: &Scope, ids: &[ObjectId]) -> Result<Observed> {
        self.store.read(|state| observe::observe(state, scope, ids))
    }

    fn change(&self, last: Option<&Object>, live: &Live, want: &Object) -> Change {
        normalize::change(last, live, want)
    }

    fn claims(&self, object: &Object) -> BTreeSet<String> {
        lift::workload_of(object).map(|workload| ports::claimed(&workload)).unwrap_or_default()
    }

    async fn apply(&self, scope: &Scope, step: &Step, materials: &dyn Materials) -> Result<Receipt> {
        self.store.write(|state| apply::apply(state, scope, step, materials))
    }

    async fn health(&self, scope: &Scope, receipts: &[Receipt]) -> Result<Health> {
        self.store.write(|state| Ok(health::health(state, scope, receipts)))
    }

    fn runtime(&self) -> Option<&dyn Runtime> {
        Some(self)
    }

    fn interactive(&self) -> Option<&dyn Interactive> {
        Some(self)
    }
}

#[cfg(test)]
mod tests;
