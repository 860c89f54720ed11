//! What each phase of the script does.

use std::time::Duration;

use rhumb_backend::{Action, Error, ErrorKind, ObjectId, Runtime};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Script;
use crate::deploy::{Goal, Order, deploy};
use crate::evaluate::recovery::Replicas;
use crate::evaluate::{LoadCount, Phase, Subject};
use crate::running::runtime;
use crate::{
    ActionResult, ChartInputs, Context, DeployOptions, Deployed, Execution, HistoryAfter, IfAbsent,
    IgnoreAbsent, RestartRequest, ScaleRequest, UninstallRequest, ValueReuse, Wait, restart, scale,
    uninstall,
};

/// How long the platform may show something of a release after its uninstall is done.
const SETTLE: Duration = Duration::from_secs(10);
/// Time between two looks at it.
const LOOK: Duration = Duration::from_millis(500);

/// What came of a phase, whether or not it was done.
pub(super) struct Carried {
    pub(super) tried: Tried,
    /// What became of the requests meanwhile.
    pub(super) load: Option<LoadCount>,
    pub(super) notes: Vec<String>,
}

/// Work that was tried.
pub(super) struct Tried {
    /// How long it took, by its own measure.
    pub(super) took: ActionResult<Duration>,
    /// After which time it ended, well or not.
    pub(super) after: Duration,
}

async fn tried(work: impl Future<Output = ActionResult<Duration>>) -> Tried {
    let started = Instant::now();
    let took = work.await;
    Tried { took, after: started.elapsed() }
}

/// What a load has counted; none where no requests were to be sent.
type Counted = rhumb_backend::Result<Option<LoadCount>>;

impl Script<'_> {
    /// Does what a phase is.
    pub(super) async fn carry_out(&self, phase: Phase) -> Carried {
        let mut notes = Vec::new();
        let (tried, load) = match phase {
            Phase::Install => (tried(self.install()).await, Ok(None)),
            Phase::NoOp => (tried(self.no_op()).await, Ok(None)),
            Phase::Update => Box::pin(self.loaded(self.update(&mut notes))).await,
            Phase::ScaleUp => Box::pin(self.loaded(self.scale(|subject| subject.scaled_to))).await,
            Phase::ScaleDown => Box::pin(self.loaded(self.scale(|subject| subject.replicas))).await,
            Phase::Recovery => Box::pin(self.loaded(self.recovery(&mut notes))).await,
            Phase::Uninstall => (tried(self.uninstall(&mut notes)).await, Ok(None)),
        };
        let load = load.unwrap_or_else(|error| {
            notes.push(format!("no requests were sent: {error}"));
            None
        });
        Carried { tried, load, notes }
    }

    /// Requests count whether or not the work is done.
    async fn loaded(&self, work: impl Future<Output = ActionResult<Duration>>) -> (Tried, Counted) {
        let (Some(door), Some(behind)) = (&self.door, self.behind()) else {
            return (tried(work).await, Ok(None));
        };
        let (tried, load) = behind.under_load(door, tried(work)).await;
        (tried, load.map(Some))
    }

    fn options(&self) -> DeployOptions {
        DeployOptions {
            wait: Wait::Ready,
            timeout: self.request.timeout,
            no_namespace: self.request.no_namespace,
            ..DeployOptions::default()
        }
    }

    async fn install(&self) -> ActionResult<Duration> {
        let started = Instant::now();
        let goal = Goal::Install(&self.request.inputs);
        self.deploy(goal).await?;
        Ok(started.elapsed())
    }

    async fn deploy(&self, goal: Goal<'_>) -> ActionResult<Deployed> {
        let options = self.options();
        let order = Order { release: &self.scope.release, goal, options: &options };
        Box::pin(deploy(self.context, order)).await
    }

    async fn upgrade(&self, inputs: &ChartInputs) -> ActionResult<Deployed> {
        self.deploy(Goal::Upgrade { inputs, values: ValueReuse::Reset, absent: IfAbsent::Fail }).await
    }

    async fn no_op(&self) -> ActionResult<Duration> {
        let started = Instant::now();
        let deployed = self.upgrade(&self.request.inputs).await?;
        let took = started.elapsed();
        let steps = deployed.plan.steps.iter().filter(|step| step.action != Action::Await);
        let written: Vec<String> = steps.map(|step| step.id.to_string()).collect();
        if written.is_empty() {
            return Ok(took);
        }
        let why = format!("it should have written nothing, and it wrote {}", written.join(", "));
        Err(Error::new(ErrorKind::Platform, "upgrade without a change", why).into())
    }

    fn subject(&self) -> ActionResult<&Subject> {
        let none = || Error::new(ErrorKind::NotFound, "find the workload", "none was chosen").into();
        self.subject.as_ref().ok_or_else(none)
    }

    async fn update(&self, notes: &mut Vec<String>) -> ActionResult<Duration> {
        let subject = self.subject()?;
        let started = Instant::now();
        if let Some(inputs) = self.request.updated() {
            notes.push("an upgrade with the values of the update".to_owned());
            self.upgrade(&inputs).await?;
            return Ok(started.elapsed());
        }
        let request = RestartRequest {
            name: self.scope.release.clone(),
            workloads: vec![subject.workload.clone()],
            wait: Wait::Ready,
            timeout: self.request.timeout,
        };
        Box::pin(restart(self.context, &request)).await?;
        Ok(started.elapsed())
    }

    fn replicas<'s>(&'s self, runtime: &'s dyn Runtime, subject: &'s Subject) -> Replicas<'s> {
        Replicas {
            context: self.context,
            runtime,
            scope: &self.scope,
            workload: &subject.workload,
            deadline: Instant::now() + self.request.timeout,
        }
    }

    async fn scale(&self, number: impl Fn(&Subject) -> u32) -> ActionResult<Duration> {
        let subject = self.subject()?;
        let number = number(subject);
        let (started, runtime) = (Instant::now(), runtime(self.context, "setting a number of replicas")?);
        let request = ScaleRequest {
            name: self.scope.release.clone(),
            workloads: vec![(subject.workload.clone(), number)],
            wait: Wait::Ready,
            timeout: self.request.timeout,
        };
        Box::pin(scale(self.context, &request)).await?;
        self.replicas(runtime, subject).until(number as usize, None).await?;
        Ok(started.elapsed())
    }

    async fn recovery(&self, notes: &mut Vec<String>) -> ActionResult<Duration> {
        let subject = self.subject()?;
        let runtime = runtime(self.context, "ending a replica")?;
        let replicas = self.replicas(runtime, subject);
        let before = replicas.running().await?;
        let started = Instant::now();
        let killed = runtime.kill(&self.scope, &subject.workload).await?;
        notes.push(format!("{}: {}", killed.name, killed.how));
        replicas.until(before, Some(&killed.id)).await?;
        Ok(started.elapsed())
    }

    async fn remove(&self) -> ActionResult<Vec<ObjectId>> {
        // What was installed goes, whoever asked to stop.
        let cancel = CancellationToken::new();
        let context = Context { cancel: &cancel, ..*self.context };
        let request = UninstallRequest {
            name: self.scope.release.clone(),
            history: HistoryAfter::Remove,
            absent: IgnoreAbsent::Ignore,
            wait: Wait::Ready,
            timeout: self.request.timeout,
            execution: Execution::Apply,
            description: None,
        };
        Ok(Box::pin(uninstall(&context, &request)).await?.kept)
    }

    pub(super) async fn uninstall(&self, notes: &mut Vec<String>) -> ActionResult<Duration> {
        let started = Instant::now();
        let kept = self.remove().await?;
        let took = started.elapsed();
        if !kept.is_empty() {
            let names: Vec<String> = kept.iter().map(ToString::to_string).collect();
            notes.push(format!("the chart keeps {}, which stay on the target", names.join(", ")));
        }
        self.require_nothing_but(&kept).await?;
        Ok(took)
    }

    /// Looks whether the platform shows anything of the release any more.
    async fn require_nothing_but(&self, kept: &[ObjectId]) -> ActionResult<()> {
        let deadline = Instant::now() + SETTLE;
        loop {
            let observed = self.context.backend().observe(&self.scope, &[]).await?;
            let ours = observed.objects.iter().filter(|live| live.foreign.is_none());
            let ids = ours.map(|live| &live.object.id).filter(|id| !kept.contains(id));
            let mut left: Vec<String> = ids.map(ToString::to_string).collect();
            let heads = self.context.releases().history(&self.scope).await?;
            left.extend(heads.iter().map(|head| format!("the record of revision {}", head.revision)));
            if left.is_empty() {
                return Ok(());
            }
            if Instant::now() >= deadline {
                let why = format!("these are left: {}", left.join(", "));
                return Err(Error::new(ErrorKind::Platform, "remove everything", why).into());
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}
