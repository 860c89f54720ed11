//! Services: made, shown and deleted.

use std::collections::VecDeque;
use std::time::Instant;

use serde_json::{Map, Value, json};

use super::super::error::{Answer, ApiError};
use super::super::json::{flag, list, number, pick, text, text_or_empty, texts};
use super::super::state::{Deployment, Rollout, Service, ServiceStatus, State, now};
use super::definition_rules::is_name;
use super::paging::page;
use super::service_rules::{is_fargate, require_service};
use super::show::service_shape;
use super::tags;

/// Members of a request that `Service` shows as they are.
pub(super) const SHOWN: &[&str] = &[
    "loadBalancers",
    "serviceRegistries",
    "launchType",
    "capacityProviderStrategy",
    "platformVersion",
    "deploymentConfiguration",
    "placementConstraints",
    "placementStrategy",
    "networkConfiguration",
    "healthCheckGracePeriodSeconds",
    "schedulingStrategy",
    "deploymentController",
    "enableECSManagedTags",
    "propagateTags",
    "enableExecuteCommand",
    "availabilityZoneRebalancing",
];

/// Members that `Deployment` shows.
pub(super) const OF_DEPLOYMENT: &[&str] = &[
    "launchType",
    "capacityProviderStrategy",
    "platformVersion",
    "networkConfiguration",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
];

/// `CreateService`. The same client token with the same request gives the service that it made.
pub(super) fn create(state: &mut State, input: &Value) -> Answer {
    let name = text_or_empty(input, "serviceName").to_owned();
    if !is_name(&name) {
        return Err(ApiError::invalid(format!("Invalid service name '{name}'.")));
    }
    tags::require_legal(list(input, "tags"))?;
    if let Some(known) = known(state, &name, input)? {
        return Ok(known);
    }
    let named =
        text(input, "taskDefinition").ok_or_else(|| ApiError::client("TaskDefinition cannot be null."))?;
    let definition =
        state.definition(named).cloned().ok_or_else(|| ApiError::client("TaskDefinition not found."))?;
    let cluster = state.cluster(input)?;
    let mut whole = input.clone();
    if list(input, "capacityProviderStrategy").is_empty() && text(input, "launchType").is_none() {
        whole["launchType"] = json!(if is_fargate(cluster, input) { "FARGATE" } else { "EC2" });
        if let Some(strategy) =
            cluster.body.get("defaultCapacityProviderStrategy").filter(|it| !list_is_empty(it))
        {
            whole["capacityProviderStrategy"] = strategy.clone();
            whole.as_object_mut().map(|map| map.shift_remove("launchType"));
        }
    }
    require_service(cluster, &definition, &whole)?;
    let cluster_name = cluster.name.clone();
    let service = make(state, &cluster_name, &name, input, &whole, definition.arn());
    let cluster = state.cluster(input)?;
    cluster.services.shift_remove(&name);
    cluster.services.insert(name.clone(), service);
    let service = &cluster.services[&name];
    Ok(json!({ "service": service_shape(cluster, service, true) }))
}

fn list_is_empty(value: &Value) -> bool {
    value.as_array().is_none_or(Vec::is_empty)
}

/// The service that an equal request made, or why the name cannot be had.
fn known(state: &mut State, name: &str, input: &Value) -> Answer<Option<Value>> {
    let cluster = state.cluster(input)?;
    let Some(service) = cluster.services.get(name) else { return Ok(None) };
    match service.status {
        ServiceStatus::Inactive => Ok(None),
        ServiceStatus::Draining => {
            Err(ApiError::invalid("Unable to Start a service that is still Draining."))
        }
        ServiceStatus::Active => {
            let token = text(input, "clientToken");
            if token.is_some() && token == text(&service.request, "clientToken") && *input == service.request
            {
                return Ok(Some(json!({ "service": service_shape(cluster, service, true) })));
            }
            Err(ApiError::invalid("Creation of service was not idempotent."))
        }
    }
}

fn make(
    state: &mut State,
    cluster: &str,
    name: &str,
    input: &Value,
    whole: &Value,
    definition: &str,
) -> Service {
    let mut body = pick(whole, SHOWN);
    fill_in(&mut body);
    if body.get("launchType") == Some(&json!("FARGATE")) {
        body.entry("platformVersion").or_insert_with(|| json!("LATEST"));
        body.insert("platformFamily".to_owned(), json!("Linux"));
    }
    let role = format!(
        "arn:aws:iam::{}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
        state.account
    );
    body.insert("roleArn".to_owned(), text(input, "role").map_or_else(|| json!(role), |role| json!(role)));
    body.insert("createdAt".to_owned(), json!(now()));
    body.insert("createdBy".to_owned(), json!(format!("arn:aws:iam::{}:root", state.account)));
    body.insert("taskDefinition".to_owned(), json!(definition));
    let is_daemon = body.get("schedulingStrategy") == Some(&json!("DAEMON"));
    let deployment = deployment(state, whole, definition);
    Service {
        name: name.to_owned(),
        arn: state.arn(&format!("service/{cluster}/{name}")),
        status: ServiceStatus::Active,
        since: Instant::now(),
        desired: if is_daemon { 0 } else { number(input, "desiredCount").unwrap_or_default() },
        body,
        request: input.clone(),
        deployments: vec![deployment],
        good: None,
        events: VecDeque::new(),
        tags: list(input, "tags").to_vec(),
        not_before: Instant::now(),
        is_steady: false,
    }
}

/// What ECS adds of its own.
fn fill_in(body: &mut Map<String, Value>) {
    let defaults = [
        ("schedulingStrategy", json!("REPLICA")),
        ("deploymentController", json!({ "type": "ECS" })),
        ("loadBalancers", json!([])),
        ("serviceRegistries", json!([])),
        ("placementConstraints", json!([])),
        ("placementStrategy", json!([])),
        ("enableECSManagedTags", json!(false)),
        ("enableExecuteCommand", json!(false)),
        ("propagateTags", json!("NONE")),
        ("availabilityZoneRebalancing", json!("DISABLED")),
    ];
    for (key, value) in defaults {
        body.entry(key).or_insert(value);
    }
    let is_daemon = body.get("schedulingStrategy") == Some(&json!("DAEMON"));
    let (low, high) = if is_daemon { (0, 100) } else { (100, 200) };
    let configuration = body.entry("deploymentConfiguration").or_insert_with(|| json!({}));
    for (key, value) in [
        ("minimumHealthyPercent", json!(low)),
        ("maximumPercent", json!(high)),
        ("deploymentCircuitBreaker", json!({ "enable": false, "rollback": false })),
        ("strategy", json!("ROLLING")),
        ("bakeTimeInMinutes", json!(0)),
    ] {
        super::super::json::default(configuration, key, value);
    }
    if let Some(network) =
        body.get_mut("networkConfiguration").and_then(|it| it.get_mut("awsvpcConfiguration"))
    {
        super::super::json::default(network, "securityGroups", json!([]));
        super::super::json::default(network, "assignPublicIp", json!("DISABLED"));
    }
}

/// A new deployment of a service's members.
pub(super) fn deployment(state: &mut State, whole: &Value, definition: &str) -> Deployment {
    let number = state.next();
    let id = format!("ecs-svc/{:019}", 1_000_000_000_000_000_000 + number);
    let mut body = pick(whole, OF_DEPLOYMENT);
    if body.get("launchType") == Some(&json!("FARGATE")) {
        body.insert("platformVersion".to_owned(), json!("1.4.0"));
        body.insert("platformFamily".to_owned(), json!("Linux"));
    }
    body.insert("taskDefinition".to_owned(), json!(definition));
    Deployment {
        reason: format!("ECS deployment {id} in progress."),
        id,
        body,
        rollout: Rollout::InProgress,
        failed: 0,
        created: now(),
        updated: now(),
    }
}

/// `DeleteService`: of a service with a desired count only by force. It drains, and its name is blocked until it is gone.
pub(super) fn delete(state: &mut State, input: &Value) -> Answer {
    let named = text_or_empty(input, "service").to_owned();
    let force = flag(input, "force");
    let cluster = state.cluster(input)?;
    let service = cluster.service(&named).filter(|service| service.status != ServiceStatus::Inactive);
    let service = service.ok_or_else(not_found)?;
    if service.status == ServiceStatus::Active {
        if service.desired > 0 && !force {
            return Err(ApiError::invalid("The service cannot be stopped while it is scaled above 0."));
        }
        service.status = ServiceStatus::Draining;
        service.since = Instant::now();
        service.desired = 0;
    }
    let name = service.name.clone();
    let service = &cluster.services[&name];
    Ok(json!({ "service": service_shape(cluster, service, true) }))
}

pub(super) fn not_found() -> ApiError {
    ApiError::new("ServiceNotFoundException", "Service not found.")
}

/// `DescribeServices`: ten at most. Draining and inactive ones are shown too.
pub(super) fn describe(state: &mut State, input: &Value) -> Answer {
    let named: Vec<&str> = texts(input, "services").collect();
    if named.is_empty() || named.len() > 10 {
        return Err(ApiError::invalid("There must be 1 to 10 services."));
    }
    let with_tags = texts(input, "include").any(|what| what == "TAGS");
    let (prefix, cluster_name) = (state.arn("service"), state.cluster(input)?.name.clone());
    let cluster = state.cluster(input)?;
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for name in named {
        let short = name.rsplit('/').next().unwrap_or(name);
        match cluster.services.get(short) {
            Some(service) => found.push(service_shape(cluster, service, with_tags)),
            None => failures
                .push(json!({ "arn": format!("{prefix}/{cluster_name}/{short}"), "reason": "MISSING" })),
        }
    }
    Ok(json!({ "services": found, "failures": failures }))
}

/// `ListServices`: those that are active, ten a page where nothing is said.
pub(super) fn list_all(state: &mut State, input: &Value) -> Answer {
    let (launch_type, scheduling) = (text(input, "launchType"), text(input, "schedulingStrategy"));
    let is = |service: &Service, key: &str, wanted: Option<&str>| {
        wanted.is_none_or(|wanted| service.body.get(key).and_then(Value::as_str) == Some(wanted))
    };
    let cluster = state.cluster(input)?;
    let shown = cluster.services.values().filter(|service| {
        service.status == ServiceStatus::Active
            && is(service, "launchType", launch_type)
            && is(service, "schedulingStrategy", scheduling)
    });
    page(input, "serviceArns", 10, shown.map(|service| json!(service.arn)).collect())
}
