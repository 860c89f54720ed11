//! How far rollouts are.

mod constraint;
mod failure;
mod judge;
mod patience;
mod resume;

use std::collections::BTreeMap;

use futures_util::future::{join_all, try_join3};
use rhumb_backend::{ErrorKind, Health, Live, ObjectHealth, Receipt, Result, State};
use serde_json::{Value, json};

use crate::connect::{Call, Engine};
use crate::kind::Kind;
use crate::rollout::Rollout;
use crate::task::{self, Task};

pub(crate) use constraint::{Node, nodes};
use judge::{Verdict, judge};
pub(crate) use patience::Patience;
pub(crate) use resume::resume;

/// How far the rollouts of these receipts are, in one call for the services, one for their tasks and, where nodes
/// matter, one for these.
///
/// # Errors
/// What the engine answers.
pub(crate) async fn health(engine: &Engine, patience: &Patience, receipts: &[Receipt]) -> Result<Health> {
    let running: Vec<_> =
        receipts.iter().filter(|receipt| Kind::of(&receipt.id) == Some(Kind::Service)).collect();
    let scene = Scene::read(engine, &running).await?;
    let verdicts = receipts.iter().map(|receipt| async {
        if Kind::of(&receipt.id) != Some(Kind::Service) {
            return Ok(object_health(receipt, Verdict::exists(), None));
        }
        let verdict = scene.judge(receipt, patience)?;
        let failure = match &verdict.culprit {
            Some(culprit) => {
                let tasks = scene.tasks_of(&receipt.native);
                Some(failure::explain(engine, culprit, &tasks, &scene.nodes).await)
            }
            None => None,
        };
        Ok(object_health(receipt, verdict, failure))
    });
    join_all(verdicts).await.into_iter().collect()
}

/// Tells what became of the jobs among these objects (see [`Live::JOB`]), and which rollouts that the engine gave up
/// are not whole (see [`Live::GIVEN_UP`]). Asks nothing where there are none.
///
/// # Errors
/// What the engine answers.
pub(crate) async fn tell_rollouts(engine: &Engine, patience: &Patience, found: &mut [Live]) -> Result<()> {
    let is_asked = |live: &Live| is_job(&live.object.body) || live.outputs.contains_key(Live::GIVEN_UP);
    let asked: Vec<Receipt> = found.iter().filter(|live| is_asked(live)).map(receipt).collect();
    if asked.is_empty() {
        return Ok(());
    }
    let scene = Scene::read(engine, &asked.iter().collect::<Vec<_>>()).await?;
    for live in found.iter_mut().filter(|live| is_asked(live)) {
        let Some(service) = scene.services.get(&live.native) else { continue };
        let verdict = scene
            .judge(&Receipt { rollout: Rollout::found(service).to_value(), ..receipt(live) }, patience)?;
        if !is_job(&live.object.body) {
            tell_given_up(live, verdict);
            continue;
        }
        let word = match verdict.state {
            State::Ready => Live::JOB_SUCCEEDED,
            State::Failed => Live::JOB_FAILED,
            State::Progressing => continue,
        };
        live.outputs.insert(Live::JOB.to_owned(), word.to_owned());
    }
    Ok(())
}

/// What runs as it should needs no other try, whatever the engine thought of it.
fn tell_given_up(live: &mut Live, verdict: Verdict) {
    if verdict.state == State::Failed {
        live.outputs.insert(Live::GIVEN_UP.to_owned(), verdict.message);
    } else {
        live.outputs.remove(Live::GIVEN_UP);
    }
}

fn is_job(spec: &Value) -> bool {
    ["/Mode/ReplicatedJob", "/Mode/GlobalJob"].iter().any(|mode| spec.pointer(mode).is_some())
}

fn receipt(live: &Live) -> Receipt {
    Receipt {
        id: live.object.id.clone(),
        native: live.native.clone(),
        workload: live.object.workload.clone(),
        outputs: BTreeMap::new(),
        rollout: Value::Null,
    }
}

fn object_health(
    receipt: &Receipt,
    verdict: Verdict,
    failure: Option<rhumb_backend::Failure>,
) -> ObjectHealth {
    ObjectHealth {
        id: receipt.id.clone(),
        workload: receipt.workload.clone(),
        state: verdict.state,
        ready: verdict.ready,
        wanted: verdict.wanted,
        message: verdict.message,
        failure,
    }
}

/// What the engine says at one moment.
struct Scene {
    services: BTreeMap<String, Value>,
    tasks: Vec<Task>,
    nodes: Vec<Node>,
}

impl Scene {
    async fn read(engine: &Engine, receipts: &[&Receipt]) -> Result<Self> {
        let ids: Vec<_> = receipts.iter().map(|receipt| receipt.native.as_str()).collect();
        if ids.is_empty() {
            return Ok(Self { services: BTreeMap::new(), tasks: Vec::new(), nodes: Vec::new() });
        }
        let call = Call::get("list services", "/services").filters(&json!({ "id": ids }));
        let (services, tasks, nodes) =
            try_join3(engine.json::<Vec<Value>>(call), tasks(engine, &ids), nodes(engine)).await?;
        let id = |service: &Value| Some(service.get("ID")?.as_str()?.to_owned());
        let services = services.into_iter().filter_map(|service| Some((id(&service)?, service))).collect();
        Ok(Self { services, tasks, nodes })
    }

    fn judge(&self, receipt: &Receipt, patience: &Patience) -> Result<Verdict> {
        let Some(service) = self.services.get(&receipt.native) else {
            return Ok(Verdict::gone());
        };
        let rollout = Rollout::parse(&receipt.rollout)?;
        Ok(judge(service, &rollout, &self.tasks_of(&receipt.native), &self.nodes, patience))
    }

    fn tasks_of(&self, service: &str) -> Vec<&Task> {
        self.tasks.iter().filter(|task| task.service_id == service).collect()
    }
}

/// A service that was just removed must not hide the tasks of the others.
async fn tasks(engine: &Engine, ids: &[&str]) -> Result<Vec<Task>> {
    match task::list(engine, ids).await {
        Err(error) if error.kind == ErrorKind::NotFound => {
            let each = join_all(ids.iter().map(|id| task::list(engine, std::slice::from_ref(id)))).await;
            Ok(each.into_iter().flatten().flatten().collect())
        }
        other => other,
    }
}

impl Verdict {
    fn exists() -> Self {
        Self { state: State::Ready, ready: 0, wanted: 0, message: "is there".to_owned(), culprit: None }
    }

    fn gone() -> Self {
        Self {
            state: State::Failed,
            ready: 0,
            wanted: 0,
            message: "the service is gone".to_owned(),
            culprit: None,
        }
    }
}
