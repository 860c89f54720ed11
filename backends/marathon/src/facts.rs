//! What only the servers know.

use serde::{Deserialize, Serialize};

use crate::connect::Settings;

/// What only the servers know. The default is a DC/OS of the last line (Marathon 1.11), for what is done with no
/// server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(clippy::struct_excessive_bools, reason = "each says one thing apart from the others")]
pub struct MarathonFacts {
    /// Marathon's version: `1.11.24`.
    pub version: String,
    /// Whether the secret store is there and Marathon's feature `secrets` is on.
    pub secrets: bool,
    /// Whether Marathon's feature `external_volumes` is on.
    pub external_volumes: bool,
    /// Whether Marathon's feature `gpu_resources` is on.
    pub gpus: bool,
    /// Whether Metronome is there.
    pub metronome: bool,
    /// Whether Chronos is there.
    pub chronos: bool,
    /// The virtual network of apps with addresses of their own; none means bridge mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// How workloads find each other.
    pub naming: Naming,
    /// The group of marathon-lb: the label `HAPROXY_GROUP`.
    pub haproxy_group: String,
    /// The number of agents, for workloads that run on each.
    pub agents: u32,
    /// Service ports in use by apps that are not the release's own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub service_ports: Vec<u16>,
}

/// How workloads find each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Naming {
    /// Virtual addresses of DC/OS: `web.shop.default.marathon.l4lb.thisdcos.directory`.
    #[default]
    Vip,
    /// Names of Mesos-DNS: `web-shop-default.marathon.mesos`, which needs fixed ports or container networks.
    MesosDns,
}

impl MarathonFacts {
    /// What settings alone give; the defaults for the rest.
    pub fn assumed(settings: &Settings) -> Self {
        Self {
            version: "1.11.24".to_owned(),
            secrets: settings.secrets.unwrap_or(true),
            external_volumes: true,
            gpus: true,
            metronome: true,
            chronos: false,
            network: Some(settings.network.clone().unwrap_or_else(|| "dcos".to_owned())),
            naming: settings.naming.unwrap_or_default(),
            haproxy_group: settings.haproxy_group.clone().unwrap_or_else(|| "external".to_owned()),
            agents: 1,
            service_ports: Vec::new(),
        }
    }
}

impl MarathonFacts {
    /// Whether Marathon is of this version or a later one.
    pub fn speaks(&self, major: u32, minor: u32) -> bool {
        let mut numbers = self.version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (major, minor)
    }
}

impl Default for MarathonFacts {
    fn default() -> Self {
        Self::assumed(&Settings::default())
    }
}
