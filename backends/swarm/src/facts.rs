//! What only the swarm knows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What only the swarm knows: the engine's version, its nodes, image digests, and which of the helpers run there that
/// some emulations need.
///
/// [`SwarmFacts::default`] is what is assumed of a swarm that is not asked: a current engine on which Traefik and
/// swarm-cronjob run, whose nodes are unknown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SwarmFacts {
    /// The version of the Engine API, as in `1.41`.
    pub api_version: String,
    /// The nodes, by id. Empty where no swarm was asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<NodeFact>,
    /// Images by the name that the app gives them: `name:tag@sha256:…`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub images: BTreeMap<String, String>,
    /// What is known of images that the asked engine has, by the name that the app gives them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub image_configs: BTreeMap<String, ImageConfig>,
    /// Traefik, where it runs in the swarm and watches its services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traefik: Option<Traefik>,
    /// Whether swarm-cronjob runs in the swarm.
    #[serde(default)]
    pub cronjob: bool,
    /// Networks, configs and secrets that the app takes for granted: their ids, by the id of the external object
    /// (see [`crate::names::externals`]).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub external: BTreeMap<String, String>,
}

impl Default for SwarmFacts {
    fn default() -> Self {
        Self {
            api_version: "1.47".to_owned(),
            nodes: Vec::new(),
            images: BTreeMap::new(),
            image_configs: BTreeMap::new(),
            traefik: Some(Traefik::default()),
            cronjob: true,
            external: BTreeMap::new(),
        }
    }
}

impl SwarmFacts {
    /// Whether the engine speaks at least this minor version of API 1.
    pub fn speaks(&self, minor: u32) -> bool {
        let mut parts = self.api_version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= (1, minor)
    }

    /// The image to run for the name that the app gives it, with its digest where that is known.
    pub fn image<'a>(&'a self, written: &'a str) -> &'a str {
        self.images.get(written).map_or(written, String::as_str)
    }
}

/// A node of the swarm, without anything that changes from one minute to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeFact {
    /// The node's id.
    pub id: String,
    /// Its host name.
    pub hostname: String,
    /// `manager` or `worker`.
    pub role: String,
    /// Its labels, as set by `docker node update --label-add`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// `active`, `pause` or `drain`.
    pub availability: String,
    /// Its operating system, as in `linux`.
    pub os: String,
    /// Its processor, as the engine writes it: `x86_64`, `aarch64`.
    pub arch: String,
}

/// What an image starts by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ImageConfig {
    /// Its entry point.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entrypoint: Vec<String>,
    /// Its arguments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cmd: Vec<String>,
    /// Whether it brings a `HEALTHCHECK` of its own.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub healthcheck: bool,
}

/// How Traefik is set up in the swarm.
///
/// Source: Traefik's documentation, "Docker Swarm provider".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Traefik {
    /// The name of the overlay network on which it reaches services.
    pub network: String,
    /// Its entry point for plain HTTP.
    #[serde(default = "plain_entry_point")]
    pub http: String,
    /// Its entry point for HTTPS.
    #[serde(default = "secure_entry_point")]
    pub https: String,
    /// Labels that its `constraints` ask of a service.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

impl Default for Traefik {
    fn default() -> Self {
        Self {
            network: "traefik".to_owned(),
            http: plain_entry_point(),
            https: secure_entry_point(),
            labels: BTreeMap::new(),
        }
    }
}

fn plain_entry_point() -> String {
    "web".to_owned()
}

fn secure_entry_point() -> String {
    "websecure".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_versions_are_compared_as_numbers() {
        let facts = |version: &str| SwarmFacts { api_version: version.to_owned(), ..SwarmFacts::default() };
        assert!(facts("1.41").speaks(41));
        assert!(!facts("1.9").speaks(41));
        assert!(facts("2.0").speaks(41));
        assert!(!facts("odd").speaks(41));
    }

    #[test]
    fn defaults_survive_a_record() {
        let json = serde_json::to_value(SwarmFacts::default()).unwrap();
        assert_eq!(serde_json::from_value::<SwarmFacts>(json).unwrap(), SwarmFacts::default());
    }
}
