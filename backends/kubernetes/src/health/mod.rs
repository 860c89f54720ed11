//! How far rollouts are, by each kind's own rules, and what keeps them from getting on.

mod events;
mod failure;
mod job;
mod object;
mod patience;
mod rollout;
mod scene;
mod symptom;
mod verdict;

use std::collections::BTreeSet;

use futures_util::future::join_all;
use rhumb_backend::{Health, ObjectHealth, Receipt, Result, Scope, State};
use serde_json::Value;

use crate::connect::Cluster;
use crate::kind::Kind;

pub(crate) use patience::Patience;
use rollout::Workload;
use scene::{Place, Scene};
use symptom::Printed;
use verdict::{Verdict, number, text};

/// So many things are asked for their events in one look. One that is told is enough for people to begin with.
const ASKED: usize = 4;

/// Kinds whose objects are as ready as they can be once they are there, so that nobody needs to read them.
const PASSIVE: [&str; 23] = [
    "configmap",
    "secret",
    "cronjob",
    "ingress",
    "networkpolicy",
    "serviceaccount",
    "endpoints",
    "endpointslice",
    "limitrange",
    "resourcequota",
    "podtemplate",
    "lease",
    "role",
    "rolebinding",
    "clusterrole",
    "clusterrolebinding",
    "persistentvolume",
    "storageclass",
    "ingressclass",
    "priorityclass",
    "runtimeclass",
    "mutatingwebhookconfiguration",
    "validatingwebhookconfiguration",
];

/// How far the rollouts of these receipts are: one call for each kind that has a say, one for the pods and one for the
/// `ReplicaSets`, however many receipts there are. What fails or takes long is asked for its events, and what failed for
/// its last lines.
///
/// # Errors
/// What the API server answers.
pub(crate) async fn health(
    cluster: &Cluster,
    patience: &Patience,
    scope: &Scope,
    receipts: &[Receipt],
) -> Result<Health> {
    let places: Vec<Option<Place>> = receipts
        .iter()
        .map(|receipt| (!PASSIVE.contains(&receipt.id.kind())).then(|| Place::of(scope, receipt)))
        .collect();
    let read: BTreeSet<Place> = places.iter().flatten().cloned().collect();
    let scene = Scene::read(cluster, scope, &read.into_iter().collect::<Vec<_>>()).await?;
    let verdicts = receipts.iter().zip(&places).map(|(receipt, place)| match place {
        Some(place) => judge(&scene, receipt, place, patience),
        None => Verdict::ready("is there"),
    });
    let verdicts = inquire(cluster, receipts, verdicts.collect(), patience).await;
    let told = receipts.iter().zip(verdicts).map(|(receipt, verdict)| tell(cluster, receipt, verdict));
    Ok(join_all(told).await)
}

/// Judges the rollout that a receipt names.
fn judge(scene: &Scene, receipt: &Receipt, place: &Place, patience: &Patience) -> Verdict {
    if scene.is_hidden(place) {
        return Verdict::ready("we may not look at it");
    }
    let Some(object) = scene.object(place) else {
        return Verdict::of(State::Failed, "it is gone: somebody removed it");
    };
    if let Some(verdict) = other_rollout(receipt, object) {
        return verdict;
    }
    let workload = || Workload {
        object,
        pods: scene.pods_of(object),
        current_set: if place.word == "deployment" { scene.current_set(object) } else { None },
        patience,
    };
    match place.word.as_str() {
        "deployment" => rollout::deployment(&workload()),
        "statefulset" => rollout::stateful_set(&workload()),
        "daemonset" => rollout::daemon_set(&workload()),
        "replicaset" | "replicationcontroller" => rollout::replica_set(&workload()),
        "job" => job::job(object, &scene.pods_of(object), patience),
        "pod" => match serde_json::from_value(object.clone()) {
            Ok(pod) => job::pod(&pod, patience),
            Err(error) => Verdict::progressing(format!("it cannot be read: {error}")),
        },
        word => object::object(word, object, scene.waits.as_ref(), patience),
    }
}

/// What is so of an object that shows another rollout than the receipt's: an older one, because its controller is
/// behind, or that of another object with its name.
fn other_rollout(receipt: &Receipt, object: &Value) -> Option<Verdict> {
    let uid = receipt.rollout.get("uid").and_then(Value::as_str);
    if uid.is_some() && uid != text(object, "/metadata/uid") {
        return Some(Verdict::failed(object, "somebody removed it, and made another with its name"));
    }
    let wanted = receipt.rollout.get("generation").and_then(Value::as_u64).unwrap_or(0);
    let generation = number(object, "/metadata/generation");
    let watches = Kind::of(&receipt.id)
        .is_some_and(|kind| kind.group == "apps" || matches!(kind.word, "replicationcontroller"));
    let observed = number(object, "/status/observedGeneration");
    let is_behind = u64::from(generation) < wanted || (watches && observed < generation);
    let replicas = object.pointer("/spec/replicas").map_or(0, |_| number(object, "/spec/replicas"));
    is_behind.then(|| Verdict::progressing("its controller has not seen it yet").counts(0, replicas))
}

/// Asks for the events of what is slow or has failed.
async fn inquire(
    cluster: &Cluster,
    receipts: &[Receipt],
    mut verdicts: Vec<Verdict>,
    patience: &Patience,
) -> Vec<Verdict> {
    let asks = |verdict: &Verdict| verdict.culprit.as_ref().is_some_and(|culprit| culprit.ask_events);
    let mut places: Vec<usize> = (0..verdicts.len()).filter(|at| asks(&verdicts[*at])).collect();
    places.sort_by_key(|at| verdicts[*at].state != State::Failed);
    places.truncate(ASKED);
    let asked = places.iter().filter_map(|at| verdicts[*at].culprit.as_ref().map(|culprit| (*at, culprit)));
    let answers = asked.map(|(at, culprit)| async move { (at, events::about(cluster, culprit).await) });
    for (at, answer) in join_all(answers).await {
        match answer {
            Ok(found) => {
                verdicts[at] = events::refine(verdicts[at].clone(), &found, &receipts[at].id, patience);
            }
            Err(error) => tracing::debug!(%error, "no events"),
        }
    }
    verdicts
}

/// Tells a verdict to people. The last lines are read of what failed only.
async fn tell(cluster: &Cluster, receipt: &Receipt, verdict: Verdict) -> ObjectHealth {
    let mut failure = None;
    if let Some(culprit) = &verdict.culprit {
        let is_over = verdict.state == State::Failed;
        if is_over || culprit.printed != Printed::Nowhere || culprit.ask_events {
            let mut told = failure::told(culprit);
            if is_over {
                told.logs = failure::last_lines(cluster, culprit).await;
            }
            failure = Some(told);
        }
    }
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

#[cfg(test)]
mod tests;
