//! Tasks: started, shown and stopped.

use std::time::Instant;

use serde_json::{Map, Value, json};

use super::super::error::{Answer, ApiError};
use super::super::fates::{Fate, decide};
use super::super::json::{flag, list, number, pick, text, text_or_empty, texts};
use super::super::state::{Definition, ServiceStatus, State, Task, TaskStatus, now};
use super::paging::page;
use super::service_rules::{is_fargate, require_place};
use super::tags;

/// A task that is to be.
pub(in super::super) struct New<'a> {
    /// The cluster's name.
    pub(in super::super) cluster: &'a str,
    /// Its definition.
    pub(in super::super) definition: &'a Definition,
    /// `launchType`, `networkConfiguration`, `overrides`, `startedBy`, `group` …
    pub(in super::super) members: &'a Value,
    /// The service and the deployment that it is for.
    pub(in super::super) service: Option<(String, String)>,
    /// Its container instance.
    pub(in super::super) instance: Option<String>,
    /// Its tags.
    pub(in super::super) tags: Vec<Value>,
}

/// `RunTask`. The same client token with the same request gives the tasks that it started.
pub(super) fn run(state: &mut State, input: &Value) -> Answer {
    tags::require_legal(list(input, "tags"))?;
    let count = number(input, "count").unwrap_or(1);
    if !(1..=10).contains(&count) {
        return Err(ApiError::invalid("Count must be between 1 and 10."));
    }
    if let Some(known) = known(state, input)? {
        return Ok(known);
    }
    let named = text_or_empty(input, "taskDefinition");
    let definition =
        state.definition(named).cloned().ok_or_else(|| ApiError::client("TaskDefinition not found."))?;
    let cluster = state.cluster(input)?;
    require_place(cluster, &definition, input)?;
    let on_fargate = is_fargate(cluster, input);
    if !on_fargate && cluster.instances.is_empty() {
        return Err(ApiError::invalid("No Container Instances were found in your cluster."));
    }
    let (name, instances) = (cluster.name.clone(), cluster.instances.clone());
    let members = run_members(&definition, input, on_fargate);
    let (mut tasks, mut failures) = (Vec::new(), Vec::new());
    for number in 0..usize::try_from(count).unwrap_or_default() {
        let instance = if on_fargate { None } else { instances.get(number % instances.len().max(1)) };
        let instance = instance.map(|instance| instance.arn.clone());
        let mut of = list(input, "tags").to_vec();
        if text(input, "propagateTags") == Some("TASK_DEFINITION") {
            of.extend(definition.tags.iter().cloned());
        }
        let new = New {
            cluster: &name,
            definition: &definition,
            members: &members,
            service: None,
            instance,
            tags: of,
        };
        match place(state, new) {
            Some(arn) => tasks.push(arn),
            None => failures.push(json!({
                "reason": "Capacity is unavailable at this time. Please try again later or in a different availability zone"
            })),
        }
    }
    let cluster = state.cluster(input)?;
    if let Some(token) = text(input, "clientToken") {
        cluster.runs.insert(token.to_owned(), (input.clone(), tasks.clone()));
    }
    let shown: Vec<Value> =
        tasks.iter().filter_map(|arn| cluster.task(arn).map(|task| shape(task, true))).collect();
    Ok(json!({ "tasks": shown, "failures": failures }))
}

fn run_members(definition: &Definition, input: &Value, on_fargate: bool) -> Value {
    let mut members = input.clone();
    if list(input, "capacityProviderStrategy").is_empty() {
        members["launchType"] = json!(if on_fargate { "FARGATE" } else { "EC2" });
    }
    if text(input, "group").is_none() {
        members["group"] = json!(format!("family:{}", text_or_empty(&definition.body, "family")));
    }
    members
}

/// The tasks that an equal request started.
fn known(state: &mut State, input: &Value) -> Answer<Option<Value>> {
    let Some(token) = text(input, "clientToken") else { return Ok(None) };
    let cluster = state.cluster(input)?;
    let Some((request, arns)) = cluster.runs.get(token).cloned() else { return Ok(None) };
    if request != *input {
        return Err(ApiError::new(
            "ConflictException",
            "The client token is for a request with other parameters.",
        ));
    }
    let tasks: Vec<Value> =
        arns.iter().filter_map(|arn| cluster.task(arn).map(|task| shape(task, true))).collect();
    Ok(Some(json!({ "tasks": tasks, "failures": [] })))
}

/// Starts a task and gives its ARN; none when no place is found for it.
pub(in super::super) fn place(state: &mut State, new: New<'_>) -> Option<String> {
    let (fate, logs) = decide(&mut state.rules, &new.definition.body);
    if fate == Fate::Unplaceable {
        return None;
    }
    let number = state.next();
    let id = uuid::Uuid::now_v7().simple().to_string();
    let arn = state.arn(&format!("task/{}/{id}", new.cluster));
    let address = format!("10.0.{}.{}", number / 250 % 250, 4 + number % 250);
    let cluster_arn = state.arn(&format!("cluster/{}", new.cluster));
    let mut body = task_body(&new, &arn, &address);
    body.insert("clusterArn".to_owned(), json!(cluster_arn));
    let task = Task {
        id: id.clone(),
        arn: arn.clone(),
        service: new.service,
        definition: new.definition.arn().to_owned(),
        status: TaskStatus::Provisioning,
        since: Instant::now(),
        must_stop: false,
        fate,
        logs,
        prepared: None,
        is_settled: false,
        is_known: false,
        address,
        body: Value::Object(body),
        tags: new.tags,
    };
    state.clusters.get_mut(new.cluster)?.tasks.insert(id, task);
    Some(arn)
}

fn task_body(new: &New<'_>, arn: &str, address: &str) -> Map<String, Value> {
    let definition = &new.definition.body;
    let mut body = pick(new.members, &["launchType", "startedBy", "group", "enableExecuteCommand"]);
    let provider = list(new.members, "capacityProviderStrategy").first();
    if let Some(provider) = provider.and_then(|item| text(item, "capacityProvider")) {
        let on_fargate = provider.starts_with("FARGATE");
        body.insert("capacityProviderName".to_owned(), json!(provider));
        body.insert("launchType".to_owned(), json!(if on_fargate { "FARGATE" } else { "EC2" }));
    }
    if body.get("launchType") == Some(&json!("FARGATE")) {
        body.insert("platformVersion".to_owned(), json!("1.4.0"));
        body.insert("platformFamily".to_owned(), json!("Linux"));
    }
    if let Some(instance) = &new.instance {
        body.insert("containerInstanceArn".to_owned(), json!(instance));
    }
    let network = new.members.pointer("/networkConfiguration/awsvpcConfiguration");
    let subnet = network.and_then(|network| texts(network, "subnets").next());
    let attachment = uuid::Uuid::now_v7().to_string();
    let attachments = subnet.map_or_else(|| json!([]), |subnet| interface(&attachment, subnet, address));
    let containers: Vec<Value> = list(definition, "containerDefinitions")
        .iter()
        .map(|container| container_body(container, arn, subnet.map(|_| (attachment.as_str(), address))))
        .collect();
    let rest = json!({
        "taskArn": arn,
        "taskDefinitionArn": new.definition.arn(),
        "availabilityZone": "us-east-1a",
        "attachments": attachments,
        "attributes": [],
        "containers": containers,
        "cpu": text(definition, "cpu").unwrap_or("256"),
        "memory": text(definition, "memory").unwrap_or("512"),
        "overrides": overrides(new.members, definition),
        "createdAt": now(),
        "version": 1,
    });
    body.extend(rest.as_object().cloned().unwrap_or_default());
    body
}

fn interface(attachment: &str, subnet: &str, address: &str) -> Value {
    let details =
        [("subnetId", subnet), ("networkInterfaceId", "eni-0d0uble"), ("privateIPv4Address", address)];
    let details: Vec<Value> =
        details.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    json!([{ "id": attachment, "type": "ElasticNetworkInterface", "status": "ATTACHED", "details": details }])
}

fn container_body(container: &Value, task: &str, interface: Option<(&str, &str)>) -> Value {
    let id = uuid::Uuid::now_v7();
    let interfaces: Vec<Value> = interface
        .iter()
        .map(|(attachment, address)| json!({ "attachmentId": attachment, "privateIpv4Address": address }))
        .collect();
    json!({
        "containerArn": format!("{}/{id}", task.replace(":task/", ":container/")),
        "taskArn": task,
        "name": text_or_empty(container, "name"),
        "image": text_or_empty(container, "image"),
        "lastStatus": "PENDING",
        "networkInterfaces": interfaces,
        "healthStatus": "UNKNOWN",
        "cpu": number(container, "cpu").unwrap_or_default().to_string(),
    })
}

/// Overrides with an entry for each container, as ECS shows them.
fn overrides(members: &Value, definition: &Value) -> Value {
    let mut shown = members.get("overrides").cloned().unwrap_or_else(|| json!({}));
    let given = list(&shown, "containerOverrides").to_vec();
    let named = |name: &str| given.iter().find(|item| text(item, "name") == Some(name)).cloned();
    let containers = list(definition, "containerDefinitions").iter().map(|item| text_or_empty(item, "name"));
    let all: Vec<Value> =
        containers.map(|name| named(name).unwrap_or_else(|| json!({ "name": name }))).collect();
    shown["containerOverrides"] = json!(all);
    super::super::json::default(&mut shown, "inferenceAcceleratorOverrides", json!([]));
    shown
}

/// `StopTask`.
pub(super) fn stop(state: &mut State, input: &Value) -> Answer {
    let named = text_or_empty(input, "task");
    let reason = text(input, "reason").unwrap_or("Task stopped by user").to_owned();
    let task = state.cluster(input)?.task(named);
    let task = task.ok_or_else(|| ApiError::invalid("The referenced task was not found."))?;
    if task.status < TaskStatus::Stopping && !task.must_stop {
        task.must_stop = true;
        task.body["stopCode"] = json!("UserInitiated");
        task.body["stoppedReason"] = json!(reason);
    }
    Ok(json!({ "task": shape(task, false) }))
}

/// `DescribeTasks`: a hundred at most.
pub(super) fn describe(state: &mut State, input: &Value) -> Answer {
    let named: Vec<&str> = texts(input, "tasks").collect();
    if named.is_empty() || named.len() > 100 {
        return Err(ApiError::invalid("There must be 1 to 100 tasks."));
    }
    let with_tags = texts(input, "include").any(|what| what == "TAGS");
    let prefix = state.arn("task");
    let cluster = state.cluster(input)?;
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for name in named {
        if let Some(task) = cluster.task(name) {
            found.push(shape(task, with_tags));
        } else {
            let short = name.rsplit('/').next().unwrap_or(name);
            let arn = format!("{prefix}/{}/{short}", cluster.name);
            failures.push(json!({ "arn": arn, "reason": "MISSING" }));
        }
    }
    Ok(json!({ "tasks": found, "failures": failures }))
}

/// `ListTasks`: those that run unless others are asked for.
pub(super) fn list_all(state: &mut State, input: &Value) -> Answer {
    let wants_stopped = text(input, "desiredStatus") == Some("STOPPED");
    let (family, service, started_by) =
        (text(input, "family"), text(input, "serviceName"), text(input, "startedBy"));
    let (launch_type, instance) = (text(input, "launchType"), text(input, "containerInstance"));
    let cluster = state.cluster(input)?;
    if let Some(service) = service {
        let known = cluster.service(service).filter(|service| service.status != ServiceStatus::Inactive);
        known.ok_or_else(super::services::not_found)?;
    }
    let is =
        |task: &Task, key: &str, wanted: Option<&str>| wanted.is_none() || text(&task.body, key) == wanted;
    let short = |named: &str| named.rsplit('/').next().unwrap_or_default().to_owned();
    let shown = cluster.tasks.values().filter(|task| {
        let of_family = |family: &str| short(&task.definition).split(':').next() == Some(family);
        let of_service = |name: &str| task.service.as_ref().is_some_and(|(of, _)| *of == short(name));
        wants_stopped != task.is_live()
            && family.is_none_or(of_family)
            && service.is_none_or(of_service)
            && is(task, "startedBy", started_by)
            && is(task, "launchType", launch_type)
            && instance.is_none_or(|named| {
                text_or_empty(&task.body, "containerInstanceArn").ends_with(&short(named))
            })
    });
    page(input, "taskArns", 100, shown.map(|task| json!(task.arn)).collect())
}

/// `ExecuteCommand`: containers of the double run nothing, so all that can be told apart is why not.
pub(super) fn execute(state: &mut State, input: &Value) -> Answer {
    let named = text_or_empty(input, "task");
    let task = state.cluster(input)?.task(named);
    let task = task.ok_or_else(|| ApiError::invalid("The referenced task was not found."))?;
    if task.status != TaskStatus::Running {
        return Err(ApiError::invalid("The task is not running."));
    }
    if !flag(&task.body, "enableExecuteCommand") {
        return Err(ApiError::invalid(
            "The execute command failed because execute command was not enabled when the task was run or the execute command agent isn't running. Wait and try again or run a new task with execute command enabled and try again.",
        ));
    }
    Err(ApiError::new(
        "TargetNotConnectedException",
        "The execute command failed due to an internal error. Try again later.",
    ))
}

/// As in `Task`.
pub(in super::super) fn shape(task: &Task, with_tags: bool) -> Value {
    let mut body = task.body.clone();
    body["lastStatus"] = json!(task.status.as_str());
    body["desiredStatus"] = json!(if task.is_live() { "RUNNING" } else { "STOPPED" });
    body["tags"] = if with_tags { json!(task.tags) } else { json!([]) };
    super::super::json::default(&mut body, "healthStatus", json!("UNKNOWN"));
    super::super::json::default(&mut body, "enableExecuteCommand", json!(false));
    body
}
