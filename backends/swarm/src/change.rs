//! What differs between what was wanted last, what is there, and what is wanted now.

use rhumb_backend::change::{ListKey, ListKeys, MergeRules, three_way};
use rhumb_backend::{Cause, Change, FieldChange, Live, Object};
use serde_json::Value;

use crate::lower::{CRON, REGISTRY_AUTH};
use crate::{names, normalize};

/// How services are merged.
///
/// The number of replicas stays as somebody set it: a person, an autoscaler, or swarm-cronjob between two updates.
pub(crate) const SERVICE_RULES: MergeRules = MergeRules {
    lists: ListKeys(&[
        ("TaskTemplate.ContainerSpec.Env", ListKey::Name),
        ("TaskTemplate.ContainerSpec.Mounts", ListKey::Field("Target")),
        ("TaskTemplate.ContainerSpec.Hosts", ListKey::Whole),
        ("TaskTemplate.ContainerSpec.CapabilityAdd", ListKey::Whole),
        ("TaskTemplate.ContainerSpec.CapabilityDrop", ListKey::Whole),
        ("TaskTemplate.ContainerSpec.Ulimits", ListKey::Field("Name")),
        ("TaskTemplate.Placement.Constraints", ListKey::Whole),
        ("TaskTemplate.Networks", ListKey::Field("Target")),
        ("EndpointSpec.Ports", ListKey::Fields(&["TargetPort", "Protocol"])),
    ]),
    kept: &["Mode.Replicated.Replicas"],
    sensitive: &[],
};

/// Nothing of a network, config or secret changes in place but what is nobody's business here.
const OTHER_RULES: MergeRules = MergeRules { lists: ListKeys(&[]), kept: &[], sensitive: &["Data"] };

/// Compares one object with what is there.
///
/// - A service is updated in place, except for its name and mode, which Swarm cannot change.
/// - An update of a scheduled service takes back the replica that swarm-cronjob gave it: with it, the update itself
///   would be a run off the schedule.
/// - A network never changes in place. Its labels are not compared: nobody replaces a network for them.
/// - A config or secret is named by its content, so one of the same generation is the same but for our marks, which one
///   that is adopted does not bear yet.
pub fn change(last: Option<&Object>, live: &Live, want: &Object) -> Change {
    let last = last.map(|last| &last.body);
    match want.id.kind() {
        "service" => service(last, &live.object.body, &want.body),
        "network" => network(last, &live.object.body, &want.body),
        _ => marked(&live.object.body, &want.body),
    }
}

/// Sets the marks that a config or secret lacks. Nothing else of it can change.
///
/// Source: swarmkit, `manager/controlapi/config.go`, `UpdateConfig`: "only updates to Labels are allowed".
fn marked(live: &Value, want: &Value) -> Change {
    let labels = |body: &Value| body.get("Labels").and_then(Value::as_object).cloned().unwrap_or_default();
    let (mut there, wanted) = (labels(live), labels(want));
    let mut changes = Vec::new();
    for (name, mark) in wanted.iter().filter(|(name, _)| name.starts_with(names::MARK)) {
        let from = there.insert(name.clone(), mark.clone());
        if from.as_ref() != Some(mark) {
            let (path, to) = (format!("Labels.{name}"), Some(mark.clone()));
            changes.push(FieldChange { path, from, to, cause: Cause::Wanted });
        }
    }
    if changes.is_empty() {
        return Change::None { kept: Vec::new() };
    }
    let mut body = live.clone();
    body["Labels"] = Value::Object(there);
    Change::Update { body, changes, kept: Vec::new() }
}

/// A service that its update gave up, so that the engine tries anew: equal but for a number that nobody else reads.
pub(crate) fn again(live: &Live, want: &Object) -> Option<Value> {
    let mut body = live.object.body.clone();
    force(body.get_mut("TaskTemplate")?);
    if let (Some(body), Some(auth)) = (body.as_object_mut(), want.body.get(REGISTRY_AUTH)) {
        body.insert(REGISTRY_AUTH.to_owned(), auth.clone());
    }
    Some(body)
}

/// Makes another template of one that is else equal, so that the engine replaces the tasks.
pub(crate) fn force(template: &mut Value) {
    let before = template.get("ForceUpdate").and_then(Value::as_u64).unwrap_or(0);
    template["ForceUpdate"] = before.wrapping_add(1).into();
}

fn service(last: Option<&Value>, live: &Value, want: &Value) -> Change {
    let wanted = normalize::wanted_service(want, live);
    let last_wanted = last.map(|last| normalize::wanted_service(last, live));
    let merged = three_way(last_wanted.as_ref(), &normalize::service(live), &wanted, &SERVICE_RULES);
    let mut changes = merged.changes;
    changes.extend(credentials(last, want));
    if let Some(why) = unchangeable(live, &wanted) {
        let outage = "the service is removed and made anew: its tasks stop before new ones start".to_owned();
        return Change::Replace { why, outage, changes };
    }
    let mut kept = merged.kept;
    let is_scheduled = want.get("Labels").and_then(|labels| labels.get(CRON)).is_some();
    if is_scheduled {
        kept.clear();
    }
    if changes.is_empty() {
        return Change::None { kept };
    }
    let mut body = merged.body;
    // The engine tells an empty field from none, and another template restarts every task.
    if !changes.iter().any(|change| change.path.starts_with("TaskTemplate"))
        && let (Some(body), Some(template)) = (body.as_object_mut(), live.get("TaskTemplate"))
    {
        body.insert("TaskTemplate".to_owned(), template.clone());
    }
    if is_scheduled {
        body["Mode"] = want["Mode"].clone();
    }
    if let (Some(body), Some(auth)) = (body.as_object_mut(), want.get(REGISTRY_AUTH)) {
        body.insert(REGISTRY_AUTH.to_owned(), auth.clone());
    }
    Change::Update { body, changes, kept }
}

/// The registry's credentials go with every write and are never shown by the engine, so only what was wanted tells
/// whether they changed.
fn credentials(last: Option<&Value>, want: &Value) -> Option<FieldChange> {
    let (last, want) = (last?.get(REGISTRY_AUTH), want.get(REGISTRY_AUTH));
    (last != want).then(|| FieldChange {
        path: REGISTRY_AUTH.to_owned(),
        from: last.cloned(),
        to: want.cloned(),
        cause: Cause::Wanted,
    })
}

/// Why the engine would refuse an update.
///
/// Source: swarmkit, `manager/controlapi/service.go`, `UpdateService`: "renaming services is not supported",
/// "service mode change is not allowed".
fn unchangeable(live: &Value, want: &Value) -> Option<String> {
    if live.get("Name") != want.get("Name") {
        return Some("Name: Swarm renames no service".to_owned());
    }
    let (is, wanted) = (mode(live)?, mode(want)?);
    (is != wanted).then(|| format!("Mode: Swarm cannot turn a service from {is} into {wanted}"))
}

fn mode(body: &Value) -> Option<&str> {
    body.get("Mode")?.as_object()?.keys().next().map(String::as_str)
}

/// Source: Engine API, which has no call to update a network.
fn network(last: Option<&Value>, live: &Value, want: &Value) -> Change {
    let last = last.map(|last| normalize::wanted_network(last, live));
    let wanted = normalize::wanted_network(want, live);
    let merged = three_way(last.as_ref(), &normalize::network(live), &wanted, &OTHER_RULES);
    if merged.changes.is_empty() {
        return Change::None { kept: Vec::new() };
    }
    let fields: Vec<&str> = merged.changes.iter().map(|change| change.path.as_str()).collect();
    Change::Replace {
        why: format!("{}: Swarm changes no network in place", fields.join(", ")),
        outage: "every service on the network must leave it first, and its tasks restart".to_owned(),
        changes: merged.changes,
    }
}
