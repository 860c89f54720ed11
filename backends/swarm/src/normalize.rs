//! What the engine makes of the documents that it is given, so that it does not look like a difference.
//!
//! Fields that we never set stay out of the comparison by themselves. What is here are fields that we do set and that
//! come back in another form.

use serde_json::{Map, Value};

use crate::lower::REGISTRY_AUTH;
use crate::names;

/// A service as the engine returns it, without empty values, which are the same to it as none.
pub fn service(live: &Value) -> Value {
    let mut body = without_empty(live);
    if let Some(ports) = body.pointer_mut("/EndpointSpec/Ports").and_then(Value::as_array_mut) {
        ports.iter_mut().for_each(port);
    }
    body
}

/// A service as we want it, in the form in which the engine will return it.
///
/// - The image is that of the running service where it only adds the digest to the tag that is wanted.
/// - The demand for credentials is no part of the service.
/// - An empty mapping that means something, as in a global service's mode, stays.
pub fn wanted_service(want: &Value, live: &Value) -> Value {
    const IMAGE: &str = "/TaskTemplate/ContainerSpec/Image";
    let mut body = without_empty(want);
    if let Some(body) = body.as_object_mut() {
        body.shift_remove(REGISTRY_AUTH);
    }
    let running = live.pointer(IMAGE).and_then(Value::as_str);
    if let (Some(image), Some(running)) = (body.pointer_mut(IMAGE), running)
        && image.as_str().is_some_and(|image| is_resolved(running, image))
    {
        *image = running.into();
    }
    if let Some(ports) = body.pointer_mut("/EndpointSpec/Ports").and_then(Value::as_array_mut) {
        ports.iter_mut().for_each(port);
    }
    body
}

/// Whether an image is another one with its digest.
fn is_resolved(running: &str, written: &str) -> bool {
    running.strip_prefix(written).is_some_and(|rest| rest.starts_with("@sha256:"))
}

/// Ports without what the engine takes where nothing is said.
fn port(port: &mut Value) {
    let Some(port) = port.as_object_mut() else { return };
    port.entry("Protocol").or_insert_with(|| "tcp".into());
    port.entry("PublishMode").or_insert_with(|| "ingress".into());
}

/// A network as the engine returns it, reduced to what a request can ask for.
pub fn network(live: &Value) -> Value {
    let fields = ["Name", "Driver", "Internal", "Attachable", "IPAM", "Options"];
    let map = live.as_object();
    let kept = fields.iter().filter_map(|field| Some(((*field).to_owned(), map?.get(*field)?.clone())));
    let mut body = without_empty(&Value::Object(kept.collect()));
    if let Some(options) = body.get_mut("Options").and_then(Value::as_object_mut) {
        options.shift_remove("com.docker.network.driver.overlay.vxlanid_list");
    }
    if let Some(subnets) = body.pointer_mut("/IPAM/Config").and_then(Value::as_array_mut) {
        subnets.iter_mut().filter_map(Value::as_object_mut).for_each(|subnet| {
            subnet.shift_remove("Gateway");
        });
    }
    without_empty(&body)
}

/// A network as we want it, as far as it is compared with what is there: not by its labels.
///
/// Until the managers have given a new network its addresses, they show neither its driver nor what came with it.
pub fn wanted_network(want: &Value, live: &Value) -> Value {
    let is_allocated = live.get("Driver").and_then(Value::as_str).is_some_and(|driver| !driver.is_empty());
    let unknown: &[&str] = if is_allocated { &["Labels"] } else { &["Labels", "Driver", "Options", "IPAM"] };
    let mut body = without_empty(want);
    if let Some(body) = body.as_object_mut() {
        for field in unknown {
            body.shift_remove(*field);
        }
    }
    body
}

/// Labels of the user, without those that mark what is ours.
pub fn user_labels(labels: Option<&Value>) -> Map<String, Value> {
    let labels = labels.and_then(Value::as_object).into_iter().flatten();
    labels.filter(|(key, _)| !names::is_mark(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Numbers of which the engine keeps no 0, because it means nothing said.
///
/// Source: what engine 20.10 returns for a service with zeros in every field. It keeps those of a restart policy and
/// of the stop grace period.
const ZERO_IS_NONE: [&str; 11] = [
    "Interval",
    "Timeout",
    "Retries",
    "StartPeriod",
    "StartInterval",
    "Monitor",
    "NanoCPUs",
    "MemoryBytes",
    "Pids",
    "SizeBytes",
    "PublishedPort",
];

/// Texts of which the engine keeps no empty one.
const EMPTY_IS_NONE: [&str; 6] = ["Hostname", "Dir", "User", "StopSignal", "Source", "Name"];

/// The value without nulls, empty lists and empty mappings, except where a mapping's presence means something; and
/// without the zeros, empty texts and `false`s that the engine does not keep.
fn without_empty(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let cleaned = map.iter().map(|(key, value)| (key, without_empty(value)));
            let kept = cleaned.filter(|(key, value)| is_meant(key) || !is_nothing(key, value));
            Value::Object(kept.map(|(key, value)| (key.clone(), without_delay(key, value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(without_empty).collect()),
        Value::Number(number) => whole(number),
        other => other.clone(),
    }
}

/// The engine keeps a restart's delay of 0 and no other.
fn without_delay(key: &str, mut value: Value) -> Value {
    if let Some(config) = value.as_object_mut().filter(|_| matches!(key, "UpdateConfig" | "RollbackConfig"))
        && config.get("Delay").and_then(Value::as_u64) == Some(0)
    {
        config.shift_remove("Delay");
    }
    value
}

/// A whole number as one: the engine writes a share of `1.0` as `1`.
#[expect(clippy::cast_possible_truncation, reason = "it is whole and within the bounds")]
fn whole(number: &serde_json::Number) -> Value {
    match number.as_f64().filter(|_| number.is_f64()) {
        Some(float) if float.fract() == 0.0 && float.abs() < 1e15 => (float as i64).into(),
        _ => Value::Number(number.clone()),
    }
}

fn is_meant(key: &str) -> bool {
    matches!(key, "Global" | "GlobalJob" | "Replicated" | "ReplicatedJob")
}

fn is_nothing(key: &str, value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag && key != "Init",
        Value::Number(number) => number.as_u64() == Some(0) && ZERO_IS_NONE.contains(&key),
        Value::String(text) => text.is_empty() && EMPTY_IS_NONE.contains(&key),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}
