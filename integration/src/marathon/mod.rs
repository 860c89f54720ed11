//! A double of Marathon, and what is left on it.

use std::collections::BTreeMap;
use std::time::Duration;

use libtest_mimic::Failed;
pub use rhumb_doubles::marathon::{Double, Fate, Fault, FaultRule, Options, Pace, Part, Rule};
use serde_json::{Value, json};

use crate::Rhumb;

/// Marathon's published types, where they are.
const TYPES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/corpus/marathon/rest-api/types");

/// A double with everything beside it that DC/OS has, which checks each call by the published types where they are.
///
/// # Errors
/// When it cannot start.
pub fn double() -> Result<Double, Failed> {
    double_of(Options::default())
}

/// A double whose tasks take their time, so that a command is still at work when it is killed or overtaken: a deployment
/// takes a second or so.
///
/// # Errors
/// When it cannot start.
pub fn unhurried() -> Result<Double, Failed> {
    let pace = Pace {
        start: Duration::from_millis(400),
        check: Duration::from_millis(100),
        stop: Duration::from_millis(100),
        ..Pace::default()
    };
    double_of(Options { pace, ..Options::default() })
}

/// A double of another kind of cluster.
///
/// # Errors
/// When it cannot start.
pub fn double_of(options: Options) -> Result<Double, Failed> {
    Double::start(options.checked_by(TYPES)).map_err(|error| Failed::from(error.to_string()))
}

/// A target's settings for a double.
pub fn settings(double: &Double) -> Value {
    let url = double.url();
    json!({ "url": url, "metronome": url, "secretStore": format!("{url}/secrets/v1"), "naming": "vip" })
}

/// The program, for a double.
///
/// # Panics
/// When no temporary folder can be made.
pub fn rhumb(double: &Double) -> Rhumb {
    // The path at which DC/OS has Marathon, so that what is beside it is found without a word.
    Rhumb::marathon(&format!("{}/service/marathon", double.url()))
}

/// What is wanted of every app and pod that is no record, without what only a server writes.
pub fn wanted(double: &Double) -> BTreeMap<String, Value> {
    let state = double.state();
    let ids = state["specs"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let ids = ids.filter(|id| !id.starts_with("/rhumb/"));
    ids.filter_map(|id| {
        let mut spec = double.spec(id)?;
        let fields = spec.as_object_mut()?;
        fields.retain(|name, _| name != "version" && name != "versionInfo");
        Some((id.to_owned(), spec))
    })
    .collect()
}

/// Nothing of a release is left, its records among what goes.
///
/// # Errors
/// What is left of it.
pub fn require_nothing_of(double: &Double, namespace: &str, release: &str) -> Result<(), String> {
    let left = left_of(double, namespace, release);
    if left.is_empty() { Ok(()) } else { Err(format!("left on Marathon: {}", left.join(", "))) }
}

/// What there is of a release: apps, pods, groups, tasks, jobs, secrets, records.
pub fn left_of(double: &Double, namespace: &str, release: &str) -> Vec<String> {
    let state = double.state();
    let (group, job, path) = (
        format!("/{namespace}/{release}"),
        format!("{namespace}.{release}."),
        format!("{namespace}/{release}/"),
    );
    let is_ours = |kind: &str, name: &str| match kind {
        "jobs" | "chronos" => name.starts_with(&job),
        "secrets" => name.starts_with(&path),
        // Records lie in a group of their own, which has the release's name in it.
        _ => {
            name == group
                || name.starts_with(&format!("{group}/"))
                || name.contains(&format!("/records{group}/"))
        }
    };
    let names = |kind: &str| -> Vec<String> {
        let members = state[kind].as_array().into_iter().flatten();
        members.map(|one| one["spec"].as_str().or(one.as_str()).unwrap_or_default().to_owned()).collect()
    };
    ["specs", "groups", "instances", "jobs", "chronos", "secrets"]
        .into_iter()
        .flat_map(|kind| {
            let ours = names(kind).into_iter().filter(|name| is_ours(kind, name)).collect::<Vec<_>>();
            ours.into_iter().map(move |name| format!("{kind} {name}"))
        })
        .collect()
}

/// Every call kept to the published types.
///
/// # Errors
/// What did not.
pub fn require_no_violations(double: &Double) -> Result<(), String> {
    let found = double.violations();
    if found.is_empty() { Ok(()) } else { Err(found.join("\n")) }
}
