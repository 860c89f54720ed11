//! What runs: a set of equal replicas of one or more containers.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Autoscale, Container, Disruption, Dns, Expose, Placement, Update, is_default};
use crate::Duration;

/// A set of equal replicas. Containers of one replica share a network and are placed together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Workload {
    /// How replicas come to be.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mode: Mode,
    /// How many replicas (default 1). Not with `global`, `job` and `cron`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u32>,
    /// How a job runs, with `mode: job` and `mode: cron`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<Job>,
    /// When it runs, with `mode: cron`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cron: Option<Cron>,
    /// Workloads that must be ready (jobs: have succeeded) before this one starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    /// Containers that end, one after another in the order written, before the others start.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub init_containers: IndexMap<String, Container>,
    /// The containers of a replica.
    pub containers: IndexMap<String, Container>,
    /// Ports that others reach, by the name of a container port.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub expose: IndexMap<String, Expose>,
    /// How its internal name resolves.
    #[serde(default, skip_serializing_if = "is_default")]
    pub discovery: Discovery,
    /// Its siblings must be reachable by their bare names, because an image has such names built in.
    #[serde(default, skip_serializing_if = "is_default")]
    pub short_names: bool,
    /// Networks it is attached to, by the name of a network document; none means the release's own network.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub networks: BTreeMap<String, NetworkAttachment>,
    /// What happens when a container ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart: Option<Restart>,
    /// How a new version replaces an old one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<Update>,
    /// Replicas that follow the load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscale: Option<Autoscale>,
    /// How many replicas planned maintenance may take away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disruption: Option<Disruption>,
    /// Where replicas go.
    #[serde(default, skip_serializing_if = "is_default")]
    pub placement: Placement,
    /// The platform identity that its containers act as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// The secret with the registry's credentials: one key `.dockerconfigjson`, in the form of Docker's `config.json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_secret: Option<String>,
    /// Name resolution inside its containers.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dns: Dns,
    /// Lines of the hosts file: address by host name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extra_hosts: BTreeMap<String, String>,
    /// The host name that its containers see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// Labels of the workload and its replicas.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Notes for tools, on the workload's objects.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Patches of what the workload becomes: platform, then native kind, then the patch.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub on: BTreeMap<String, BTreeMap<String, Value>>,
}

/// How replicas come to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    /// A number of interchangeable replicas.
    #[default]
    Replicated,
    /// One replica on every node that fits.
    Global,
    /// Replicas with a stable number, name and storage each.
    Stateful,
    /// Runs to its end, once for each content.
    Job,
    /// Runs to its end, by the clock.
    Cron,
}

/// How a job runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Job {
    /// Failures after which it is tried no more (default 0).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
    /// Time after which it is ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Duration>,
    /// Replicas at one time (default 1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallelism: Option<u32>,
    /// Successes that end it (default 1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completions: Option<u32>,
}

/// When a job runs by the clock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cron {
    /// Five fields, as in crontab: minute, hour, day of month, month, day of week.
    pub schedule: String,
    /// The zone of the schedule, as in the IANA database: `Europe/Berlin` (default UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// What happens when the run before has not ended.
    #[serde(default, skip_serializing_if = "is_default")]
    pub concurrency: Concurrency,
}

/// What happens when a scheduled run is due and the run before has not ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Concurrency {
    /// Both run.
    #[default]
    Allow,
    /// The new one is left out.
    Forbid,
    /// The old one is ended.
    Replace,
}

/// How a workload's internal name resolves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Discovery {
    /// To one virtual address that balances.
    #[default]
    VirtualIp,
    /// To the addresses of the replicas.
    Dns,
}

/// How a workload is attached to a network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NetworkAttachment {
    /// Further names of the workload on that network.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
}

/// What happens when a container ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Restart {
    /// When it is started again.
    #[serde(skip_serializing_if = "is_default")]
    pub policy: RestartPolicy,
    /// Time before it is started again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<Duration>,
    /// Starts after which it is left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
    /// Time over which attempts are counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Duration>,
}

/// When a container that ended is started again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum RestartPolicy {
    /// Always.
    #[default]
    Always,
    /// When it failed.
    OnFailure,
    /// Never.
    Never,
}

/// The platform identity that containers act as.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Identity {
    /// A service account's name, or the name or ARN of a role.
    pub name: String,
}
