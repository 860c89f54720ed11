//! The account as AWS's own client and the double's state show it.

use serde_json::{Value, json};

use super::case::Need;
use super::ecs::{Read, expectation};
use super::{Case, Proof, Shows};
use crate::ecs::{self, Double, Item};
use crate::trial;

/// Checks what must be read back of a case.
pub(super) fn watch(double: &Double, case: &Case, namespace: &str, release: &str) -> Result<Proof, String> {
    let expected = expectation(case.feature);
    // What runs follows what was asked for.
    trial::eventually("what must be read back", || {
        let mut items = ecs::items(double, namespace, release)?;
        items.extend(ecs::stopped(double, namespace, release)?);
        expected.reads.iter().try_for_each(|read| check(&items, read))
    })?;
    Ok(Proof::Double)
}

fn check(items: &[Item], (object, at, is): &Read) -> Result<(), String> {
    let expected: Value = serde_json::from_str(is).map_err(|error| format!("{is}: {error}"))?;
    let (kind, name) = object.split_once('/').ok_or("an object is written kind/name")?;
    let found = items.iter().filter(|item| item.kind == kind && is_named(item, object, name));
    let values: Vec<Value> = found.map(|item| value(item, at)).collect();
    if values.iter().any(|value| is_like(value, &expected)) {
        return Ok(());
    }
    if values.is_empty() {
        let there: Vec<String> =
            items.iter().map(|item| format!("{} {}", item.kind, item.object())).collect();
        return Err(format!("there is no {object}, but {}", there.join(", ")));
    }
    Err(format!("{object} {at} is {values:?} instead of {expected}"))
}

/// A member of what its service tells of it, or a tag.
fn value(item: &Item, at: &str) -> Value {
    match at.strip_prefix("tag:") {
        Some(key) => item.tags.get(key).map_or(Value::Null, |tag| json!(tag)),
        None => item.body.pointer(at).cloned().unwrap_or_default(),
    }
}

/// By its tag; what has none bears the name of its workload in its own. What runs bears its service's tags.
fn is_named(item: &Item, object: &str, name: &str) -> bool {
    item.object() == object
        || (item.kind == "task" && item.tags.get("rhumb.dev/workload").is_some_and(|of| of == name))
        || (item.tags.is_empty() && item.name.contains(&format!("-{name}")))
}

/// Whether a value is the expected one; a star at either end of a text stands for anything.
fn is_like(value: &Value, expected: &Value) -> bool {
    let (Some(text), Some(pattern)) = (value.as_str(), expected.as_str()) else { return value == expected };
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(end), _) => text.ends_with(end),
        (_, Some(start)) => text.starts_with(start),
        _ => text == pattern,
    }
}

/// Makes what a case needs.
pub(super) fn prepare(double: &Double, need: Need) -> Result<(), String> {
    match need {
        Need::Config(name) => {
            let name = format!("/{name}/colour");
            // The init container's variables hold base64, and so do the parameters that they are made of.
            let body =
                json!({ "Name": name, "Value": "bWFkZSBieSBoYW5k", "Type": "String", "Overwrite": true });
            double.moto_json("ssm", "AmazonSSM.PutParameter", &body).map(drop)
        }
        // The account has a role `web` from the start.
        Need::Identity(_) | Need::SwarmCronjob | Need::Traefik => Ok(()),
    }
}

/// A volume that must outlive its release is still there.
pub(super) fn require_kept(
    double: &Double,
    case: &Case,
    namespace: &str,
    release: &str,
) -> Result<(), String> {
    let Shows::Kept(volume) = case.shows else { return Ok(()) };
    let items = ecs::items(double, namespace, release)?;
    let object = format!("access-point/{volume}");
    if items.iter().any(|item| item.object() == object) { Ok(()) } else { Err(format!("{object} is gone")) }
}
