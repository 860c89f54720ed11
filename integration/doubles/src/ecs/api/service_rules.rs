//! What ECS refuses in a service, and in a task that is run.

use serde_json::Value;

use super::super::error::{Answer, ApiError};
use super::super::json::{flag, list, number, text, text_or_empty, texts};
use super::super::state::{Cluster, Definition};

/// Whether tasks run on Fargate: by the launch type, the capacity providers, or the cluster's own default.
pub(super) fn is_fargate(cluster: &Cluster, input: &Value) -> bool {
    let given = list(input, "capacityProviderStrategy");
    let default = cluster.body.get("defaultCapacityProviderStrategy").and_then(Value::as_array);
    let strategy = if given.is_empty() { default.map(Vec::as_slice).unwrap_or_default() } else { given };
    match text(input, "launchType") {
        Some(launch_type) => launch_type == "FARGATE",
        None => strategy.iter().any(|item| text_or_empty(item, "capacityProvider").starts_with("FARGATE")),
    }
}

/// Refuses what neither `CreateService`, `UpdateService` nor `RunTask` takes: a definition, a network and a place to run that do
/// not go together. `input` holds the members of the whole service.
///
/// Source: Amazon ECS API reference, `CreateService`, `RunTask`.
pub(super) fn require_place(cluster: &Cluster, definition: &Definition, input: &Value) -> Answer<()> {
    if !definition.is_active() {
        return Err(ApiError::client("TaskDefinition is inactive"));
    }
    let strategy = list(input, "capacityProviderStrategy");
    if !strategy.is_empty() && text(input, "launchType").is_some() {
        return Err(ApiError::invalid(
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
        ));
    }
    let known: Vec<&str> = cluster
        .body
        .get("capacityProviders")
        .and_then(Value::as_array)
        .map_or_else(Vec::new, |providers| providers.iter().filter_map(Value::as_str).collect());
    for item in strategy {
        let provider = text_or_empty(item, "capacityProvider");
        if !known.contains(&provider) {
            return Err(ApiError::invalid(format!(
                "The specified capacity provider strategy cannot contain a capacity provider that is not associated with the cluster. The capacity provider '{provider}' is not."
            )));
        }
    }
    let is_fargate = is_fargate(cluster, input);
    if is_fargate && !texts(&definition.body, "compatibilities").any(|name| name == "FARGATE") {
        return Err(ApiError::invalid("Task definition does not support launch_type FARGATE."));
    }
    if is_fargate
        && !(list(input, "placementConstraints").is_empty() && list(input, "placementStrategy").is_empty())
    {
        return Err(ApiError::client(
            "Placement strategies and constraints are not supported with FARGATE launch type",
        ));
    }
    if text(input, "platformVersion").is_some() && !is_fargate {
        return Err(ApiError::invalid(
            "The platform version must be null when specifying an EC2 launch type.",
        ));
    }
    require_network(definition, input)
}

fn require_network(definition: &Definition, input: &Value) -> Answer<()> {
    let network = input.pointer("/networkConfiguration/awsvpcConfiguration");
    let is_awsvpc = text(&definition.body, "networkMode") == Some("awsvpc");
    if is_awsvpc && network.is_none() {
        return Err(ApiError::invalid(
            "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
        ));
    }
    if !is_awsvpc && network.is_some() {
        return Err(ApiError::invalid(
            "Network Configuration is not valid for the given networkMode of this task definition.",
        ));
    }
    let Some(network) = network else { return Ok(()) };
    if list(network, "subnets").is_empty() {
        return Err(ApiError::invalid("subnets can not be empty."));
    }
    if list(network, "subnets").len() > 16 || list(network, "securityGroups").len() > 5 {
        return Err(ApiError::invalid("There can be 16 subnets and 5 security groups at most."));
    }
    Ok(())
}

/// Refuses what a service cannot have: balancers, registries, names and percentages that do not fit its definition.
///
/// Source: Amazon ECS API reference, `CreateService`, `LoadBalancer`, `ServiceRegistry`, `DeploymentConfiguration`.
pub(super) fn require_service(cluster: &Cluster, definition: &Definition, input: &Value) -> Answer<()> {
    require_place(cluster, definition, input)?;
    let is_daemon = text(input, "schedulingStrategy") == Some("DAEMON");
    if is_daemon && is_fargate(cluster, input) {
        return Err(ApiError::invalid("The daemon scheduling strategy is not supported on Fargate."));
    }
    if is_daemon && (number(input, "desiredCount").is_some() || !list(input, "placementStrategy").is_empty())
    {
        return Err(ApiError::invalid(
            "The daemon scheduling strategy does not support a desired count or a placement strategy.",
        ));
    }
    for balancer in list(input, "loadBalancers") {
        require_port(definition, balancer, "containerPort")?;
    }
    if number(input, "healthCheckGracePeriodSeconds").is_some_and(|seconds| seconds > 0)
        && list(input, "loadBalancers").is_empty()
    {
        return Err(ApiError::invalid(
            "Health check grace period is only valid for services configured to use load balancers",
        ));
    }
    for registry in list(input, "serviceRegistries") {
        if text(registry, "containerName").is_some() {
            require_port(definition, registry, "containerPort")?;
        }
    }
    if flag(input, "enableExecuteCommand") && text(&definition.body, "taskRoleArn").is_none() {
        return Err(ApiError::invalid(
            "The service couldn't be created because a valid taskRoleArn is not being used. Specify a valid task role in your task definition and try again.",
        ));
    }
    require_percentages(input, is_daemon)?;
    require_connect(definition, input)
}

fn require_port(definition: &Definition, wanted: &Value, key: &str) -> Answer<()> {
    let (name, port) = (text_or_empty(wanted, "containerName"), number(wanted, key));
    let containers = list(&definition.body, "containerDefinitions");
    let Some(container) = containers.iter().find(|container| text(container, "name") == Some(name)) else {
        return Err(ApiError::invalid(format!(
            "The container {name} does not exist in the task definition."
        )));
    };
    let has_port =
        list(container, "portMappings").iter().any(|mapping| number(mapping, "containerPort") == port);
    if port.is_some() && !has_port {
        let port = port.unwrap_or_default();
        return Err(ApiError::invalid(format!(
            "The container {name} did not have a container port {port} defined."
        )));
    }
    Ok(())
}

fn require_percentages(input: &Value, is_daemon: bool) -> Answer<()> {
    let Some(configuration) = input.get("deploymentConfiguration") else { return Ok(()) };
    let (low, high) =
        (number(configuration, "minimumHealthyPercent"), number(configuration, "maximumPercent"));
    let (low_or, high_or) = if is_daemon { (0, 100) } else { (100, 200) };
    if low.unwrap_or(low_or) >= 100 && high.unwrap_or(high_or) <= 100 {
        return Err(ApiError::invalid(
            "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.",
        ));
    }
    if high.is_some_and(|high| !(100..=200).contains(&high))
        && !is_daemon
        && high.is_some_and(|high| high < 100)
    {
        return Err(ApiError::invalid("maximumPercent must be at least 100."));
    }
    Ok(())
}

fn require_connect(definition: &Definition, input: &Value) -> Answer<()> {
    let Some(connect) = input.get("serviceConnectConfiguration") else { return Ok(()) };
    let containers = list(&definition.body, "containerDefinitions");
    let ports: Vec<&str> = containers
        .iter()
        .flat_map(|container| list(container, "portMappings"))
        .filter_map(|mapping| text(mapping, "name"))
        .collect();
    for service in list(connect, "services") {
        let port = text_or_empty(service, "portName");
        if !ports.contains(&port) {
            return Err(ApiError::invalid(format!(
                "The portName '{port}' in the Service Connect configuration does not exist in the task definition."
            )));
        }
    }
    Ok(())
}
