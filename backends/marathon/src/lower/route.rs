//! Routes and balanced ports, as labels that marathon-lb reads.

use std::collections::BTreeMap;

use rhumb_spec::model::{ExposeAs, Kind as Document, Route, RouteTarget, Traffic};
use rhumb_spec::{Diagnostic, Feature};
use serde_json::{Map, Value};

use super::{Context, Report, Site, ports, workload};

/// The labels of each workload.
pub(super) type Labels = BTreeMap<String, Map<String, Value>>;

/// The labels by which marathon-lb leads to apps. `n` is the place of the port among the app's mappings.
///
/// `HAPROXY_n_GROUP` says which marathon-lb, `HAPROXY_n_VHOST` the hosts, `HAPROXY_n_PATH` the path, and
/// `HAPROXY_n_REDIRECT_TO_HTTPS` that plain HTTP is sent on to the certificates that marathon-lb has.
///
/// Source: github.com/mesosphere/marathon-lb, `Longhelp.md`, "Templates and labels".
pub(super) fn labels(context: &Context<'_>, report: &mut Report) -> Labels {
    let mut found = Labels::new();
    for (name, workload) in &context.app.workloads {
        let site = Site::new(context, name, workload);
        for (port, expose) in &workload.expose {
            let is_balanced = match (expose.kind, expose.traffic) {
                (ExposeAs::LoadBalancer, _) | (ExposeAs::Node, Traffic::Cluster) => true,
                (ExposeAs::Internal, _) | (ExposeAs::Node, Traffic::Local) => false,
            };
            let index = site.parts.first().and_then(|part| ports::index(part, port));
            if let Some(index) = index.filter(|_| is_balanced && !workload::is_pod(site.workload)) {
                let group = context.facts.haproxy_group.clone();
                found.entry(name.clone()).or_default().insert(label(index, "GROUP"), group.into());
            }
        }
    }
    for (name, route) in &context.app.routes {
        add(context, (name, route), &mut found, report);
    }
    found
}

fn label(index: usize, what: &str) -> String {
    format!("HAPROXY_{index}_{what}")
}

fn add(context: &Context<'_>, (name, route): (&str, &Route), to: &mut Labels, report: &mut Report) {
    let at = |field: &str| format!("{}.{field}", Document::Route.path(name));
    let Some(host) = &route.host else {
        report.refuse(
            Diagnostic::error(Document::Route.path(name), "marathon-lb needs the host of a route")
                .why("it tells apps apart by HAPROXY_n_VHOST, and takes a path only beside that")
                .remedy("`host`, or `expose` with `as: loadbalancer`"),
        );
        return;
    };
    if let Some(tls) = &route.tls
        && (tls.secret.is_some() || tls.resolver.is_some())
    {
        let text = "marathon-lb shows the certificates that it was started with";
        report.lose(Feature::RouteTls, at("tls"), text);
    }
    for (path, target) in &route.paths {
        let here = at(&format!("paths.{path}"));
        for member in context.checked.members(&target.workload) {
            let labels = to.entry(member.to_owned()).or_default();
            if let Some(index) = target_index(context, member, target, &here, report) {
                let group = route.class.as_ref().unwrap_or(&context.facts.haproxy_group);
                set(labels, (index, path), (host, group), &here, report);
                if route.tls.is_some() {
                    labels.insert(label(index, "REDIRECT_TO_HTTPS"), "true".into());
                }
                labels
                    .extend(route.annotations.iter().map(|(key, value)| (key.clone(), value.clone().into())));
            }
        }
    }
}

fn target_index(
    context: &Context<'_>,
    member: &str,
    target: &RouteTarget,
    path: &str,
    report: &mut Report,
) -> Option<usize> {
    let (name, workload) = context.app.workloads.get_key_value(member)?;
    let site = Site::new(context, name, workload);
    if workload::is_pod(workload) {
        report.refuse(
            Diagnostic::error(path, "marathon-lb leads to no pods")
                .why(format!("{} is a pod, and marathon-lb reads apps", target.workload))
                .remedy("a workload of one container in front of it, or the other containers in workloads of their own"),
        );
        return None;
    }
    ports::index(site.parts.first()?, &target.port)
}

/// Sets host and path of a port. It has one path, and as many hosts as there are.
fn set(
    labels: &mut Map<String, Value>,
    (index, path): (usize, &str),
    (host, group): (&str, &str),
    here: &str,
    report: &mut Report,
) {
    labels.insert(label(index, "GROUP"), group.into());
    let (host_label, path_label) = (label(index, "VHOST"), label(index, "PATH"));
    let there = labels.get(&host_label).and_then(Value::as_str).map(str::to_owned);
    let known = labels.get(&path_label).and_then(Value::as_str).unwrap_or("/").to_owned();
    match there {
        Some(_) if known != path => report.refuse(
            Diagnostic::error(here, "a port has one path at marathon-lb, and this one has another already")
                .why("HAPROXY_n_PATH holds one path for all hosts of the port")
                .remedy("one path that both begin with, or a second port of the workload"),
        ),
        Some(hosts) if hosts.split(',').any(|there| there == host) => {}
        Some(hosts) => drop(labels.insert(host_label, format!("{hosts},{host}").into())),
        None => {
            labels.insert(host_label, host.into());
            if path != "/" {
                labels.insert(path_label, path.into());
            }
        }
    }
}
