//! How far rollouts are.

mod failure;
pub(crate) mod job;
mod judge;
pub(crate) mod reason;
mod scene;

use rhumb_backend::{Failure, Health, ObjectHealth, Receipt, Result, Scope, State};

use crate::connect::Account;
use crate::kind::Kind;
use crate::pages::each;
use crate::rollout::Rollout;
use scene::Scene;

/// What is made of a rollout.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) state: State,
    pub(crate) ready: u32,
    pub(crate) wanted: u32,
    pub(crate) message: String,
    pub(crate) culprit: Option<Culprit>,
}

/// Who is to blame for a failure: a task, by its description, where there is one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Culprit {
    pub(crate) task: Option<serde_json::Value>,
    pub(crate) name: String,
    pub(crate) reason: String,
}

impl Verdict {
    pub(crate) fn ready(message: &str) -> Self {
        Self { state: State::Ready, ready: 0, wanted: 0, message: message.to_owned(), culprit: None }
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self { state: State::Failed, ready: 0, wanted: 0, message: message.into(), culprit: None }
    }
}

/// How far the rollouts of these receipts are. Services are described ten at a time; of those whose rollout has not ended
/// the tasks that have stopped are read too, and how their load balancers find them.
///
/// # Errors
/// What AWS answers.
pub(crate) async fn health(account: &Account, scope: &Scope, receipts: &[Receipt]) -> Result<Health> {
    let scene = Scene::read(account, receipts).await?;
    each(receipts, |receipt| {
        let scene = &scene;
        async move {
            let verdict = match Kind::of(&receipt.id) {
                Some(Kind::Service) => scene.service(receipt)?,
                Some(Kind::Task) => scene.job(receipt)?,
                _ => Verdict::ready("is there"),
            };
            let failure = match &verdict.culprit {
                Some(culprit) if verdict.state == State::Failed => {
                    Some(failure::explain(account, scope, receipt, culprit).await)
                }
                Some(culprit) => Some(failure::brief(culprit)),
                None => None,
            };
            Ok(object_health(receipt, verdict, failure))
        }
    })
    .await
}

fn object_health(receipt: &Receipt, verdict: Verdict, failure: Option<Failure>) -> ObjectHealth {
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

fn rollout(receipt: &Receipt) -> Result<Rollout> {
    Rollout::parse(&receipt.rollout)
}
