//! What runs on and on: Deployments, `StatefulSets`, `DaemonSets` and `ReplicaSets`.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use rhumb_backend::State;
use serde_json::Value;

use super::patience::Patience;
use super::symptom::{Runs, Symptom, symptom};
use super::verdict::{Condition, Culprit, Verdict, condition, number, replicas, text};
use crate::pods::{PodView, first_line};

/// A process that cannot run ends soon after its start. Without a probe it counts as ready meanwhile.
const SETTLED: Duration = Duration::from_secs(1);

/// One that ended before has to do better.
const SETTLED_AGAIN: Duration = Duration::from_secs(5);

/// A quota may get room, and what admits pods may come back.
const REFUSED: Duration = Duration::from_secs(5);

/// A workload, with what belongs to it.
pub(super) struct Workload<'a> {
    /// The object.
    pub(super) object: &'a Value,
    /// Every pod that it made, directly or by `ReplicaSets`.
    pub(super) pods: Vec<&'a Pod>,
    /// For a Deployment: its `ReplicaSet` of the template that it has now.
    pub(super) current_set: Option<&'a Value>,
    pub(super) patience: &'a Patience,
}

/// How many pods there are, of which kind.
struct Counts {
    wanted: u32,
    /// Those of this rollout.
    updated: u32,
    /// Those of this rollout that serve.
    ready: u32,
    /// Those of older templates.
    old: u32,
    /// Every pod that is to be replaced is replaced, and everything serves.
    is_complete: bool,
}

/// Judges a Deployment.
///
/// Source: kubectl, `pkg/polymorphichelpers/rollout_status.go`.
pub(super) fn deployment(workload: &Workload<'_>) -> Verdict {
    let object = workload.object;
    let (wanted, updated) = (replicas(object), number(object, "/status/updatedReplicas"));
    let (all, available) = (number(object, "/status/replicas"), number(object, "/status/availableReplicas"));
    let counts = Counts {
        wanted,
        updated,
        ready: workload.current_set.map_or(0, |set| number(set, "/status/availableReplicas")),
        old: all.saturating_sub(updated),
        is_complete: updated == wanted && all <= updated && available >= updated,
    };
    let is_current = |pod: &Pod| {
        let set = workload.current_set.and_then(|set| text(set, "/metadata/uid"));
        set.is_some() && pod.controller().map(|owner| owner.uid.as_str()) == set
    };
    let given_up = |verdict: Verdict| -> Verdict {
        let Some(condition) = condition(object, "Progressing").filter(|condition| condition.is("False"))
        else {
            return paused(object, verdict);
        };
        gave_up(object, condition, &verdict)
    };
    workload.judge(&counts, is_current, given_up)
}

/// What a rollout that the Deployment's controller gave up waits for is why it gave it up.
fn gave_up(object: &Value, condition: Condition<'_>, verdict: &Verdict) -> Verdict {
    let mut culprit = match &verdict.culprit {
        Some(culprit) => culprit.clone(),
        None => Culprit::object(object, first_line(condition.message)),
    };
    culprit.reason = format!("{} ({})", culprit.reason, condition.reason);
    Verdict { message: culprit.reason.clone(), culprit: Some(culprit), ..Verdict::of(State::Failed, "") }
}

fn paused(object: &Value, verdict: Verdict) -> Verdict {
    if object.pointer("/spec/paused").and_then(Value::as_bool) != Some(true) {
        return verdict;
    }
    let name = text(object, "/metadata/name").unwrap_or_default();
    Verdict::failed(object, "it is paused, and nothing is rolled out until somebody resumes it")
        .remedy(format!("`kubectl rollout resume deployment/{name}`"))
}

/// Judges a `StatefulSet`.
pub(super) fn stateful_set(workload: &Workload<'_>) -> Verdict {
    let object = workload.object;
    let revision = text(object, "/status/updateRevision").unwrap_or_default();
    let by_hand = text(object, "/spec/updateStrategy/type") == Some("OnDelete");
    let kept = number(object, "/spec/updateStrategy/rollingUpdate/partition");
    let wanted = replicas(object);
    let is_new = |pod: &Pod| pod.label("controller-revision-hash") == Some(revision);
    let is_first = text(object, "/status/currentRevision") == Some(revision);
    let updated =
        if is_first { number(object, "/status/replicas") } else { number(object, "/status/updatedReplicas") };
    let serving = number(object, "/status/availableReplicas");
    let to_replace = if by_hand { 0 } else { wanted.saturating_sub(kept) };
    let is_complete =
        serving >= wanted && number(object, "/status/replicas") == wanted && updated >= to_replace;
    let counts = Counts {
        wanted,
        updated,
        ready: if by_hand || kept > 0 || is_first { serving } else { workload.ready(is_new) },
        old: to_replace.saturating_sub(updated),
        is_complete,
    };
    workload.judge(&counts, is_new, |verdict| blocked(workload, revision, verdict))
}

/// A `StatefulSet` replaces its pods one after another and waits for each to be ready, one of the version before too.
fn blocked(workload: &Workload<'_>, revision: &str, verdict: Verdict) -> Verdict {
    if text(workload.object, "/spec/podManagementPolicy") == Some("Parallel") {
        return verdict;
    }
    let is_old = |pod: &&&Pod| pod.label("controller-revision-hash") != Some(revision);
    let stuck = workload.pods.iter().filter(is_old).find_map(|pod| {
        let symptom = symptom(pod, Runs::On, workload.patience).filter(|symptom| symptom.is_final)?;
        Some((pod.name(), Verdict::for_pod(pod, &symptom)))
    });
    let Some((name, stuck)) = stuck else { return verdict };
    stuck.remedy(format!(
        "the StatefulSet waits for this pod of the version before: remove it, `kubectl delete pod {name}`, and it \
         comes back with the new one"
    ))
}

/// Judges a `DaemonSet`. One that no node takes is ready.
pub(super) fn daemon_set(workload: &Workload<'_>) -> Verdict {
    let object = workload.object;
    let by_hand = text(object, "/spec/updateStrategy/type") == Some("OnDelete");
    let wanted = number(object, "/status/desiredNumberScheduled");
    let updated = number(object, "/status/updatedNumberScheduled");
    let serving = number(object, "/status/numberAvailable");
    let template = text(object, "/metadata/annotations/deprecated.daemonset.template.generation");
    let is_new = |pod: &Pod| template.is_none() || pod.label("pod-template-generation") == template;
    let counts = Counts {
        wanted,
        updated,
        ready: if updated >= wanted { serving } else { workload.ready(is_new) },
        old: if by_hand { 0 } else { wanted.saturating_sub(updated) },
        is_complete: serving >= wanted && (by_hand || updated >= wanted),
    };
    workload.judge(&counts, is_new, |verdict| verdict)
}

/// Judges a `ReplicaSet` or a `ReplicationController`, which never replaces a pod.
pub(super) fn replica_set(workload: &Workload<'_>) -> Verdict {
    let (wanted, ready) = (replicas(workload.object), number(workload.object, "/status/availableReplicas"));
    let updated = number(workload.object, "/status/replicas");
    let counts = Counts { wanted, updated, ready, old: 0, is_complete: ready >= wanted && updated == wanted };
    workload.judge(&counts, |_| true, |verdict| verdict)
}

impl Workload<'_> {
    /// Judges by numbers, and where these do not add up yet by the pods of this rollout. `if_waiting` has the last
    /// word about a rollout that is not complete and whose pods may still come up.
    fn judge(
        &self,
        counts: &Counts,
        is_current: impl Fn(&Pod) -> bool,
        if_waiting: impl FnOnce(Verdict) -> Verdict,
    ) -> Verdict {
        let current: Vec<&Pod> =
            self.pods.iter().copied().filter(|pod| is_current(pod) && !pod.is_leaving()).collect();
        let verdict = if counts.is_complete {
            self.settled(&current).unwrap_or_else(|| Verdict::ready(running(counts.wanted)))
        } else {
            let verdict = self.waiting(&current, counts);
            if verdict.state == State::Failed { verdict } else { if_waiting(verdict) }
        };
        // What has not run for a moment does not count as ready.
        let ready = match verdict.state {
            State::Ready => counts.wanted,
            _ if counts.is_complete => counts.wanted.saturating_sub(1),
            _ => counts.ready.min(counts.wanted),
        };
        verdict.counts(ready, counts.wanted)
    }

    /// Whose process may still fall over, as no probe vouches for it.
    fn settled(&self, current: &[&Pod]) -> Option<Verdict> {
        let young = current.iter().find(|pod| {
            let restarts = pod.restarts();
            let limit = if restarts > 0 { SETTLED_AGAIN } else { SETTLED };
            let since = pod
                .condition("Ready")
                .and_then(|ready| ready.last_transition_time.as_ref())
                .map(|time| time.0);
            // Times of the API have whole seconds.
            let told = since.map(|time| time + jiff::SignedDuration::from_secs(1));
            !has_probe(pod) && !self.patience.is_over(pod.uid(), &format!("ready {restarts}"), told, limit)
        });
        young.map(|pod| Verdict::progressing(format!("{}: the process has just begun to run", pod.name())))
    }

    fn waiting(&self, current: &[&Pod], counts: &Counts) -> Verdict {
        let found = |pod: &&Pod| -> Option<(String, Symptom, Verdict)> {
            let symptom = symptom(pod, Runs::On, self.patience)?;
            let verdict = Verdict::for_pod(pod, &symptom);
            Some((pod.name().to_owned(), symptom, verdict))
        };
        let mut symptoms: Vec<_> = current.iter().filter_map(found).collect();
        symptoms.sort_by(|(name, one, _), (other, two, _)| {
            (!one.is_final, one.stage, name).cmp(&(!two.is_final, two.stage, other))
        });
        if let Some((_, _, verdict)) = symptoms.into_iter().next() {
            return verdict;
        }
        if let Some(refused) = self.refused() {
            return refused;
        }
        if counts.updated < counts.wanted {
            return self.unmade(counts);
        }
        match counts.old {
            0 => Verdict::progressing("its pods are counted"),
            old => Verdict::progressing(format!("{old} of the version before left")),
        }
    }

    /// The pods that the API server does not let the controller make.
    fn refused(&self) -> Option<Verdict> {
        // What the workload itself says may still be about the version before.
        let object = self.current_set.unwrap_or(self.object);
        let failure = condition(object, "ReplicaFailure").filter(|condition| condition.is("True"))?;
        let reason = format!("its pods cannot be made: {}", first_line(failure.message));
        let uid = text(object, "/metadata/uid").unwrap_or_default();
        // Since when we see it: it may be left of a try whose cause is cured, and goes with the next pod that is made.
        if self.patience.is_over(uid, "ReplicaFailure", None, REFUSED) {
            return Some(Verdict::failed(object, reason));
        }
        Some(Verdict::progressing(reason))
    }

    /// Pods that are not there yet. Why not is in the events of who should make them.
    fn unmade(&self, counts: &Counts) -> Verdict {
        let message = match counts.old {
            0 => format!("{} of {} pods are there", counts.updated, counts.wanted),
            _ => format!("{} of {} pods are replaced", counts.updated, counts.wanted),
        };
        let uid = text(self.object, "/metadata/uid").unwrap_or_default();
        let key = format!("unmade {} {}", counts.updated, counts.old);
        let mut culprit = Culprit::object(self.current_set.unwrap_or(self.object), message.clone());
        culprit.ask_events = self.patience.is_over(uid, &key, None, Duration::from_secs(2));
        Verdict { culprit: Some(culprit), ..Verdict::progressing(message) }
    }

    fn ready(&self, is_current: impl Fn(&Pod) -> bool) -> u32 {
        let ready = self.pods.iter().filter(|pod| pod.is_ready() && !pod.is_leaving() && is_current(pod));
        u32::try_from(ready.count()).unwrap_or(u32::MAX)
    }
}

fn running(wanted: u32) -> &'static str {
    if wanted == 0 { "nothing is to run" } else { "running" }
}

fn has_probe(pod: &Pod) -> bool {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let mut containers = containers.peekable();
    containers.peek().is_some() && containers.all(|container| container.readiness_probe.is_some())
}
