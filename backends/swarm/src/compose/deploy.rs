//! `deploy`: how many tasks there are, where, and how they are replaced.

use rhumb_backend::fields::{Fields, small};
use serde_json::{Value, json};

use super::amount::{bytes, duration, processors};
use crate::lower::Body;

/// What the service itself says.
pub(super) fn deploy(read: &mut Fields<'_>) -> Body {
    let mut body = Body::new();
    mode(read, &mut body);
    if let Some(mut endpoint) = read.below("EndpointSpec") {
        body.set_some("endpoint_mode", endpoint.text("Mode").filter(|mode| mode != "vip"));
    }
    for (field, key) in [("UpdateConfig", "update_config"), ("RollbackConfig", "rollback_config")] {
        if let Some(mut config) = read.below(field) {
            body.set_filled(key, update(&mut config));
        }
    }
    body
}

/// Source: docker/cli, `convertDeployMode`: a job runs as many tasks at once as it is to complete.
fn mode(read: &mut Fields<'_>, body: &mut Body) {
    let Some(mut mode) = read.below("Mode") else { return };
    if mode.take_whole("Global").is_some() {
        body.set("mode", "global");
    }
    if mode.take_whole("GlobalJob").is_some() {
        body.set("mode", "global-job");
    }
    if let Some(mut replicated) = mode.below("Replicated") {
        body.set_some("replicas", replicated.small("Replicas"));
    }
    if let Some(mut job) = mode.below("ReplicatedJob") {
        body.set("mode", "replicated-job");
        let total = job.small("TotalCompletions");
        body.set_some("replicas", total);
        job.take("MaxConcurrent", |value| small(value).filter(|at_once| Some(*at_once) == total));
        job.lose("MaxConcurrent", "Compose runs as many tasks of a job at once as it is to complete");
    }
}

fn update(config: &mut Fields<'_>) -> Value {
    let mut body = Body::new();
    body.set_some("parallelism", config.take("Parallelism", Value::as_u64))
        .set_some("delay", config.take("Delay", duration))
        .set_some("failure_action", config.text("FailureAction"))
        .set_some("monitor", config.take("Monitor", duration))
        .set_some("max_failure_ratio", config.take("MaxFailureRatio", Value::as_f64))
        .set_some("order", config.text("Order"));
    body.into_value()
}

/// What its tasks say.
pub(super) fn of_task(body: &mut Body, task: &mut Fields<'_>) {
    if let Some(mut resources) = task.below("Resources") {
        body.set_filled("resources", amounts(&mut resources));
    }
    if let Some(mut restart) = task.below("RestartPolicy") {
        let mut policy = Body::new();
        policy
            .set_some("condition", restart.text("Condition"))
            .set_some("delay", restart.take("Delay", duration))
            .set_some("max_attempts", restart.take("MaxAttempts", Value::as_u64))
            .set_some("window", restart.take("Window", duration));
        body.set_filled("restart_policy", policy.into_value());
    }
    if let Some(mut place) = task.below("Placement") {
        body.set_filled("placement", placement(&mut place));
    }
}

fn amounts(resources: &mut Fields<'_>) -> Value {
    let mut body = Body::new();
    for (field, key) in [("Limits", "limits"), ("Reservations", "reservations")] {
        let Some(mut amounts) = resources.below(field) else { continue };
        let mut found = Body::new();
        found
            .set_some("cpus", amounts.take("NanoCPUs", processors))
            .set_some("memory", amounts.take("MemoryBytes", bytes));
        if field == "Limits" {
            found.set_some("pids", amounts.take("Pids", Value::as_u64));
        }
        found.set_some("generic_resources", amounts.take("GenericResources", generic));
        body.set_filled(key, found.into_value());
    }
    body.into_value()
}

/// Resources that are counted; those with names are none of Compose.
fn generic(value: &Value) -> Option<Value> {
    let one = |item: &Value| {
        let map = item.as_object().filter(|map| map.len() == 1)?;
        let spec = map.get("DiscreteResourceSpec")?;
        Some(json!({ "discrete_resource_spec": { "kind": spec.get("Kind")?, "value": spec.get("Value")? } }))
    };
    value.as_array()?.iter().map(one).collect::<Option<Vec<_>>>().map(Value::Array)
}

fn placement(place: &mut Fields<'_>) -> Value {
    let mut constraints = place.texts("Constraints");
    constraints.extend(place.take("Platforms", platform).unwrap_or_default());
    let mut body = Body::new();
    body.set_filled("constraints", constraints)
        .set_some("preferences", place.take("Preferences", preferences))
        .set_some("max_replicas_per_node", place.take("MaxReplicas", Value::as_u64));
    body.into_value()
}

/// One platform as constraints, which hold the same.
///
/// Source: swarmkit, `manager/constraint/constraint.go`; nodes tell their processor by the name of the kernel.
fn platform(value: &Value) -> Option<Vec<String>> {
    let [Value::Object(platform)] = value.as_array()?.as_slice() else { return None };
    let text = |key: &str| platform.get(key).and_then(Value::as_str);
    let os = text("OS").map(|os| format!("node.platform.os=={os}"));
    let arch = text("Architecture").map(|arch| match arch {
        "amd64" => "x86_64",
        "arm64" => "aarch64",
        other => other,
    });
    let arch = arch.map(|arch| format!("node.platform.arch=={arch}"));
    Some(os.into_iter().chain(arch).collect())
}

fn preferences(value: &Value) -> Option<Value> {
    let one = |item: &Value| Some(json!({ "spread": item.pointer("/Spread/SpreadDescriptor")?.as_str()? }));
    value.as_array()?.iter().map(one).collect::<Option<Vec<_>>>().map(Value::Array)
}
