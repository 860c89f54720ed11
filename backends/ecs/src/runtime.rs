//! What is asked of tasks that run.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rhumb_backend::{Error, ErrorKind, Receipt, Result, Scope, Task, TaskState};
use serde_json::{Value, json};

use crate::connect::Account;
use crate::health::reason;
use crate::kind::Kind;
use crate::marks::Tags;
use crate::members::{Member, members};
use crate::observe::{describe_services, last_segment};
use crate::pages::{each, items, text};
use crate::rollout::Rollout;

/// The most container instances of one call. Source: Amazon ECS API reference, `DescribeContainerInstances`.
const INSTANCES: usize = 100;

/// The tasks of a workload, or of all: those that are there to stay first, the newest before older ones.
///
/// # Errors
/// `NotFound` for a workload that the release does not have.
pub(crate) async fn tasks(account: &Account, scope: &Scope, workload: Option<&str>) -> Result<Vec<Task>> {
    let members = members(account, scope, workload).await?;
    let found = each(&members, |member| async move { Ok((member, member.tasks(account).await?)) }).await?;
    let nodes = nodes(account, found.iter().flat_map(|(_, tasks)| tasks)).await?;
    let mut shown: Vec<Task> = found
        .iter()
        .flat_map(|(member, tasks)| tasks.iter().map(|task| show(member, task, &nodes)))
        .collect();
    shown.sort_by(|one, other| {
        let key = |task: &Task| {
            (task.workload.clone(), is_past(task), Reverse(task.since.clone()), task.id.clone())
        };
        key(one).cmp(&key(other))
    });
    Ok(shown)
}

fn is_past(task: &Task) -> bool {
    task.desired == TaskState::Shutdown
}

/// The machines of container instances by their ARNs. Fargate has none.
async fn nodes<'v>(
    account: &Account,
    tasks: impl Iterator<Item = &'v Value>,
) -> Result<BTreeMap<String, String>> {
    let arns: BTreeSet<&str> = tasks.filter_map(|task| text(task, "containerInstanceArn")).collect();
    let arns: Vec<&str> = arns.into_iter().collect();
    let answers = each(arns.chunks(INSTANCES), |arns| async move {
        let request = json!({ "cluster": account.cluster(), "containerInstances": arns });
        account.call("ecs:DescribeContainerInstances", &request).await
    });
    let answers = answers.await?;
    let instances = answers.iter().flat_map(|answer| items(answer, "containerInstances"));
    Ok(instances
        .filter_map(|instance| {
            let machine = text(instance, "ec2InstanceId")?;
            Some((text(instance, "containerInstanceArn")?.to_owned(), machine.to_owned()))
        })
        .collect())
}

fn show(member: &Member, task: &Value, nodes: &BTreeMap<String, String>) -> Task {
    let arn = text(task, "taskArn").unwrap_or_default();
    let state = state(task);
    let node = text(task, "containerInstanceArn").and_then(|arn| nodes.get(arn)).cloned();
    let is_explained = matches!(state, TaskState::Failed);
    Task {
        workload: member.workload.clone(),
        id: last_segment(arn).to_owned(),
        name: member.task_name(arn),
        image: images(member, task),
        node,
        desired: desired(task, state),
        state,
        detail: detail(task),
        since: since(task).map(|time| time.to_string()),
        error: is_explained.then(|| reason::of_task(task)),
        exit_code: reason::exit_code(task),
        ports: ports(task),
    }
}

/// The images of the app's own containers.
fn images(member: &Member, task: &Value) -> String {
    let names: BTreeSet<&str> =
        member.main_containers().filter_map(|container| text(container, "name")).collect();
    let of = |container: &Value| text(container, "name").is_none_or(|name| names.contains(name));
    let images = items(task, "containers")
        .filter(|container| of(container))
        .filter_map(|container| text(container, "image"));
    images.map(|image| image.split('@').next().unwrap_or(image)).collect::<Vec<_>>().join(", ")
}

/// Where a task is in its life.
///
/// Source: Amazon ECS developer guide, "Amazon ECS task lifecycle".
fn state(task: &Value) -> TaskState {
    let is_unwell = text(task, "healthStatus") == Some("UNHEALTHY");
    match text(task, "lastStatus").unwrap_or_default() {
        "PROVISIONING" | "PENDING" => TaskState::Pending,
        "ACTIVATING" => TaskState::Starting,
        "RUNNING" if is_unwell => TaskState::Failed,
        "RUNNING" => TaskState::Running,
        "STOPPED" => ended(task),
        _ => TaskState::Shutdown,
    }
}

fn ended(task: &Value) -> TaskState {
    let has_ended_well = text(task, "stopCode") == Some("EssentialContainerExited")
        && items(task, "containers").any(|container| container.get("exitCode").is_some())
        && items(task, "containers").all(|container| container.get("exitCode").is_none_or(|code| code == 0));
    match () {
        () if has_ended_well => TaskState::Complete,
        () if reason::has_failed(task) => TaskState::Failed,
        () => TaskState::Shutdown,
    }
}

/// Where a task should be: one of a service that has stopped makes room for another, and a job's has done its work.
fn desired(task: &Value, state: TaskState) -> TaskState {
    let is_of_service = text(task, "group").is_some_and(|group| group.starts_with("service:"));
    match (text(task, "desiredStatus"), state) {
        (Some("STOPPED"), TaskState::Complete | TaskState::Failed) if !is_of_service => TaskState::Complete,
        (Some("STOPPED"), _) => TaskState::Shutdown,
        _ => TaskState::Running,
    }
}

fn detail(task: &Value) -> String {
    let status = text(task, "lastStatus").unwrap_or_default().to_lowercase();
    match text(task, "healthStatus") {
        Some(health @ ("HEALTHY" | "UNHEALTHY")) if status == "running" => {
            format!("{status} ({})", health.to_lowercase())
        }
        _ => status,
    }
}

/// When a task came to be as it is. ECS tells seconds since 1970, with a fraction.
fn since(task: &Value) -> Option<Timestamp> {
    let fields: &[&str] = match text(task, "lastStatus") {
        Some("STOPPED") => &["stoppedAt", "executionStoppedAt", "createdAt"],
        Some("RUNNING") => &["startedAt", "createdAt"],
        _ => &["createdAt"],
    };
    let seconds = fields.iter().find_map(|field| task.get(field)?.as_f64())?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "no time that ECS tells is beyond 64 bits of milliseconds"
    )]
    let milliseconds = (seconds * 1000.0).round() as i64;
    Timestamp::from_millisecond(milliseconds).ok()
}

/// Ports of the machine that lead to the task's.
fn ports(task: &Value) -> Vec<String> {
    let bindings = items(task, "containers").flat_map(|container| items(container, "networkBindings"));
    let ports: BTreeSet<String> = bindings
        .filter_map(|binding| {
            let number = |field: &str| binding.get(field).and_then(Value::as_u64);
            let protocol = text(binding, "protocol").unwrap_or("tcp");
            Some(format!("{}->{}/{protocol}", number("hostPort")?, number("containerPort")?))
        })
        .collect();
    ports.into_iter().collect()
}

/// Sets the number of tasks. Where autoscaling has the number it goes on from there.
///
/// # Errors
/// `NotFound` for a workload that the release does not have; `Unsupported` for modes that have no number, and for a number
/// that autoscaling would take back.
pub(crate) async fn scale(
    account: &Account,
    scope: &Scope,
    workload: &str,
    replicas: u32,
) -> Result<Vec<Receipt>> {
    let members = members(account, scope, Some(workload)).await?;
    if members.iter().any(|member| member.workload != workload) {
        return Err(fixed(workload, "each replica of it is a service of its own")
            .remedy("change the number in the chart's values, and upgrade"));
    }
    let services = services(account, scope, &members).await?;
    let replicated = |service: &Value| text(service, "schedulingStrategy") != Some("DAEMON");
    if services.is_empty() || !services.iter().all(|(_, service)| replicated(service)) {
        return Err(fixed(workload, "only a replicated workload has a number of replicas"));
    }
    let mut receipts = Vec::new();
    for (member, service) in &services {
        within_bounds(account, member, service, replicas).await?;
        receipts.push(update(account, member, service, json!({ "desiredCount": replicas })).await?);
    }
    Ok(receipts)
}

fn fixed(workload: &str, why: &str) -> Error {
    Error::new(ErrorKind::Unsupported, "scale the workload", why).with("workload", workload)
}

/// Source: Application Auto Scaling API reference, `DescribeScalableTargets`.
async fn within_bounds(account: &Account, member: &Member, service: &Value, replicas: u32) -> Result<()> {
    let cluster = last_segment(account.cluster());
    let resource = format!("service/{cluster}/{}", text(service, "serviceName").unwrap_or_default());
    let request = json!({
        "ServiceNamespace": "ecs",
        "ResourceIds": [resource],
        "ScalableDimension": "ecs:service:DesiredCount",
    });
    let targets =
        account.all("application-autoscaling:DescribeScalableTargets", &request, "ScalableTargets").await?;
    let bound = |field: &str| targets.first()?.get(field)?.as_u64();
    let (Some(min), Some(max)) = (bound("MinCapacity"), bound("MaxCapacity")) else { return Ok(()) };
    if (min..=max).contains(&u64::from(replicas)) {
        return Ok(());
    }
    Err(fixed(&member.workload, &format!("autoscaling keeps it between {min} and {max} replicas"))
        .remedy("other bounds under `autoscale` in the chart's values, and upgrade"))
}

/// Replaces every task by an equal one, as an update would.
///
/// # Errors
/// `NotFound` for a workload that the release does not have; `Unsupported` for one that no service runs.
pub(crate) async fn restart(account: &Account, scope: &Scope, workload: &str) -> Result<Vec<Receipt>> {
    let members = members(account, scope, Some(workload)).await?;
    let services = services(account, scope, &members).await?;
    if services.is_empty() {
        let why = "nothing of it runs on: its tasks end by themselves";
        let error =
            Error::new(ErrorKind::Unsupported, "restart the workload", why).with("workload", workload);
        return Err(error.remedy("`rhumb upgrade`, which runs a job whose content changed"));
    }
    let mut receipts = Vec::new();
    for (member, service) in &services {
        receipts.push(update(account, member, service, json!({ "forceNewDeployment": true })).await?);
    }
    Ok(receipts)
}

/// The services that run these workloads. One that runs tasks by itself has none.
pub(crate) async fn services<'m>(
    account: &Account,
    scope: &Scope,
    members: &'m [Member],
) -> Result<Vec<(&'m Member, Value)>> {
    let name = |member: &Member| member.service_name(scope);
    let wanted: Vec<String> = members.iter().map(name).collect();
    let described = describe_services(account, &wanted).await?;
    let is_ours = |service: &Value| {
        text(service, "status") == Some("ACTIVE") && Tags::read(service.get("tags")).are_of(scope)
    };
    Ok(described
        .into_iter()
        .filter(is_ours)
        .filter_map(|service| {
            let called = text(&service, "serviceName")?;
            let member = members.iter().find(|member| name(member) == called)?;
            Some((member, service))
        })
        .collect())
}

/// Source: Amazon ECS API reference, `UpdateService`: what is left out stays as it is.
async fn update(account: &Account, member: &Member, service: &Value, change: Value) -> Result<Receipt> {
    let arn = text(service, "serviceArn").unwrap_or_default();
    let mut request = change;
    request["cluster"] = account.cluster().into();
    request["service"] = arn.into();
    let answer = account.call("ecs:UpdateService", &request).await;
    let answer = answer.map_err(|error| error.with("workload", &member.workload))?;
    let name = text(service, "serviceName").unwrap_or_default();
    Ok(Receipt {
        id: Kind::Service.id(&member.workload),
        native: arn.to_owned(),
        workload: Some(member.workload.clone()),
        outputs: [("arn", arn), ("name", name)].map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        rollout: Rollout::of_service(answer.get("service").unwrap_or(service)).to_value(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member() -> Member {
        Member {
            workload: "web".to_owned(),
            family: "default-shop-web".to_owned(),
            definition: json!({ "containerDefinitions": [
                { "name": "rhumb-files", "essential": false },
                { "name": "web" },
            ] }),
            service: None,
        }
    }

    fn shown(task: &Value) -> Task {
        show(&member(), task, &BTreeMap::from([("ci-1".to_owned(), "i-1".to_owned())]))
    }

    #[test]
    fn a_task_that_runs() {
        let task = shown(&json!({
            "taskArn": "arn:aws:ecs:eu-west-1:1:task/shop/0123456789abcdef",
            "containerInstanceArn": "ci-1",
            "lastStatus": "RUNNING", "desiredStatus": "RUNNING", "healthStatus": "HEALTHY", "startedAt": 1_700_000_000.5,
            "group": "service:default-shop-web",
            "containers": [
                { "name": "rhumb-files", "image": "busybox", "exitCode": 0 },
                { "name": "web", "image": "nginx:1@sha256:0", "networkBindings": [
                    { "containerPort": 80, "hostPort": 32768, "protocol": "tcp" },
                ] },
            ],
        }));
        assert_eq!((task.name.as_str(), task.id.as_str()), ("web.01234567", "0123456789abcdef"));
        assert_eq!((task.image.as_str(), task.node.as_deref()), ("nginx:1", Some("i-1")));
        assert_eq!((task.state, task.desired), (TaskState::Running, TaskState::Running));
        assert_eq!(task.detail, "running (healthy)");
        assert_eq!(task.since.as_deref(), Some("2023-11-14T22:13:20.5Z"));
        assert_eq!(task.ports, ["32768->80/tcp"]);
        assert_eq!(task.error, None);
    }

    #[test]
    fn tasks_that_have_ended() {
        use TaskState::{Complete, Failed, Shutdown};
        let ended = |group: &str, code: &str, exit: Option<i64>| {
            let container = exit
                .map_or_else(|| json!({ "name": "web" }), |exit| json!({ "name": "web", "exitCode": exit }));
            let task = shown(&json!({
                "taskArn": "t", "lastStatus": "STOPPED", "desiredStatus": "STOPPED", "stopCode": code,
                "stoppedReason": "because", "group": group, "containers": [container],
            }));
            (task.state, task.desired, task.error, task.exit_code)
        };
        let because = Some("because".to_owned());
        let service = "service:default-shop-web";
        let essential = "EssentialContainerExited";
        assert_eq!(ended(service, essential, Some(3)), (Failed, Shutdown, because.clone(), Some(3)));
        assert_eq!(ended("family:x", essential, Some(0)), (Complete, Complete, None, Some(0)));
        assert_eq!(ended("family:x", essential, Some(1)), (Failed, Complete, because.clone(), Some(1)));
        assert_eq!(ended(service, "TaskFailedToStart", None), (Failed, Shutdown, because, None));
        assert_eq!(ended(service, "ServiceSchedulerInitiated", Some(0)), (Shutdown, Shutdown, None, Some(0)));
    }
}
