//! A plan comes true: what the engine does with it, put into the words of verbs and records.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::{Object, ObjectHealth, ObjectId, Ownership, Receipt, Scope, State};
use rhumb_release::Outcome;
use serde_json::Value;
use tokio::time::Instant;

use crate::current::receipts_of_what_is_there;
use crate::engine::{self, Executed, Executor, Given, RunMaterials};
use crate::hold::Hold;
use crate::planning::Planned;
use crate::sealed_values::Secrets;
use crate::{ActionError, Context, Wait, roll};

/// What is to be carried out.
#[derive(Clone, Debug)]
pub(crate) struct Load<'a> {
    pub(crate) scope: Scope,
    pub(crate) planned: &'a Planned,
    pub(crate) want: &'a [Object],
    pub(crate) given: Secrets<'a>,
    /// What earlier revisions left behind.
    pub(crate) before: Outcome,
    pub(crate) awaited: Awaited,
    pub(crate) started: Instant,
    pub(crate) deadline: Instant,
}

/// Which rollouts are waited for once everything is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Awaited {
    Nothing,
    /// Those that this run began.
    Touched,
    /// Those of everything that is wanted.
    Everything,
}

impl From<Wait> for Awaited {
    fn from(wait: Wait) -> Self {
        match wait {
            Wait::Applied => Self::Nothing,
            Wait::Ready => Self::Everything,
        }
    }
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Carried {
    /// What the record keeps.
    pub(crate) outcome: Outcome,
    /// How far the rollouts are that were waited for.
    pub(crate) health: Vec<ObjectHealth>,
    /// Why it is not all done.
    pub(crate) failure: Option<ActionError>,
}

/// Carries out a plan, and waits until what is wanted is ready if that is asked for.
pub(crate) async fn carry(context: &Context<'_>, hold: &Hold, load: Load<'_>) -> Carried {
    let materials = RunMaterials::new(&load.given, (context.clock)())
        .with_earlier(&load.planned.last, &load.planned.observed);
    let executor = Executor {
        backend: context.backend(),
        scope: &load.scope,
        materials: &materials,
        guard: hold.guard(),
        progress: context.progress,
        cancel: context.cancel,
        deadline: load.deadline,
        concurrency: context.backend().concurrency(),
    };
    let given = Given {
        plan: &load.planned.plan,
        observed: &load.planned.observed,
        last: &load.planned.last,
        want: load.want,
    };
    let executed = executor.execute(&given).await;
    let mut carried = Carried {
        failure: failure(&executed, &load),
        health: executed.health.clone(),
        outcome: recorded(executed, &load),
    };
    if carried.failure.is_none() && load.awaited != Awaited::Nothing {
        wait(context, hold, &load, &mut carried).await;
    }
    carried
}

/// What the record keeps: what this run left behind, and what it did not touch.
fn recorded(executed: Executed, load: &Load<'_>) -> Outcome {
    let wanted: BTreeSet<&ObjectId> = load.want.iter().map(|object| &object.id).collect();
    let mut receipts: BTreeMap<ObjectId, Receipt> = BTreeMap::new();
    for receipt in load.before.receipts.iter().cloned().chain(executed.receipts) {
        receipts.insert(receipt.id.clone(), receipt);
    }
    let mut done = load.before.done.clone();
    done.extend(executed.done);
    receipts.retain(|id, _| wanted.contains(id));
    done.retain(|id, _| wanted.contains(id));
    let failures = executed.failures.iter().map(|failure| failure.error.to_string()).collect();
    Outcome { receipts: receipts.into_values().collect(), done, failures }
}

fn failure(executed: &Executed, load: &Load<'_>) -> Option<ActionError> {
    let first = executed.failures.first().map(|failure| ActionError::Backend(failure.error.clone()));
    first.or_else(|| roll::failure(&executed.ended, &executed.health, &load.scope, load.started))
}

/// Waits for everything wanted: what this run touched by its own receipts, the rest as it is there.
async fn wait(context: &Context<'_>, hold: &Hold, load: &Load<'_>, carried: &mut Carried) {
    let receipts = receipts_to_wait_for(context, load, &carried.outcome);
    let receipts = match engine::within(load.deadline, receipts).await {
        Ok(receipts) => receipts,
        Err(error) => return carried.failure = Some(error),
    };
    let waiting = engine::Wait {
        backend: context.backend(),
        scope: &load.scope,
        guard: Some(hold.guard()),
        progress: context.progress,
        cancel: context.cancel,
        deadline: load.deadline,
    };
    let waited = waiting.until_ready(&receipts).await;
    carried.failure = roll::failure(&waited.ended, &waited.health, &load.scope, load.started);
    carried.outcome.done.extend(jobs_done(load.want, &waited.health));
    carried.health = waited.health;
    // That a configuration is there is no news.
    carried.health.retain(|health| health.workload.is_some() || health.state != State::Ready);
}

async fn receipts_to_wait_for(
    context: &Context<'_>,
    load: &Load<'_>,
    outcome: &Outcome,
) -> Result<Vec<Receipt>, ActionError> {
    let touched: BTreeSet<&ObjectId> = load.planned.plan.steps.iter().map(|step| &step.id).collect();
    let is_done =
        |object: &Object| object.once.is_some() && outcome.done.get(&object.id) == object.once.as_ref();
    let made = load.want.iter().filter(|object| object.ownership != Ownership::External && !is_done(object));
    let (touched, untouched): (Vec<&Object>, Vec<&Object>) =
        made.partition(|object| touched.contains(&object.id));
    let ids: BTreeSet<&ObjectId> = touched.iter().map(|object| &object.id).collect();
    let is_of = |receipt: &&Receipt| ids.contains(&receipt.id);
    let mut receipts: Vec<Receipt> = outcome.receipts.iter().filter(is_of).cloned().collect();
    if load.awaited == Awaited::Everything {
        let (running, resting): (Vec<&Object>, Vec<&Object>) =
            untouched.into_iter().partition(|object| object.workload.is_some());
        let observed = &load.planned.observed;
        receipts.extend(receipts_of_what_is_there(context, &load.scope, observed, &running).await?);
        let resting: BTreeSet<&ObjectId> = resting.iter().map(|object| &object.id).collect();
        let earlier = outcome.receipts.iter().filter(|receipt| resting.contains(&receipt.id));
        // What runs nothing has no rollout that another could be taken for.
        receipts.extend(earlier.map(|receipt| Receipt { rollout: Value::Null, ..receipt.clone() }));
    }
    Ok(receipts)
}

fn jobs_done(want: &[Object], health: &[ObjectHealth]) -> BTreeMap<ObjectId, String> {
    let is_ready =
        |id: &ObjectId| health.iter().any(|health| health.id == *id && health.state == State::Ready);
    let ready = want.iter().filter(|object| is_ready(&object.id));
    ready.filter_map(|object| Some((object.id.clone(), object.once.clone()?))).collect()
}
