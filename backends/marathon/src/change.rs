//! What differs between what was wanted last, what is there, and what is wanted now.

use rhumb_backend::change::{ListKey, ListKeys, MergeRules, three_way};
use rhumb_backend::{Change, FieldChange, Live, Object};
use serde_json::Value;

use crate::kind::Kind;
use crate::normalize;

/// How apps, pods and jobs are merged. The number of instances stays as somebody set it.
pub(crate) const RULES: MergeRules = MergeRules {
    lists: ListKeys(&[
        ("constraints", ListKey::Whole),
        ("dependencies", ListKey::Whole),
        ("acceptedResourceRoles", ListKey::Whole),
        ("fetch", ListKey::Field("uri")),
        ("container.portMappings", ListKey::Fields(&["containerPort", "protocol", "name"])),
        ("container.volumes", ListKey::Field("containerPath")),
        ("container.docker.parameters", ListKey::Fields(&["key", "value"])),
        ("containers", ListKey::Field("name")),
        ("containers.*.endpoints", ListKey::Field("name")),
        ("containers.*.volumeMounts", ListKey::Field("mountPath")),
        ("volumes", ListKey::Field("name")),
        ("scheduling.placement.constraints", ListKey::Whole),
        ("run.docker.parameters", ListKey::Fields(&["key", "value"])),
        ("run.volumes", ListKey::Field("containerPath")),
        ("schedules", ListKey::Field("id")),
    ]),
    kept: &["instances", "scaling.instances"],
    sensitive: &["value"],
};

/// Compares one object with what is there.
///
/// - Apps and pods are updated in place, except for what Marathon refuses to change of one that has volumes of its own.
/// - A job that runs once is made anew when its content is another; a schedule is updated.
/// - An entry of the secret store is named by its content, so one of the same generation is the same.
pub fn change(last: Option<&Object>, live: &Live, want: &Object) -> Change {
    match Kind::of(&want.id) {
        Some(Kind::App | Kind::Pod | Kind::Job | Kind::Chronos) => {}
        Some(Kind::Secret | Kind::Config) | None => return Change::None { kept: Vec::new() },
    }
    let there = &live.object.body;
    let wanted = normalize::wanted(&want.body, there);
    let last = last.map(|last| normalize::wanted(&last.body, there));
    let merged = three_way(last.as_ref(), &normalize::live(there, &want.body), &wanted, &RULES);
    if want.once.is_some() && want.once != live.object.once {
        return Change::Replace {
            why: "run: a job that ran keeps what it ran".to_owned(),
            outage: "the old job goes with its history, and the new one runs".to_owned(),
            changes: merged.changes,
        };
    }
    if merged.changes.is_empty() {
        return Change::None { kept: merged.kept };
    }
    if let Some(why) = unchangeable(there, &merged.changes) {
        let outage = "it is removed and made anew: its tasks stop before new ones start, and what is on its persistent \
                      volumes is lost"
            .to_owned();
        return Change::Replace { why, outage, changes: merged.changes };
    }
    Change::Update { body: merged.body, changes: merged.changes, kept: merged.kept }
}

/// The body that makes Marathon try anew what it holds back after failures: the same, whose write ends the delay.
pub fn again(live: &Live, want: &Object) -> Option<Value> {
    matches!(Kind::of(&want.id), Some(Kind::App | Kind::Pod))
        .then(|| normalize::live(&live.object.body, &want.body))
}

/// Why Marathon would refuse an update: tasks with volumes of their own stay where these are, with what was reserved.
///
/// Source: Marathon, `AppDefinition.residentUpdateIsValid` and its twin for pods: "Persistent volumes can not be changed",
/// "Resident Tasks may not change resource requirements", "… host ports".
fn unchangeable(live: &Value, changes: &[FieldChange]) -> Option<String> {
    if !has_persistent_volumes(live) {
        return None;
    }
    changes.iter().find_map(|change| refusal(&change.path).map(|why| format!("{}: {why}", change.path)))
}

fn refusal(path: &str) -> Option<&'static str> {
    let parts: Vec<&str> = path.split('.').collect();
    match parts.as_slice() {
        ["cpus" | "mem" | "disk" | "gpus"] | ["containers", _, "resources", ..] => {
            Some("Marathon changes no resources of what has persistent volumes: they are reserved")
        }
        ["container", "volumes", ..] | ["volumes", ..] => Some("Marathon changes no persistent volumes"),
        ["container", "portMappings", .., "hostPort"]
        | ["portDefinitions" | "requirePorts", ..]
        | ["containers", _, "endpoints", _, "hostPort"] => {
            Some("Marathon changes no ports of the host of what has persistent volumes: they are reserved")
        }
        _ => None,
    }
}

pub(crate) fn has_persistent_volumes(body: &Value) -> bool {
    let volumes = [body.pointer("/container/volumes"), body.get("volumes")];
    let volumes = volumes.into_iter().flatten().filter_map(Value::as_array).flatten();
    volumes.into_iter().any(|volume| volume.get("persistent").is_some_and(|info| !info.is_null()))
}
