//! What the cluster reports of a pod or an object beside its status.

use std::time::Duration;

use jiff::Timestamp;
use rhumb_backend::{ObjectId, Result, State};
use serde_json::Value;

use super::patience::Patience;
use super::verdict::{Culprit, Verdict, text};
use crate::connect::{Call, Cluster, Selection};
use crate::pods::first_line;

/// Older reports are about what was before this rollout.
const YOUNG: Duration = Duration::from_mins(5);

/// What a mount needs may be made a moment later.
const MISSING: Duration = Duration::from_secs(10);

/// A quota may get room, and what admits pods may come back.
const REFUSED: Duration = Duration::from_secs(5);

/// A report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    is_warning: bool,
    reason: String,
    message: String,
    last: Option<Timestamp>,
}

impl Event {
    fn of(value: &Value) -> Self {
        let word = |pointer: &str| text(value, pointer).unwrap_or_default().to_owned();
        let times =
            ["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"];
        Self {
            is_warning: text(value, "/type") == Some("Warning"),
            reason: word("/reason"),
            message: word("/message"),
            last: times.iter().find_map(|pointer| text(value, pointer)?.parse().ok()),
        }
    }

    /// Whether it is not known to be old. The cluster's clock may be ahead of ours.
    fn is_young(&self) -> bool {
        let age = self.last.map(|last| Timestamp::now().duration_since(last));
        age.and_then(|age| Duration::try_from(age).ok()).is_none_or(|age| age <= YOUNG)
    }
}

/// The reports about what a failure shows in, the newest first.
///
/// # Errors
/// What the API server answers, that they may not be read among it.
pub(super) async fn about(cluster: &Cluster, culprit: &Culprit) -> Result<Vec<Event>> {
    let path = format!("/api/v1/namespaces/{}/events", culprit.namespace);
    let fields = format!("involvedObject.uid={}", culprit.uid);
    let selection = Selection { fields, ..Selection::default() };
    let found = cluster.list(Call::get("list the events", path), &selection).await?;
    let mut events: Vec<Event> = found.iter().map(Event::of).filter(Event::is_young).collect();
    events.sort_by_key(|event| std::cmp::Reverse(event.last));
    Ok(events)
}

/// What the reports make of a verdict.
pub(super) fn refine(verdict: Verdict, events: &[Event], id: &ObjectId, patience: &Patience) -> Verdict {
    let Some(culprit) = verdict.culprit.clone() else { return verdict };
    let refined = if verdict.state == State::Failed {
        node_on_its_way(&culprit, events).or_else(|| killed_by_probe(culprit, events))
    } else if culprit.is_pod {
        of_pod(culprit, events, patience)
    } else if id.kind() == "persistentvolumeclaim" {
        of_claim(culprit, events)
    } else {
        of_maker(culprit, events, patience)
    };
    match refined {
        Some((state, culprit)) => {
            let message = if culprit.is_pod {
                format!("{}: {}", culprit.name, culprit.reason)
            } else {
                culprit.reason.clone()
            };
            Verdict { state, message, culprit: Some(culprit), ..verdict }
        }
        None => verdict,
    }
}

/// An autoscaler of nodes may make one that takes the pod.
fn node_on_its_way(culprit: &Culprit, events: &[Event]) -> Option<(State, Culprit)> {
    let made = ["TriggeredScaleUp", "Nominated"];
    let event = events.iter().find(|event| made.contains(&event.reason.as_str()))?;
    let reason = format!("a node is being made for it: {}", first_line(&event.message));
    culprit.is_pod.then(|| (State::Progressing, Culprit { reason, ..culprit.clone() }))
}

/// The kubelet asks a container to end whose liveness or startup probe fails, and what the process makes of that is no
/// fault of its own.
///
/// Source: kubernetes, `pkg/kubelet/kuberuntime/kuberuntime_manager.go`, `computePodActions`.
fn killed_by_probe(culprit: Culprit, events: &[Event]) -> Option<(State, Culprit)> {
    if culprit.container.is_none() || culprit.reason.contains("OOMKilled") {
        return None;
    }
    let which = ["liveness", "startup"].into_iter().find(|which| {
        let words = format!("failed {which} probe");
        events.iter().any(|event| event.reason == "Killing" && event.message.contains(&words))
    })?;
    let failed = events
        .iter()
        .filter(|event| event.reason == "Unhealthy")
        .map(|event| probe(&first_line(&event.message)));
    let why = failed.into_iter().find(|words| words.starts_with(which));
    let why = why.unwrap_or_else(|| format!("{which} probe: it failed"));
    let reason = format!("{why}; for that it was killed, again and again");
    let exit_code = culprit.exit_code.filter(|code| *code != 0);
    let remedy = Some(format!(
        "a {which} probe that the program can pass: its path or command, `timeout`, `failures`, or `startup` for a slow start"
    ));
    Some((State::Failed, Culprit { reason, exit_code, remedy, ..culprit }))
}

fn of_pod(culprit: Culprit, events: &[Event], patience: &Patience) -> Option<(State, Culprit)> {
    const TELLING: [&str; 9] = [
        "Unhealthy",
        "FailedMount",
        "FailedAttachVolume",
        "FailedMapVolume",
        "FailedCreatePodSandBox",
        "FailedPostStartHook",
        "NetworkNotReady",
        "NodeNotReady",
        "FailedBinding",
    ];
    let tells = |event: &&Event| {
        TELLING.contains(&event.reason.as_str()) && (event.is_warning || event.reason == "FailedBinding")
    };
    let event = events.iter().find(tells)?;
    let words = first_line(&event.message);
    let is_missing = event.reason == "FailedMount"
        && ["not found", "non-existent", "does not exist"].iter().any(|text| words.contains(text));
    let is_final = is_missing && patience.is_over(&culprit.uid, "FailedMount", None, MISSING);
    let reason = match event.reason.as_str() {
        "Unhealthy" => probe(&words),
        _ => format!("{}: {words}", event.reason),
    };
    // A crash says more than the probe that came of it.
    let reason = if culprit.exit_code.is_some() { format!("{}; {reason}", culprit.reason) } else { reason };
    let state = if is_final { State::Failed } else { State::Progressing };
    Some((state, Culprit { reason, ..culprit }))
}

/// The kubelet's words for a probe that failed, shortened: `readiness probe: HTTP 503`.
///
/// Source: kubernetes, `pkg/kubelet/prober/prober.go` and `pkg/probe/http`.
fn probe(words: &str) -> String {
    let Some((which, why)) =
        words.split_once(" probe failed: ").or_else(|| words.split_once(" probe errored: "))
    else {
        return words.to_owned();
    };
    let why = why.replace("HTTP probe failed with statuscode: ", "HTTP ");
    format!("{} probe: {}", which.to_lowercase(), why.trim())
}

fn of_claim(culprit: Culprit, events: &[Event]) -> Option<(State, Culprit)> {
    let event = events.iter().find(|event| event.is_warning)?;
    let reason = format!("{}: {}", event.reason, first_line(&event.message));
    Some((State::Progressing, Culprit { reason, ..culprit }))
}

/// A controller that the API server does not let make pods.
fn of_maker(culprit: Culprit, events: &[Event], patience: &Patience) -> Option<(State, Culprit)> {
    let newest =
        events.iter().find(|event| matches!(event.reason.as_str(), "FailedCreate" | "SuccessfulCreate"));
    let event = newest.filter(|event| event.reason == "FailedCreate")?;
    let is_final = patience.is_over(&culprit.uid, "FailedCreate", None, REFUSED);
    let reason = format!("its pods cannot be made: {}", first_line(&event.message));
    let state = if is_final { State::Failed } else { State::Progressing };
    Some((state, Culprit { reason, ..culprit }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::health::symptom::{Runs, symptom};
    use crate::pods::tests::{container, pod};

    fn event(kind: &str, reason: &str, message: &str) -> Event {
        Event::of(&json!({ "type": kind, "reason": reason, "message": message }))
    }

    fn unready() -> Verdict {
        let mut status = container(0, &json!({ "running": {} }), &json!({}));
        status["started"] = json!(true);
        let pod = pod(&json!({ "containerStatuses": [status] }));
        Verdict::for_pod(&pod, &symptom(&pod, Runs::On, &Patience::default()).unwrap())
    }

    fn check(events: &[Event], state: State, message: &str) {
        let refined = refine(unready(), events, &ObjectId::from("deployment/web"), &Patience::default());
        assert_eq!((refined.state, refined.message.as_str()), (state, message));
    }

    #[test]
    fn a_probe_that_fails_is_told() {
        let failed = "Readiness probe failed: HTTP probe failed with statuscode: 503";
        check(
            &[event("Normal", "Pulled", "x"), event("Warning", "Unhealthy", failed)],
            State::Progressing,
            "web-1: readiness probe: HTTP 503",
        );
        check(
            &[event("Normal", "Started", "x")],
            State::Progressing,
            "web-1: it has not passed its readiness probe",
        );
    }

    #[test]
    fn a_probe_that_has_it_killed_is_told_and_not_how_the_process_ended() {
        let last = json!({ "terminated": { "exitCode": 0, "reason": "Completed" } });
        let state = json!({ "waiting": { "reason": "CrashLoopBackOff" } });
        let mut pod = pod(&json!({ "containerStatuses": [container(3, &state, &last)] }));
        pod.spec.as_mut().unwrap().containers[0].liveness_probe =
            Some(k8s_openapi::api::core::v1::Probe::default());
        let found = symptom(&pod, Runs::On, &Patience::default()).unwrap();
        assert!(found.is_final && found.ask_events, "{found:?}");
        let verdict = Verdict::for_pod(&pod, &found);
        let events = [
            event("Normal", "Killing", "Container web failed liveness probe, will be restarted"),
            event("Warning", "Unhealthy", "Liveness probe failed: HTTP probe failed with statuscode: 404"),
        ];
        let id = ObjectId::from("deployment/web");
        let refined = refine(verdict.clone(), &events, &id, &Patience::default());
        assert_eq!(
            refined.message,
            "web-1: liveness probe: HTTP 404; for that it was killed, again and again"
        );
        assert_eq!((refined.state, refined.culprit.unwrap().exit_code), (State::Failed, None));
        assert_eq!(refine(verdict.clone(), &[], &id, &Patience::default()), verdict);
    }

    #[test]
    fn old_reports_are_of_no_interest() {
        let old =
            json!({ "type": "Warning", "reason": "Unhealthy", "lastTimestamp": "2020-01-01T00:00:00Z" });
        assert!(!Event::of(&old).is_young());
        let now = json!({ "eventTime": Timestamp::now().to_string(), "lastTimestamp": null });
        assert!(Event::of(&now).is_young());
    }

    #[test]
    fn a_node_that_is_being_made_is_waited_for() {
        let verdict = Verdict { state: State::Failed, ..unready() };
        let events = [event("Normal", "TriggeredScaleUp", "pod triggered scale-up")];
        let refined =
            refine(verdict.clone(), &events, &ObjectId::from("deployment/web"), &Patience::default());
        assert_eq!(refined.state, State::Progressing);
        let refined = refine(verdict, &[], &ObjectId::from("deployment/web"), &Patience::default());
        assert_eq!(refined.state, State::Failed);
    }

    #[test]
    fn a_set_whose_pods_are_refused_says_why() {
        let set = json!({ "metadata": { "name": "db", "uid": "s", "namespace": "n" } });
        let verdict = Verdict {
            culprit: Some(Culprit::object(&set, "0 of 1")),
            ..Verdict::progressing("0 of 1 pods are there")
        };
        let refused = event("Warning", "FailedCreate", "pods \"db-0\" is forbidden: exceeded quota: small");
        let id = ObjectId::from("statefulset/db");
        let refined = refine(verdict.clone(), std::slice::from_ref(&refused), &id, &Patience::default());
        assert!(refined.message.contains("exceeded quota"), "{refined:?}");
        assert_eq!(refined.state, State::Progressing, "a quota may get room");
        let made = [event("Normal", "SuccessfulCreate", "made"), refused];
        assert_eq!(refine(verdict.clone(), &made, &id, &Patience::default()), verdict);
    }
}
