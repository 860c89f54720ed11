//! What a step on an existing object would do.

mod immutable;
mod owned;
pub mod rules;

use rhumb_backend::change::{Merged, three_way};
use rhumb_backend::{Cause, Change, FieldChange, Live, Object};
use serde_json::{Value, json};

pub(crate) use immutable::is_below;
pub(crate) use owned::{applied, is_applier};

use crate::names;
use crate::normalize::{align, comparable};
use rules::RULES;

/// Where the number of replicas is.
pub(crate) const REPLICAS: &str = "spec.replicas";
const REPLICAS_POINTER: &str = "/spec/replicas";
const TEMPLATE_ANNOTATIONS: &str = "/spec/template/metadata/annotations";

/// Compares what was wanted last, what is there and what is wanted now.
///
/// - The body of an update holds what is wanted and nothing that others have set: what it holds is ours from then on.
///   Only a replica count that somebody set goes along, and so does one that is not wanted any more because an
///   autoscaler sets it: without it, the server would take its own default.
/// - A count of 0 that is not wanted any more is no autoscaler's: it becomes 1.
/// - Of a Secret only the metadata is known. What it holds is told apart by the hash in an annotation.
/// - Of what somebody else made, that is to go which its makers set and nobody wants.
pub fn change(last: Option<&Object>, live: &Live, want: &Object) -> Change {
    let body = &live.object.body;
    let owned = live.foreign.as_ref().map(|_| owned::applied(body));
    let last = match &owned {
        Some(owned) => Some(owned),
        None => last.map(|last| &last.body),
    };
    if want.id.kind() == "secret" {
        return secret(last, body, &want.body);
    }
    let woken = woken(last, body, &want.body);
    let want_body = woken.as_ref().unwrap_or(&want.body);
    let merged = merge(last, body, want_body);
    if let Some((why, outage)) = immutable::replacement(body, want_body, &merged.changes) {
        return Change::Replace { why, outage, changes: merged.changes };
    }
    if merged.changes.is_empty() {
        return Change::None { kept: merged.kept };
    }
    Change::Update { body: sent(want_body, body, &merged.kept), changes: merged.changes, kept: merged.kept }
}

/// What had no replicas because we said so, and does not say so any more, has one again: an autoscaler leaves it alone without any.
fn woken(last: Option<&Value>, live: &Value, want: &Value) -> Option<Value> {
    let has_none = |body: &Value| body.pointer(REPLICAS_POINTER).and_then(Value::as_u64) == Some(0);
    let is_left_out = scales(want) && want.pointer(REPLICAS_POINTER).is_none_or(Value::is_null);
    if !is_left_out || !last.is_some_and(has_none) || !has_none(live) {
        return None;
    }
    let mut woken = want.clone();
    woken["spec"]["replicas"] = 1.into();
    Some(woken)
}

fn merge(last: Option<&Value>, live: &Value, want: &Value) -> Merged {
    let live = comparable(live);
    let (last, want) = (last.map(comparable), comparable(want));
    let aligned = align(&want, last.as_ref(), &live);
    let last_aligned = last.as_ref().map(|last| align(last, Some(&want), &live));
    three_way(last_aligned.as_ref(), &live, &aligned, &RULES)
}

/// The body to send: what is wanted, with what goes along.
fn sent(want: &Value, live: &Value, kept: &[FieldChange]) -> Value {
    let mut body = want.clone();
    let is_kept = kept.iter().any(|field| field.path == REPLICAS);
    let is_left_out = scales(want) && want.pointer(REPLICAS_POINTER).is_none_or(Value::is_null);
    if let Some(count) = live.pointer(REPLICAS_POINTER).filter(|_| is_kept || is_left_out) {
        body["spec"]["replicas"] = count.clone();
    }
    if let Some(attempt) = live.pointer(TEMPLATE_ANNOTATIONS).and_then(|all| all.get(names::ATTEMPT))
        && want.pointer("/spec/template").is_some()
    {
        body["spec"]["template"]["metadata"]["annotations"][names::ATTEMPT] = attempt.clone();
    }
    body
}

fn scales(body: &Value) -> bool {
    let kind = body.get("kind").and_then(Value::as_str);
    matches!(kind, Some("Deployment" | "StatefulSet" | "ReplicaSet"))
}

/// A rollout that the controller gave up, so that it is tried anew: with pods of another template that say the same.
pub(crate) fn again(live: &Live, want: &Object) -> Option<Value> {
    if !scales(&want.body) {
        return None;
    }
    let live = &live.object.body;
    let before = live.pointer(TEMPLATE_ANNOTATIONS).and_then(|all| all.get(names::ATTEMPT)?.as_str());
    let attempt = before.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0).wrapping_add(1);
    let kept = merge(Some(&want.body), live, &want.body).kept;
    let mut body = sent(&want.body, live, &kept);
    body["spec"]["template"]["metadata"]["annotations"][names::ATTEMPT] = attempt.to_string().into();
    Some(body)
}

/// A Secret, of which the metadata alone is known.
fn secret(last: Option<&Value>, live: &Value, want: &Value) -> Change {
    let metadata = |body: &Value| json!({ "metadata": body.get("metadata") });
    let live_metadata = metadata(live);
    let mut changes = merge(last.map(metadata).as_ref(), &live_metadata, &metadata(want)).changes;
    let hash = |body: &Value| {
        let annotations = body.pointer("/metadata/annotations")?;
        annotations.get(names::CONTENT).or_else(|| annotations.get(names::GENERATION)).cloned()
    };
    // Without a hash on it, only what was wanted last can tell what it holds.
    if hash(want).is_none() && last.is_some_and(|last| contents(last) != contents(want)) {
        let cause = Cause::Wanted;
        changes.push(FieldChange { path: "data".to_owned(), from: None, to: None, cause });
    }
    if let Some(last) = last.filter(|last| last.get("type").is_some() && last.get("type") != want.get("type"))
    {
        return immutable::secret_type(last, want, changes);
    }
    if changes.is_empty() {
        return Change::None { kept: Vec::new() };
    }
    Change::Update { body: want.clone(), changes, kept: Vec::new() }
}

fn contents(secret: &Value) -> [Option<&Value>; 2] {
    ["data", "stringData"].map(|field| secret.get(field).filter(|value| !value.is_null()))
}
