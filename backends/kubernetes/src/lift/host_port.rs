//! Ports of the nodes that containers take, as ports that are exposed on the nodes with a replica.

use std::collections::BTreeSet;

use rhumb_spec::model::{Expose, ExposeAs, IntOrPercent, Mode, Protocol, Strategy, Traffic, Update};
use serde_json::{Map, Value};

use super::container::port_number;
use super::workload::Read;
use crate::lower::NODE_PORTS;

/// Whether a workload's name is one of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// A service of its own leads to it.
    Own,
    /// None does, and none has its name.
    Free,
    /// One that leads elsewhere, or to others, too, has its name.
    Taken,
}

/// Reads each `hostPort` that means what `as: node` with `traffic: local` does; the others stay for a patch.
///
/// A port stays that has an address of the node or belongs to a pod on the node's own network, is in the range of the
/// ports that services have, or is reached from outside in another way. So does one that the workload's service does
/// not show: to expose it would add it there.
///
/// Source: Kubernetes API reference, `ContainerPort.hostPort`.
pub(super) fn lift(read: &mut Read, named: Named) {
    let is_host = ["/spec/template/spec/hostNetwork", "/spec/hostNetwork"]
        .iter()
        .any(|at| read.document.whole.pointer(at) == Some(&Value::Bool(true)));
    if is_host || !matches!(read.workload.mode, Mode::Replicated | Mode::Global | Mode::Stateful) {
        return;
    }
    let left = take(read);
    let mut has_lifted = false;
    for (container, ports) in left {
        let keys: Vec<Option<(u16, Protocol)>> = ports.iter().map(key).collect();
        let is_only = |index: usize| keys.iter().filter(|key| **key == keys[index]).count() == 1;
        let mut kept = Vec::new();
        for (index, port) in ports.iter().enumerate() {
            match exposed(read, named, port).filter(|_| is_only(index)) {
                Some((name, expose)) => {
                    read.workload.expose.insert(name, expose);
                    has_lifted = true;
                }
                None => kept.push(port.clone()),
            }
        }
        if !kept.is_empty() {
            put(read, &container, kept);
        }
    }
    if has_lifted {
        say_order(read);
    }
}

/// What is left of the ports of each container.
fn take(read: &mut Read) -> Vec<(String, Vec<Value>)> {
    let mut fields = read.document.fields();
    let Some(mut containers) = fields.descended(&["spec", "template", "spec", "containers"]) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for key in containers.keys() {
        let ports = containers
            .below(&key)
            .and_then(|mut container| container.take("ports", |value| value.as_array().cloned()));
        found.extend(ports.map(|ports| (key, ports)));
    }
    found
}

fn put(read: &mut Read, container: &str, ports: Vec<Value>) {
    let mut fields = read.document.fields();
    if let Some(mut container) = fields.descended(&["spec", "template", "spec", "containers", container]) {
        container.put("ports", Value::Array(ports));
    }
}

/// The container's port that a port is, by number and protocol.
fn key(port: &Value) -> Option<(u16, Protocol)> {
    let number = port.get("containerPort").and_then(port_number)?;
    let protocol = match port.get("protocol").and_then(Value::as_str) {
        None | Some("TCP") => Protocol::Tcp,
        Some("UDP") => Protocol::Udp,
        Some("SCTP") => Protocol::Sctp,
        Some(_) => return None,
    };
    Some((number, protocol))
}

/// How a port is exposed of which nothing but the port of the node is left.
fn exposed(read: &Read, named: Named, port: &Value) -> Option<(String, Expose)> {
    let is_plain = |port: &Map<String, Value>| {
        port.keys().all(|key| ["containerPort", "protocol", "hostPort"].contains(&key.as_str()))
    };
    let (number, protocol) = port.as_object().filter(|port| is_plain(port)).and_then(|_| key(port))?;
    let host = port.get("hostPort").and_then(port_number).filter(|host| !NODE_PORTS.contains(host))?;
    let mut ports = read.listens.ports.iter();
    let (name, _) = ports.find(|(_, known)| (known.port, known.protocol) == (number, protocol))?;
    let inner = match read.workload.expose.get(name) {
        Some(known) if known.kind == ExposeAs::Internal => known.port,
        // The service of a stateful set that has a port more is another one.
        None if named == Named::Free && read.workload.mode != Mode::Stateful => number,
        _ => return None,
    };
    let internal_port = Some(inner).filter(|inner| *inner != host);
    Some((name.clone(), Expose { port: host, kind: ExposeAs::Node, traffic: Traffic::Local, internal_port }))
}

/// Says what the server takes where a Deployment says nothing of its updates: for ports of the nodes, the app takes
/// another order.
///
/// Source: Kubernetes API reference, the defaults of `RollingUpdateDeployment`.
fn say_order(read: &mut Read) {
    let update = read.workload.update.get_or_insert_default();
    let is_open = update.max_surge.is_none() && update.max_unavailable.is_none();
    if read.workload.mode == Mode::Replicated && update.strategy == Strategy::Rolling && is_open {
        let quarter = Some(IntOrPercent::Percent(25));
        (update.max_surge, update.max_unavailable) = (quarter, quarter);
    }
    if *update == Update::default() {
        read.workload.update = None;
    }
}

/// Whether the names of workloads are those of services.
pub(super) struct Services<'s> {
    /// The workloads that services of their own lead to.
    pub(super) own: BTreeSet<&'s str>,
    /// The names of the services that are passed through.
    pub(super) others: BTreeSet<String>,
}

impl Services<'_> {
    /// Whether this workload's name is one of a service.
    pub(super) fn named(&self, workload: &str) -> Named {
        if self.own.contains(workload) {
            Named::Own
        } else if self.others.contains(workload) {
            Named::Taken
        } else {
            Named::Free
        }
    }
}
