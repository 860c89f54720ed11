//! Stateful workloads as one workload for each ordinal. The rules are those of [`super::Pass::StatefulOrdinals`].

use std::collections::{BTreeMap, BTreeSet};

use rhumb_spec::model::{
    Access, Container, EnvSource, EnvValue, ExposeAs, Kind, Mode, Mount, MountSource, SelfField, Traffic,
    UpdateOrder, Volume, Workload,
};
use rhumb_spec::{App, Diagnostic, Feature};

use super::Legalized;
use crate::{Loss, Sequence};

pub(super) fn apply(app: App) -> Result<Legalized, Vec<Diagnostic>> {
    let sets: BTreeMap<String, Workload> = app
        .workloads
        .iter()
        .filter(|(_, workload)| workload.mode == Mode::Stateful)
        .map(|(name, workload)| (name.clone(), workload.clone()))
        .collect();
    let mut out = Legalized { app, ..Legalized::default() };
    let mut diagnostics = Vec::new();
    for (name, set) in &sets {
        diagnostics.extend(clashing_ports(name, set));
        out.losses.extend(losses(name, set));
        out.app.workloads.remove(name);
    }
    for (name, set) in &sets {
        for index in 0..count(set) {
            diagnostics.extend(add_ordinal(&mut out, name, set, index));
        }
    }
    drop_unused_volumes(&mut out.app, &sets);
    expand_dependencies(&mut out.app, &sets);
    if diagnostics.is_empty() { Ok(out) } else { Err(diagnostics) }
}

fn count(set: &Workload) -> u32 {
    set.replicas.unwrap_or(1)
}

fn ordinal_name(set: &str, index: u32) -> String {
    format!("{set}-{index}")
}

fn clashing_ports(name: &str, set: &Workload) -> Vec<Diagnostic> {
    let is_outside = |kind: ExposeAs, traffic: Traffic| match kind {
        ExposeAs::Internal => false,
        ExposeAs::Node => traffic == Traffic::Cluster,
        ExposeAs::LoadBalancer => true,
    };
    if count(set) < 2 {
        return Vec::new();
    }
    let clash = |(port, number): (&String, u16)| {
        let path = format!("{}.expose.{port}", Kind::Workload.path(name));
        Diagnostic::error(path, format!("port {number} would be claimed by every replica of {name}"))
            .why("on this platform each replica of a stateful workload is a service of its own")
            .remedy("an internal port with a replicated workload in front of it, `traffic: local`, or `replicas: 1`")
    };
    let outside = set.expose.iter().filter(|(_, expose)| is_outside(expose.kind, expose.traffic));
    outside.map(|(port, expose)| clash((port, expose.port))).collect()
}

fn losses(name: &str, set: &Workload) -> Vec<Loss> {
    let mut found = Vec::new();
    let mut add = |is_used: bool, feature: Feature, field: &str| {
        if is_used {
            let path = format!("{}.{field}", Kind::Workload.path(name));
            let text = "each replica is a workload of its own, so the platform does not count them together"
                .to_owned();
            found.push(Loss { feature, path, text, accepted: false });
        }
    };
    add(set.disruption.is_some(), Feature::DisruptionBudget, "disruption");
    add(!set.placement.spread.is_empty(), Feature::Spread, "placement.spread");
    add(set.placement.max_per_node.is_some(), Feature::MaxPerNode, "placement.maxPerNode");
    found
}

fn add_ordinal(out: &mut Legalized, set_name: &str, set: &Workload, index: u32) -> Vec<Diagnostic> {
    let name = ordinal_name(set_name, index);
    let mut diagnostics = Vec::new();
    let mut ordinal = ordinal(set_name, set, index);
    for mount in mounts(&mut ordinal) {
        let MountSource::Volume { name: volume } = &mut mount.source else { continue };
        let Some(document) = out.app.volumes.get(volume).filter(|document| is_own(document)).cloned() else {
            continue;
        };
        let own = format!("{volume}-{name}");
        volume.clone_from(&own);
        if out.app.volumes.get(&own).is_some_and(|there| *there != document) {
            diagnostics.push(taken(Kind::Volume, &own, set_name));
        }
        out.app.volumes.insert(own, document);
    }
    if out.app.workloads.contains_key(&name) {
        diagnostics.push(taken(Kind::Workload, &name, set_name));
    }
    out.sequences.insert(name.clone(), Sequence { set: set_name.to_owned(), index });
    out.app.workloads.insert(name, ordinal);
    diagnostics
}

/// Whether each replica has such a volume to itself.
fn is_own(volume: &Volume) -> bool {
    !volume.external && volume.access == Access::Single && volume.nfs.is_none()
}

fn ordinal(set_name: &str, set: &Workload, index: u32) -> Workload {
    let mut ordinal = Workload { mode: Mode::Replicated, replicas: Some(1), ..set.clone() };
    let update = ordinal.update.get_or_insert_default();
    update.order = Some(UpdateOrder::StopFirst);
    update.max_surge = None;
    update.max_unavailable = None;
    update.parallelism = None;
    ordinal.disruption = None;
    ordinal.placement.spread.clear();
    ordinal.placement.max_per_node = None;
    for attachment in ordinal.networks.values_mut() {
        if !attachment.aliases.iter().any(|alias| alias == set_name) {
            attachment.aliases.push(set_name.to_owned());
        }
    }
    for container in containers(&mut ordinal) {
        for value in container.env.values_mut() {
            if *value == EnvValue::From(EnvSource::Own(SelfField::Ordinal)) {
                *value = EnvValue::Text(index.to_string());
            }
        }
    }
    ordinal
}

fn containers(workload: &mut Workload) -> impl Iterator<Item = &mut Container> {
    workload.init_containers.values_mut().chain(workload.containers.values_mut())
}

fn mounts(workload: &mut Workload) -> impl Iterator<Item = &mut Mount> {
    containers(workload).flat_map(|container| container.mounts.values_mut())
}

/// Removes the volume documents that only stateful workloads used and of which each ordinal has its own now.
fn drop_unused_volumes(app: &mut App, sets: &BTreeMap<String, Workload>) {
    let volumes_of = |workload: &Workload| -> Vec<String> {
        let containers = workload.init_containers.values().chain(workload.containers.values());
        let sources = containers.flat_map(|container| container.mounts.values()).map(|mount| &mount.source);
        let names = sources.filter_map(|source| match source {
            MountSource::Volume { name } => Some(name.clone()),
            _ => None,
        });
        names.collect()
    };
    let used: BTreeSet<String> = app.workloads.values().flat_map(volumes_of).collect();
    for volume in sets.values().flat_map(volumes_of) {
        if !used.contains(&volume) {
            app.volumes.remove(&volume);
        }
    }
}

fn expand_dependencies(app: &mut App, sets: &BTreeMap<String, Workload>) {
    let expand = |name: &String| match sets.get(name) {
        Some(set) => (0..count(set)).map(|index| ordinal_name(name, index)).collect(),
        None => vec![name.clone()],
    };
    for workload in app.workloads.values_mut() {
        workload.depends_on = workload.depends_on.iter().flat_map(expand).collect();
    }
}

fn taken(kind: Kind, name: &str, set: &str) -> Diagnostic {
    Diagnostic::error(kind.path(name), format!("the name {name} is taken by a replica of {set}"))
        .why("on this platform each replica of a stateful workload has documents of its own, named after it")
        .remedy("another name")
}
