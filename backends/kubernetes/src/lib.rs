//! The Kubernetes backend.
//!
//! Pure parts turn apps into the API's documents and back ([`lower`], [`lift`], [`change`], [`normalize`],
//! [`support`], [`names`], [`kind`], [`facts`]). The rest talks to an API server, as kubectl does.

mod adopt;
mod apply;
pub mod change;
mod collect;
mod connect;
mod error;
mod exec;
mod export;
mod externals;
pub mod facts;
mod gather;
mod health;
pub mod kind;
mod leaving;
pub mod lift;
mod logs;
pub mod lower;
pub mod mapping;
mod migration;
pub mod names;
pub mod normalize;
mod observe;
mod outside;
mod pods;
mod records;
mod resource;
mod runtime;
pub mod support;
mod survey;
mod volumes;
mod workloads;

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

pub use connect::{Environment, Settings};
pub use records::KubernetesStorage;

use connect::Cluster;
use facts::KubernetesFacts;
use health::Patience;

/// The backend's name in records.
const NAME: &str = "kubernetes";

/// A cluster, reached through its API server.
///
/// It is connected to when it is first asked for something.
#[derive(Debug)]
pub struct Kubernetes {
    cluster: Arc<Cluster>,
    patience: Patience,
}

impl Kubernetes {
    /// The cluster that a target and the environment name. Nothing is read or connected to yet.
    pub fn new(settings: Settings, environment: Environment) -> Self {
        Self { cluster: Arc::new(Cluster::new(settings, environment)), patience: Patience::default() }
    }

    /// The namespace of the context that is meant, where it names one. Reads kubeconfigs and connects to nothing.
    ///
    /// # Errors
    /// `Invalid` when a kubeconfig cannot be read or has no such context.
    pub fn namespace(&self) -> Result<Option<String>> {
        self.cluster.namespace()
    }
}

/// Facts of another shape can only come from a damaged record, and the assumed ones are better than none.
fn read(facts: &Facts) -> KubernetesFacts {
    facts.read().unwrap_or_default()
}

#[async_trait]
impl Backend for Kubernetes {
    fn name(&self) -> &'static str {
        NAME
    }

    fn default_facts(&self) -> Facts {
        let data = serde_json::to_value(KubernetesFacts::default()).unwrap_or_default();
        Facts { backend: NAME.to_owned(), live: false, data }
    }

    async fn survey(&self, _: &Scope, app: &App, survey: &Survey<'_>) -> Result<Facts> {
        survey::survey(&self.cluster, app, survey).await
    }

    fn support(&self, feature: Feature, facts: &Facts) -> Support {
        support::support(feature, &read(facts))
    }

    fn mapping(&self, feature: Feature) -> Mapping {
        mapping::mapping(feature)
    }

    fn passes(&self) -> &'static [Pass] {
        &[]
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

    async fn verify(&self, namespace: &str) -> Result<Vec<Finding>> {
        survey::verify(&self.cluster, namespace).await
    }

    async fn create_namespace(&self, namespace: &str) -> Result<()> {
        apply::create_namespace(&self.cluster, namespace).await
    }

    async fn observe(&self, scope: &Scope, ids: &[ObjectId]) -> Result<Observed> {
        observe::observe(&self.cluster, scope, ids).await
    }

    fn change(&self, last: Option<&Object>, live: &Live, want: &Object) -> Change {
        change::change(last, live, want)
    }

    fn again(&self, live: &Live, want: &Object) -> Option<Value> {
        change::again(live, want)
    }

    /// An API server queues calls by itself, and lets 200 writes in at one time.
    ///
    /// Source: kube-apiserver reference, `--max-mutating-requests-inflight`.
    fn concurrency(&self) -> usize {
        64
    }

    async fn apply(&self, scope: &Scope, step: &Step, materials: &dyn Materials) -> Result<Receipt> {
        apply::apply(&self.cluster, scope, step, materials).await
    }

    async fn health(&self, scope: &Scope, receipts: &[Receipt]) -> Result<Health> {
        health::health(&self.cluster, &self.patience, scope, receipts).await
    }

    async fn leaving(&self, scope: &Scope, natives: &[ObjectId]) -> Result<Health> {
        leaving::leaving(&self.cluster, scope, natives).await
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

    fn migration(&self) -> Option<&dyn Migration> {
        Some(self)
    }

    fn import(&self) -> Option<&dyn Import> {
        Some(self)
    }

    fn adopt(&self) -> Option<&dyn Adopt> {
        Some(self)
    }

    fn export(&self) -> Option<&dyn Export> {
        Some(self)
    }
}

impl Export for Kubernetes {
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
impl Volumes for Kubernetes {
    fn wanted(&self, scope: &Scope, objects: &[Object]) -> Vec<VolumeUse> {
        volumes::wanted(scope, objects)
    }

    async fn volumes(&self, scope: &Scope, whose: &Whose) -> Result<Vec<VolumeUse>> {
        volumes::volumes(&self.cluster, scope, whose).await
    }

    /// Connections come from within the pod, so nothing else in the cluster reaches it.
    fn helper_host(&self) -> &'static str {
        "127.0.0.1"
    }

    async fn start_helper(&self, scope: &Scope, helper: &Helper) -> Result<()> {
        volumes::start(&self.cluster, scope, helper).await
    }

    async fn helper_state(&self, scope: &Scope, name: &str) -> Result<HelperState> {
        volumes::state(&self.cluster, scope, name).await
    }

    async fn connect_helper(&self, scope: &Scope, name: &str, port: u16) -> Result<Box<dyn Duplex>> {
        volumes::connect(&self.cluster, scope, name, port).await
    }

    async fn stop_helper(&self, scope: &Scope, name: &str) -> Result<()> {
        volumes::stop(&self.cluster, scope, name).await
    }

    async fn helpers(&self, scope: &Scope) -> Result<Vec<String>> {
        volumes::helpers(&self.cluster, scope).await
    }
}

#[async_trait]
impl Adopt for Kubernetes {
    async fn find(&self, scope: &Scope, query: &ImportQuery, want: &[Object]) -> Result<Found> {
        adopt::find(&self.cluster, scope, query, want).await
    }

    async fn look(&self, scope: &Scope, id: &ObjectId, identity: &str) -> Result<Vec<Live>> {
        let found = observe::one(&self.cluster, scope, id).await?;
        Ok(found.filter(|live| self.identity(live) == identity).into_iter().collect())
    }

    async fn replicas(&self, scope: &Scope, found: &[Live]) -> Result<BTreeSet<String>> {
        adopt::replicas(&self.cluster, scope, found).await
    }

    fn asked(&self, live: &Live, want: &Object) -> Value {
        adopt::asked(live, want)
    }

    /// The uid: names are given again.
    fn identity(&self, live: &Live) -> String {
        live.version.clone().unwrap_or_else(|| live.native.clone())
    }

    fn reduce(&self, step: &mut Step) {
        adopt::reduce(step);
    }

    fn lists(&self, _: &ObjectId) -> ListKeys {
        change::rules::RULES.lists
    }

    fn is_mark(&self, _: &ObjectId, path: &str) -> bool {
        adopt::is_mark(path)
    }
}

#[async_trait]
impl Externals for Kubernetes {
    fn externals(&self, app: &App) -> Vec<External> {
        externals::externals(app)
    }

    async fn look_at_externals(&self, scope: &Scope, externals: &[External]) -> Result<Vec<Held>> {
        externals::look(&self.cluster, scope, externals).await
    }

    async fn make_external(
        &self,
        scope: &Scope,
        external: &External,
        entries: &Entries,
        mark: &str,
    ) -> Result<()> {
        externals::make(&self.cluster, scope, external, (entries, mark)).await
    }

    async fn remove_external(&self, scope: &Scope, external: &External, mark: &str) -> Result<Removed> {
        externals::remove(&self.cluster, scope, external, mark).await
    }
}

#[async_trait]
impl Migration for Kubernetes {
    fn at_rest(&self, object: &Object) -> AtRest {
        migration::at_rest(object)
    }

    async fn running(&self, scope: &Scope) -> Result<Vec<String>> {
        migration::running(&self.cluster, scope).await
    }

    async fn secrets(&self, scope: &Scope, secrets: &[(&Object, &Live)]) -> Result<Shown> {
        migration::secrets(&self.cluster, scope, secrets).await
    }

    async fn has_volume(&self, scope: &Scope, volume: &VolumeUse) -> Result<Option<bool>> {
        migration::has_volume(&self.cluster, scope, volume).await
    }

    async fn remove_volume(&self, scope: &Scope, volume: &VolumeUse) -> Result<Removed> {
        migration::remove_volume(&self.cluster, scope, volume).await
    }
}

#[async_trait]
impl Import for Kubernetes {
    fn gather(&self, documents: Vec<Value>) -> Gathered {
        gather::gather(documents)
    }

    async fn collect(&self, query: &ImportQuery) -> Result<Gathered> {
        collect::collect(&self.cluster, query).await
    }
}

#[async_trait]
impl Runtime for Kubernetes {
    async fn tasks(&self, scope: &Scope, workload: Option<&str>) -> Result<Vec<Task>> {
        runtime::tasks(&self.cluster, scope, workload).await
    }

    async fn logs(&self, scope: &Scope, query: &LogQuery, lines: mpsc::Sender<LogLine>) -> Result<()> {
        logs::logs(&self.cluster, scope, query, lines).await
    }

    async fn scale(&self, scope: &Scope, workload: &str, replicas: u32) -> Result<Vec<Receipt>> {
        runtime::scale(&self.cluster, scope, workload, replicas).await
    }

    async fn restart(&self, scope: &Scope, workload: &str) -> Result<Vec<Receipt>> {
        runtime::restart(&self.cluster, scope, workload).await
    }

    async fn kill(&self, scope: &Scope, workload: &str) -> Result<Killed> {
        outside::kill(&self.cluster, scope, workload).await
    }

    async fn entrances(&self, scope: &Scope, workload: &str, port: PortOf<'_>) -> Result<Vec<Entrance>> {
        outside::entrances(&self.cluster, scope, workload, port).await
    }
}

#[async_trait]
impl Interactive for Kubernetes {
    async fn exec(&self, scope: &Scope, place: &Place, exec: &Exec, streams: Streams) -> Result<i32> {
        exec::exec(&self.cluster, scope, place, exec, streams).await
    }

    async fn connect(&self, scope: &Scope, place: &Place, port: u16) -> Result<Box<dyn Duplex>> {
        exec::connect(&self.cluster, scope, place, port).await
    }
}
