//! The container of a task.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use rhumb_backend::Lifted;
use rhumb_spec::model::{
    Capabilities, Container, Dns, Gpu, Limits, Logging, MountSource, Port, Resources, Security, Stop, Ulimit,
};
use serde_json::Value;

use super::fields::{Fields, TEMPLATE, not_carried};
use super::naming::Names;
use super::{environment, health, mounts};
use crate::lower::{GPU, unescape};
use crate::names::FileKind;

/// What the workload as a whole gets from its container's specification.
#[derive(Default)]
pub(super) struct Outer {
    pub(super) hostname: Option<String>,
    pub(super) dns: Dns,
    pub(super) hosts: BTreeMap<String, String>,
    pub(super) labels: BTreeMap<String, String>,
}

/// Reads a task's `ContainerSpec`, `Resources` and `LogDriver`. The ports are those that are known already.
pub(super) fn container(
    task: &mut Fields,
    (image, stack, names): (Option<String>, Option<&str>, &Names),
    mut ports: IndexMap<String, Port>,
    lifted: &mut Lifted,
) -> (Container, Outer) {
    let mut spec = task.below("ContainerSpec");
    spec.ignore(&["Isolation"]);
    let written = spec.text("Image").unwrap_or_default();
    let mut env = environment::variables(&mut spec, lifted);
    let mut secrets: Vec<(usize, Value)> = spec.list("Secrets").into_iter().enumerate().collect();
    let command = spec.texts("Command");
    let command = environment::unwrap(command, (&mut secrets, &spec), &mut env, names);
    let mut container = Container {
        image: image.unwrap_or(written),
        command,
        args: spec.texts("Args"),
        working_dir: spec.text("Dir"),
        env,
        probes: health::probes(&mut spec, &mut ports, lifted),
        resources: resources(task, lifted),
        mounts: mounts::mounts(&mut spec, stack, lifted),
        security: security(&mut spec, lifted),
        stop: Stop { signal: spec.text("StopSignal"), grace: spec.time("StopGracePeriod") },
        logging: logging(task, lifted),
        ..Container::default()
    };
    container.ports = ports;
    let configs = spec.list("Configs").into_iter().enumerate().collect();
    container.mounts.extend(mounts::files(FileKind::Config, (configs, &spec), names, lifted));
    container.mounts.extend(mounts::files(FileKind::Secret, (secrets, &spec), names, lifted));
    let outer = outer(&mut spec, lifted);
    spec.tell(&mut lifted.notes);
    (container, outer)
}

/// Whether a container mounts a volume that may be on one node.
pub(super) fn has_volumes(container: &Container) -> bool {
    container.mounts.values().any(|mount| matches!(mount.source, MountSource::Volume { .. }))
}

fn outer(spec: &mut Fields, lifted: &mut Lifted) -> Outer {
    let mut dns = spec.below("DNSConfig");
    let found =
        Dns { servers: dns.texts("Nameservers"), search: dns.texts("Search"), options: dns.texts("Options") };
    dns.tell(&mut lifted.notes);
    let hostname = spec.text("Hostname");
    let plain = hostname.as_deref().and_then(unescape);
    if hostname.is_some() && plain.is_none() {
        lifted.notes.push(not_carried(spec.at("Hostname"), TEMPLATE));
    }
    let mut hosts = BTreeMap::new();
    for line in spec.texts("Hosts") {
        let mut words = line.split_whitespace();
        let address = words.next().unwrap_or_default().to_owned();
        hosts.extend(words.map(|host| (host.to_owned(), address.clone())));
    }
    Outer { hostname: plain, dns: found, hosts, labels: spec.map("Labels") }
}

fn resources(task: &mut Fields, lifted: &mut Lifted) -> Resources {
    let mut fields = task.below("Resources");
    let (mut limits, mut reservations) = (fields.below("Limits"), fields.below("Reservations"));
    let gpu = gpu(&mut reservations, lifted);
    let resources = Resources {
        cpu: reservations.cpu("NanoCPUs"),
        memory: reservations.bytes("MemoryBytes"),
        gpu,
        limits: Limits { cpu: limits.cpu("NanoCPUs"), memory: limits.bytes("MemoryBytes") },
    };
    for rest in [limits, reservations, fields] {
        rest.tell(&mut lifted.notes);
    }
    resources
}

fn gpu(reservations: &mut Fields, lifted: &mut Lifted) -> Option<Gpu> {
    let path = reservations.at("GenericResources");
    let mut found = None;
    for (index, resource) in reservations.list("GenericResources").iter().enumerate() {
        let discrete = resource.get("DiscreteResourceSpec");
        let kind = discrete.and_then(|discrete| discrete.get("Kind")).and_then(Value::as_str);
        let count = discrete.and_then(|discrete| discrete.get("Value")).and_then(Value::as_u64);
        match (kind, count.and_then(|count| u32::try_from(count).ok())) {
            (Some(kind), Some(count)) if found.is_none() && kind.to_ascii_lowercase().contains("gpu") => {
                let resource = (kind != GPU).then(|| kind.to_owned());
                reservations.reads().mark(format!("{path}.{index}"));
                found = Some(Gpu { count, resource });
            }
            _ => lifted
                .notes
                .push(not_carried(format!("{path}.{index}"), "only graphics processors have a neutral form")),
        }
    }
    found
}

fn security(spec: &mut Fields, lifted: &mut Lifted) -> Security {
    let user = spec.text("User");
    let (user, group) = match user.as_deref().and_then(|user| user.split_once(':')) {
        Some((user, group)) => (Some(user.to_owned()), Some(group.to_owned())),
        None => (user, None),
    };
    let mut privileges = spec.below("Privileges");
    let mut seccomp = privileges.below("Seccomp");
    let mode = seccomp.text("Mode");
    if mode.as_deref() == Some("custom") {
        lifted
            .notes
            .push(not_carried(seccomp.at("Profile"), "a profile is named by its path on the node here"));
        seccomp.ignore(&["Profile"]);
    }
    seccomp.tell(&mut lifted.notes);
    privileges.tell(&mut lifted.notes);
    Security {
        user,
        group,
        read_only_root: spec.flag("ReadOnly"),
        capabilities: Capabilities {
            add: capabilities(spec.texts("CapabilityAdd")),
            drop: capabilities(spec.texts("CapabilityDrop")),
        },
        privileged: false,
        sysctls: spec.map("Sysctls"),
        ulimits: ulimits(spec),
        seccomp: mode.filter(|mode| mode != "custom"),
    }
}

fn capabilities(names: Vec<String>) -> Vec<String> {
    names.into_iter().map(|name| name.strip_prefix("CAP_").unwrap_or(&name).to_owned()).collect()
}

fn ulimits(spec: &mut Fields) -> BTreeMap<String, Ulimit> {
    let path = spec.at("Ulimits");
    let mut found = BTreeMap::new();
    for (index, item) in spec.list("Ulimits").iter().enumerate() {
        if let Some((name, limit)) = ulimit(item) {
            spec.reads().mark(format!("{path}.{index}"));
            found.insert(name, limit);
        }
    }
    found
}

fn ulimit(value: &Value) -> Option<(String, Ulimit)> {
    let number = |key: &str| value.get(key).and_then(Value::as_i64);
    let limit = Ulimit { soft: number("Soft")?, hard: number("Hard")? };
    Some((value.get("Name")?.as_str()?.to_owned(), limit))
}

fn logging(task: &mut Fields, lifted: &mut Lifted) -> Option<Logging> {
    let mut driver = task.below("LogDriver");
    let logging = Logging { driver: driver.text("Name")?, options: driver.map("Options") };
    driver.tell(&mut lifted.notes);
    Some(logging)
}
