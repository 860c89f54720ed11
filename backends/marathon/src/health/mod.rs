//! How far rollouts are: by deployments, versions and tasks, and by what keeps tasks from running.

mod failure;
mod job;
mod patience;
mod pod;
mod queue;
mod service;
mod verdict;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use futures_util::future::{join_all, try_join_all, try_join3};
use rhumb_backend::{Health, Receipt, Result, Scope, State};
use serde::Deserialize;
use serde_json::Value;

use crate::apply::{Deployment, deployments};
use crate::connect::{Call, Server};
use crate::document::text;
use crate::kind::Kind;
use crate::observe::{EVERYTHING, apps, document, one_job};
use crate::rollout::Rollout;
use crate::{logs, names};

pub(crate) use failure::exit_code;
pub(crate) use patience::Patience;
use queue::Waiting;
use verdict::Verdict;

/// How far the rollouts of these receipts are: one call for the apps, one for the queue, one for the pods and one for each
/// job, however many receipts there are. What failed is asked for its last lines.
///
/// # Errors
/// What the servers answer.
pub(crate) async fn health(
    server: &Server,
    patience: &Patience,
    scope: &Scope,
    receipts: &[Receipt],
) -> Result<Health> {
    let scene = Scene::read(server, scope, receipts).await?;
    let verdicts = receipts.iter().map(|receipt| async {
        let mut verdict = scene.judge(receipt, patience);
        if verdict.state == State::Failed
            && let Some(culprit) = &mut verdict.culprit
        {
            culprit.failure.logs =
                logs::last_lines(server, &culprit.failure.task, culprit.agent.as_deref()).await;
        }
        verdict.told(receipt)
    });
    Ok(join_all(verdicts).await)
}

/// What the servers say at one moment, by the native ids of things.
#[derive(Default)]
struct Scene {
    apps: BTreeMap<String, Value>,
    pods: BTreeMap<String, Value>,
    jobs: BTreeMap<String, Value>,
    deployments: Vec<Deployment>,
    queue: Vec<Waiting>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Queue {
    queue: Vec<Waiting>,
}

impl Scene {
    async fn read(server: &Server, scope: &Scope, receipts: &[Receipt]) -> Result<Self> {
        let of = |kind: Kind| receipts.iter().filter(move |receipt| Kind::of(&receipt.id) == Some(kind));
        let has = |kind: Kind| of(kind).next().is_some();
        let natives: Vec<&str> = of(Kind::App).map(|receipt| receipt.native.as_str()).collect();
        let runs: Vec<&str> = of(Kind::Job).map(|receipt| receipt.native.as_str()).collect();
        let services = async {
            if has(Kind::App) { read_apps(server, scope, &natives).await } else { Ok(BTreeMap::new()) }
        };
        let pods = async {
            if has(Kind::Pod) { read_pods(server).await } else { Ok((BTreeMap::new(), Vec::new())) }
        };
        let (apps, (pods, deployments), jobs) = try_join3(services, pods, read_jobs(server, &runs)).await?;
        let mut scene = Self { apps, pods, jobs, deployments, queue: Vec::new() };
        if scene.is_waiting() {
            let call = Call::get("list what waits to be placed", "/v2/queue");
            scene.queue = server.find::<Queue>(call).await?.unwrap_or_default().queue;
        }
        Ok(scene)
    }

    /// Whether something may be waiting for an agent.
    fn is_waiting(&self) -> bool {
        let few = |app: &Value| {
            let number = |at| app.pointer(at).and_then(Value::as_u64).unwrap_or(0);
            number("/tasksRunning") < number("/instances")
        };
        self.apps.values().any(few)
            || self.pods.values().any(|pod| text(pod, "/status").is_none_or(|status| status != "STABLE"))
    }

    fn judge(&self, receipt: &Receipt, patience: &Patience) -> Verdict {
        let native = receipt.native.as_str();
        let rollout = Rollout::parse(&receipt.rollout);
        let waiting = self.queue.iter().find(|waiting| waiting.is_about(native));
        let gone = || Verdict::failed("it is gone: somebody removed it");
        match Kind::of(&receipt.id) {
            Some(Kind::App) => self.apps.get(native).map_or_else(gone, |document| {
                service::App { document, waiting, rollout: &rollout, patience }.judge()
            }),
            Some(Kind::Pod) => self.pods.get(native).map_or_else(gone, |status| {
                let deployment = self.deployments.iter().find(|deployment| deployment.is_about(native));
                pod::Pod { status, deployment, waiting, rollout: &rollout, patience }.judge()
            }),
            Some(Kind::Job) => {
                self.jobs.get(native).map_or_else(gone, |document| job::job(document, &rollout))
            }
            Some(Kind::Chronos | Kind::Secret | Kind::Config) | None => Verdict::ready("it is there"),
        }
    }
}

fn by_id(documents: Vec<Value>) -> BTreeMap<String, Value> {
    let id = |document: &Value| text(document, "/id").map(ToOwned::to_owned);
    documents.into_iter().filter_map(|document| Some((id(&document)?, document))).collect()
}

async fn read_apps(server: &Server, scope: &Scope, natives: &[&str]) -> Result<BTreeMap<String, Value>> {
    let group = format!("{}/", names::group(scope));
    let mut found = by_id(apps(server, &group, &EVERYTHING).await?);
    let elsewhere = natives.iter().filter(|native| !native.starts_with(&group));
    let others = try_join_all(elsewhere.map(|native| document(server, Kind::App, native))).await?;
    found.extend(by_id(others.into_iter().flatten().collect()));
    Ok(found)
}

async fn read_pods(server: &Server) -> Result<(BTreeMap<String, Value>, Vec<Deployment>)> {
    let statuses = server.json::<Vec<Value>>(Call::get("list the pods", "/v2/pods/::status")).await?;
    Ok((by_id(statuses), deployments(server).await?))
}

async fn read_jobs(server: &Server, natives: &[&str]) -> Result<BTreeMap<String, Value>> {
    let jobs = try_join_all(natives.iter().map(|native| one_job(server, native))).await?;
    Ok(by_id(jobs.into_iter().flatten().collect()))
}
