//! Task definitions: revisions of families.

use serde_json::{Value, json};

use super::super::error::{Answer, ApiError};
use super::super::json::{default, flag, list, pick, text, text_or_empty, texts};
use super::super::state::{Definition, State, family_and_revision, now};
use super::definition_rules::require_legal;
use super::paging::page;
use super::tags;

/// What a request gives and a definition shows as it is.
const GIVEN: &[&str] = &[
    "taskRoleArn",
    "executionRoleArn",
    "networkMode",
    "containerDefinitions",
    "volumes",
    "placementConstraints",
    "requiresCompatibilities",
    "cpu",
    "memory",
    "pidMode",
    "ipcMode",
    "proxyConfiguration",
    "inferenceAccelerators",
    "ephemeralStorage",
    "runtimePlatform",
    "enableFaultInjection",
];

/// `RegisterTaskDefinition`: always a new revision, of equal content too.
pub(super) fn register(state: &mut State, input: &Value) -> Answer {
    require_legal(input)?;
    tags::require_legal(list(input, "tags"))?;
    let family = text_or_empty(input, "family").to_owned();
    let revision = state.families.get(&family).map_or(1, |revisions| revisions.len() + 1);
    let mut body = Value::Object(pick(input, GIVEN));
    fill_in(&mut body);
    body["family"] = json!(family);
    body["revision"] = json!(revision);
    body["taskDefinitionArn"] = json!(state.arn(&format!("task-definition/{family}:{revision}")));
    body["status"] = json!("ACTIVE");
    body["registeredAt"] = json!(now());
    body["registeredBy"] = json!(format!("arn:aws:iam::{}:root", state.account));
    body["compatibilities"] = json!(compatibilities(input));
    if body.to_string().len() > 65_536 {
        return Err(ApiError::client("Max allowed length of a task definition is '65536' bytes."));
    }
    let definition = Definition { body, tags: list(input, "tags").to_vec(), is_deleted: false };
    let answer = shape(&definition, true);
    state.families.entry(family).or_default().push(definition);
    Ok(answer)
}

/// What ECS adds of its own.
fn fill_in(body: &mut Value) {
    for key in ["volumes", "placementConstraints", "requiresAttributes"] {
        default(body, key, json!([]));
    }
    let is_awsvpc = text(body, "networkMode") == Some("awsvpc");
    for volume in body["volumes"].as_array_mut().into_iter().flatten() {
        let kinds = ["efsVolumeConfiguration", "dockerVolumeConfiguration", "configuredAtLaunch"];
        if kinds.iter().all(|kind| volume.get(kind).is_none()) {
            default(volume, "host", json!({}));
        }
        if let Some(efs) = volume.get_mut("efsVolumeConfiguration") {
            default(efs, "rootDirectory", json!("/"));
        }
    }
    for container in body["containerDefinitions"].as_array_mut().into_iter().flatten() {
        default(container, "cpu", json!(0));
        default(container, "essential", json!(true));
        for key in ["portMappings", "environment", "mountPoints", "volumesFrom", "systemControls"] {
            default(container, key, json!([]));
        }
        for port in container["portMappings"].as_array_mut().into_iter().flatten() {
            let same = port.get("containerPort").cloned().unwrap_or_default();
            default(port, "hostPort", if is_awsvpc { same } else { json!(0) });
            default(port, "protocol", json!("tcp"));
        }
        if let Some(check) = container.get_mut("healthCheck") {
            for (key, value) in [("interval", 30), ("timeout", 5), ("retries", 3)] {
                default(check, key, json!(value));
            }
        }
        if let Some(logs) = container.get_mut("logConfiguration") {
            default(logs, "options", json!({}));
            default(logs, "secretOptions", json!([]));
        }
    }
}

fn compatibilities(input: &Value) -> Vec<&str> {
    let can_fargate = text(input, "networkMode") == Some("awsvpc")
        && text(input, "cpu").is_some()
        && text(input, "memory").is_some()
        && list(input, "containerDefinitions").iter().all(|container| !flag(container, "privileged"));
    let mut found = vec!["EC2"];
    if can_fargate || texts(input, "requiresCompatibilities").any(|name| name == "FARGATE") {
        found.push("FARGATE");
    }
    found
}

/// `DeregisterTaskDefinition`: what runs by it goes on running.
pub(super) fn deregister(state: &mut State, input: &Value) -> Answer {
    let named = text_or_empty(input, "taskDefinition");
    let definition = exact(state, named)?;
    if text(&definition.body, "status") == Some("ACTIVE") {
        definition.body["status"] = json!("INACTIVE");
        definition.body["deregisteredAt"] = json!(now());
    }
    Ok(json!({ "taskDefinition": definition.body }))
}

/// `DeleteTaskDefinitions`: of such as are inactive.
pub(super) fn delete(state: &mut State, input: &Value) -> Answer {
    if list(input, "taskDefinitions").len() > 10 {
        return Err(ApiError::invalid("The number of task definitions must be at most 10."));
    }
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for named in texts(input, "taskDefinitions") {
        match exact(state, named) {
            Ok(definition) if definition.is_active() => {
                let reason = "The specified task definition is still in ACTIVE status. Please deregister the target and try again.";
                failures.push(json!({ "arn": named, "reason": reason }));
            }
            Ok(definition) => {
                definition.is_deleted = true;
                definition.body["status"] = json!("DELETE_IN_PROGRESS");
                definition.body["deleteRequestedAt"] = json!(now());
                found.push(definition.body.clone());
            }
            Err(error) => failures.push(json!({ "arn": named, "reason": error.message })),
        }
    }
    Ok(json!({ "taskDefinitions": found, "failures": failures }))
}

/// `DescribeTaskDefinition`.
pub(super) fn describe(state: &State, input: &Value) -> Answer {
    let named = text_or_empty(input, "taskDefinition");
    let found = state.definition(named).ok_or_else(unknown)?;
    Ok(shape(found, texts(input, "include").any(|what| what == "TAGS")))
}

/// `ListTaskDefinitions`.
pub(super) fn list_all(state: &State, input: &Value) -> Answer {
    let (family, status) = (text(input, "familyPrefix"), text(input, "status").unwrap_or("ACTIVE"));
    let families = state.families.iter().filter(|(name, _)| family.is_none_or(|family| family == *name));
    let revisions = families.flat_map(|(_, revisions)| revisions);
    let of_status = revisions.filter(|found| text(&found.body, "status") == Some(status));
    let mut arns: Vec<Value> = of_status.map(|definition| json!(definition.arn())).collect();
    if text(input, "sort") == Some("DESC") {
        arns.reverse();
    }
    page(input, "taskDefinitionArns", 100, arns)
}

/// `ListTaskDefinitionFamilies`.
pub(super) fn list_families(state: &State, input: &Value) -> Answer {
    let prefix = text_or_empty(input, "familyPrefix");
    let status = text(input, "status").unwrap_or("ALL");
    let shown = state.families.iter().filter(|(name, revisions)| {
        let is_active = revisions.iter().any(Definition::is_active);
        let has_status = match status {
            "ACTIVE" => is_active,
            "INACTIVE" => !is_active,
            _ => true,
        };
        name.starts_with(prefix) && has_status && revisions.iter().any(|found| !found.is_deleted)
    });
    page(input, "families", 100, shown.map(|(name, _)| json!(name)).collect())
}

/// A definition that is named with its revision.
fn exact<'a>(state: &'a mut State, named: &str) -> Answer<&'a mut Definition> {
    let (family, revision) = family_and_revision(named);
    let Some(revision) = revision else {
        return Err(ApiError::client("An invalid revision number was specified. Number: null"));
    };
    let at = usize::try_from(revision).ok().and_then(|revision| revision.checked_sub(1));
    let found = state.families.get_mut(family).zip(at).and_then(|(revisions, at)| revisions.get_mut(at));
    found
        .filter(|found| !found.is_deleted)
        .ok_or_else(|| ApiError::client("The specified task definition does not exist."))
}

fn unknown() -> ApiError {
    ApiError::client("Unable to describe task definition.")
}

fn shape(definition: &Definition, with_tags: bool) -> Value {
    let mut answer = json!({ "taskDefinition": definition.body });
    if with_tags {
        answer["tags"] = json!(definition.tags);
    }
    answer
}
