//! What only the account knows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::connect::{LaunchType, NetworkMode, Settings};

/// What only the account knows. Where nothing was asked, placeholders stand for what an account would say, so that
/// `template` shows whole requests. What an account does not have is written down as `null`, since a placeholder stands for
/// what is not written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EcsFacts {
    /// The region: `eu-west-1`.
    pub region: String,
    /// The account's number.
    pub account: String,
    /// The cluster's name.
    pub cluster: String,
    /// What runs tasks.
    pub launch_type: LaunchType,
    /// Capacity providers in the place of the launch type, with weights.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub capacity_providers: BTreeMap<String, u32>,
    /// The network mode of tasks on EC2; Fargate has `awsvpc` only.
    pub network_mode: NetworkMode,
    /// The network of subnets and security groups.
    pub vpc: Option<String>,
    /// Ids of subnets.
    pub subnets: Vec<String>,
    /// Ids of security groups.
    pub security_groups: Vec<String>,
    /// Whether tasks get public addresses.
    pub assign_public_ip: bool,
    /// The ARN of the role by which ECS pulls images, writes logs and reads secrets.
    pub execution_role: Option<String>,
    /// The ARN of the role of containers whose workload names no identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_role: Option<String>,
    /// The ARN of the role by which schedules run tasks.
    pub scheduler_role: Option<String>,
    /// The ARN of the role by which ECS itself shifts traffic and makes EBS volumes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub infrastructure_role: Option<String>,
    /// The application load balancer that routes go to.
    pub load_balancer: Option<LoadBalancer>,
    /// The network load balancer that `expose: loadbalancer` goes to.
    pub network_load_balancer: Option<LoadBalancer>,
    /// The Cloud Map namespace for names.
    pub discovery: Option<Discovery>,
    /// The id of the EFS file system for persistent volumes.
    pub file_system: Option<String>,
    /// The image that writes configuration files before a task's own containers start. It needs `sh` and `base64`.
    pub init_image: String,
    /// How many days logs are kept.
    pub log_retention_days: u32,
    /// How many container instances the cluster has, where it has any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instances: Option<u32>,
}

/// A load balancer, with its listeners by port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LoadBalancer {
    /// Its ARN.
    pub arn: String,
    /// The name by which it is reached.
    pub dns_name: String,
    /// Its listeners by port.
    pub listeners: BTreeMap<u16, Listener>,
}

/// A listener of a load balancer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Listener {
    /// Its ARN.
    pub arn: String,
    /// `HTTP`, `HTTPS`, `TCP`, `UDP`, `TLS`.
    pub protocol: String,
    /// Priorities of rules that are not the release's own.
    pub priorities: Vec<u32>,
    /// Priorities of the release's own rules, by what each of them is in the release.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub own: BTreeMap<String, u32>,
    /// The release that made it, as `<namespace>/<release>`, where one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
}

/// A Cloud Map namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Discovery {
    /// Its id.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// Its name, which ends the names in it: `shop.local`.
    pub name: String,
}

impl EcsFacts {
    /// What settings alone give; placeholders for the rest.
    pub fn assumed(settings: &Settings) -> Self {
        let or = |given: &Option<String>, placeholder: &str| {
            given.clone().unwrap_or_else(|| placeholder.to_owned())
        };
        Self {
            region: or(&settings.region, "us-east-1"),
            account: "123456789012".to_owned(),
            cluster: or(&settings.cluster, "default"),
            launch_type: settings.launch_type,
            capacity_providers: settings.capacity_providers.clone(),
            network_mode: settings.network_mode,
            vpc: Some("vpc-0example".to_owned()),
            subnets: given(&settings.subnets, "subnet-0example"),
            security_groups: given(&settings.security_groups, "sg-0example"),
            assign_public_ip: settings.assign_public_ip,
            execution_role: Some(or(
                &settings.execution_role,
                "arn:aws:iam::123456789012:role/ecsTaskExecutionRole",
            )),
            task_role: settings.task_role.clone(),
            scheduler_role: Some(or(
                &settings.scheduler_role,
                "arn:aws:iam::123456789012:role/ecsEventsRole",
            )),
            infrastructure_role: settings.infrastructure_role.clone(),
            load_balancer: Some(assumed_balancer("app", &[(80, "HTTP"), (443, "HTTPS")])),
            network_load_balancer: Some(assumed_balancer("net", &[])),
            discovery: Some(Discovery {
                id: "ns-example".to_owned(),
                arn: "arn:aws:servicediscovery:us-east-1:123456789012:namespace/ns-example".to_owned(),
                name: or(&settings.discovery_namespace, "rhumb.local"),
            }),
            file_system: Some(or(&settings.file_system, "fs-0123456789abcdef0")),
            init_image: or(&settings.init_image, "public.ecr.aws/docker/library/busybox:stable"),
            log_retention_days: settings.log_retention_days.unwrap_or(30),
            instances: None,
        }
    }

    /// How tasks are on the network: on Fargate each has an address of its own.
    pub fn network(&self) -> NetworkMode {
        if self.is_fargate() { NetworkMode::Awsvpc } else { self.network_mode }
    }

    /// Whether tasks run on Fargate.
    pub fn is_fargate(&self) -> bool {
        let is_fargate = |name: &String| name.starts_with("FARGATE");
        if self.capacity_providers.is_empty() {
            self.launch_type == LaunchType::Fargate
        } else {
            self.capacity_providers.keys().any(is_fargate)
        }
    }
}

fn given(ids: &[String], placeholder: &str) -> Vec<String> {
    if ids.is_empty() { vec![placeholder.to_owned()] } else { ids.to_vec() }
}

fn assumed_balancer(kind: &str, listeners: &[(u16, &str)]) -> LoadBalancer {
    let arn = |what: &str| {
        format!("arn:aws:elasticloadbalancing:us-east-1:123456789012:{what}/{kind}/example/0123456789abcdef")
    };
    let listeners = listeners.iter().map(|(port, protocol)| {
        let listener = Listener {
            arn: format!("{}/{port}", arn("listener")),
            protocol: (*protocol).to_owned(),
            ..Listener::default()
        };
        (*port, listener)
    });
    LoadBalancer {
        arn: arn("loadbalancer"),
        dns_name: format!("example-{kind}.us-east-1.elb.amazonaws.com"),
        listeners: listeners.collect(),
    }
}

impl Default for EcsFacts {
    fn default() -> Self {
        Self::assumed(&Settings::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_account_lacks_is_remembered() {
        let bare = EcsFacts {
            vpc: None,
            execution_role: None,
            scheduler_role: None,
            load_balancer: None,
            network_load_balancer: None,
            discovery: None,
            file_system: None,
            ..EcsFacts::default()
        };
        let text = serde_json::to_string(&bare).unwrap();
        assert_eq!(serde_json::from_str::<EcsFacts>(&text).unwrap(), bare);
    }
}
