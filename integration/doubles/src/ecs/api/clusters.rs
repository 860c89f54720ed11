//! Clusters, their capacity providers and their container instances.

use std::time::Instant;

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::super::error::{Answer, ApiError};
use super::super::json::{default, list, pick, text, texts};
use super::super::state::{Cluster, Instance, ServiceStatus, State, TaskStatus};
use super::paging::page;

const GIVEN: &[&str] = &[
    "settings",
    "configuration",
    "capacityProviders",
    "defaultCapacityProviderStrategy",
    "serviceConnectDefaults",
];

/// `CreateCluster`: without a name it is `default`; one that exists already is given back.
pub(super) fn create(state: &mut State, input: &Value) -> Answer {
    let name = text(input, "clusterName").unwrap_or("default").to_owned();
    if !state.clusters.get(&name).is_some_and(|cluster| cluster.is_active) {
        require_known_providers(&json!(input.get("capacityProviders")), &[])?;
        let mut body = pick(input, GIVEN);
        for key in ["settings", "capacityProviders", "defaultCapacityProviderStrategy"] {
            body.entry(key).or_insert_with(|| json!([]));
        }
        let cluster = Cluster {
            arn: state.arn(&format!("cluster/{name}")),
            name: name.clone(),
            is_active: true,
            body,
            tags: list(input, "tags").to_vec(),
            services: IndexMap::new(),
            tasks: IndexMap::new(),
            instances: Vec::new(),
            runs: std::collections::BTreeMap::new(),
        };
        state.clusters.insert(name.clone(), cluster);
    }
    let cluster = state.cluster(&json!({ "cluster": name }))?;
    Ok(json!({ "cluster": shape(cluster, &["TAGS", "SETTINGS", "CONFIGURATIONS"]) }))
}

/// `UpdateCluster`, `UpdateClusterSettings`.
pub(super) fn update(state: &mut State, input: &Value) -> Answer {
    let cluster = state.cluster(input)?;
    cluster.body.extend(pick(input, &["settings", "configuration", "serviceConnectDefaults"]));
    Ok(json!({ "cluster": shape(cluster, &["SETTINGS", "CONFIGURATIONS"]) }))
}

/// `PutClusterCapacityProviders`.
pub(super) fn put_capacity_providers(state: &mut State, input: &Value) -> Answer {
    require_known_providers(&json!(input.get("capacityProviders")), &[])?;
    let given: Vec<&str> = texts(input, "capacityProviders").collect();
    for item in list(input, "defaultCapacityProviderStrategy") {
        let provider = text(item, "capacityProvider").unwrap_or_default();
        if !given.contains(&provider) {
            let message =
                format!("The specified capacity provider '{provider}' was not found in the cluster.");
            return Err(ApiError::invalid(message));
        }
    }
    let cluster = state.cluster(input)?;
    cluster.body.extend(pick(input, &["capacityProviders", "defaultCapacityProviderStrategy"]));
    Ok(json!({ "cluster": shape(cluster, &[]) }))
}

/// Fargate's providers exist in every account; others would be made of Auto Scaling groups, which the double has none of.
fn require_known_providers(providers: &Value, more: &[&str]) -> Answer<()> {
    let known = |name: &str| name.starts_with("FARGATE") || more.contains(&name) || name.starts_with("ec2-");
    match providers.as_array().into_iter().flatten().filter_map(Value::as_str).find(|name| !known(name)) {
        Some(name) => {
            Err(ApiError::invalid(format!("The specified capacity provider '{name}' was not found.")))
        }
        None => Ok(()),
    }
}

/// `DeleteCluster`: only of one without services, tasks and instances.
pub(super) fn delete(state: &mut State, input: &Value) -> Answer {
    let cluster = state.cluster(input)?;
    let refuse = |code, message: &str| Err(ApiError::new(code, message));
    if cluster.services.values().any(|service| service.status == ServiceStatus::Active) {
        let message = "The Cluster cannot be deleted while Services are active.";
        return refuse("ClusterContainsServicesException", message);
    }
    if cluster.tasks.values().any(|task| task.status != TaskStatus::Stopped) {
        return refuse(
            "ClusterContainsTasksException",
            "The Cluster cannot be deleted while Tasks are active.",
        );
    }
    if !cluster.instances.is_empty() {
        let message = "The Cluster cannot be deleted while Container Instances are active or draining.";
        return refuse("ClusterContainsContainerInstancesException", message);
    }
    cluster.is_active = false;
    Ok(json!({ "cluster": shape(cluster, &[]) }))
}

/// `DescribeClusters`.
pub(super) fn describe(state: &mut State, input: &Value) -> Value {
    let mut named: Vec<&str> = texts(input, "clusters").collect();
    if named.is_empty() {
        named.push("default");
    }
    let include: Vec<&str> = texts(input, "include").collect();
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for name in named {
        let short = name.rsplit('/').next().unwrap_or(name);
        if let Some(cluster) = state.clusters.get(short) {
            found.push(shape(cluster, &include));
        } else {
            let arn = state.arn(&format!("cluster/{short}"));
            failures.push(json!({ "arn": arn, "reason": "MISSING" }));
        }
    }
    json!({ "clusters": found, "failures": failures })
}

/// `ListClusters`.
pub(super) fn list_all(state: &State, input: &Value) -> Answer {
    let active = state.clusters.values().filter(|cluster| cluster.is_active);
    page(input, "clusterArns", 100, active.map(|cluster| json!(cluster.arn)).collect())
}

/// `DescribeCapacityProviders`: Fargate's two.
pub(super) fn describe_capacity_providers(state: &State, input: &Value) -> Value {
    let named: Vec<&str> = texts(input, "capacityProviders").collect();
    let known = ["FARGATE", "FARGATE_SPOT"];
    let shape = |name: &&str| {
        let arn = state.arn(&format!("capacity-provider/{name}"));
        json!({ "capacityProviderArn": arn, "name": name, "status": "ACTIVE" })
    };
    let found: Vec<Value> =
        known.iter().filter(|name| named.is_empty() || named.contains(name)).map(shape).collect();
    let missing = named.iter().filter(|name| !known.contains(name));
    let failures: Vec<Value> = missing.map(|name| json!({ "arn": name, "reason": "MISSING" })).collect();
    json!({ "capacityProviders": found, "failures": failures })
}

/// `DescribeContainerInstances`.
pub(super) fn describe_instances(state: &mut State, input: &Value) -> Answer {
    let cluster = state.cluster(input)?;
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for named in texts(input, "containerInstances") {
        match cluster.instances.iter().find(|instance| instance.arn == named || instance.arn.ends_with(named))
        {
            Some(instance) => found.push(instance_shape(cluster, instance)),
            None => failures.push(json!({ "arn": named, "reason": "MISSING" })),
        }
    }
    Ok(json!({ "containerInstances": found, "failures": failures }))
}

/// `ListContainerInstances`.
pub(super) fn list_instances(state: &mut State, input: &Value) -> Answer {
    let is_active = text(input, "status").is_none_or(|status| status == "ACTIVE");
    let all = state.cluster(input)?.instances.iter().filter(|_| is_active);
    page(input, "containerInstanceArns", 100, all.map(|instance| json!(instance.arn)).collect())
}

/// Adds container instances to a cluster, as the agents of machines would.
pub(in super::super) fn join(state: &mut State, cluster: &str, count: u32) {
    for _ in 0..count {
        let number = state.next();
        let id = uuid::Uuid::now_v7().simple().to_string();
        let arn = state.arn(&format!("container-instance/{cluster}/{id}"));
        let instance = Instance { arn, ec2: format!("i-{number:017x}"), tags: Vec::new() };
        if let Some(cluster) = state.clusters.get_mut(cluster) {
            cluster.instances.push(instance);
            for service in cluster.services.values_mut() {
                service.not_before = Instant::now();
            }
        }
    }
}

fn instance_shape(cluster: &Cluster, instance: &Instance) -> Value {
    let on = |status: TaskStatus| {
        let here = |body: &Value| text(body, "containerInstanceArn") == Some(&instance.arn);
        cluster.tasks.values().filter(|task| task.status == status && here(&task.body)).count()
    };
    let resources = json!([
        { "name": "CPU", "type": "INTEGER", "integerValue": 4096 },
        { "name": "MEMORY", "type": "INTEGER", "integerValue": 15_000 },
    ]);
    json!({
        "containerInstanceArn": instance.arn,
        "ec2InstanceId": instance.ec2,
        "status": "ACTIVE",
        "agentConnected": true,
        "version": 1,
        "versionInfo": { "agentVersion": "1.89.0", "dockerVersion": "DockerVersion: 25.0.6" },
        "runningTasksCount": on(TaskStatus::Running),
        "pendingTasksCount": on(TaskStatus::Pending) + on(TaskStatus::Provisioning),
        "registeredResources": resources,
        "remainingResources": resources,
        "attributes": [{ "name": "ecs.os-type", "value": "linux" }],
        "attachments": [],
        "tags": instance.tags,
    })
}

fn shape(cluster: &Cluster, include: &[&str]) -> Value {
    let mut body: Map<String, Value> = cluster.body.clone();
    let tasks =
        |wanted: &[TaskStatus]| cluster.tasks.values().filter(|task| wanted.contains(&task.status)).count();
    let services = cluster.services.values().filter(|service| service.status == ServiceStatus::Active);
    let counts = json!({
        "clusterArn": cluster.arn,
        "clusterName": cluster.name,
        "status": if cluster.is_active { "ACTIVE" } else { "INACTIVE" },
        "registeredContainerInstancesCount": cluster.instances.len(),
        "runningTasksCount": tasks(&[TaskStatus::Running]),
        "pendingTasksCount": tasks(&[TaskStatus::Provisioning, TaskStatus::Pending]),
        "activeServicesCount": services.count(),
        "statistics": [],
        "tags": [],
    });
    body.extend(counts.as_object().cloned().unwrap_or_default());
    if include.contains(&"TAGS") {
        body.insert("tags".to_owned(), json!(cluster.tags));
    }
    if !include.contains(&"SETTINGS") {
        body.insert("settings".to_owned(), json!([]));
    }
    if !include.contains(&"CONFIGURATIONS") {
        body.shift_remove("configuration");
    }
    let mut body = Value::Object(body);
    default(&mut body, "capacityProviders", json!([]));
    body
}
