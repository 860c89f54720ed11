//! Workloads pinned to the node that has their data.
//!
//! A local volume is on the node where a task first mounted it. So workloads that mount one get a constraint to one
//! node, which is chosen once and kept: even in a swarm of one node, because a second may join. Workloads that share a
//! volume share the node. Of a global workload every node has a volume of its own, and nothing is pinned.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_spec::model::{Mode, MountSource, Placement, Workload};
use rhumb_spec::{Diagnostic, Feature};

use super::mounts::is_local;
use super::placement::fits;
use super::{Context, Report};
use crate::facts::NodeFact;
use crate::names;

/// The node of each pinned workload.
#[derive(Default)]
pub(super) struct Pins(BTreeMap<String, String>);

impl Pins {
    /// The constraint that keeps a workload where its data are.
    pub(super) fn constraint(&self, workload: &str) -> Option<String> {
        self.node(workload).map(|node| format!("node.id=={node}"))
    }

    /// The id of the node that has a workload's data.
    pub(super) fn node(&self, workload: &str) -> Option<&str> {
        self.0.get(workload).map(String::as_str)
    }
}

/// Volumes that must be on one node, and the workloads that mount them.
#[derive(Default)]
struct Group<'a> {
    volumes: BTreeSet<&'a str>,
    workloads: BTreeSet<&'a str>,
}

/// The key of the choice of a volume's node.
fn choice(volume: &str) -> String {
    format!("pin/{volume}")
}

/// Reads where volumes are, chooses nodes for new ones, and returns where workloads go.
pub(super) fn pins(context: &Context<'_>, report: &mut Report) -> Pins {
    let mut pins = Pins::default();
    for group in groups(context) {
        let Some(node) = node_of(context, &group, report) else { continue };
        for volume in &group.volumes {
            report.choices.set(choice(volume), node.clone());
        }
        pins.0.extend(group.workloads.iter().map(|workload| ((*workload).to_owned(), node.clone())));
    }
    pins
}

fn groups<'a>(context: &Context<'a>) -> Vec<Group<'a>> {
    let mut groups: Vec<Option<Group<'a>>> = Vec::new();
    let mut group_of: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, workload) in &context.app.workloads {
        if workload.mode == Mode::Global {
            continue;
        }
        let volumes = local_volumes(context, workload);
        if volumes.is_empty() {
            continue;
        }
        let mut joined = Group::default();
        joined.workloads.insert(name);
        let earlier: BTreeSet<usize> =
            volumes.iter().filter_map(|volume| group_of.get(volume)).copied().collect();
        for group in earlier.into_iter().filter_map(|index| groups[index].take()) {
            joined.volumes.extend(group.volumes);
            joined.workloads.extend(group.workloads);
        }
        joined.volumes.extend(volumes);
        group_of.extend(joined.volumes.iter().map(|volume| (*volume, groups.len())));
        groups.push(Some(joined));
    }
    groups.into_iter().flatten().collect()
}

/// The volumes of a workload that lie on one node and are ours.
fn local_volumes<'a>(context: &Context<'a>, workload: &'a Workload) -> BTreeSet<&'a str> {
    let sources = workload.containers.values().flat_map(|container| container.mounts.values());
    let names = sources.filter_map(|mount| match &mount.source {
        MountSource::Volume { name } => context.app.volumes.get_key_value(name),
        _ => None,
    });
    names.filter(|(_, volume)| !volume.external && is_local(volume)).map(|(name, _)| name.as_str()).collect()
}

fn node_of(context: &Context<'_>, group: &Group<'_>, report: &mut Report) -> Option<String> {
    let kept: BTreeMap<String, &str> = group
        .volumes
        .iter()
        .filter_map(|volume| Some((report.choices.text(&choice(volume))?.to_owned(), *volume)))
        .collect();
    let mut kept = kept.into_iter();
    match (kept.next(), kept.next()) {
        (None, _) => chosen(context, group, report),
        (Some((node, volume)), None) => {
            tell_of_kept(context, group, (&node, volume), report);
            Some(node)
        }
        (Some((_, one)), Some((_, other))) => {
            let mounting = group.workloads.first().copied().unwrap_or_default();
            report.refuse(
                Diagnostic::error(
                    format!("workload/{mounting}"),
                    format!("the volumes {one} and {other} are on different nodes"),
                )
                .why("each is a local volume of the node where it was first used, and a task is on one node")
                .remedy("workloads of their own, or an `nfs` volume"),
            );
            None
        }
    }
}

/// A new node for volumes that have none: one that fits all their workloads, spread by name, and for the ordinals of
/// a set one after another. None where the nodes are not known.
fn chosen(context: &Context<'_>, group: &Group<'_>, report: &mut Report) -> Option<String> {
    if context.facts.nodes.is_empty() {
        return None;
    }
    let mut nodes: Vec<&NodeFact> =
        context.facts.nodes.iter().filter(|node| node.availability == "active").collect();
    nodes.retain(|node| placements(context, group).all(|placement| fits(node, placement)));
    nodes.sort_by(|one, other| (&one.hostname, &one.id).cmp(&(&other.hostname, &other.id)));
    if nodes.is_empty() {
        let workload = group.workloads.first().copied().unwrap_or_default();
        report.refuse(
            Diagnostic::error(format!("workload/{workload}.placement"), "no active node fits it")
                .why("its volume must be on one node, which is chosen now")
                .remedy("other constraints, or a node that meets them"),
        );
        return None;
    }
    let index = start(context, group) % u64::try_from(nodes.len()).unwrap_or(1);
    nodes.get(usize::try_from(index).unwrap_or(0)).map(|node| node.id.clone())
}

fn placements<'a>(context: &'a Context<'_>, group: &'a Group<'_>) -> impl Iterator<Item = &'a Placement> {
    let workloads = group.workloads.iter().filter_map(|name| context.app.workloads.get(*name));
    workloads.map(|workload| &workload.placement)
}

/// Where the search for a node begins: by the hash of the first volume's name, and for numbered volumes, as those of
/// ordinals are, one node further for each.
fn start(context: &Context<'_>, group: &Group<'_>) -> u64 {
    let name = group.volumes.first().copied().unwrap_or_default();
    let numbered = name.rsplit_once('-').and_then(|(base, number)| Some((base, number.parse::<u32>().ok()?)));
    let (base, number) = numbered.unwrap_or((name, 0));
    let hash = names::hash(format!("{}/{base}", context.scope.stack()).as_bytes());
    u64::from_str_radix(&hash[..8], 16).unwrap_or(0) + u64::from(number)
}

fn tell_of_kept(context: &Context<'_>, group: &Group<'_>, (node, volume): (&str, &str), report: &mut Report) {
    if context.facts.nodes.is_empty() {
        return;
    }
    let path = format!("volume/{volume}");
    let Some(fact) = context.facts.nodes.iter().find(|fact| fact.id == node) else {
        let text = format!(
            "it is on the node {node}, which is not in the swarm now; its workloads wait for that node"
        );
        report.lose(Feature::PersistentVolume, path, text);
        return;
    };
    if !placements(context, group).all(|placement| fits(fact, placement)) {
        let workload = group.workloads.first().copied().unwrap_or_default();
        report.refuse(
            Diagnostic::error(
                format!("workload/{workload}.placement"),
                format!("it excludes the node {}, which has the volume {volume}", fact.hostname),
            )
            .why("a local volume is not moved")
            .remedy("constraints that this node meets, or another volume"),
        );
    }
}
