//! `UpdateService`.

use std::time::Instant;

use serde_json::{Value, json};

use super::super::error::{Answer, ApiError};
use super::super::json::{flag, list, number, pick, text, text_or_empty};
use super::super::state::{Service, ServiceStatus, State};
use super::service_rules::require_service;
use super::services::{SHOWN, deployment, not_found};
use super::show::service_shape;

/// Members whose change begins a new deployment.
///
/// Source: Amazon ECS API reference, `UpdateService`: "This parameter triggers a new service deployment."
const ROLLING: &[&str] = &[
    "availabilityZoneRebalancing",
    "capacityProviderStrategy",
    "loadBalancers",
    "networkConfiguration",
    "platformVersion",
    "propagateTags",
    "serviceConnectConfiguration",
    "serviceRegistries",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
    "enableECSManagedTags",
    "enableExecuteCommand",
];

/// `UpdateService`: what is not given stays.
pub(super) fn update(state: &mut State, input: &Value) -> Answer {
    let named = text_or_empty(input, "service").to_owned();
    let cluster = state.cluster(input)?;
    let service = cluster.service(&named).filter(|service| service.status != ServiceStatus::Inactive);
    let service = service.ok_or_else(not_found)?;
    if service.status != ServiceStatus::Active {
        return Err(ApiError::new("ServiceNotActiveException", "Service was not ACTIVE."));
    }
    let name = service.name.clone();
    let whole = merged(service, input)?;
    let old = Value::Object(whole_of(service));
    let definition =
        text(input, "taskDefinition").or_else(|| text(&old, "taskDefinition")).unwrap_or_default();
    let definition =
        state.definition(definition).cloned().ok_or_else(|| ApiError::client("TaskDefinition not found."))?;
    let cluster = state.cluster(input)?;
    require_service(cluster, &definition, &without_default_count(&whole))?;
    let rolls = flag(input, "forceNewDeployment")
        || Some(definition.arn()) != text(&old, "taskDefinition")
        || ROLLING.iter().any(|key| input.get(key).is_some_and(|value| !is_same(old.get(key), value)));
    let new = rolls.then(|| deployment(state, &whole, definition.arn()));
    let cluster = state.cluster(input)?;
    let service = cluster.service(&name).ok_or_else(not_found)?;
    service.body.extend(pick(&whole, SHOWN));
    if list(&whole, "capacityProviderStrategy").is_empty() {
        service.body.shift_remove("capacityProviderStrategy");
    } else {
        service.body.shift_remove("launchType");
    }
    service.body.insert("taskDefinition".to_owned(), json!(definition.arn()));
    if !service.is_daemon() {
        service.desired = number(input, "desiredCount").unwrap_or(service.desired);
    }
    service.is_steady = false;
    if let Some(new) = new {
        service.deployments.insert(0, new);
        service.not_before = Instant::now();
    }
    let service = &cluster.services[&name];
    Ok(json!({ "service": service_shape(cluster, service, true) }))
}

/// The members of a service as they are.
fn whole_of(service: &Service) -> serde_json::Map<String, Value> {
    let mut whole = service.body.clone();
    if let Some(newest) = service.deployments.first() {
        for key in ["serviceConnectConfiguration", "volumeConfigurations", "vpcLatticeConfigurations"] {
            if let Some(value) = newest.body.get(key) {
                whole.insert(key.to_owned(), value.clone());
            }
        }
    }
    whole
}

/// The members of a service as they are to be.
fn merged(service: &Service, input: &Value) -> Answer<Value> {
    let mut whole = whole_of(service);
    let strategy = input.get("capacityProviderStrategy");
    if strategy.is_some_and(|strategy| !is_same(whole.get("capacityProviderStrategy"), strategy)) {
        if !flag(input, "forceNewDeployment") {
            return Err(ApiError::invalid(
                "When switching from launch type to capacity provider strategy on an existing service, or making a change to a capacity provider strategy on a service that is already using one, you must force a new deployment.",
            ));
        }
        whole.shift_remove("launchType");
    }
    for (key, value) in input.as_object().into_iter().flatten() {
        let old = whole.get_mut(key).and_then(Value::as_object_mut);
        match (old, value.as_object()) {
            // Members of the deployment configuration that are not given stay.
            (Some(old), Some(new)) if key == "deploymentConfiguration" => old.extend(new.clone()),
            _ => {
                whole.insert(key.clone(), value.clone());
            }
        }
    }
    let gives_connect_up = input.pointer("/serviceConnectConfiguration/enabled") == Some(&json!(false));
    if gives_connect_up {
        whole.insert("serviceConnectConfiguration".to_owned(), json!({ "enabled": false }));
    }
    Ok(Value::Object(whole))
}

/// Whether a member is as it was. What ECS fills in counts as given, and an empty list as none.
fn is_same(old: Option<&Value>, new: &Value) -> bool {
    match (old, new) {
        (None, new) => new.as_array().is_some_and(Vec::is_empty) || *new == json!({ "enabled": false }),
        (Some(Value::Object(old)), Value::Object(new)) => {
            new.iter().all(|(key, value)| is_same(old.get(key), value))
        }
        (Some(old), new) => old == new,
    }
}

fn without_default_count(whole: &Value) -> Value {
    let mut whole = whole.clone();
    if text(&whole, "schedulingStrategy") == Some("DAEMON") {
        whole.as_object_mut().map(|map| map.shift_remove("desiredCount"));
    }
    whole
}
