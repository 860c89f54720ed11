//! The Amazon ECS backend.
//!
//! Pure parts turn apps into requests of AWS's APIs and back ([`lower`], [`lift`], [`change`], [`normalize`],
//! [`support`], [`names`], [`secret_string`], [`kind`], [`facts`]). The rest talks to AWS, with credentials and settings as the AWS CLI
//! finds them.

mod adopt;
mod apply;
pub mod billed;
pub mod change;
mod claims;
mod collect;
mod connect;
mod error;
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
mod marks;
mod members;
pub mod names;
pub mod normalize;
mod observe;
mod outside;
mod pages;
mod records;
mod rollout;
mod runtime;
pub mod secret_string;
pub mod support;
mod survey;

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use rhumb_backend::change::ListKeys;
use rhumb_backend::legalize::Pass;
use rhumb_backend::{
    Adopt, Adoption, Backend, Billed, Change, CheckedApp, Choices, Duplex, Entrance, Exec, Export,
    ExportSecrets, Exported, Facts, Finding, Found, Gathered, Health, Import, ImportQuery, Interactive,
    Killed, Lifted, Live, LogLine, LogQuery, Lowered, Mapping, Materials, Object, ObjectId, Observed, Place,
    PortOf, Receipt, Result, Runtime, Scope, Step, Streams, Support, Survey, Task,
};
use rhumb_spec::{App, Diagnostic, Feature};
use serde_json::Value;
use tokio::sync::mpsc;

pub use connect::{Environment, LaunchType, NetworkMode, Settings};
pub use records::EcsStorage;

use connect::Account;
use facts::EcsFacts;

/// The backend's name in records.
const NAME: &str = "ecs";
/// What is told of a cluster whose tasks run on container instances of the account.
const ON_EC2: &str = "ecs-ec2";

/// An ECS cluster in an account and region of AWS.
///
/// It is connected to when it is first asked for something.
#[derive(Debug)]
pub struct Ecs {
    account: Arc<Account>,
    runs: apply::Runs,
}

impl Ecs {
    /// The cluster that a target and the environment name. Nothing is read or connected to yet.
    pub fn new(settings: Settings, environment: Environment) -> Self {
        Self { account: Arc::new(Account::new(settings, environment)), runs: apply::Runs::default() }
    }

    /// The facts that settings alone give, without asking AWS.
    fn assumed(&self) -> EcsFacts {
        EcsFacts::assumed(self.account.settings())
    }
}

/// Facts of another shape can only come from a damaged record, and the assumed ones are better than none.
fn read(facts: &Facts) -> EcsFacts {
    facts.read().unwrap_or_default()
}

#[async_trait]
impl Backend for Ecs {
    fn name(&self) -> &'static str {
        NAME
    }

    fn default_facts(&self) -> Facts {
        let data = serde_json::to_value(self.assumed()).unwrap_or_default();
        Facts { backend: NAME.to_owned(), live: false, data }
    }

    /// Where tasks run decides as much as most platforms differ by.
    fn variant(&self, facts: &Facts) -> &'static str {
        if read(facts).is_fargate() { NAME } else { ON_EC2 }
    }

    async fn survey(&self, scope: &Scope, app: &App, survey: &Survey<'_>) -> Result<Facts> {
        Box::pin(survey::survey(&self.account, scope, app, survey)).await
    }

    async fn verify(&self, _: &str) -> Result<Vec<Finding>> {
        survey::verify(&self.account).await
    }

    fn support(&self, feature: Feature, facts: &Facts) -> Support {
        support::support(feature, &read(facts))
    }

    fn mapping(&self, feature: Feature) -> Mapping {
        mapping::mapping(feature)
    }

    fn passes(&self) -> &'static [Pass] {
        &[Pass::StatefulOrdinals]
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

    fn billed(&self, objects: &[Object]) -> Vec<Billed> {
        billed::billed(objects)
    }

    fn lift(&self, objects: &[Object]) -> Lifted {
        lift::lift(objects)
    }

    async fn observe(&self, scope: &Scope, ids: &[ObjectId]) -> Result<Observed> {
        observe::observe(&self.account, scope, ids).await
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
        apply::apply(&self.account, scope, step, (materials, &self.runs)).await
    }

    async fn health(&self, scope: &Scope, receipts: &[Receipt]) -> Result<Health> {
        health::health(&self.account, scope, receipts).await
    }

    async fn leaving(&self, scope: &Scope, natives: &[ObjectId]) -> Result<Health> {
        leaving::leaving(&self.account, scope, natives).await
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

    fn adopt(&self) -> Option<&dyn Adopt> {
        Some(self)
    }

    fn export(&self) -> Option<&dyn Export> {
        Some(self)
    }
}

#[async_trait]
impl Adopt for Ecs {
    async fn find(&self, scope: &Scope, query: &ImportQuery, want: &[Object]) -> Result<Found> {
        adopt::find(&self.account, scope, query, want).await
    }

    async fn look(&self, scope: &Scope, id: &ObjectId, identity: &str) -> Result<Vec<Live>> {
        adopt::look(&self.account, scope, id, identity).await
    }

    async fn replicas(&self, _: &Scope, found: &[Live]) -> Result<BTreeSet<String>> {
        adopt::replicas(&self.account, found).await
    }

    fn asked(&self, live: &Live, want: &Object) -> Value {
        adopt::asked(live, want)
    }

    fn identity(&self, live: &Live) -> String {
        adopt::identity(kind::Kind::of(&live.object.id), &live.native, &live.object.body)
    }

    fn claimed(&self, scope: &Scope, facts: Facts) -> Facts {
        adopt::claimed_facts(scope, facts)
    }

    fn reword(&self, adoption: &Adoption, id: &ObjectId, body: &Value) -> Value {
        adopt::reword(adoption, id, body)
    }

    fn is_revised(&self, id: &ObjectId) -> bool {
        adopt::is_revised(id)
    }

    fn mark(&self, want: &Object, body: &mut Value) {
        adopt::mark(want, body);
    }

    fn needs(&self, body: &Value, object: &Object) -> bool {
        adopt::needs(body, object)
    }

    fn lists(&self, _: &ObjectId) -> ListKeys {
        adopt::LISTS
    }

    fn is_mark(&self, id: &ObjectId, path: &str) -> bool {
        adopt::is_mark(id, path)
    }
}

impl Export for Ecs {
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
impl Import for Ecs {
    fn gather(&self, documents: Vec<Value>) -> Gathered {
        gather::gather(&documents)
    }

    async fn collect(&self, query: &ImportQuery) -> Result<Gathered> {
        collect::collect(&self.account, query).await
    }
}

#[async_trait]
impl Runtime for Ecs {
    async fn tasks(&self, scope: &Scope, workload: Option<&str>) -> Result<Vec<Task>> {
        runtime::tasks(&self.account, scope, workload).await
    }

    async fn logs(&self, scope: &Scope, query: &LogQuery, lines: mpsc::Sender<LogLine>) -> Result<()> {
        logs::logs(&self.account, scope, query, lines).await
    }

    async fn scale(&self, scope: &Scope, workload: &str, replicas: u32) -> Result<Vec<Receipt>> {
        runtime::scale(&self.account, scope, workload, replicas).await
    }

    async fn restart(&self, scope: &Scope, workload: &str) -> Result<Vec<Receipt>> {
        runtime::restart(&self.account, scope, workload).await
    }

    async fn kill(&self, scope: &Scope, workload: &str) -> Result<Killed> {
        outside::kill(&self.account, scope, workload).await
    }

    async fn entrances(&self, scope: &Scope, workload: &str, port: PortOf<'_>) -> Result<Vec<Entrance>> {
        outside::entrances(&self.account, scope, workload, port).await
    }
}

#[async_trait]
impl Interactive for Ecs {
    async fn exec(&self, scope: &Scope, place: &Place, exec: &Exec, streams: Streams) -> Result<i32> {
        exec::exec(&self.account, scope, place, exec, streams).await
    }

    async fn connect(&self, scope: &Scope, place: &Place, port: u16) -> Result<Box<dyn Duplex>> {
        exec::connect(&self.account, scope, place, port).await
    }
}
