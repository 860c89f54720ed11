//! Ports of the one node.

use std::collections::BTreeSet;

use rhumb_spec::model::{Expose, ExposeAs, Protocol, Traffic, Workload};

/// The ports of the node that lead to a workload: `8080->80/tcp`.
pub(crate) fn published(workload: &Workload) -> Vec<String> {
    let outside =
        outside(workload).map(|(expose, port, protocol)| format!("{}->{port}/{protocol}", expose.port));
    outside.collect()
}

/// The ports that only one workload of the whole target can have: `8080/tcp`. Ports that lead to a node's own replicas
/// only may be there several times.
pub(crate) fn claimed(workload: &Workload) -> BTreeSet<String> {
    let whole = outside(workload).filter(|(expose, ..)| expose.traffic == Traffic::Cluster);
    whole.map(|(expose, _, protocol)| format!("{}/{protocol}", expose.port)).collect()
}

fn outside(workload: &Workload) -> impl Iterator<Item = (&Expose, u16, &'static str)> {
    workload.expose.iter().filter(|(_, expose)| expose.kind != ExposeAs::Internal).filter_map(
        |(name, expose)| {
            let port = workload.containers.values().find_map(|container| container.ports.get(name))?;
            let protocol = match port.protocol {
                Protocol::Tcp => "tcp",
                Protocol::Udp => "udp",
                Protocol::Sctp => "sctp",
            };
            Some((expose, port.port, protocol))
        },
    )
}
