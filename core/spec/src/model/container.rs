//! One container of a workload.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Serialize};

use super::{EnvFrom, EnvValue, Mount, Probes, is_default};
use crate::{Bytes, Duration, MilliCpu};

/// One container.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Container {
    /// The image, with its tag or digest.
    pub image: String,
    /// When the image is fetched again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull: Option<PullPolicy>,
    /// What runs instead of the image's entry point.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Arguments, instead of the image's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// The folder it starts in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
    /// Environment variables.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub env: IndexMap<String, EnvValue>,
    /// Whole configs and secrets as variables; later entries win, and `env` wins over all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env_from: Vec<EnvFrom>,
    /// Ports it listens on, by name.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub ports: IndexMap<String, Port>,
    /// How its health is asked for.
    #[serde(default, skip_serializing_if = "is_default")]
    pub probes: Probes,
    /// What it is promised and what it may take.
    #[serde(default, skip_serializing_if = "is_default")]
    pub resources: Resources,
    /// What appears in its file system, by absolute path.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub mounts: IndexMap<String, Mount>,
    /// What it may do to the system around it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub security: Security,
    /// How it is asked to stop.
    #[serde(default, skip_serializing_if = "is_default")]
    pub stop: Stop,
    /// Commands run in it after its start and before its end.
    #[serde(default, skip_serializing_if = "is_default")]
    pub lifecycle: Lifecycle,
    /// Where its output goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logging: Option<Logging>,
}

/// When an image is fetched again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum PullPolicy {
    /// At every start.
    Always,
    /// When the node does not have it.
    IfMissing,
    /// Never: the node must have it.
    Never,
}

/// A port that a container listens on: a number, or a number with its protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(with = "PortSchema")]
pub struct Port {
    /// The number, from 1.
    pub port: u16,
    /// What is spoken on it.
    pub protocol: Protocol,
}

/// What is spoken on a port.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum Protocol {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PortForm {
    /// The number, from 1.
    port: u16,
    /// What is spoken on it (default `tcp`).
    #[serde(default, skip_serializing_if = "is_default")]
    protocol: Protocol,
}

#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum PortSchema {
    Number(u16),
    Full(PortForm),
}

impl Serialize for Port {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.protocol == Protocol::Tcp {
            return serializer.serialize_u16(self.port);
        }
        PortForm { port: self.port, protocol: self.protocol }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Port {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PortVisitor)
    }
}

struct PortVisitor;

impl<'de> serde::de::Visitor<'de> for PortVisitor {
    type Value = Port;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a port number from 1 to 65535, or `{ port: NUMBER, protocol: udp }`")
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Port, E> {
        u16::try_from(number)
            .map(|port| Port { port, protocol: Protocol::Tcp })
            .map_err(|_| E::invalid_value(serde::de::Unexpected::Unsigned(number), &self))
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Port, E> {
        u16::try_from(number)
            .map(|port| Port { port, protocol: Protocol::Tcp })
            .map_err(|_| E::invalid_value(serde::de::Unexpected::Signed(number), &self))
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Port, A::Error> {
        PortForm::deserialize(MapAccessDeserializer::new(map))
            .map(|form| Port { port: form.port, protocol: form.protocol })
    }
}

/// What a container is promised, and the most it may take.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Resources {
    /// Promised processor time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<MilliCpu>,
    /// Promised memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Bytes>,
    /// Whole graphics processors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu: Option<Gpu>,
    /// The most it may take.
    #[serde(skip_serializing_if = "is_default")]
    pub limits: Limits,
}

/// Graphics processors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gpu {
    /// How many.
    pub count: u32,
    /// The resource's name on the platform, where it is not the platform's usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
}

/// The most that a container may take.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Limits {
    /// Processor time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<MilliCpu>,
    /// Memory; above it the container is killed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Bytes>,
}

/// What a container may do to the system around it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Security {
    /// The user it runs as: a name or a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The group it runs as: a name or a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Its root file system cannot be written.
    #[serde(skip_serializing_if = "is_default")]
    pub read_only_root: bool,
    /// Linux capabilities.
    #[serde(skip_serializing_if = "is_default")]
    pub capabilities: Capabilities,
    /// Every right of the node's root.
    #[serde(skip_serializing_if = "is_default")]
    pub privileged: bool,
    /// Kernel parameters of its namespaces.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub sysctls: BTreeMap<String, String>,
    /// Limits of the kernel, by name without `RLIMIT_`: `nofile`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub ulimits: BTreeMap<String, Ulimit>,
    /// The seccomp profile: `default`, `unconfined`, or the path of a profile on the node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seccomp: Option<String>,
}

/// Linux capabilities, without `CAP_`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Capabilities {
    /// Granted beyond the platform's usual set.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub add: Vec<String>,
    /// Taken away; `ALL` takes every one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drop: Vec<String>,
}

/// A kernel limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ulimit {
    /// What a process has at first; -1 is unlimited.
    pub soft: i64,
    /// What a process may raise it to; -1 is unlimited.
    pub hard: i64,
}

/// How a container is asked to stop.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Stop {
    /// The first signal: `SIGTERM`, `SIGINT` …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// Time from the first signal to the kill.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace: Option<Duration>,
}

/// Commands run in the container after its start and before its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Lifecycle {
    /// Run beside the main process once it has started.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub post_start: Vec<String>,
    /// Run before the stop signal.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pre_stop: Vec<String>,
}

/// Where a container's output goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Logging {
    /// The log driver's name: `json-file`, `awslogs` …
    pub driver: String,
    /// The driver's options.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
}
