//! The Docker Swarm backend.
//!
//! Pure parts turn apps into the Engine API's documents and back ([`lower`], [`lift`], [`change`], [`normalize`],
//! [`support`], [`names`], [`facts`]). The rest talks to a manager of the swarm, as the docker CLI does.

mod adopt;
mod apply;
pub mod change;
mod claims;
mod compose;
mod connect;
mod error;
mod exec;
mod externals;
pub mod facts;
mod gather;
mod health;
mod here;
mod images;
mod kind;
pub mod lift;
mod logs;
pub mod lower;
pub mod mapping;
mod migration;
pub mod names;
pub mod normalize;
mod observe;
mod outside;
mod records;
mod registry_auth;
mod rollout;
mod runtime;
pub mod support;
mod survey;
mod task;
mod volumes;

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use rhumb_backend::change::ListKeys;
use rhumb_backend::legalize::Pass;
use rhumb_backend::{
    Adopt, AtRest, Backend, Change, CheckedApp, Choices, Duplex, Entrance, Entries, Exec, Export,
    ExportSecrets, Exported, External, Externals, Facts, Finding, Found, Gathered, Health, Held, Helper,
    HelperState, Import, ImportQuery, Interactive, Killed, Lifted, Live, LogLine, LogQuery, Lowered, Mapping,
    Materials, Migration, Object, ObjectId, Observed, Place, PortOf, Receipt, Removed, Result, Runtime,
    Scope, Shown, Step, Streams, Support, Survey, Task, VolumeUse, Volumes, Whose,
};
use rhumb_spec::{App, Diagnostic, Feature};
use serde_json::Value;
use tokio::sync::mpsc;

pub use connect::{Address, Endpoint, Environment, Settings, TlsFiles, TlsSettings};
pub use records::SwarmStorage;

use connect::Engine;
use facts::SwarmFacts;
use health::Patience;

/// The backend's name in records.
const NAME: &str = "swarm";

/// A swarm, reached through one of its managers.
///
/// It is connected to when it is first asked for something.
#[derive(Debug)]
pub struct Swarm {
    engine: Arc<Engine>,
    patience: Patience,
}

/// What a swarm's manager says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Where it is, and who said so: `unix:///var/run/docker.sock (from DOCKER_HOST)`.
    pub endpoint: String,
    /// The engine's version.
    pub version: String,
    /// The version of the Engine API that is spoken with it.
    pub api: String,
    /// How many nodes the swarm has.
    pub nodes: usize,
}

impl Swarm {
    /// The swarm that a target and the environment name. Nothing is read or connected to yet.
    ///
    /// # Errors
    /// `Invalid` when the target's settings contradict each other or name an address of an unknown kind.
    pub fn new(settings: Settings, environment: Environment) -> Result<Self> {
        settings.verify()?;
        Ok(Self { engine: Arc::new(Engine::new(settings, environment)), patience: Patience::default() })
    }

    /// Where the swarm's manager is, and who said so. Reads files of the docker CLI, and connects to nothing.
    ///
    /// # Errors
    /// What [`Endpoint::resolve`] says.
    pub fn endpoint(&self) -> Result<Endpoint> {
        Endpoint::resolve(self.engine.settings(), self.engine.environment())
    }

    /// Asks the manager what it is, as a check of the target.
    ///
    /// # Errors
    /// `Unreachable`, `Forbidden`, `Timeout`; `Unsupported` when it is no manager of a swarm.
    pub async fn about(&self) -> Result<About> {
        let endpoint = self.endpoint()?;
        let connected = self.engine.connected().await?;
        let nodes = health::nodes(&self.engine).await?.len();
        Ok(About {
            endpoint: format!("{} (from {})", endpoint.address, endpoint.source),
            version: connected.version.clone(),
            api: connected.api.to_string(),
            nodes,
        })
    }
}

/// Facts of another shape can only come from a damaged record, and the assumed ones are better than none.
fn read(facts: &Facts) -> SwarmFacts {
    facts.read().unwrap_or_default()
}

#[async_trait]
impl Backend for Swarm {
    fn name(&self) -> &'static str {
        NAME
    }

    fn default_facts(&self) -> Facts {
        let data = serde_json::to_value(SwarmFacts::default()).unwrap_or_default();
        Facts { backend: NAME.to_owned(), live: false, data }
    }

    async fn survey(&self, _: &Scope, app: &App, survey: &Survey<'_>) -> Result<Facts> {
        survey::survey(&self.engine, app, survey).await
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

    async fn verify(&self, _: &str) -> Result<Vec<Finding>> {
        let about = self.about().await?;
        Ok(vec![
            Finding::good("engine", format!("{} (API {})", about.version, about.api)).bears_on_measurements(),
            Finding::good("nodes", about.nodes.to_string()).bears_on_measurements(),
        ])
    }

    async fn observe(&self, scope: &Scope, ids: &[ObjectId]) -> Result<Observed> {
        observe::observe(&self.engine, &self.patience, scope, ids).await
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
        apply::apply(&self.engine, scope, step, materials).await
    }

    async fn health(&self, _: &Scope, receipts: &[Receipt]) -> Result<Health> {
        health::health(&self.engine, &self.patience, receipts).await
    }

    async fn resume(&self, _: &Scope, receipt: &Receipt) -> Result<Option<String>> {
        health::resume(&self.engine, &self.patience, receipt).await
    }

    fn runtime(&self) -> Option<&dyn Runtime> {
        Some(self)
    }

    fn interactive(&self) -> Option<&dyn Interactive> {
        Some(self)
    }

    fn volumes(&self) -> Option<&dyn Volumes> {
        Some(self)
    }

    fn export(&self) -> Option<&dyn Export> {
        Some(self)
    }

    fn migration(&self) -> Option<&dyn Migration> {
        Some(self)
    }

    fn import(&self) -> Option<&dyn Import> {
        Some(self)
    }

    fn adopt(&self) -> Option<&dyn Adopt> {
        Some(self)
    }
}

#[async_trait]
impl Adopt for Swarm {
    async fn find(&self, scope: &Scope, query: &ImportQuery, want: &[Object]) -> Result<Found> {
        adopt::find(&self.engine, scope, query, want).await
    }

    async fn look(&self, scope: &Scope, id: &ObjectId, native: &str) -> Result<Vec<Live>> {
        adopt::look(&self.engine, scope, id, native).await
    }

    async fn replicas(&self, _: &Scope, found: &[Live]) -> Result<BTreeSet<String>> {
        adopt::replicas(&self.engine, found).await
    }

    fn asked(&self, live: &Live, want: &Object) -> Value {
        adopt::asked(live, want)
    }

    fn lists(&self, id: &ObjectId) -> ListKeys {
        if id.kind() == "service" { change::SERVICE_RULES.lists } else { ListKeys::default() }
    }

    fn is_mark(&self, _: &ObjectId, path: &str) -> bool {
        adopt::is_mark(path)
    }
}

#[async_trait]
impl Volumes for Swarm {
    fn wanted(&self, scope: &Scope, objects: &[Object]) -> Vec<VolumeUse> {
        volumes::wanted(scope, objects)
    }

    async fn volumes(&self, scope: &Scope, whose: &Whose) -> Result<Vec<VolumeUse>> {
        volumes::volumes(&self.engine, scope, whose).await
    }

    fn helper_host(&self) -> &'static str {
        "0.0.0.0"
    }

    async fn start_helper(&self, scope: &Scope, helper: &Helper) -> Result<()> {
        volumes::start(&self.engine, scope, helper).await
    }

    async fn helper_state(&self, scope: &Scope, name: &str) -> Result<HelperState> {
        volumes::state(&self.engine, scope, name).await
    }

    async fn connect_helper(&self, scope: &Scope, name: &str, port: u16) -> Result<Box<dyn Duplex>> {
        volumes::connect(&self.engine, scope, name, port).await
    }

    async fn stop_helper(&self, scope: &Scope, name: &str) -> Result<()> {
        volumes::stop(&self.engine, scope, name).await
    }

    async fn helpers(&self, scope: &Scope) -> Result<Vec<String>> {
        volumes::helpers(&self.engine, scope).await
    }
}

impl Export for Swarm {
    fn files(
        &self,
        scope: &Scope,
        objects: &[Object],
        secrets: &ExportSecrets<'_>,
    ) -> Result<Exported, Vec<Diagnostic>> {
        compose::files(scope, objects, secrets)
    }
}

#[async_trait]
impl Externals for Swarm {
    fn externals(&self, app: &App) -> Vec<External> {
        externals::externals(app)
    }

    async fn look_at_externals(&self, _: &Scope, externals: &[External]) -> Result<Vec<Held>> {
        externals::look(&self.engine, externals).await
    }

    async fn make_external(
        &self,
        _: &Scope,
        external: &External,
        entries: &Entries,
        mark: &str,
    ) -> Result<()> {
        externals::make(&self.engine, external, (entries, mark)).await
    }

    async fn remove_external(&self, _: &Scope, external: &External, mark: &str) -> Result<Removed> {
        externals::remove(&self.engine, external, mark).await
    }
}

#[async_trait]
impl Migration for Swarm {
    fn at_rest(&self, object: &Object) -> AtRest {
        migration::at_rest(object)
    }

    async fn running(&self, scope: &Scope) -> Result<Vec<String>> {
        migration::running(&self.engine, scope).await
    }

    async fn secrets(&self, _: &Scope, secrets: &[(&Object, &Live)]) -> Result<Shown> {
        Ok(migration::secrets(secrets))
    }

    async fn has_volume(&self, _: &Scope, volume: &VolumeUse) -> Result<Option<bool>> {
        migration::has_volume(&self.engine, volume).await
    }

    async fn remove_volume(&self, _: &Scope, volume: &VolumeUse) -> Result<Removed> {
        migration::remove_volume(&self.engine, volume).await
    }
}

#[async_trait]
impl Import for Swarm {
    fn gather(&self, documents: Vec<Value>) -> Gathered {
        gather::gather(documents)
    }

    async fn collect(&self, query: &ImportQuery) -> Result<Gathered> {
        gather::collect(&self.engine, query).await
    }
}

#[async_trait]
impl Interactive for Swarm {
    async fn exec(&self, scope: &Scope, place: &Place, exec: &Exec, streams: Streams) -> Result<i32> {
        exec::exec(&self.engine, scope, place, exec, streams).await
    }

    async fn connect(&self, _: &Scope, place: &Place, _: u16) -> Result<Box<dyn Duplex>> {
        exec::connect(place)
    }
}

#[async_trait]
impl Runtime for Swarm {
    async fn tasks(&self, scope: &Scope, workload: Option<&str>) -> Result<Vec<Task>> {
        runtime::tasks(&self.engine, scope, workload).await
    }

    async fn logs(&self, scope: &Scope, query: &LogQuery, lines: mpsc::Sender<LogLine>) -> Result<()> {
        runtime::logs(&self.engine, scope, query, lines).await
    }

    async fn scale(&self, scope: &Scope, workload: &str, replicas: u32) -> Result<Vec<Receipt>> {
        runtime::scale(&self.engine, scope, workload, replicas).await
    }

    async fn restart(&self, scope: &Scope, workload: &str) -> Result<Vec<Receipt>> {
        runtime::restart(&self.engine, scope, workload).await
    }

    async fn kill(&self, scope: &Scope, workload: &str) -> Result<Killed> {
        outside::kill(&self.engine, scope, workload).await
    }

    async fn entrances(&self, scope: &Scope, workload: &str, port: PortOf<'_>) -> Result<Vec<Entrance>> {
        outside::entrances(&self.engine, scope, workload, port).await
    }
}
