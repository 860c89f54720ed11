//! The rules of ports: what containers listen on, and what is exposed.

use std::collections::BTreeMap;

use super::{Scope, names};
use crate::Diagnostic;
use crate::model::{App, Expose, ExposeAs, Kind, Port, Protocol, Traffic, Workload};

/// Checks the ports of a workload.
pub(super) fn check(scope: &Scope<'_>, found: &mut Vec<Diagnostic>) {
    check_containers(scope, found);
    check_exposed(scope, found);
}

const fn word(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "TCP",
        Protocol::Udp => "UDP",
        Protocol::Sctp => "SCTP",
    }
}

fn check_containers(scope: &Scope<'_>, found: &mut Vec<Diagnostic>) {
    let mut numbers: BTreeMap<(u16, Protocol), String> = BTreeMap::new();
    let mut port_names: BTreeMap<&str, &str> = BTreeMap::new();
    for (container_name, container) in &scope.workload.containers {
        for (name, port) in &container.ports {
            let field = format!("containers.{container_name}.ports.{name}");
            names::port_name(name, &scope.at(&field), found);
            if port.port == 0 {
                found.push(Diagnostic::error(scope.at(&field), "the port is 0").remedy("1 to 65535"));
            }
            if let Some(first) = port_names.insert(name, container_name)
                && first != container_name
            {
                found.push(
                    Diagnostic::error(
                        scope.at(&field),
                        format!("the container `{first}` has a port named `{name}`, too"),
                    )
                    .why("`expose` could not tell them apart")
                    .remedy("another name"),
                );
            }
            if let Some(first) = numbers.insert((port.port, port.protocol), field.clone()) {
                found.push(
                    Diagnostic::error(
                        scope.at(&field),
                        format!("{} port {} is listened on twice", word(port.protocol), port.port),
                    )
                    .why(format!("`{first}` is the first, and containers of one replica share a network"))
                    .remedy("another port"),
                );
            }
        }
    }
}

/// The container port of a name.
pub(super) fn container_port(workload: &Workload, name: &str) -> Option<Port> {
    workload.containers.values().find_map(|container| container.ports.get(name)).copied()
}

fn check_exposed(scope: &Scope<'_>, found: &mut Vec<Diagnostic>) {
    let workload = scope.workload;
    let mut numbers: BTreeMap<(u16, Protocol), &str> = BTreeMap::new();
    for (name, expose) in &workload.expose {
        let path = scope.at(&format!("expose.{name}"));
        check_options(expose, &path, found);
        let Some(port) = container_port(workload, name) else {
            let declared: Vec<&str> = workload
                .containers
                .values()
                .flat_map(|container| container.ports.keys())
                .map(String::as_str)
                .collect();
            let diagnostic = Diagnostic::error(path, format!("no container has a port `{name}`"));
            found.push(if declared.is_empty() {
                diagnostic.remedy(format!("`ports: {{ {name}: NUMBER }}` in a container"))
            } else {
                super::lookup::one_of(diagnostic, name, &declared)
            });
            continue;
        };
        let inner = expose.internal_port.unwrap_or(expose.port);
        if let Some(first) = numbers.insert((inner, port.protocol), name) {
            found.push(
                Diagnostic::error(path, format!("{} port {inner} is exposed twice", word(port.protocol)))
                    .why(format!("`{first}` has it already"))
                    .remedy("another port"),
            );
        }
    }
}

fn check_options(expose: &Expose, path: &str, found: &mut Vec<Diagnostic>) {
    for (field, number) in [("port", Some(expose.port)), ("internalPort", expose.internal_port)] {
        if number == Some(0) {
            found.push(Diagnostic::error(format!("{path}.{field}"), "the port is 0").remedy("1 to 65535"));
        }
    }
    if expose.kind == ExposeAs::Node {
        return;
    }
    let options =
        [("traffic", expose.traffic != Traffic::default()), ("internalPort", expose.internal_port.is_some())];
    for (field, _) in options.into_iter().filter(|(_, is_set)| *is_set) {
        found.push(
            Diagnostic::error(format!("{path}.{field}"), format!("`{field}` goes with `as: node` only"))
                .remedy("`as: node`, or leave it out"),
        );
    }
}

/// No two workloads have one port of the nodes.
pub(super) fn check_nodes(app: &App, found: &mut Vec<Diagnostic>) {
    let mut published: BTreeMap<(u16, Protocol), (String, Traffic)> = BTreeMap::new();
    for (name, workload) in &app.workloads {
        for (port_name, expose) in &workload.expose {
            if expose.kind != ExposeAs::Node {
                continue;
            }
            let Some(port) = container_port(workload, port_name) else { continue };
            let path = format!("{}.expose.{port_name}", Kind::Workload.path(name));
            let key = (expose.port, port.protocol);
            match published.get(&key) {
                None => {
                    published.insert(key, (path, expose.traffic));
                }
                Some((first, traffic)) => {
                    let both_local = *traffic == Traffic::Local && expose.traffic == Traffic::Local;
                    found.push(taken(&path, expose.port, first, both_local));
                }
            }
        }
    }
}

fn taken(path: &str, port: u16, first: &str, both_local: bool) -> Diagnostic {
    let path = format!("{path}.port");
    if both_local {
        return Diagnostic::warning(path, format!("port {port} of the nodes is published twice"))
            .why(format!("`{first}` has it, too: replicas of the two cannot share a node"))
            .remedy("another port, or placements that keep the two apart");
    }
    Diagnostic::error(path, format!("port {port} of the nodes is published twice"))
        .why(format!("`{first}` has it already"))
        .remedy("another port")
}
