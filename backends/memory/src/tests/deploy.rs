//! The road from an app to the target, as short as it can be.

use std::collections::BTreeSet;

use rhumb_backend::reference::{self, Outputs};
use rhumb_backend::{
    Action, Backend, Choices, DiffOptions, Error, ErrorKind, Material, Materials, Object, ObjectId, Plan,
    Receipt, Result, Scope, State, check, diff,
};
use rhumb_spec::model::{App, Generate};
use rhumb_spec::{Diagnostic, Source, parse};

use crate::MemoryBackend;

/// Secret material that is what it is called.
pub(super) struct Named;

impl Materials for Named {
    fn sealed(&self, id: &str) -> Result<Material> {
        if id == "missing" {
            return Err(Error::new(ErrorKind::MaterialMissing, "find material", "nobody gave it"));
        }
        Ok(Material::new(format!("material of {id}").into_bytes()))
    }

    fn generated(&self, of: &str, _: &Generate, part: Option<&str>) -> Result<Material> {
        Ok(Material::new(format!("made {of} {part:?}").into_bytes()))
    }
}

/// A release and what it remembers.
pub(super) struct Release<B> {
    pub(super) backend: B,
    pub(super) scope: Scope,
    pub(super) last: Vec<Object>,
    pub(super) options: DiffOptions,
}

impl Release<MemoryBackend> {
    pub(super) fn new(name: &str) -> Self {
        Self::on(MemoryBackend::in_memory(), name)
    }
}

impl<B: Backend> Release<B> {
    pub(super) fn on(backend: B, name: &str) -> Self {
        let scope = Scope::new(Scope::DEFAULT_NAMESPACE, name);
        Self { backend, scope, last: Vec::new(), options: DiffOptions::default() }
    }

    pub(super) fn lower(&self, app: &App) -> std::result::Result<Vec<Object>, Vec<Diagnostic>> {
        let facts = self.backend.default_facts();
        let checked = check(app, &self.backend, &facts, &BTreeSet::new())?;
        Ok(self.backend.lower(&checked.app, &self.scope, &facts, &Choices::default())?.objects)
    }

    /// The plan to what is wanted. It must hold what every plan must hold.
    pub(super) async fn plan(&self, want: &[Object]) -> std::result::Result<Plan, Vec<Diagnostic>> {
        let ids: Vec<ObjectId> = want.iter().chain(&self.last).map(|object| object.id.clone()).collect();
        let observed = self.backend.observe(&self.scope, &ids).await.unwrap();
        let plan = diff(&self.backend, &self.last, &observed, want, &self.options)?;
        assert_eq!(plan.verify(), Vec::<String>::new());
        Ok(plan)
    }

    /// Carries out a plan from its first step to its last.
    pub(super) async fn apply(&self, plan: &Plan) -> Result<Vec<Receipt>> {
        let mut outputs = Outputs::new();
        let mut receipts = Vec::new();
        for step in &plan.steps {
            let mut step = step.clone();
            step.object.body = reference::resolve(&step.object.body, &outputs);
            let receipt = self.backend.apply(&self.scope, &step, &Named).await?;
            if !matches!(step.action, Action::Delete | Action::Collect) {
                outputs.insert(receipt.id.clone(), receipt.outputs.clone());
                receipts.push(receipt);
            }
        }
        Ok(receipts)
    }

    /// Deploys an app, waits until it is ready, and returns what was done.
    pub(super) async fn deploy(&mut self, app: &App) -> Vec<String> {
        let want = self.lower(app).unwrap();
        let plan = self.plan(&want).await.unwrap();
        let receipts = self.apply(&plan).await.unwrap();
        let jobs = want.iter().filter_map(|object| Some((object.id.clone(), object.once.clone()?)));
        self.options.done.extend(jobs);
        self.last = want;
        for health in self.backend.health(&self.scope, &receipts).await.unwrap() {
            assert_eq!(health.state, State::Ready, "{health:?}");
        }
        steps(&plan)
    }

    /// What an upgrade to the same app would do.
    pub(super) async fn again(&self) -> Vec<String> {
        steps(&self.plan(&self.last).await.unwrap())
    }
}

/// A plan in short: `Create config/web`.
pub(super) fn steps(plan: &Plan) -> Vec<String> {
    plan.steps.iter().map(|step| format!("{:?} {}", step.action, step.id)).collect()
}

/// The app in some documents.
pub(super) fn app(documents: &str) -> App {
    let source = Source { file: "app.yaml".to_owned(), text: documents.to_owned() };
    parse(&[source]).unwrap().app
}
