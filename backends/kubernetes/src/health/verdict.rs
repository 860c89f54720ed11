//! What the cluster's word about an object means for a rollout.

use k8s_openapi::api::core::v1::Pod;
use rhumb_backend::State;
use serde_json::Value;

use super::symptom::{Printed, Symptom};
use crate::pods::PodView;

/// How far a rollout is, and what is to blame if it failed or does not get on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Verdict {
    pub(super) state: State,
    /// Replicas of this rollout that are ready.
    pub(super) ready: u32,
    /// Replicas that are wanted.
    pub(super) wanted: u32,
    pub(super) message: String,
    pub(super) culprit: Option<Culprit>,
}

impl Verdict {
    pub(super) fn of(state: State, message: impl Into<String>) -> Self {
        Self { state, ready: 0, wanted: 0, message: message.into(), culprit: None }
    }

    pub(super) fn ready(message: impl Into<String>) -> Self {
        Self::of(State::Ready, message)
    }

    pub(super) fn progressing(message: impl Into<String>) -> Self {
        Self::of(State::Progressing, message)
    }

    /// A failure of the object itself.
    pub(super) fn failed(object: &Value, reason: impl Into<String>) -> Self {
        let culprit = Culprit::object(object, reason);
        Self { culprit: Some(culprit.clone()), ..Self::of(State::Failed, culprit.reason) }
    }

    pub(super) fn counts(self, ready: u32, wanted: u32) -> Self {
        Self { ready, wanted, ..self }
    }

    /// Says what the user can do, in place of what would be said for the reason.
    pub(super) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        if let Some(culprit) = &mut self.culprit {
            culprit.remedy = Some(remedy.into());
        }
        self
    }

    /// The verdict for what a pod of the rollout has.
    pub(super) fn for_pod(pod: &Pod, symptom: &Symptom) -> Self {
        let state = if symptom.is_final { State::Failed } else { State::Progressing };
        let message = format!("{}: {}", pod.name(), symptom.reason);
        Self { culprit: Some(Culprit::pod(pod, symptom)), ..Self::of(state, message) }
    }
}

/// What a failure shows in.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Culprit {
    /// The id of the pod or of the object.
    pub(super) uid: String,
    /// Its name.
    pub(super) name: String,
    /// Where it lies.
    pub(super) namespace: String,
    pub(super) is_pod: bool,
    pub(super) reason: String,
    pub(super) container: Option<String>,
    pub(super) exit_code: Option<i64>,
    pub(super) node: Option<String>,
    /// Where the container's output is that tells more.
    pub(super) printed: Printed,
    /// Events may tell more.
    pub(super) ask_events: bool,
    pub(super) remedy: Option<String>,
}

impl Culprit {
    pub(super) fn object(object: &Value, reason: impl Into<String>) -> Self {
        let meta = |key: &str| text(object, &format!("/metadata/{key}")).unwrap_or_default().to_owned();
        Self {
            uid: meta("uid"),
            name: meta("name"),
            namespace: meta("namespace"),
            is_pod: false,
            reason: reason.into(),
            container: None,
            exit_code: None,
            node: None,
            printed: Printed::Nowhere,
            ask_events: false,
            remedy: None,
        }
    }

    fn pod(pod: &Pod, symptom: &Symptom) -> Self {
        Self {
            uid: pod.uid().to_owned(),
            name: pod.name().to_owned(),
            namespace: pod.metadata.namespace.clone().unwrap_or_default(),
            is_pod: true,
            reason: symptom.reason.clone(),
            container: symptom.container.clone(),
            exit_code: symptom.exit_code,
            node: pod.node().map(ToOwned::to_owned),
            printed: symptom.printed,
            ask_events: symptom.ask_events,
            remedy: None,
        }
    }
}

/// A text of an object.
pub(super) fn text<'a>(object: &'a Value, pointer: &str) -> Option<&'a str> {
    object.pointer(pointer).and_then(Value::as_str)
}

/// A number of an object; 0 where it is left out, as the API leaves out zeros.
pub(super) fn number(object: &Value, pointer: &str) -> u32 {
    let number = object.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The replicas that an object asks for; 1 where it names none.
pub(super) fn replicas(object: &Value) -> u32 {
    object.pointer("/spec/replicas").map_or(1, |_| number(object, "/spec/replicas"))
}

/// A condition of an object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Condition<'a> {
    pub(super) kind: &'a str,
    pub(super) status: &'a str,
    pub(super) reason: &'a str,
    pub(super) message: &'a str,
    /// The generation that it is about, where it tells.
    pub(super) generation: Option<u64>,
}

impl Condition<'_> {
    pub(super) fn is(&self, status: &str) -> bool {
        self.status.eq_ignore_ascii_case(status)
    }

    /// Its reason and message, for people.
    pub(super) fn words(&self) -> String {
        let message = crate::pods::first_line(self.message);
        match (self.reason, message.as_str()) {
            ("", "") => self.kind.to_owned(),
            (reason, "") => reason.to_owned(),
            ("", _) => message,
            (reason, _) => format!("{reason}: {message}"),
        }
    }
}

/// The conditions of an object.
pub(super) fn conditions(object: &Value) -> Vec<Condition<'_>> {
    let listed = object.pointer("/status/conditions").and_then(Value::as_array);
    listed.into_iter().flatten().filter_map(condition_of).collect()
}

fn condition_of(value: &Value) -> Option<Condition<'_>> {
    let word = |key: &str| value.get(key).and_then(Value::as_str);
    Some(Condition {
        kind: word("type")?,
        status: word("status").unwrap_or("Unknown"),
        reason: word("reason").unwrap_or_default(),
        message: word("message").unwrap_or_default(),
        generation: value.get("observedGeneration").and_then(Value::as_u64),
    })
}

/// The condition of this kind.
pub(super) fn condition<'a>(object: &'a Value, kind: &str) -> Option<Condition<'a>> {
    conditions(object).into_iter().find(|condition| condition.kind == kind)
}
