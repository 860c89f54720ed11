//! Ports that others reach, networks, and routes from outside.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::is_default;

/// A port that others reach, keyed by the name of a container port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expose {
    /// The number that others use. With `as: node` it is the node's port.
    pub port: u16,
    /// From where it is reached.
    #[serde(rename = "as", default, skip_serializing_if = "is_default")]
    pub kind: ExposeAs,
    /// Which replicas a node's port leads to, with `as: node`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub traffic: Traffic,
    /// The port of siblings, where it differs from the node's, with `as: node`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internal_port: Option<u16>,
}

/// From where an exposed port is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ExposeAs {
    /// From siblings, by the workload's name.
    #[default]
    Internal,
    /// From outside, at a port of the nodes.
    Node,
    /// From outside, through the platform's load balancer.
    #[serde(rename = "loadbalancer")]
    LoadBalancer,
}

/// Which replicas a node's port leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Traffic {
    /// Every node leads to every replica.
    #[default]
    Cluster,
    /// A node leads to its own replicas only.
    Local,
}

/// A network of its own, apart from the release's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "each says one thing apart from the others")]
pub struct Network {
    /// Nothing on it reaches the outside.
    #[serde(skip_serializing_if = "is_default")]
    pub internal: bool,
    /// Traffic between nodes is encrypted.
    #[serde(skip_serializing_if = "is_default")]
    pub encrypted: bool,
    /// Containers outside the release may join.
    #[serde(skip_serializing_if = "is_default")]
    pub attachable: bool,
    /// Address range in CIDR form, where the platform's choice does not do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet: Option<String>,
    /// The network exists already and is not ours to make, change or remove.
    #[serde(skip_serializing_if = "is_default")]
    pub external: bool,
    /// Labels for the platform's object.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// HTTP traffic from outside, by host and path.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Route {
    /// The host name; none means every host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Targets by path prefix.
    pub paths: IndexMap<String, RouteTarget>,
    /// TLS towards the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<RouteTls>,
    /// The router that serves it, where the platform has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Notes for the router.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RouteTarget {
    /// The workload's name.
    pub workload: String,
    /// The name of a port that it exposes.
    pub port: String,
}

/// TLS towards the client of a route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RouteTls {
    /// A secret with the keys `tls.crt` and `tls.key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// The router's own certificate resolver, or a certificate's name or ARN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolver: Option<String>,
}

/// Name resolution inside a workload's containers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Dns {
    /// Addresses of name servers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<String>,
    /// Domains tried for bare names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub search: Vec<String>,
    /// Options of the resolver: `ndots:2`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
}
