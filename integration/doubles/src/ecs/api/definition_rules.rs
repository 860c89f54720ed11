//! What ECS refuses in a task definition.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::error::{Answer, ApiError};
use super::super::json::{flag, list, number, text, text_or_empty, texts};
use super::fargate;

/// Refuses what ECS refuses at `RegisterTaskDefinition`.
///
/// Source: Amazon ECS API reference, `RegisterTaskDefinition`, `ContainerDefinition`; developer guide, "Task definition
/// differences for Fargate".
pub(super) fn require_legal(input: &Value) -> Answer<()> {
    if !is_name(text_or_empty(input, "family")) {
        return Err(ApiError::client(
            "Family contains invalid characters. It can have 255 letters, digits, hyphens and underscores.",
        ));
    }
    let containers = list(input, "containerDefinitions");
    if containers.is_empty() {
        return Err(ApiError::client("Container list cannot be empty."));
    }
    if containers.iter().all(|container| container.get("essential") == Some(&Value::Bool(false))) {
        return Err(ApiError::client("No essential containers defined in task definition."));
    }
    let mut names = BTreeSet::new();
    for container in containers {
        if !names.insert(text_or_empty(container, "name")) {
            return Err(ApiError::client("Container.name should be unique within a task definition."));
        }
        require_container(input, container)?;
        require_check(container)?;
        require_mounts(input, container)?;
        require_dependencies(containers, container)?;
    }
    require_memory(input, containers)?;
    if text(input, "networkMode") == Some("awsvpc") {
        containers.iter().try_for_each(require_for_awsvpc)?;
    }
    if texts(input, "requiresCompatibilities").any(|name| name == "FARGATE") {
        require_for_fargate(input, containers)?;
    }
    Ok(())
}

pub(super) fn is_name(name: &str) -> bool {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
    (1..=255).contains(&name.len()) && name.chars().all(is_plain)
}

fn require_container(input: &Value, container: &Value) -> Answer<()> {
    let name = text_or_empty(container, "name");
    if name.is_empty() {
        return Err(ApiError::client("Container.name should not be null or empty."));
    }
    if !is_name(name) {
        return Err(ApiError::client(format!("Invalid container name '{name}'.")));
    }
    if text_or_empty(container, "image").is_empty() {
        return Err(ApiError::client("Container.image should not be null or empty."));
    }
    let mut seen: BTreeSet<&str> =
        list(container, "environment").iter().map(|variable| text_or_empty(variable, "name")).collect();
    for secret in list(container, "secrets") {
        let variable = text_or_empty(secret, "name");
        if !seen.insert(variable) {
            return Err(ApiError::client(format!(
                "The secret name must be unique and not shared with any new or existing environment variables set on the container, such as '{variable}'."
            )));
        }
        if text(input, "executionRoleArn").is_none() {
            return Err(ApiError::client(
                "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.",
            ));
        }
    }
    if number(container, "stopTimeout").is_some_and(|seconds| seconds > 120) && is_fargate(input) {
        return Err(ApiError::client("The stopTimeout of a container on Fargate is 120 seconds at most."));
    }
    Ok(())
}

fn require_check(container: &Value) -> Answer<()> {
    let Some(check) = container.get("healthCheck") else { return Ok(()) };
    let name = text_or_empty(container, "name");
    for (key, low, high) in
        [("interval", 5, 300), ("timeout", 2, 60), ("retries", 1, 10), ("startPeriod", 0, 300)]
    {
        if number(check, key).is_some_and(|value| !(low..=high).contains(&value)) {
            return Err(ApiError::client(format!(
                "Invalid setting for container '{name}'. Health check {key} must be between {low} and {high}."
            )));
        }
    }
    match texts(check, "command").next() {
        Some("CMD" | "CMD-SHELL" | "NONE") => Ok(()),
        _ => Err(ApiError::client(format!(
            "Invalid setting for container '{name}'. The health check command must begin with CMD, CMD-SHELL or NONE."
        ))),
    }
}

fn require_mounts(input: &Value, container: &Value) -> Answer<()> {
    let volumes: BTreeSet<&str> =
        list(input, "volumes").iter().map(|volume| text_or_empty(volume, "name")).collect();
    let mut paths = BTreeSet::new();
    for mount in list(container, "mountPoints") {
        let (volume, path) = (text_or_empty(mount, "sourceVolume"), text_or_empty(mount, "containerPath"));
        if !volumes.contains(volume) {
            return Err(ApiError::client(format!("Unknown volume '{volume}'.")));
        }
        if !paths.insert(path) {
            return Err(ApiError::client(format!("Duplicate mount point '{path}'.")));
        }
    }
    Ok(())
}

fn require_dependencies(containers: &[Value], container: &Value) -> Answer<()> {
    for dependency in list(container, "dependsOn") {
        let (name, condition) =
            (text_or_empty(dependency, "containerName"), text_or_empty(dependency, "condition"));
        let Some(other) = containers.iter().find(|other| text(other, "name") == Some(name)) else {
            return Err(ApiError::client(format!("The container dependency '{name}' does not exist.")));
        };
        if name == text_or_empty(container, "name") {
            return Err(ApiError::client(format!("The container '{name}' cannot depend on itself.")));
        }
        let is_essential = other.get("essential") != Some(&Value::Bool(false));
        if is_essential && ["SUCCESS", "COMPLETE"].contains(&condition) {
            return Err(ApiError::client(format!(
                "A dependency with the condition {condition} cannot be on the essential container '{name}'."
            )));
        }
        if condition == "HEALTHY" && other.get("healthCheck").is_none() {
            return Err(ApiError::client(format!("The container '{name}' has no health check.")));
        }
    }
    if is_cyclic(containers, text_or_empty(container, "name"), &mut Vec::new()) {
        return Err(ApiError::client("The container dependencies are circular."));
    }
    Ok(())
}

fn is_cyclic<'a>(containers: &'a [Value], name: &'a str, above: &mut Vec<&'a str>) -> bool {
    if above.contains(&name) {
        return true;
    }
    above.push(name);
    let found = containers.iter().find(|container| text(container, "name") == Some(name));
    let dependencies = found.map(|container| list(container, "dependsOn")).unwrap_or_default();
    let cyclic = dependencies
        .iter()
        .any(|dependency| is_cyclic(containers, text_or_empty(dependency, "containerName"), above));
    above.pop();
    cyclic
}

fn require_memory(input: &Value, containers: &[Value]) -> Answer<()> {
    let whole = text(input, "memory").and_then(fargate::memory);
    let mut sum = 0;
    for container in containers {
        let name = text_or_empty(container, "name");
        let (hard, soft) = (number(container, "memory"), number(container, "memoryReservation"));
        let invalid =
            |why: &str| Err(ApiError::client(format!("Invalid setting for container '{name}'. {why}")));
        if whole.is_none() && hard.is_none() && soft.is_none() {
            return invalid("At least one of 'memory' or 'memoryReservation' must be specified.");
        }
        if hard.is_some_and(|hard| hard < 6) || soft.is_some_and(|soft| soft < 6) {
            return invalid("The memory must be at least 6 MiB.");
        }
        if hard.zip(soft).is_some_and(|(hard, soft)| soft >= hard) {
            return invalid("'memory' must be greater than 'memoryReservation'.");
        }
        if whole.zip(hard).is_some_and(|(whole, hard)| hard > whole) {
            return invalid("The memory is greater than that of the task.");
        }
        sum += soft.or(hard).unwrap_or_default();
    }
    if whole.is_some_and(|whole| sum > whole) {
        return Err(ApiError::client("The memory of all containers is greater than that of the task."));
    }
    Ok(())
}

fn require_for_awsvpc(container: &Value) -> Answer<()> {
    for port in list(container, "portMappings") {
        let (inside, outside) = (number(port, "containerPort"), number(port, "hostPort"));
        if outside.is_some_and(|outside| outside != 0 && Some(outside) != inside) {
            return Err(ApiError::client(
                "When networkMode=awsvpc, the host ports and container ports in port mappings must match.",
            ));
        }
    }
    for key in ["links", "hostname", "dnsServers", "dnsSearchDomains", "extraHosts"] {
        if container.get(key).is_some_and(|value| value.as_array().is_none_or(|list| !list.is_empty())) {
            return Err(ApiError::client(format!("{key} is not supported when networkMode=awsvpc.")));
        }
    }
    Ok(())
}

fn is_fargate(input: &Value) -> bool {
    texts(input, "requiresCompatibilities").any(|name| name == "FARGATE")
}

fn require_for_fargate(input: &Value, containers: &[Value]) -> Answer<()> {
    if text(input, "networkMode") != Some("awsvpc") {
        return Err(ApiError::client("Fargate only supports network mode 'awsvpc'."));
    }
    let (Some(cpu), Some(memory)) = (text(input, "cpu"), text(input, "memory")) else {
        return Err(ApiError::client(
            "Fargate requires that 'cpu' and 'memory' be defined at the task level.",
        ));
    };
    let size = fargate::cpu(cpu).zip(fargate::memory(memory));
    if !size.is_some_and(|(cpu, memory)| fargate::has_size(cpu, memory)) {
        return Err(ApiError::client("No Fargate configuration exists for given values."));
    }
    let refuse = |what: &str| {
        Err(ApiError::client(format!("Fargate compatible task definitions do not support {what}.")))
    };
    if !list(input, "placementConstraints").is_empty() {
        return refuse("placement constraints");
    }
    for volume in list(input, "volumes") {
        if volume.pointer("/host/sourcePath").is_some() {
            return refuse("sourcePath");
        }
        if volume.get("dockerVolumeConfiguration").is_some() {
            return refuse("docker volumes");
        }
    }
    if let Some(size) = input.get("ephemeralStorage").and_then(|storage| number(storage, "sizeInGiB"))
        && !(21..=200).contains(&size)
    {
        return Err(ApiError::client("The ephemeral storage must be between 21 and 200 GiB."));
    }
    containers.iter().try_for_each(|container| require_container_for_fargate(input, container))
}

fn require_container_for_fargate(input: &Value, container: &Value) -> Answer<()> {
    let refuse = |what: &str| {
        Err(ApiError::client(format!("Fargate compatible task definitions do not support {what}.")))
    };
    if flag(container, "privileged") {
        return refuse("privileged containers");
    }
    let linux = container.get("linuxParameters").cloned().unwrap_or_default();
    if let Some(capabilities) = linux.get("capabilities")
        && texts(capabilities, "add").any(|name| name != "SYS_PTRACE")
    {
        return refuse("added capabilities other than SYS_PTRACE");
    }
    for key in ["devices", "sharedMemorySize", "maxSwap", "swappiness"] {
        if linux.get(key).is_some_and(|value| value.as_array().is_none_or(|list| !list.is_empty())) {
            return refuse(key);
        }
    }
    if list(container, "resourceRequirements").iter().any(|need| text(need, "type") == Some("GPU")) {
        return refuse("GPUs");
    }
    let driver = container.get("logConfiguration").and_then(|logs| text(logs, "logDriver"));
    if driver.is_some_and(|driver| !["awslogs", "splunk", "awsfirelens"].contains(&driver)) {
        return refuse("this log driver");
    }
    if driver == Some("awslogs") && text(input, "executionRoleArn").is_none() {
        return Err(ApiError::client(
            "Fargate requires task definition to have execution role ARN to support log driver awslogs.",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(patch: &Value, expected: &str) {
        let mut input = json!({
            "family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
            "cpu": "256", "memory": "512",
            "containerDefinitions": [{ "name": "web", "image": "nginx" }],
        });
        for (pointer, value) in patch.as_object().expect("an object") {
            let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
            input.pointer_mut(parent).expect("a parent")[key] = value.clone();
        }
        let found = require_legal(&input).err().map(|error| error.message).unwrap_or_default();
        assert!(found.contains(expected) && found.is_empty() == expected.is_empty(), "{patch}: {found:?}");
    }

    #[test]
    fn what_ecs_refuses_is_refused() {
        let container = "/containerDefinitions/0";
        check(&json!({}), "");
        check(&json!({ "/family": "a b" }), "Family contains");
        check(&json!({ "/memory": "600" }), "No Fargate configuration");
        check(&json!({ "/networkMode": "bridge" }), "network mode");
        check(&json!({ (format!("{container}/privileged")): true }), "privileged");
        check(&json!({ (format!("{container}/memory")): 1024 }), "greater than that of the task");
        check(&json!({ (format!("{container}/essential")): false }), "No essential");
        check(
            &json!({ (format!("{container}/portMappings")): [{ "containerPort": 80, "hostPort": 8080 }] }),
            "must match",
        );
        check(
            &json!({ (format!("{container}/healthCheck")): { "command": ["CMD", "x"], "interval": 2 } }),
            "interval",
        );
        check(
            &json!({ (format!("{container}/mountPoints")): [{ "sourceVolume": "a", "containerPath": "/a" }] }),
            "Unknown volume",
        );
        check(
            &json!({ (format!("{container}/dependsOn")): [{ "containerName": "web", "condition": "START" }] }),
            "itself",
        );
    }
}
