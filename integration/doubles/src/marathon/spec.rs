//! Apps and pods, as what runs them needs to know them.

use serde_json::{Value, json};

use super::fate::Subject;

/// Which of the two it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An app.
    App,
    /// A pod.
    Pod,
}

/// An app or a pod at one version.
#[derive(Clone, Debug)]
pub(super) struct Spec {
    /// The id, from the root.
    pub(super) id: String,
    /// Which it is.
    pub(super) kind: Kind,
    /// The definition with every default, without its version.
    pub(super) body: Value,
    /// The version.
    pub(super) version: String,
    /// The version of the last change of instances, or of a restart.
    pub(super) scaled_at: String,
    /// The version of the last change of anything else.
    pub(super) configured_at: String,
}

impl Spec {
    /// A first version.
    pub(super) fn new(kind: Kind, id: String, body: Value, version: String) -> Self {
        Self { id, kind, body, scaled_at: version.clone(), configured_at: version.clone(), version }
    }

    /// The definition as the API shows it.
    pub(super) fn shown(&self) -> Value {
        let mut shown = self.body.clone();
        shown["id"] = json!(self.id);
        shown["version"] = json!(self.version);
        if self.kind == Kind::App {
            shown["versionInfo"] =
                json!({ "lastScalingAt": self.scaled_at, "lastConfigChangeAt": self.configured_at });
        }
        shown
    }

    /// How many instances are wanted.
    pub(super) fn instances(&self) -> usize {
        let at = match self.kind {
            Kind::App => &self.body["instances"],
            Kind::Pod => &self.body["scaling"]["instances"],
        };
        usize::try_from(at.as_u64().unwrap_or(1)).unwrap_or(usize::MAX)
    }

    /// With another number of instances.
    pub(super) fn scaled(&self, instances: usize) -> Self {
        let mut other = self.clone();
        match self.kind {
            Kind::App => other.body["instances"] = json!(instances),
            Kind::Pod => other.body["scaling"] = json!({ "kind": "fixed", "instances": instances }),
        }
        other
    }

    /// Whether nothing but the number of instances differs.
    pub(super) fn is_scaling_of(&self, other: &Self) -> bool {
        self.scaled(0).body == other.scaled(0).body
    }

    /// The least share of healthy instances, and the share that may be there beyond.
    pub(super) fn upgrade(&self) -> (f64, f64) {
        let strategy = match self.kind {
            Kind::App => &self.body["upgradeStrategy"],
            Kind::Pod => &self.body["scheduling"]["upgrade"],
        };
        let share = |name: &str| strategy[name].as_f64().unwrap_or(1.0);
        (share("minimumHealthCapacity"), share("maximumOverCapacity"))
    }

    /// First delay in seconds, factor, and longest delay in seconds.
    pub(super) fn backoff(&self) -> (f64, f64, f64) {
        let number = |value: &Value, default: f64| value.as_f64().unwrap_or(default);
        match self.kind {
            Kind::App => (
                number(&self.body["backoffSeconds"], 1.0),
                number(&self.body["backoffFactor"], 1.15),
                number(&self.body["maxLaunchDelaySeconds"], 300.0),
            ),
            Kind::Pod => {
                let backoff = &self.body["scheduling"]["backoff"];
                (
                    number(&backoff["backoff"], 1.0),
                    number(&backoff["backoffFactor"], 1.15),
                    number(&backoff["maxLaunchDelay"], 300.0),
                )
            }
        }
    }

    /// The volumes that stay on an agent: their paths in the container, or names in a pod.
    pub(super) fn resident_volumes(&self) -> Vec<String> {
        let (volumes, name) = match self.kind {
            Kind::App => (&self.body["container"]["volumes"], "containerPath"),
            Kind::Pod => (&self.body["volumes"], "name"),
        };
        let resident = list(volumes).filter(|volume| volume.get("persistent").is_some());
        resident.map(|volume| volume[name].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The apps and groups that it needs.
    pub(super) fn dependencies(&self) -> Vec<String> {
        texts(&self.body["dependencies"])
    }

    /// Constraints: field, operator and value.
    pub(super) fn constraints(&self) -> Vec<(String, String, String)> {
        match self.kind {
            Kind::App => list(&self.body["constraints"])
                .map(|constraint| {
                    let mut parts = texts(constraint).into_iter();
                    let mut next = || parts.next().unwrap_or_default();
                    (next(), next(), next())
                })
                .collect(),
            Kind::Pod => list(&self.body["scheduling"]["placement"]["constraints"])
                .map(|constraint| {
                    let part = |name: &str| constraint[name].as_str().unwrap_or_default().to_owned();
                    (part("fieldName"), part("operator"), part("value"))
                })
                .collect(),
        }
    }

    /// The first health check: seconds between two checks, and failures until the kill.
    pub(super) fn health_check(&self) -> Option<(u64, u64)> {
        let check = match self.kind {
            Kind::App => list(&self.body["healthChecks"]).next(),
            Kind::Pod => self.containers().find_map(|container| container.get("healthCheck")),
        }?;
        let number = |name: &str, default: u64| check[name].as_u64().unwrap_or(default);
        Some((number("intervalSeconds", 60), number("maxConsecutiveFailures", 3)))
    }

    /// The readiness check of an app; a pod has none.
    pub(super) fn readiness_check(&self) -> Option<&Value> {
        list(&self.body["readinessChecks"]).next()
    }

    /// Processors, memory in MiB and graphics processors of one instance.
    pub(super) fn resources(&self) -> (f64, f64, f64) {
        let of = |value: &Value| {
            let number = |name: &str| value[name].as_f64().unwrap_or(0.0);
            (number("cpus"), number("mem"), number("gpus"))
        };
        match self.kind {
            Kind::App => of(&self.body),
            Kind::Pod => self
                .containers()
                .map(|container| of(&container["resources"]))
                .fold(of(&self.body["executorResources"]), |sum, next| {
                    (sum.0 + next.0, sum.1 + next.1, sum.2 + next.2)
                }),
        }
    }

    /// The host ports of one instance: 0 is any.
    pub(super) fn host_ports(&self) -> Vec<u16> {
        let port = |value: &Value| value.as_u64().and_then(|port| u16::try_from(port).ok());
        if self.kind == Kind::Pod {
            return self
                .containers()
                .flat_map(|container| list(&container["endpoints"]))
                .filter_map(|endpoint| port(&endpoint["hostPort"]))
                .collect();
        }
        if self.is_on_host_network() {
            let requires = self.body["requirePorts"] == json!(true);
            return list(&self.body["portDefinitions"])
                .map(|definition| if requires { port(&definition["port"]).unwrap_or(0) } else { 0 })
                .collect();
        }
        list(&self.body["container"]["portMappings"])
            .filter_map(|mapping| port(&mapping["hostPort"]))
            .collect()
    }

    /// The service ports of an app.
    pub(super) fn service_ports(&self) -> Vec<u64> {
        let (ports, name) = if self.is_on_host_network() {
            (&self.body["portDefinitions"], "port")
        } else {
            (&self.body["container"]["portMappings"], "servicePort")
        };
        list(ports).map(|port| port[name].as_u64().unwrap_or(0)).collect()
    }

    /// Whether tasks use the agent's own network.
    pub(super) fn is_on_host_network(&self) -> bool {
        list(&self.body["networks"]).all(|network| network["mode"] == json!("host"))
    }

    /// The containers of a pod.
    pub(super) fn containers(&self) -> impl Iterator<Item = &Value> {
        list(&self.body["containers"])
    }

    /// What rules look at.
    pub(super) fn subject(&self) -> Subject<'_> {
        let image = |value: &Value| value.as_str().map(str::to_owned);
        let images = match self.kind {
            Kind::App => image(&self.body["container"]["docker"]["image"]).into_iter().collect(),
            Kind::Pod => self.containers().filter_map(|container| image(&container["image"]["id"])).collect(),
        };
        let command = match self.kind {
            Kind::App => command(&self.body["cmd"], &self.body["args"]),
            Kind::Pod => self
                .containers()
                .map(|container| {
                    let exec = &container["exec"]["command"];
                    command(&exec["shell"], &exec["argv"])
                })
                .collect::<Vec<_>>()
                .join("\n"),
        };
        Subject { id: &self.id, images, command }
    }
}

/// A command line from either of its two forms.
fn command(shell: &Value, arguments: &Value) -> String {
    shell.as_str().map_or_else(|| texts(arguments).join(" "), str::to_owned)
}

/// The members of an array; none of anything else.
pub(super) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The texts of an array.
pub(super) fn texts(value: &Value) -> Vec<String> {
    list(value).filter_map(Value::as_str).map(str::to_owned).collect()
}
