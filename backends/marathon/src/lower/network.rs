//! Names by which workloads find each other, and the networks that they join.

use rhumb_backend::{CheckedApp, Scope};
use rhumb_spec::Diagnostic;
use rhumb_spec::model::{Discovery, Kind as Document};
use serde_json::{Value, json};

use super::{Context, Report, Site};
use crate::facts::{MarathonFacts, Naming};

/// The variable by which glibc's resolver takes search domains.
pub(crate) const SEARCH: &str = "LOCALDOMAIN";

/// The domain of virtual addresses.
///
/// Source: DC/OS documentation, "Load balancing and virtual IPs", named VIPs.
pub(crate) const VIPS: &str = "marathon.l4lb.thisdcos.directory";
/// The longest label of a DNS name.
const LABEL: usize = 63;

/// The name of a virtual address without its domain: `web.shop.default`.
pub(super) fn vip(scope: &Scope, name: &str) -> String {
    format!("{name}.{}.{}", scope.release, scope.namespace)
}

/// The domain in which the bare names of a release's workloads are, where virtual addresses have them.
pub(super) fn search_domain(context: &Context<'_>) -> Option<String> {
    let scope = context.scope;
    (context.facts.naming == Naming::Vip).then(|| format!("{}.{}.{VIPS}", scope.release, scope.namespace))
}

/// Where a workload's exposed port is reached.
///
/// - Virtual addresses: `<workload>.<release>.<namespace>.marathon.l4lb.thisdcos.directory`, at the port that is exposed.
/// - `discovery: dns` on DC/OS: `<workload>-<release>-<namespace>.marathon.containerip.dcos.thisdcos.directory`, at the port
///   of the container.
/// - Mesos-DNS elsewhere: `<workload>-<release>-<namespace>.marathon.mesos` at the container's port where workloads have
///   addresses of their own, else `….marathon.slave.mesos`, the agents' addresses, at the port that is exposed.
///
/// Source: DC/OS documentation, "Service naming"; Mesos-DNS documentation, "Service naming".
pub(super) fn address_in(
    checked: &CheckedApp,
    scope: &Scope,
    facts: &MarathonFacts,
    (workload, port): (&str, &str),
) -> Option<(String, u16)> {
    let expose = checked.exposed(workload, port)?;
    let shown = expose.internal_port.unwrap_or(expose.port);
    let app = checked.app();
    let members = checked.members(workload);
    let target = app.workloads.get(*members.first()?)?;
    let inside = target.containers.values().find_map(|container| container.ports.get(port))?.port;
    let is_vip = facts.naming == Naming::Vip;
    if is_vip && !(target.discovery == Discovery::Dns && facts.network.is_some()) {
        return Some((format!("{}.{VIPS}", vip(scope, workload)), shown));
    }
    // Mesos-DNS knows the apps of a set, and no name for all of them.
    let member = if members.contains(&workload) { workload } else { members.first()? };
    let name = format!("{member}-{}-{}.marathon", scope.release, scope.namespace);
    Some(match (is_vip, &facts.network) {
        (true, _) => (format!("{name}.containerip.dcos.thisdcos.directory"), inside),
        (false, Some(_)) => (format!("{name}.mesos"), inside),
        (false, None) => (format!("{name}.slave.mesos"), shown),
    })
}

/// The address that a variable has, refused where no name stands for it.
pub(super) fn address(
    context: &Context<'_>,
    of: (&str, &str),
    path: &str,
    report: &mut Report,
) -> Option<(String, u16)> {
    let (host, number) = address_in(context.checked, context.scope, context.facts, of)?;
    let is_vip = host.ends_with(VIPS);
    if !is_vip && context.checked.members(of.0).len() > 1 {
        report.refuse(
            Diagnostic::error(path, format!("no name stands for all replicas of {}", of.0))
                .why("Mesos-DNS knows each replica of a stateful workload as an app of its own")
                .remedy(format!(
                    "the first one, `{}-0`, or virtual addresses (`naming: vip` of the target)",
                    of.0
                )),
        );
    }
    if let Some(label) = host.split('.').find(|label| label.len() > LABEL) {
        report.refuse(
            Diagnostic::error(path, format!("`{label}` is too long for a DNS name"))
                .why("a label has 63 characters, and Mesos-DNS joins workload, release and namespace to one")
                .remedy("shorter names"),
        );
    }
    Some((host, number))
}

/// The networks that an app or pod joins: those it names, else the target's virtual network, else the bridge of each
/// agent.
///
/// Source: Marathon REST API, `Network`.
pub(super) fn networks(context: &Context<'_>, site: &Site<'_>) -> Vec<Value> {
    let named = site.workload.networks.keys();
    let named: Vec<Value> = named.map(|name| json!({ "mode": "container", "name": name })).collect();
    if !named.is_empty() {
        return named;
    }
    match &context.facts.network {
        Some(name) => vec![json!({ "mode": "container", "name": name })],
        None => vec![json!({ "mode": "container/bridge" })],
    }
}

/// Whether an app or pod has addresses of its own.
pub(super) fn has_address(context: &Context<'_>, site: &Site<'_>) -> bool {
    context.facts.network.is_some() || !site.workload.networks.is_empty()
}

/// Refuses what networks of the agents are not asked for by Marathon.
pub(super) fn refuse_networks(context: &Context<'_>, report: &mut Report) {
    for (name, network) in &context.app.networks {
        let path = |field: &str| format!("{}.{field}", Document::Network.path(name));
        if let Some(subnet) = network.subnet.as_ref().filter(|_| !network.external) {
            report.refuse(
                Diagnostic::error(
                    path("subnet"),
                    format!("Marathon cannot give a network the addresses {subnet}"),
                )
                .why("networks are set up on the agents, and Marathon only joins them by name")
                .remedy("no `subnet`, and the network set up on the agents with it"),
            );
        }
        if !network.labels.is_empty() {
            let text = "Marathon makes no networks, so nothing is there to bear labels";
            report.lose(rhumb_spec::Feature::Labels, path("labels"), text);
        }
    }
}
