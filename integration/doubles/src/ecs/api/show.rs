//! Services and deployments as the API shows them.

use serde_json::{Map, Value, json};

use super::super::state::{Cluster, Deployment, Service, ServiceStatus, Task, TaskStatus};

/// As in `Service`.
pub(super) fn service_shape(cluster: &Cluster, service: &Service, with_tags: bool) -> Value {
    let tasks: Vec<&Task> = cluster.tasks_of(&service.name).collect();
    let mut body: Map<String, Value> = service.body.clone();
    let deployments: Vec<Value> = if service.status == ServiceStatus::Inactive {
        Vec::new()
    } else {
        let shown = service.deployments.iter().enumerate();
        shown.map(|(number, deployment)| deployment_shape(service, deployment, number, &tasks)).collect()
    };
    let members = json!({
        "serviceName": service.name,
        "serviceArn": service.arn,
        "clusterArn": cluster.arn,
        "status": service.status.as_str(),
        "desiredCount": service.desired,
        "runningCount": count(&tasks, None, &[TaskStatus::Running]),
        "pendingCount": count(&tasks, None, &[TaskStatus::Provisioning, TaskStatus::Pending]),
        "deployments": deployments,
        "events": service.events,
    });
    body.extend(members.as_object().cloned().unwrap_or_default());
    if with_tags {
        body.insert("tags".to_owned(), json!(service.tags));
    }
    Value::Object(body)
}

/// As in `Deployment`; the first is the primary one.
pub(in super::super) fn deployment_shape(
    service: &Service,
    deployment: &Deployment,
    number: usize,
    tasks: &[&Task],
) -> Value {
    let mut body = deployment.body.clone();
    let running = count(tasks, Some(&deployment.id), &[TaskStatus::Running]);
    let members = json!({
        "id": deployment.id,
        "status": if number == 0 { "PRIMARY" } else { "ACTIVE" },
        "desiredCount": if number == 0 { service.desired } else { running as u64 },
        "runningCount": running,
        "pendingCount": count(tasks, Some(&deployment.id), &[TaskStatus::Provisioning, TaskStatus::Pending]),
        "failedTasks": deployment.failed,
        "createdAt": deployment.created,
        "updatedAt": deployment.updated,
        "rolloutState": deployment.rollout.as_str(),
        "rolloutStateReason": deployment.reason,
    });
    body.extend(members.as_object().cloned().unwrap_or_default());
    Value::Object(body)
}

fn count(tasks: &[&Task], deployment: Option<&str>, wanted: &[TaskStatus]) -> usize {
    let of = |task: &Task| {
        deployment.is_none_or(|id| task.service.as_ref().is_some_and(|(_, deployment)| deployment == id))
    };
    tasks.iter().filter(|task| wanted.contains(&task.status) && of(task)).count()
}
