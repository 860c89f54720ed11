//! Labels that marathon-lb reads.

use rhumb_backend::fields::Fields;
use rhumb_spec::model::{Container, Expose, ExposeAs, Route, RouteTarget, RouteTls, Traffic, Workload};

use super::World;

/// The group of marathon-lb where nothing is said.
const GROUP: &str = "external";

/// The places of ports that marathon-lb opens.
pub(super) fn balanced(fields: &mut Fields<'_>, ports: usize) -> Vec<usize> {
    let Some(labels) = fields.below("labels") else { return Vec::new() };
    let is_all = labels.get("HAPROXY_GROUP").is_some();
    (0..ports).filter(|index| is_all || labels.get(&format!("HAPROXY_{index}_GROUP")).is_some()).collect()
}

/// Reads the hosts and paths of ports as routes, and takes the labels of balanced ports that say what is said anyway.
pub(super) fn lift(
    fields: &mut Fields<'_>,
    (workload_name, names): (&str, &[Option<String>]),
    (container, workload): (&Container, &mut Workload),
    world: &mut World,
) {
    let Some(mut labels) = fields.below("labels") else { return };
    for (index, name) in names.iter().enumerate() {
        let Some(port) = name.as_ref().filter(|name| container.ports.contains_key(*name)) else { continue };
        if labels.get(&label(index, "VHOST")).is_none() {
            balanced_group(&mut labels, index, workload.expose.get(port));
            continue;
        }
        let Some(found) = routed(&mut labels, index) else { continue };
        workload.expose.entry(port.clone()).or_insert_with(|| Expose {
            port: container.ports[port].port,
            kind: ExposeAs::Internal,
            traffic: Traffic::Cluster,
            internal_port: None,
        });
        for host in found.hosts.split(',') {
            let target = RouteTarget { workload: workload_name.to_owned(), port: port.clone() };
            let route = Route {
                host: Some(host.to_owned()),
                paths: std::iter::once((found.path.clone(), target)).collect(),
                tls: found.tls.clone(),
                class: found.group.clone().filter(|group| group != GROUP),
                ..Route::default()
            };
            let name = world.routes.add(&format!("{workload_name} {port} {host}"), workload_name);
            world.app.routes.insert(name, route);
        }
    }
}

fn label(index: usize, what: &str) -> String {
    format!("HAPROXY_{index}_{what}")
}

/// Takes the group of a port that marathon-lb opens, where it is the usual one.
fn balanced_group(labels: &mut Fields<'_>, index: usize, expose: Option<&Expose>) {
    let is_exposed = expose.is_some_and(|expose| {
        let of_nodes = (expose.kind, expose.traffic) == (ExposeAs::Node, Traffic::Cluster);
        expose.kind == ExposeAs::LoadBalancer || of_nodes
    });
    if is_exposed {
        labels.take(&label(index, "GROUP"), |group| (group.as_str() == Some(GROUP)).then_some(()));
    }
}

/// What the labels of a port say of the traffic that leads to it.
struct Routed {
    hosts: String,
    path: String,
    tls: Option<RouteTls>,
    group: Option<String>,
}

/// Takes the labels of a port with hosts; none where they are patterns or its path is none.
fn routed(labels: &mut Fields<'_>, index: usize) -> Option<Routed> {
    let hosts = labels.text_at(&label(index, "VHOST"))?.to_owned();
    let path = labels.text_at(&label(index, "PATH")).unwrap_or("/").to_owned();
    if !hosts.split(',').all(is_host) || !path.starts_with('/') {
        return None;
    }
    labels.take_whole(&label(index, "VHOST"));
    labels.take_whole(&label(index, "PATH"));
    let is_true = |value: &serde_json::Value| (value.as_str() == Some("true")).then(RouteTls::default);
    let tls = labels.take(&label(index, "REDIRECT_TO_HTTPS"), is_true);
    let group = labels.text(&label(index, "GROUP"));
    Some(Routed { hosts, path, tls, group })
}

fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    host.split('.').all(is_label)
}
