//! Jobs beside a release: made, watched, and removed again, without a revision of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join;
use rhumb_backend::{
    Action, LogLine, LogQuery, Object, ObjectHealth, ObjectId, Observed, Plan, Runtime, Scope, State, Step,
    StepAfter, Until, reference,
};
use rhumb_chart::Vault;
use rhumb_release::{Outcome, Record};
use rhumb_spec::{App, Diagnostic, Feature};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::carry::{Awaited, Carried, Load, carry};
use crate::hold::Hold;
use crate::planning::Planned;
use crate::road::{BuildRules, build};
use crate::sealed_values::Secrets;
use crate::{ActionError, ActionResult, AfterJob, CancellationToken, Context, Event, JobResult};

/// How long the last lines of a job's output are waited for once it has ended.
const LAST_LINES: Duration = Duration::from_secs(1);
/// How long until a job that is not there yet is asked for its output again.
const NOT_THERE_YET: Duration = Duration::from_millis(200);

/// Jobs beside a release.
#[derive(Clone, Copy)]
pub(crate) struct Jobs<'a> {
    pub(crate) context: &'a Context<'a>,
    pub(crate) hold: &'a Hold,
    /// The release's latest revision.
    pub(crate) record: &'a Record,
    /// How long each may take.
    pub(crate) timeout: Duration,
    pub(crate) after: AfterJob,
}

impl Jobs<'_> {
    /// The platform's documents that `app` has beyond those of the release.
    ///
    /// # Errors
    /// What the platform cannot have.
    pub(crate) fn objects(&self, app: &App) -> Result<Vec<Object>, Vec<Diagnostic>> {
        let record = self.record;
        let accepted = record.losses.iter().filter(|loss| loss.accepted);
        let accept: BTreeSet<Feature> = accepted.map(|loss| loss.feature).collect();
        let rules = BuildRules { accept: &accept, choices: &record.choices };
        let built = build(self.context.backend(), app, &record.scope(), &record.facts, rules)?;
        let own: BTreeSet<&ObjectId> = record.objects.iter().map(|object| &object.id).collect();
        Ok(built.objects.into_iter().filter(|object| !own.contains(&object.id)).collect())
    }

    /// Makes these objects, waits until the job among them has ended, and removes them again.
    ///
    /// # Errors
    /// What keeps the job from being run or removed. That it failed is in the result.
    pub(crate) async fn run(&self, name: &str, objects: &[Object], vault: &Vault) -> ActionResult<JobResult> {
        self.context.tell(&Event::JobStarted { name: name.to_owned() });
        let started = Instant::now();
        let observed = self.observe(objects).await?;
        let carried = self.make(name, objects, observed, vault).await;
        let result = result_of(name, carried, started);
        if self.after == AfterJob::Remove {
            self.remove(objects).await?;
        }
        result
    }

    fn scope(&self) -> Scope {
        self.record.scope()
    }

    async fn observe(&self, objects: &[Object]) -> ActionResult<Observed> {
        let ids: Vec<ObjectId> =
            self.record.objects.iter().chain(objects).map(|object| object.id.clone()).collect();
        Ok(self.context.backend().observe(&self.scope(), &ids).await?)
    }

    /// Makes the objects and waits, while what the job prints is told.
    async fn make(&self, name: &str, objects: &[Object], observed: Observed, vault: &Vault) -> Carried {
        let mut want = self.record.objects.clone();
        want.extend(objects.iter().cloned());
        let planned = Planned { plan: creation(objects), observed, last: self.record.objects.clone() };
        let started = Instant::now();
        let load = Load {
            scope: self.scope(),
            planned: &planned,
            want: &want,
            given: Secrets { vault: Some(vault), values: &self.record.computed, carried: None },
            before: Outcome::default(),
            awaited: Awaited::Touched,
            started,
            deadline: started + self.timeout,
        };
        let ended = CancellationToken::new();
        let work = async {
            let carried = carry(self.context, self.hold, load).await;
            ended.cancel();
            carried
        };
        let (carried, ()) = tokio::join!(work, self.tell_output(name, &ended));
        carried
    }

    /// Tells what the job prints, from when it is there until it has ended.
    async fn tell_output(&self, name: &str, ended: &CancellationToken) {
        let Some(runtime) = self.context.backend().runtime() else { return };
        while !self.follow(runtime, name, ended).await && !ended.is_cancelled() {
            tokio::time::sleep(NOT_THERE_YET).await;
        }
    }

    /// Whether the job's output was read to its end.
    async fn follow(&self, runtime: &dyn Runtime, name: &str, ended: &CancellationToken) -> bool {
        let query = LogQuery { workload: Some(name.to_owned()), follow: true, ..LogQuery::default() };
        let scope = self.scope();
        let (sender, mut lines) = mpsc::channel::<LogLine>(64);
        let telling = async {
            while let Some(line) = lines.recv().await {
                self.context.tell(&Event::Log(line));
            }
        };
        let late = async {
            ended.cancelled().await;
            tokio::time::sleep(LAST_LINES).await;
        };
        tokio::select! {
            (result, ()) = join(runtime.logs(&scope, &query, sender), telling) => result.is_ok(),
            () = late => true,
        }
    }

    async fn remove(&self, objects: &[Object]) -> ActionResult<()> {
        let observed = self.observe(objects).await?;
        let planned = Planned { plan: removal(objects, &observed), observed, last: Vec::new() };
        let started = Instant::now();
        let uncancelled = CancellationToken::new();
        let context = Context { cancel: &uncancelled, ..*self.context };
        let load = Load {
            scope: self.scope(),
            planned: &planned,
            want: &[],
            given: Secrets::none(),
            before: Outcome::default(),
            awaited: Awaited::Nothing,
            started,
            deadline: started + self.timeout,
        };
        carry(&context, self.hold, load).await.failure.map_or(Ok(()), Err)
    }
}

/// A plan that makes these objects, what is referred to before who refers to it.
fn creation(objects: &[Object]) -> Plan {
    let mut objects: Vec<&Object> = objects.iter().collect();
    objects.sort_by_key(|object| (object.workload.is_some(), object.id.clone()));
    let places: BTreeMap<&ObjectId, usize> =
        objects.iter().enumerate().map(|(at, object)| (&object.id, at)).collect();
    let steps = objects.iter().enumerate().map(|(at, object)| {
        let targets = reference::targets(&object.body);
        let earlier = targets.iter().filter_map(|id| places.get(id)).filter(|place| **place < at);
        let after = earlier.map(|place| StepAfter { step: *place, until: Until::Exists }).collect();
        Step { after, ..step(object, Action::Create) }
    });
    Plan { steps: steps.collect(), notes: Vec::new() }
}

/// A plan that removes what is there of these objects, in the reverse of the order in which they were made.
fn removal(objects: &[Object], observed: &Observed) -> Plan {
    let mut steps: Vec<Step> = Vec::new();
    for made in creation(objects).steps.into_iter().rev() {
        let Some(live) = observed.find(&made.id, made.object.generation.as_deref()) else { continue };
        let after = (0..steps.len()).map(|step| StepAfter { step, until: Until::Exists }).collect();
        steps.push(Step {
            after,
            native: Some(live.native.clone()),
            version: live.version.clone(),
            ..step(&made.object, Action::Delete)
        });
    }
    Plan { steps, notes: Vec::new() }
}

fn step(object: &Object, action: Action) -> Step {
    Step {
        id: object.id.clone(),
        action,
        object: object.clone(),
        native: None,
        version: None,
        changes: Vec::new(),
        force: false,
        reason: None,
        after: Vec::new(),
    }
}

/// How a job ended, if it was its own doing.
fn result_of(name: &str, carried: Carried, started: Instant) -> ActionResult<JobResult> {
    let result = |exit_code: Option<i64>, why: Option<String>| JobResult {
        name: name.to_owned(),
        succeeded: why.is_none(),
        exit_code,
        why,
        took: started.elapsed(),
    };
    match carried.failure {
        None => Ok(result(Some(0), None)),
        Some(ActionError::WaitFailed(health)) => {
            let failure = health.iter().find_map(|health| health.failure.clone());
            let why = failure.as_ref().map_or_else(|| message(&health), |failure| failure.reason.clone());
            Ok(result(failure.and_then(|failure| failure.exit_code), Some(why)))
        }
        Some(ActionError::TimedOut { after, .. }) => {
            Ok(result(None, Some(format!("it had not ended after {} s", after.as_secs()))))
        }
        Some(error) => Err(error),
    }
}

fn message(health: &[ObjectHealth]) -> String {
    let failed = health.iter().find(|health| health.state == State::Failed);
    failed
        .map(|health| health.message.clone())
        .filter(|text| !text.is_empty())
        .unwrap_or_else(|| "it failed".to_owned())
}
