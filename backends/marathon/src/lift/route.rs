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
        let label = |what: &str| format!("HAPROXY_{index}_{what}");
        let hosts = labels.text_at(&label("VHOST")).map(str::to_owned);
        let group = labels.text_at(&label("GROUP")).map(str::to_owned);
        let Some(hosts) = hosts else {
            let is_exposed = workload.expose.get(port).is_some_and(|expose| {
                expose.kind == ExposeAs::LoadBalancer
                    || (expose.kind, expose.traffic) == (ExposeAs::Node, Traffic::Cluster)
            });
            if is_exposed && group.as_deref() == Some(GROUP) {
                labels.take_whole(&label("GROUP"));
            }
            continue;
        };
        let path = labels.text_at(&label("PATH")).unwrap_or("/").to_owned();
        if !hosts.split(',').all(is_host) || !path.starts_with('/') {
            continue;
        }
        labels.take_whole(&label("VHOST"));
        labels.take_whole(&label("PATH"));
        let tls = labels.take(&label("REDIRECT_TO_HTTPS"), |value| {
            (value.as_str() == Some("true")).then(RouteTls::default)
        });
        labels.take_whole(&label("GROUP"));
        let number = container.ports[port].port;
        workload.expose.entry(port.clone()).or_insert_with(|| Expose {
            port: number,
            kind: ExposeAs::Internal,
            traffic: Traffic::Cluster,
            internal_port: None,
        });
        for host in hosts.split(',') {
            let target = RouteTarget { workload: workload_name.to_owned(), port: port.clone() };
            let route = Route {
                host: Some(host.to_owned()),
                paths: std::iter::once((path.clone(), target)).collect(),
                tls: tls.clone(),
                class: group.clone().filter(|group| group != GROUP),
                ..Route::default()
            };
            let name = world.routes.add(&format!("{workload_name} {port} {host}"), workload_name);
            world.app.routes.insert(name, route);
        }
    }
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
