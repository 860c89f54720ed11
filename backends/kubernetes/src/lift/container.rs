//! One container of a pod.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use rhumb_spec::model::{
    Capabilities, Container, Gpu, Limits, Port, Protocol, PullPolicy, Resources, Security,
};
use rhumb_spec::{Bytes, MilliCpu};
use serde_json::{Value, json};

use super::naming::is_port_name;
use super::world::{PortRef, World};
use super::{defaults, environment, probes};
use crate::lower::unescape;
use rhumb_backend::fields::{Fields, small, texts};

/// The usual resource of graphics processors.
const GPU: &str = "nvidia.com/gpu";

/// Whether a container ends before the others start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It does.
    Init,
    /// It is one of the others.
    Main,
}

/// The names of a workload's ports, of which no two containers may share one.
pub(super) struct PortNames<'h> {
    pub(super) used: BTreeSet<String>,
    pub(super) numbers: BTreeSet<(u16, Protocol)>,
    pub(super) hints: &'h [(PortRef, String)],
}

/// The ports of one container, by what the manifest calls them.
#[derive(Default)]
pub(super) struct Ports {
    /// By the names of the app.
    pub(super) ports: IndexMap<String, Port>,
    /// The app's names by the manifest's.
    pub(super) named: Vec<(String, String)>,
}

impl Ports {
    /// The app's name of the port that a number or name means.
    pub(super) fn find(&self, port: &PortRef) -> Option<String> {
        match port {
            PortRef::Name(native) => {
                self.named.iter().find(|(name, _)| name == native).map(|(_, name)| name.clone())
            }
            PortRef::Number(number) => {
                self.ports.iter().find(|(_, port)| port.port == *number).map(|(name, _)| name.clone())
            }
        }
    }
}

/// Reads a container, all but its mounts. What cannot be carried stays in the fields.
///
/// An init container has neither probes nor hooks in the app.
pub(super) fn container(
    fields: &mut Fields<'_>,
    names: &mut PortNames<'_>,
    role: Role,
    world: &mut World,
) -> (Container, Ports) {
    defaults::container(fields);
    let mut ports = ports(fields, names);
    let image = fields.text("image").unwrap_or_default();
    let mut container = Container {
        pull: pull(fields, &image),
        command: arguments(fields, "command"),
        args: arguments(fields, "args"),
        working_dir: fields.take("workingDir", |value| {
            value.as_str().filter(|folder| folder.starts_with('/')).map(str::to_owned)
        }),
        env: environment::variables(fields, world),
        env_from: environment::whole(fields, world),
        resources: resources(fields),
        security: security(fields),
        image,
        ..Container::default()
    };
    if role == Role::Main {
        container.probes = probes::probes(fields, &mut ports, names);
        container.lifecycle = probes::lifecycle(fields);
        container.stop.signal = probes::stop_signal(fields, &mut container.lifecycle);
    }
    container.ports.clone_from(&ports.ports);
    (container, ports)
}

/// The policy, where it is not the one that the server takes for this image.
fn pull(fields: &mut Fields<'_>, image: &str) -> Option<PullPolicy> {
    let name = image.rsplit('/').next().unwrap_or(image);
    let is_latest = !name.contains('@') && name.split_once(':').is_none_or(|(_, tag)| tag == "latest");
    fields.written_default("imagePullPolicy", &json!(if is_latest { "Always" } else { "IfNotPresent" }));
    fields.take("imagePullPolicy", |value| match value.as_str()? {
        "Always" => Some(PullPolicy::Always),
        "IfNotPresent" => Some(PullPolicy::IfMissing),
        "Never" => Some(PullPolicy::Never),
        _ => None,
    })
}

/// A command or its arguments. One that the server would expand variables in has no neutral form.
fn arguments(fields: &mut Fields<'_>, key: &str) -> Vec<String> {
    let read = |value: &Value| texts(value)?.iter().map(|text| unescape(text)).collect();
    fields.take(key, read).unwrap_or_default()
}

fn ports(fields: &mut Fields<'_>, names: &mut PortNames<'_>) -> Ports {
    let mut found = Ports::default();
    let Some(items) = fields.take("ports", |value| {
        let items = value.as_array()?.iter().map(|item| item.as_object().cloned());
        items.collect::<Option<Vec<_>>>()
    }) else {
        return found;
    };
    let path = fields.at("ports");
    let mut left = Vec::new();
    for mut map in items {
        let whole = map.clone();
        let key = map.get("containerPort").cloned().unwrap_or_default();
        let mut item = Fields::new(&mut map, format!("{path}.{key}"), fields.ledger());
        let protocol = match item.text_at("protocol") {
            None | Some("TCP") => Some(Protocol::Tcp),
            Some("UDP") => Some(Protocol::Udp),
            Some("SCTP") => Some(Protocol::Sctp),
            Some(_) => None,
        };
        let number = item.get("containerPort").and_then(port_number);
        if let (Some(number), Some(protocol)) = (number, protocol)
            && names.numbers.insert((number, protocol))
        {
            item.take_whole("containerPort");
            item.take_whole("protocol");
            let native = item.text("name");
            let name = names.name(native.as_deref(), number, protocol);
            found.named.extend(native.map(|native| (native, name.clone())));
            found.ports.insert(name, Port { port: number, protocol });
        }
        item.default("hostIP", &json!("0.0.0.0"));
        if !map.is_empty() {
            // What is left is patched into the port of this number and protocol.
            map.insert("containerPort".to_owned(), key);
            let protocol = whole.get("protocol").filter(|protocol| *protocol != "TCP");
            map.extend(protocol.map(|protocol| ("protocol".to_owned(), protocol.clone())));
            left.push(Value::Object(map));
        }
    }
    if !left.is_empty() {
        fields.put("ports", Value::Array(left));
    }
    found
}

impl PortNames<'_> {
    /// A name for a port: the manifest's own, else what a service calls it, else one of its number.
    pub(super) fn name(&mut self, native: Option<&str>, number: u16, protocol: Protocol) -> String {
        let hint = || {
            let of = |port: &PortRef| *port == PortRef::Number(number);
            self.hints.iter().find(|(port, _)| of(port)).map(|(_, name)| name.clone())
        };
        let known = match (number, protocol) {
            (80 | 8080, Protocol::Tcp) => "http".to_owned(),
            (443 | 8443, Protocol::Tcp) => "https".to_owned(),
            (53, _) => "dns".to_owned(),
            (number, _) => format!("port-{number}"),
        };
        let wanted = native.map(str::to_owned).filter(|name| is_port_name(name));
        let wanted = wanted.or_else(|| hint().filter(|name| is_port_name(name))).unwrap_or(known);
        let end = match protocol {
            Protocol::Tcp => format!("-{number}"),
            Protocol::Udp => "-udp".to_owned(),
            Protocol::Sctp => "-sctp".to_owned(),
        };
        let second =
            format!("{}{end}", wanted.chars().take(15 - end.len()).collect::<String>().trim_end_matches('-'));
        let names = [wanted, second, format!("port-{number}"), format!("p{number}{end}")];
        let name = names.iter().find(|name| is_port_name(name) && !self.used.contains(*name));
        let name = name.cloned().unwrap_or_else(|| format!("p{}-{number}", self.used.len()));
        self.used.insert(name.clone());
        name
    }
}

/// A port's number.
pub(super) fn port_number(value: &Value) -> Option<u16> {
    value.as_u64().and_then(|number| u16::try_from(number).ok()).filter(|number| *number > 0)
}

fn resources(fields: &mut Fields<'_>) -> Resources {
    let mut found = Resources::default();
    let Some(mut resources) = fields.below("resources") else { return found };
    if let Some(mut limits) = resources.below("limits") {
        found.limits = Limits { cpu: limits.take("cpu", cpu), memory: limits.take("memory", bytes) };
        found.gpu = gpu(&mut limits);
    }
    if let Some(mut requests) = resources.below("requests") {
        found.cpu = requests.take("cpu", cpu);
        found.memory = requests.take("memory", bytes);
        if let Some(gpu) = &found.gpu {
            let resource = gpu.resource.as_deref().unwrap_or(GPU);
            requests.take(resource, |value| (count(value)? == gpu.count).then_some(()));
        }
    }
    found
}

fn gpu(limits: &mut Fields<'_>) -> Option<Gpu> {
    let count_of = |limits: &mut Fields<'_>, resource: &str| {
        limits.take(resource, |value| count(value).filter(|n| *n > 0))
    };
    if let Some(count) = count_of(limits, GPU) {
        return Some(Gpu { count, resource: None });
    }
    let others = ["amd.com/gpu", "gpu.intel.com/i915"];
    others.iter().find_map(|resource| {
        Some(Gpu { count: count_of(limits, resource)?, resource: Some((*resource).to_owned()) })
    })
}

fn count(value: &Value) -> Option<u32> {
    small(value).or_else(|| value.as_str()?.parse().ok())
}

/// A quantity as text, whether it was written as text or as a number.
fn quantity(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Processor time.
pub(super) fn cpu(value: &Value) -> Option<MilliCpu> {
    quantity(value)?.parse().ok()
}

/// Bytes.
pub(super) fn bytes(value: &Value) -> Option<Bytes> {
    quantity(value)?.parse().ok()
}

fn security(fields: &mut Fields<'_>) -> Security {
    let mut found = Security::default();
    let Some(mut context) = fields.below("securityContext") else { return found };
    found.user = context.take("runAsUser", number_text);
    found.group = context.take("runAsGroup", number_text);
    found.read_only_root = context.flag("readOnlyRootFilesystem").unwrap_or(false);
    found.privileged = context.flag("privileged").unwrap_or(false);
    if let Some(mut capabilities) = context.below("capabilities") {
        found.capabilities = Capabilities {
            add: capability_names(&mut capabilities, "add"),
            drop: capability_names(&mut capabilities, "drop"),
        };
    }
    found.seccomp = seccomp(&mut context);
    implied(&mut context, &found);
    found
}

/// Takes what follows from the rest: a container of another user than root is forbidden to be root, and without any
/// right it cannot get one.
fn implied(context: &mut Fields<'_>, security: &Security) {
    let Capabilities { add, drop } = &security.capabilities;
    let is_other_user = security.user.as_deref().is_some_and(|user| user != "0");
    let has_none = add.is_empty() && drop.iter().any(|name| name == "ALL") && !security.privileged;
    if is_other_user {
        context.take("runAsNonRoot", |value| (*value == Value::Bool(true)).then_some(()));
    }
    if is_other_user && has_none {
        context.take("allowPrivilegeEscalation", |value| (*value == Value::Bool(false)).then_some(()));
    }
}

fn capability_names(capabilities: &mut Fields<'_>, key: &str) -> Vec<String> {
    let plain = |name: String| name.to_uppercase().trim_start_matches("CAP_").to_owned();
    capabilities.texts(key).into_iter().map(plain).collect()
}

/// A number as text.
pub(super) fn number_text(value: &Value) -> Option<String> {
    value.as_u64().map(|number| number.to_string())
}

/// The profile of system calls, of a container's or a pod's security context.
pub(super) fn seccomp(context: &mut Fields<'_>) -> Option<String> {
    context.take("seccompProfile", |value| {
        let profile = value.as_object()?;
        let text = |key: &str| profile.get(key).and_then(Value::as_str);
        match (text("type")?, text("localhostProfile"), profile.len()) {
            ("RuntimeDefault", None, 1) => Some("default".to_owned()),
            ("Unconfined", None, 1) => Some("unconfined".to_owned()),
            ("Localhost", Some(path), 2) => Some(path.to_owned()),
            _ => None,
        }
    })
}
