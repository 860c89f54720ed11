//! Which nodes a global service goes to.

use std::collections::BTreeMap;

use rhumb_backend::Result;
use serde::Deserialize;
use serde_json::Value;

use crate::connect::{Call, Engine};

/// A node, as the engine returns it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Node {
    #[serde(rename = "ID")]
    id: String,
    spec: Spec,
    description: Description,
    status: Status,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Spec {
    labels: Option<BTreeMap<String, String>>,
    role: String,
    availability: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Description {
    hostname: String,
    platform: Platform,
    engine: EngineDescription,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Platform {
    architecture: String,
    #[serde(rename = "OS")]
    os: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct EngineDescription {
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Status {
    state: String,
    addr: String,
}

/// Every node of the swarm.
///
/// # Errors
/// What the engine answers.
pub(crate) async fn nodes(engine: &Engine) -> Result<Vec<Node>> {
    engine.json(Call::get("list nodes", "/nodes")).await
}

impl Node {
    /// Its id.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// What people call it.
    pub(crate) fn name(&self) -> &str {
        if self.description.hostname.is_empty() { &self.id } else { &self.description.hostname }
    }

    /// `manager` or `worker`.
    pub(crate) fn role(&self) -> &str {
        &self.spec.role
    }

    /// `active`, `pause` or `drain`.
    pub(crate) fn availability(&self) -> &str {
        &self.spec.availability
    }

    /// Its labels.
    pub(crate) fn labels(&self) -> &BTreeMap<String, String> {
        static NONE: BTreeMap<String, String> = BTreeMap::new();
        self.spec.labels.as_ref().unwrap_or(&NONE)
    }

    /// The address by which the other nodes reach it.
    pub(crate) fn address(&self) -> &str {
        &self.status.addr
    }

    /// Its operating system.
    pub(crate) fn os(&self) -> &str {
        &self.description.platform.os
    }

    /// Its processor.
    pub(crate) fn arch(&self) -> &str {
        &self.description.platform.architecture
    }

    /// Whether a global service with this template has a task here.
    pub(super) fn takes(&self, template: &Value) -> bool {
        let constraints =
            template.pointer("/Placement/Constraints").and_then(Value::as_array).into_iter().flatten();
        self.status.state == "ready"
            && self.spec.availability == "active"
            && constraints.filter_map(Value::as_str).all(|constraint| self.meets(constraint))
    }

    /// Whether a constraint holds here. One that is not understood is taken to hold, as the engine checked it.
    ///
    /// Source: swarmkit, `manager/constraint`.
    fn meets(&self, constraint: &str) -> bool {
        let (key, value, wanted) = match (constraint.split_once("!="), constraint.split_once("==")) {
            (Some((key, value)), _) => (key.trim(), value.trim(), false),
            (None, Some((key, value))) => (key.trim(), value.trim(), true),
            (None, None) => return true,
        };
        let is = |text: &str| text.eq_ignore_ascii_case(value) == wanted;
        let label = |labels: &Option<BTreeMap<String, String>>, name: &str| {
            is(labels.as_ref().and_then(|labels| labels.get(name)).map_or("", String::as_str))
        };
        match key.to_ascii_lowercase().as_str() {
            "node.id" => is(&self.id),
            "node.hostname" => is(&self.description.hostname),
            "node.role" => is(&self.spec.role),
            "node.ip" if !value.contains('/') => is(&self.status.addr),
            "node.platform.os" => is(&self.description.platform.os),
            "node.platform.arch" => is(&self.description.platform.architecture),
            lower if lower.starts_with("node.labels.") => {
                label(&self.spec.labels, &key["node.labels.".len()..])
            }
            lower if lower.starts_with("engine.labels.") => {
                label(&self.description.engine.labels, &key["engine.labels.".len()..])
            }
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn node() -> Node {
        let json = json!({
            "ID": "n1",
            "Spec": { "Labels": { "disk": "ssd" }, "Role": "worker", "Availability": "active" },
            "Description": { "Hostname": "a", "Platform": { "Architecture": "x86_64", "OS": "linux" }, "Engine": {} },
            "Status": { "State": "ready", "Addr": "10.0.0.1" },
        });
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn constraints_are_read_as_the_scheduler_reads_them() {
        let check = |constraint: &str, expect: bool| {
            let template = json!({ "Placement": { "Constraints": [constraint] } });
            assert_eq!(node().takes(&template), expect, "{constraint}");
        };
        check("node.role==worker", true);
        check("node.role != worker", false);
        check("node.labels.disk == SSD", true);
        check("node.labels.zone != a", true);
        check("node.hostname==b", false);
        check("engine.labels.x==1", false);
    }

    #[test]
    fn nodes_that_are_drained_or_down_take_nothing() {
        let mut drained = node();
        drained.spec.availability = "drain".to_owned();
        assert!(!drained.takes(&json!({})));
        let mut down = node();
        down.status.state = "down".to_owned();
        assert!(!down.takes(&json!({})));
    }
}
