//! What runs to its end: Jobs, and pods of their own.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use rhumb_backend::State;
use serde_json::Value;

use super::patience::Patience;
use super::symptom::{Printed, Runs, Symptom, symptom};
use super::verdict::{Condition, Culprit, Verdict, condition, number, text};
use crate::pods::{PodView, first_line};

/// Judges a Job by its conditions, and by what keeps its pods from running. How often they may fail is its own business.
///
/// Source: Kubernetes API reference, `JobCondition`.
pub(super) fn job(object: &Value, pods: &[&Pod], patience: &Patience) -> Verdict {
    let wanted = object.pointer("/spec/completions").map_or(1, |_| number(object, "/spec/completions"));
    let succeeded = number(object, "/status/succeeded");
    let is = |kind: &str| condition(object, kind).filter(|condition| condition.is("True"));
    let verdict = if is("Complete").is_some() {
        Verdict::ready("completed")
    } else if let Some(failed) = is("Failed").or_else(|| is("FailureTarget")) {
        failure(object, failed, pods, patience)
    } else if object.pointer("/spec/suspend").and_then(Value::as_bool) == Some(true) {
        Verdict::progressing("it is suspended, and runs once somebody resumes it")
    } else {
        running(object, pods, patience)
    };
    verdict.counts(succeeded, wanted)
}

/// Why a job failed: what its last pod says, and the job's own reason.
fn failure(object: &Value, failed: Condition<'_>, pods: &[&Pod], patience: &Patience) -> Verdict {
    let mut ended: Vec<&&Pod> =
        pods.iter().filter(|pod| pod.phase() == "Failed" || pod.restarts() > 0).collect();
    ended.sort_by_key(|pod| pod.made());
    let last = ended.into_iter().rev().find_map(|pod| {
        let symptom = last_end(pod).or_else(|| symptom(pod, Runs::ToTheEnd, patience))?;
        Some(Verdict::for_pod(pod, &symptom))
    });
    let Some(Verdict { culprit: Some(mut culprit), .. }) = last else {
        return Verdict::failed(object, failed.words());
    };
    culprit.reason = format!("{} ({})", culprit.reason, failed.reason);
    Verdict { culprit: Some(culprit.clone()), ..Verdict::of(State::Failed, culprit.reason) }
}

/// How the container of a pod that is over ended, whether or not somebody removes the pod already.
fn last_end(pod: &Pod) -> Option<Symptom> {
    let statuses = pod.statuses();
    let (container, end) = statuses
        .iter()
        .filter_map(|container| Some((container, container.last_end()?)))
        .find(|(_, end)| end.exit_code != 0)?;
    Some(Symptom {
        stage: 2,
        is_final: true,
        reason: end.words(),
        container: Some(container.status.name.clone()),
        exit_code: Some(i64::from(end.exit_code)),
        printed: if container.runs() { Printed::Before } else { Printed::Now },
        ask_events: false,
    })
}

fn running(object: &Value, pods: &[&Pod], patience: &Patience) -> Verdict {
    let mut symptoms: Vec<_> = pods
        .iter()
        .filter_map(|pod| Some((pod, symptom(pod, Runs::ToTheEnd, patience)?)))
        .filter(|(pod, symptom)| symptom.is_final || pod.phase() != "Failed")
        .collect();
    symptoms.sort_by_key(|(_, symptom)| (!symptom.is_final, symptom.stage));
    if let Some((pod, symptom)) = symptoms.first()
        && (symptom.is_final || symptom.stage < 3)
    {
        return Verdict::for_pod(pod, symptom);
    }
    let failed = number(object, "/status/failed");
    let before = pods.iter().filter(|pod| pod.phase() == "Failed").max_by_key(|pod| pod.made());
    if let Some(end) = before.and_then(|pod| last_end(pod)) {
        return Verdict::progressing(format!("tried again after {}: {failed} failed", end.reason));
    }
    if pods.is_empty() {
        let uid = text(object, "/metadata/uid").unwrap_or_default();
        let mut culprit = Culprit::object(object, "its pod is not there yet");
        culprit.ask_events = patience.is_over(uid, "unmade", None, Duration::from_secs(2));
        return Verdict { culprit: Some(culprit), ..Verdict::progressing("its pod is not there yet") };
    }
    Verdict::progressing("the process has not ended")
}

/// Judges a pod that nothing else made.
pub(super) fn pod(pod: &Pod, patience: &Patience) -> Verdict {
    let verdict = match pod.phase() {
        "Succeeded" => Verdict::ready("completed"),
        _ if pod.is_ready() => Verdict::ready("running"),
        "Failed" => {
            let message = pod.told().and_then(|status| status.message.as_deref()).unwrap_or("it failed");
            let mut symptom = last_end(pod).or_else(|| symptom(pod, Runs::On, patience));
            if let Some(symptom) = &mut symptom {
                symptom.is_final = true;
            }
            symptom.map_or_else(
                || Verdict::of(State::Failed, first_line(message)),
                |symptom| Verdict::for_pod(pod, &symptom),
            )
        }
        _ => symptom(pod, Runs::On, patience).map_or_else(
            || Verdict::progressing("it is on its way"),
            |symptom| Verdict::for_pod(pod, &symptom),
        ),
    };
    let ready = u32::from(verdict.state == State::Ready);
    verdict.counts(ready, 1)
}
