//! A release on a real engine, driven step by step.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rhumb_backend::{
    Action, Backend, DiffOptions, Error, ErrorKind, Material, Materials, Object, ObjectHealth, ObjectId,
    Observed, Plan, Receipt, ResolveImage, Result, Retry, Scope, State, Step, Survey, Task, TaskState, check,
    diff, reference, uninstall_plan,
};
use rhumb_spec::App;
use rhumb_spec::model::Generate;
use rhumb_swarm::{Environment, Settings, Swarm};
use serde_json::Value;

/// The longest that a rollout may take here.
const PATIENCE: Duration = Duration::from_secs(90);

/// A release on a real engine, with the memory that the release core would keep.
pub(crate) struct Lab {
    pub(crate) swarm: Swarm,
    pub(crate) scope: Scope,
    pub(crate) last: Vec<Object>,
    pub(crate) password: String,
}

impl Lab {
    /// A clean release of this name; none when no engine is named.
    #[expect(clippy::print_stderr, reason = "a test that proves nothing must say so")]
    pub(crate) async fn open(release: &str) -> Option<Self> {
        let Ok(host) = std::env::var("RHUMB_TEST_DOCKER_HOST") else {
            eprintln!("skipped: RHUMB_TEST_DOCKER_HOST names no engine");
            return None;
        };
        let settings = Settings { host: Some(host), ..Settings::default() };
        let swarm = Swarm::new(settings, Environment::default()).unwrap();
        let scope = Scope::new("default", release);
        let lab = Self { swarm, scope, last: Vec::new(), password: "canary-1".to_owned() };
        lab.uninstall().await;
        Some(lab)
    }

    pub(crate) async fn lower(&self, app: &Value) -> Vec<Object> {
        let app: App = serde_json::from_value(app.clone()).unwrap();
        let survey = Survey { resolve_image: ResolveImage::Always, previous: None };
        let facts = self.swarm.survey(&self.scope, &app, &survey).await.unwrap();
        let accept = BTreeSet::new();
        let checked = check(&app, &self.swarm, &facts, &accept).unwrap();
        self.swarm
            .lower(&checked.app, &self.scope, &facts, &rhumb_backend::Choices::default())
            .unwrap()
            .objects
    }

    pub(crate) async fn observe(&self, want: &[Object]) -> Observed {
        let ids: Vec<_> = want.iter().chain(&self.last).map(|object| object.id.clone()).collect();
        self.swarm.observe(&self.scope, &ids).await.unwrap()
    }

    pub(crate) async fn plan(&self, want: &[Object]) -> (Observed, Plan) {
        self.plan_with(want, &DiffOptions::default()).await
    }

    pub(crate) async fn plan_with(&self, want: &[Object], options: &DiffOptions) -> (Observed, Plan) {
        let observed = self.observe(want).await;
        let plan = diff(&self.swarm, &self.last, &observed, want, options);
        (observed, plan.unwrap())
    }

    /// Installs or upgrades, and waits until everything is ready.
    pub(crate) async fn deploy(&mut self, app: &Value) -> Result<Vec<ObjectHealth>> {
        let want = self.lower(app).await;
        let (observed, plan) = self.plan(&want).await;
        let receipts = self.carry_out(&observed, &plan).await?;
        self.last = want;
        Ok(self.wait(&receipts).await)
    }

    pub(crate) async fn carry_out(&self, observed: &Observed, plan: &Plan) -> Result<Vec<Receipt>> {
        let mut outputs = BTreeMap::new();
        for live in &observed.objects {
            outputs.insert(live.object.id.clone(), live.outputs.clone());
        }
        let mut receipts: Vec<Receipt> = Vec::new();
        for step in &plan.steps {
            let before = step.after.iter().map(|after| receipts[after.step].clone()).collect::<Vec<_>>();
            self.wait(&before).await;
            let mut step = step.clone();
            step.object.body = reference::resolve(&step.object.body, &outputs);
            let receipt = self.apply(&step).await?;
            outputs.insert(receipt.id.clone(), receipt.outputs.clone());
            receipts.push(receipt);
        }
        let gone = |step: &Step| matches!(step.action, Action::Delete | Action::Collect);
        Ok(receipts
            .into_iter()
            .zip(&plan.steps)
            .filter(|(_, step)| !gone(step))
            .map(|(receipt, _)| receipt)
            .collect())
    }

    pub(crate) async fn apply(&self, step: &Step) -> Result<Receipt> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.swarm.apply(&self.scope, step, self).await {
                Err(error) if error.retry == Retry::Same && Instant::now() < deadline => {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                done => return done,
            }
        }
    }

    /// Waits until every rollout is ready or one has failed.
    pub(crate) async fn wait(&self, receipts: &[Receipt]) -> Vec<ObjectHealth> {
        let receipts: Vec<_> =
            receipts.iter().filter(|receipt| !receipt.outputs.is_empty()).cloned().collect();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let health = self.swarm.health(&self.scope, &receipts).await.unwrap();
            let is_over = health.iter().any(|object| object.state == State::Failed)
                || health.iter().all(|object| object.state == State::Ready);
            if is_over {
                return health;
            }
            assert!(Instant::now() < deadline, "not ready in time: {health:#?}");
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    pub(crate) async fn uninstall(&self) {
        let observed = self.observe(&[]).await;
        let last: Vec<_> = observed.objects.iter().map(|live| live.object.clone()).collect();
        let plan = uninstall_plan(&self.swarm, &last, &observed).unwrap();
        for step in &plan.steps {
            self.apply(step).await.unwrap();
        }
        let left = self.observe(&[]).await.objects;
        assert!(left.is_empty(), "an uninstall leaves nothing: {left:#?}");
    }
}

impl Materials for Lab {
    fn sealed(&self, _: &str) -> Result<Material> {
        Ok(Material::new(self.password.clone().into_bytes()))
    }

    fn generated(&self, of: &str, _: &Generate, _: Option<&str>) -> Result<Material> {
        Err(Error::new(ErrorKind::MaterialMissing, "generate", "nothing is generated here")
            .with("secret", of))
    }
}

/// The health of one object.
pub(crate) fn of<'a>(health: &'a [ObjectHealth], id: &str) -> &'a ObjectHealth {
    health.iter().find(|object| object.id == ObjectId::from(id)).unwrap()
}

/// The steps of a plan, in words: `Create service/web`.
pub(crate) fn steps(plan: &Plan) -> Vec<String> {
    plan.steps.iter().map(|step| format!("{:?} {}", step.action, step.id)).collect()
}

impl Lab {
    /// One look at the health of these.
    pub(crate) async fn swarm_health(&self, receipts: &[Receipt]) -> Vec<ObjectHealth> {
        self.swarm.health(&self.scope, receipts).await.unwrap()
    }

    /// The receipt of what is there.
    pub(crate) async fn look(&self, id: &str) -> Receipt {
        let observed = self.observe(&[]).await;
        let live = observed.objects.iter().find(|live| live.object.id == ObjectId::from(id)).unwrap();
        let step = Step {
            id: live.object.id.clone(),
            action: Action::Await,
            object: live.object.clone(),
            native: Some(live.native.clone()),
            version: None,
            changes: Vec::new(),
            force: false,
            reason: None,
            after: Vec::new(),
        };
        self.apply(&step).await.unwrap()
    }

    /// The running replicas of a workload.
    pub(crate) async fn running(&self, workload: &str) -> Vec<Task> {
        let tasks = self.swarm.runtime().unwrap().tasks(&self.scope, Some(workload)).await.unwrap();
        tasks
            .into_iter()
            .filter(|task| task.state == TaskState::Running && task.desired == TaskState::Running)
            .collect()
    }
}
