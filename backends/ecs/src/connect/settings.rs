//! What a target and the process's environment say about the way to an account, and about what is used in it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What a target says. Whatever is left out is taken from the environment and the AWS CLI's files, as that CLI does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Settings {
    /// The profile in the AWS CLI's files; none means `AWS_PROFILE` or `default`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The region; none means `AWS_REGION` or the profile's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// An address in the place of AWS's own, for every service; none means `AWS_ENDPOINT_URL`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint_url: Option<String>,
    /// The cluster's name or ARN; none means `default`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// What runs tasks, where no capacity providers are named.
    pub launch_type: LaunchType,
    /// Capacity providers in the place of the launch type, with weights.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub capacity_providers: BTreeMap<String, u32>,
    /// The network mode of tasks on EC2; Fargate has `awsvpc` only.
    pub network_mode: NetworkMode,
    /// Ids of the subnets of tasks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subnets: Vec<String>,
    /// Ids of the security groups of tasks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub security_groups: Vec<String>,
    /// Whether tasks get public addresses, which they need in a public subnet to pull images.
    pub assign_public_ip: bool,
    /// The name or ARN of the role by which ECS pulls images, writes logs and reads secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_role: Option<String>,
    /// The name or ARN of the role of containers whose workload names no identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_role: Option<String>,
    /// The name or ARN of the role by which schedules run tasks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduler_role: Option<String>,
    /// The name or ARN of the role by which ECS itself shifts traffic between versions and makes EBS volumes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub infrastructure_role: Option<String>,
    /// The name or ARN of the application load balancer that routes go to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<String>,
    /// The name or ARN of the network load balancer that `expose: loadbalancer` goes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_load_balancer: Option<String>,
    /// The name or id of the Cloud Map namespace for names of workloads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discovery_namespace: Option<String>,
    /// The id of the EFS file system for persistent volumes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_system: Option<String>,
    /// The image that writes configuration files before a task's own containers start. It needs `sh` and `base64`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init_image: Option<String>,
    /// How many days logs are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_retention_days: Option<u32>,
}

/// What runs tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum LaunchType {
    /// AWS's own machines.
    #[default]
    Fargate,
    /// Container instances of the account.
    Ec2,
}

/// How tasks are on the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NetworkMode {
    /// Each task has an address of its own.
    #[default]
    Awsvpc,
    /// Docker's bridge on the container instance.
    Bridge,
    /// The container instance's own network.
    Host,
}

/// What the process's environment says. Libraries read none of it themselves.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// The variables.
    pub vars: BTreeMap<String, String>,
    /// The home folder.
    pub home: Option<PathBuf>,
    /// Standard input is a terminal, which a command in a task can be given.
    pub is_interactive: bool,
}

impl Environment {
    /// A variable that is set to something.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.vars.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

impl std::fmt::Debug for Environment {
    /// Without the variables, which may hold secrets.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Environment").field("home", &self.home).finish_non_exhaustive()
    }
}
