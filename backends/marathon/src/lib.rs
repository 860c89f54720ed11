//! The Marathon backend.
//!
//! Pure parts turn apps into documents of Marathon and Metronome and back ([`lower`], [`lift`], [`change`], [`normalize`],
//! [`support`], [`names`], [`kind`], [`facts`]). The rest talks to Marathon's API, and to Metronome,
//! Chronos and the secret store where they are there.

mod apply;
pub mod change;
mod claims;
mod connect;
mod document;
mod error;
mod events;
mod exec;
mod export;
pub mod facts;
mod gather;
mod health;
pub mod kind;
mod leaving;
pub mod lift;
mod logs;
pub mod lower;
pub mod mapping;
pub mod names;
pub mod normalize;
mod observe;
mod records;
mod rollout;
mod runtime;
mod sandbox;
pub mod support;
mod survey;

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use rhumb_backend::legalize::Pass;
use rhumb_backend::{
    Backend, Change, CheckedApp, Choices, Duplex, Exec, Export, ExportSecrets, Exported, Facts, Finding,
    Gathered, Health, Import, ImportQuery, Interactive, Killed, Lifted, Live, LogLine, LogQuery, Lowered,
    Mapping, Materials, Object, ObjectId, Observed, Place, Receipt, Result, Runtime, Scope, Step, Streams,
    Support, Survey, Task,
};
use rhumb_spec::{App, Diagnostic, Feature};
use serde_json::Value;
use tokio::sync::mpsc;

pub use connect::{Environment, Settings};
pub use records::MarathonStorage;

use connect::Server;
use events::Events;
use facts::MarathonFacts;
use health::Patience;
use rollout::Rollout;

/// The backend's name in records.
const NAME: &str = "marathon";

/// A Marathon, with what is beside it.
///
/// It is connected to when it is first asked for something.
#[derive(Debug)]
pub struct Marathon {
    server: Arc<Server>,
    patience: Patience,
    events: Events,
}

impl Marathon {
    /// The Marathon that a target and the environment name. Nothing is read or connected to yet.
    pub fn new(settings: Settings, environment: Environment) -> Self {
        Self {
            server: Arc::new(Server::new(settings, environment)),
            patience: Patience::default(),
            events: Events::default(),
        }
    }

    /// The facts that settings alone give, without asking a server.
    fn assumed(&self) -> MarathonFacts {
        MarathonFacts::assumed(self.server.settings())
    }
}

/// Facts of another shape can only come from a damaged record, and the assumed ones are better than none.
fn read(facts: &Facts) -> MarathonFacts {
    facts.read().unwrap_or_default()
}

#[async_trait]
impl Backend for Marathon {
    fn name(&self) -> &'static str {
        NAME
    }

    fn default_facts(&self) -> Facts {
        let data = serde_json::to_value(self.assumed()).unwrap_or_default();
        Facts { backend: NAME.to_owned(), live: false, data }
    }

    async fn survey(&self, scope: &Scope, app: &App, survey: &Survey<'_>) -> Result<Facts> {
        survey::survey(&self.server, scope, app, survey).await
    }

    async fn verify(&self, _: &str) -> Result<Vec<Finding>> {
        survey::verify(&self.server).await
    }

    fn support(&self, feature: Feature, facts: &Facts) -> Support {
        support::support(feature, &read(facts))
    }

    fn mapping(&self, feature: Feature) -> Mapping {
        mapping::mapping(feature)
    }

    fn passes(&self) -> &'static [Pass] {
        &[Pass::StatefulOrdinals, Pass::InitContainersAsJobs]
    }

    fn lower(
        &self,
        app: &CheckedApp,
        scope: &Scope,
        facts: &Facts,
        choices: &Choices,
    ) -> Result<Lowered, Vec<Diagnostic>> {
        lower::lower(app, scope, &read(facts), choices)
    }

    fn lift(&self, objects: &[Object]) -> Lifted {
        lift::lift(objects)
    }

    async fn observe(&self, scope: &Scope, ids: &[ObjectId]) -> Result<Observed> {
        observe::observe(&self.server, scope, ids).await
    }

    fn change(&self, last: Option<&Object>, live: &Live, want: &Object) -> Change {
        change::change(last, live, want)
    }

    fn again(&self, live: &Live, want: &Object) -> Option<Value> {
        change::again(live, want)
    }

    fn claims(&self, object: &Object) -> BTreeSet<String> {
        claims::claims(object)
    }

    async fn apply(&self, scope: &Scope, step: &Step, materials: &dyn Materials) -> Result<Receipt> {
        let receipt = apply::apply(&self.server, scope, step, materials).await?;
        if step.reason.is_some() {
            self.patience.anew(&receipt.native);
        }
        Ok(receipt)
    }

    async fn health(&self, scope: &Scope, receipts: &[Receipt]) -> Result<Health> {
        health::health(&self.server, &self.patience, scope, receipts).await
    }

    async fn changed(&self, scope: &Scope, receipts: &[Receipt]) {
        events::changed(&self.server, &self.events, scope, receipts).await;
    }

    async fn leaving(&self, scope: &Scope, natives: &[ObjectId]) -> Result<Health> {
        leaving::leaving(&self.server, scope, natives).await
    }

    fn recall(&self, receipts: &[Receipt]) {
        for receipt in receipts {
            if let Some(deployment) = Rollout::parse(&receipt.rollout).deployment {
                self.server.has_begun(&deployment);
            }
        }
    }

    fn rollouts_lock(&self) -> bool {
        true
    }

    fn runtime(&self) -> Option<&dyn Runtime> {
        Some(self)
    }

    fn interactive(&self) -> Option<&dyn Interactive> {
        Some(self)
    }

    fn import(&self) -> Option<&dyn Import> {
        Some(self)
    }

    fn export(&self) -> Option<&dyn Export> {
        Some(self)
    }
}

impl Export for Marathon {
    fn files(
        &self,
        scope: &Scope,
        objects: &[Object],
        secrets: &ExportSecrets<'_>,
    ) -> Result<Exported, Vec<Diagnostic>> {
        export::files(scope, objects, secrets)
    }
}

#[async_trait]
impl Import for Marathon {
    fn gather(&self, documents: Vec<Value>) -> Gathered {
        gather::gather(documents)
    }

    async fn collect(&self, query: &ImportQuery) -> Result<Gathered> {
        gather::collect(&self.server, query).await
    }
}

#[async_trait]
impl Runtime for Marathon {
    async fn tasks(&self, scope: &Scope, workload: Option<&str>) -> Result<Vec<Task>> {
        runtime::tasks(&self.server, scope, workload).await
    }

    async fn logs(&self, scope: &Scope, query: &LogQuery, lines: mpsc::Sender<LogLine>) -> Result<()> {
        logs::logs(&self.server, scope, query, lines).await
    }

    async fn scale(&self, scope: &Scope, workload: &str, replicas: u32) -> Result<Vec<Receipt>> {
        runtime::scale(&self.server, scope, workload, replicas).await
    }

    async fn restart(&self, scope: &Scope, workload: &str) -> Result<Vec<Receipt>> {
        runtime::restart(&self.server, scope, workload).await
    }

    async fn kill(&self, scope: &Scope, workload: &str) -> Result<Killed> {
        runtime::kill(&self.server, scope, workload).await
    }
}

#[async_trait]
impl Interactive for Marathon {
    async fn exec(&self, scope: &Scope, place: &Place, _: &Exec, _: Streams) -> Result<i32> {
        exec::exec(&self.server, scope, place).await
    }

    async fn connect(&self, scope: &Scope, place: &Place, port: u16) -> Result<Box<dyn Duplex>> {
        exec::connect(&self.server, scope, place, port).await
    }
}
