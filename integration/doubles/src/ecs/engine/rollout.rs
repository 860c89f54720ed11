//! Rolling updates of services.

use std::time::Instant;

use serde_json::{Value, json};

use super::super::api::{New, place};
use super::super::state::{Rollout, Service, ServiceStatus, State, Task, TaskStatus, now as seconds};
use super::breaker;

/// Lets a service go on: starts the tasks that its primary deployment lacks, stops those of others.
pub(super) fn step(state: &mut State, cluster: &str, service: &str, now: Instant) {
    let Some(found) = state.clusters.get_mut(cluster).and_then(|cluster| cluster.services.get_mut(service))
    else {
        return;
    };
    match found.status {
        ServiceStatus::Inactive => {}
        ServiceStatus::Draining => drain(state, cluster, service, now),
        ServiceStatus::Active => {
            count_daemons(state, cluster, service);
            start_missing(state, cluster, service, now);
            stop_surplus(state, cluster, service);
            complete(state, cluster, service);
        }
    }
}

/// A draining service stops its tasks; without tasks, and after a while, it is inactive.
fn drain(state: &mut State, cluster: &str, service: &str, now: Instant) {
    let pace = state.pace;
    let Some(cluster) = state.clusters.get_mut(cluster) else { return };
    for task in cluster.tasks.values_mut().filter(|task| of(task, service) && task.is_live()) {
        stop(task, "Service was deleted");
    }
    let has_tasks = cluster.tasks_of(service).next().is_some();
    let Some(found) = cluster.services.get_mut(service) else { return };
    if !has_tasks && now.duration_since(found.since) >= pace.draining {
        found.status = ServiceStatus::Inactive;
        found.since = now;
    }
}

/// A daemon service wants a task on each container instance.
fn count_daemons(state: &mut State, cluster: &str, service: &str) {
    let Some(cluster) = state.clusters.get_mut(cluster) else { return };
    let instances = cluster.instances.len() as u64;
    if let Some(found) = cluster.services.get_mut(service).filter(|found| found.is_daemon()) {
        found.desired = instances;
    }
}

/// How many tasks there may be at most and must be healthy at least.
///
/// Source: Amazon ECS API reference, `DeploymentConfiguration`: the one rounded down, the other up.
fn bounds(service: &Service) -> (u64, u64) {
    let (low, high) = if service.is_daemon() { (0, 100) } else { (100, 200) };
    let low = service.percent("minimumHealthyPercent").unwrap_or(low);
    let high = service.percent("maximumPercent").unwrap_or(high);
    (service.desired * high / 100, (service.desired * low).div_ceil(100))
}

fn start_missing(state: &mut State, cluster: &str, service: &str, now: Instant) {
    let Some(found) = state.clusters.get(cluster) else { return };
    let Some(of_service) = found.services.get(service) else { return };
    let Some(primary) = of_service.deployments.first() else { return };
    if primary.rollout == Rollout::Failed || now < of_service.not_before {
        return;
    }
    let id = primary.id.clone();
    let live: Vec<&Task> = found.tasks_of(service).filter(|task| task.is_live()).collect();
    let of_primary = live.iter().filter(|task| is_of(task, &id)).count() as u64;
    let room = bounds(of_service).0.max(1).saturating_sub(live.len() as u64);
    let missing = of_service.desired.saturating_sub(of_primary).min(room);
    let mut started = Vec::new();
    for _ in 0..missing {
        match start(state, cluster, service) {
            Some(id) => started.push(id),
            None => return note_unplaced(state, cluster, service, now),
        }
    }
    if let Some(service) = state.clusters.get_mut(cluster).and_then(|found| found.services.get_mut(service))
        && !started.is_empty()
    {
        let tasks: Vec<String> = started.iter().map(|id| format!("(task {id})")).collect();
        let message =
            format!("(service {}) has started {} tasks: {}.", service.name, started.len(), tasks.join(" "));
        service.event(&message);
    }
}

/// Starts a task of the primary deployment and gives its id; none when there is no place for it.
fn start(state: &mut State, cluster: &str, service: &str) -> Option<String> {
    let found = state.clusters.get(cluster)?;
    let of_service = found.services.get(service)?;
    let primary = of_service.deployments.first()?;
    let named = primary.body.get("taskDefinition").and_then(Value::as_str)?;
    // A definition that was deregistered meanwhile goes on serving.
    let definition = state.definition(named)?.clone();
    let on_instances = is_on_instances(&primary.body);
    let instance = if on_instances { Some(free_instance(state, cluster, service)?) } else { None };
    let mut members = Value::Object(primary.body.clone());
    members["startedBy"] = json!(primary.id);
    members["group"] = json!(format!("service:{service}"));
    members["enableExecuteCommand"] =
        of_service.body.get("enableExecuteCommand").cloned().unwrap_or_default();
    let tags = task_tags(of_service, &definition.tags, cluster);
    let for_service = Some((service.to_owned(), primary.id.clone()));
    let new =
        New { cluster, definition: &definition, members: &members, service: for_service, instance, tags };
    let arn = place(state, new)?;
    arn.rsplit('/').next().map(str::to_owned)
}

fn is_on_instances(deployment: &serde_json::Map<String, Value>) -> bool {
    let launch_type = deployment.get("launchType").and_then(Value::as_str);
    let strategy = deployment.get("capacityProviderStrategy").and_then(Value::as_array);
    let provider = strategy.and_then(|all| all.first()?.get("capacityProvider")?.as_str());
    match (launch_type, provider) {
        (Some(launch_type), _) => launch_type == "EC2",
        (None, provider) => !provider.is_some_and(|name| name.starts_with("FARGATE")),
    }
}

/// The container instance with the fewest tasks; of a daemon service one without a task of the primary deployment.
fn free_instance(state: &State, cluster: &str, service: &str) -> Option<String> {
    let cluster = state.clusters.get(cluster)?;
    let of_service = cluster.services.get(service)?;
    let primary = &of_service.deployments.first()?.id;
    let on = |arn: &str, is_counted: &dyn Fn(&Task) -> bool| {
        let here = |task: &&Task| task.body["containerInstanceArn"] == json!(arn) && task.is_live();
        cluster.tasks.values().filter(here).filter(|task| is_counted(task)).count()
    };
    let is_free = |arn: &str| {
        !of_service.is_daemon() || on(arn, &|task| of(task, service) && is_of(task, primary)) == 0
    };
    let free = cluster.instances.iter().filter(|instance| is_free(&instance.arn));
    free.min_by_key(|instance| on(&instance.arn, &|_| true)).map(|instance| instance.arn.clone())
}

fn task_tags(service: &Service, of_definition: &[Value], cluster: &str) -> Vec<Value> {
    let mut tags = match service.body.get("propagateTags").and_then(Value::as_str) {
        Some("SERVICE") => service.tags.clone(),
        Some("TASK_DEFINITION") => of_definition.to_vec(),
        _ => Vec::new(),
    };
    if service.body.get("enableECSManagedTags") == Some(&json!(true)) {
        tags.push(json!({ "key": "aws:ecs:clusterName", "value": cluster }));
        tags.push(json!({ "key": "aws:ecs:serviceName", "value": service.name }));
    }
    tags
}

/// Source: Amazon ECS developer guide, "Service event messages".
fn note_unplaced(state: &mut State, cluster: &str, service: &str, now: Instant) {
    let pace = state.pace;
    let Some(cluster) = state.clusters.get_mut(cluster) else { return };
    let has_instances = !cluster.instances.is_empty();
    let Some(service) = cluster.services.get_mut(service) else { return };
    let Some(primary) = service.deployments.first() else { return };
    let why = match (is_on_instances(&primary.body), has_instances) {
        (false, _) => {
            "was unable to place a task. Reason: Capacity is unavailable at this time. Please try again later or in a different availability zone."
        }
        (true, false) => {
            "was unable to place a task because no container instance met all of its requirements. Reason: No Container Instances were found in your cluster. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
        }
        (true, true) => {
            "was unable to place a task because no container instance met all of its requirements. The closest matching container-instance has insufficient CPU units available. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
        }
    };
    let (message, id) = (format!("(service {}) {why}", service.name), primary.id.clone());
    service.event(&message);
    breaker::note_failure(service, &id, &pace, now);
}

fn stop_surplus(state: &mut State, cluster: &str, service: &str) {
    let Some(cluster) = state.clusters.get_mut(cluster) else { return };
    let Some(of_service) = cluster.services.get(service) else { return };
    let Some(primary) = of_service.deployments.first().map(|primary| primary.id.clone()) else { return };
    let (_, low) = bounds(of_service);
    let desired = of_service.desired;
    let mut healthy = cluster.tasks_of(service).filter(|task| is_healthy(task)).count() as u64;
    let mut of_primary =
        cluster.tasks_of(service).filter(|task| task.is_live() && is_of(task, &primary)).count() as u64;
    let mut stopped = Vec::new();
    for task in cluster.tasks.values_mut().filter(|task| of(task, service) && task.is_live()) {
        let is_surplus = if is_of(task, &primary) { of_primary > desired } else { true };
        let costs = u64::from(is_healthy(task));
        if !is_surplus || healthy.saturating_sub(costs) < low.min(desired) && costs > 0 {
            continue;
        }
        healthy -= costs;
        of_primary -= u64::from(is_of(task, &primary));
        stop(task, &format!("Scaling activity initiated by (deployment {primary})"));
        stopped.push(format!("(task {})", task.id));
    }
    if !stopped.is_empty()
        && let Some(found) = cluster.services.get_mut(service)
    {
        found.event(&format!(
            "(service {service}) has stopped {} running tasks: {}.",
            stopped.len(),
            stopped.join(" ")
        ));
    }
}

fn stop(task: &mut Task, reason: &str) {
    task.must_stop = true;
    task.body["stopCode"] = json!("ServiceSchedulerInitiated");
    task.body["stoppedReason"] = json!(reason);
}

/// A deployment whose tasks all run, and beside which no other has tasks, is completed.
fn complete(state: &mut State, cluster: &str, service: &str) {
    let Some(cluster) = state.clusters.get_mut(cluster) else { return };
    let Some(of_service) = cluster.services.get(service) else { return };
    let Some(primary) = of_service.deployments.first().map(|primary| primary.id.clone()) else { return };
    let healthy = cluster.tasks_of(service).filter(|task| is_healthy(task) && is_of(task, &primary)).count();
    let busy: Vec<String> = cluster
        .tasks_of(service)
        .filter_map(|task| task.service.as_ref().map(|(_, id)| id.clone()))
        .collect();
    let Some(of_service) = cluster.services.get_mut(service) else { return };
    let is_complete = healthy as u64 == of_service.desired && busy.iter().all(|id| *id == primary);
    let has_failed = of_service.deployments.first().is_some_and(|found| found.rollout == Rollout::Failed);
    if has_failed {
        return of_service.deployments.retain(|found| found.id == primary || busy.contains(&found.id));
    }
    if !is_complete {
        of_service.is_steady = false;
        return;
    }
    of_service.deployments.truncate(1);
    if let Some(found) = of_service.deployments.first_mut()
        && found.rollout == Rollout::InProgress
    {
        found.rollout = Rollout::Completed;
        found.reason = format!("ECS deployment {primary} completed.");
        found.updated = seconds();
        of_service.good = of_service.deployments.first().cloned();
        of_service.event(&format!("(service {service}) (deployment {primary}) deployment completed."));
    }
    if !std::mem::replace(&mut of_service.is_steady, true) {
        of_service.event(&format!("(service {service}) has reached a steady state."));
    }
}

fn of(task: &Task, service: &str) -> bool {
    task.status != TaskStatus::Stopped && task.service.as_ref().is_some_and(|(name, _)| name == service)
}

fn is_of(task: &Task, deployment: &str) -> bool {
    task.service.as_ref().is_some_and(|(_, id)| id == deployment)
}

fn is_healthy(task: &Task) -> bool {
    task.is_live() && task.is_settled && task.status == TaskStatus::Running
}
