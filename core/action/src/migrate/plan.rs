//! `rhumb migrate plan`: what would move, what would be lost, and in which order. Nothing is changed.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::{Loss, VolumeUse};
use rhumb_release::ChartInfo;
use rhumb_spec::{Bytes, Feature};
use serde::Serialize;

use super::begin::{Baggage, Itinerary, itinerary};
use super::departure::replicas;
use super::externals::MovingExternal;
use super::foreign::{Adopts, adopts, to_adopt};
use super::sides::Sides;
use super::state::{Side, State, Store};
use crate::ActionResult;

/// What a migration would do.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MigrationPlan {
    /// The release.
    pub release: String,
    /// Where it comes from.
    pub from: Side,
    /// Where it goes.
    pub to: Side,
    /// The revision of the source that would move.
    pub revision: u64,
    /// Its chart.
    pub chart: ChartInfo,
    /// What is adopted first, where the source is no release yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adopts: Option<Adopts>,
    /// What runs, with the replicas that it has now, as far as it has a number.
    pub workloads: Vec<MovingWorkload>,
    /// Configs and secrets that go along, by their names in the app.
    pub configs: Vec<String>,
    /// Keys of secrets that go along; nobody sees what they hold.
    pub secrets: Vec<String>,
    /// Configs and secrets that are not the release's, and what becomes of them.
    pub external: Vec<MovingExternal>,
    /// The volumes whose data go along.
    pub volumes: Vec<MovingVolume>,
    /// Volumes of the destination that begin empty.
    pub empty: Vec<String>,
    /// What the destination does not keep and the source does.
    pub losses: Vec<Loss>,
    /// Of these, features that stop a start until they are accepted.
    pub not_accepted: Vec<Feature>,
    /// What is done, in this order.
    pub order: Vec<String>,
    /// What the downtime is made of.
    pub downtime: String,
    /// How far it is, where it is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub under_way: Option<&'static str>,
}

/// A workload that moves.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MovingWorkload {
    /// Its name.
    pub name: String,
    /// Its replicas at the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u32>,
    /// That it is a job which is done and does not run again.
    pub is_done: bool,
}

/// A volume whose data move.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MovingVolume {
    /// The workload that has it.
    pub workload: String,
    /// Its name at the source.
    pub from: String,
    /// The node that has it, where one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Its size at the source, where the platform tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<Bytes>,
    /// Its name at the destination.
    pub to: String,
    /// Its size at the destination, where one is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room: Option<Bytes>,
}

/// Plans a migration. Nothing is changed.
///
/// # Errors
/// What would keep it from being started, but for losses that are not accepted.
pub async fn plan(
    sides: &Sides<'_>,
    baggage: &Baggage,
    path: &std::path::Path,
) -> ActionResult<MigrationPlan> {
    let is_it = |state: &State| state.from == sides.source().side() && state.to == sides.destination().side();
    let state = Store::read(path)?.filter(|state| !state.stage.is_over() && is_it(state));
    let way = itinerary(sides, baggage, state.as_ref()).await?;
    let mut keep = baggage.keep_external.clone();
    keep.extend(state.iter().flat_map(|state| state.keep_external.iter().cloned()));
    let adopts = match to_adopt(&sides.source(), baggage.foreign.as_ref()).await? {
        Some(foreign) if state.is_none() => Some(adopts(&sides.source(), foreign).await?),
        _ => None,
    };
    let has = replicas(&sides.source(), &way.departure.record).await?;
    Ok(MigrationPlan {
        release: sides.release.to_owned(),
        from: sides.source().side(),
        to: sides.destination().side(),
        revision: way.departure.record.revision,
        chart: way.wanted.chart.clone(),
        workloads: workloads(&way, &has),
        configs: configs(&way),
        secrets: secrets(&way),
        external: way.outside.moving(&keep, state.as_ref().map_or("", |state| state.mark.as_str())),
        volumes: way.pairs.passages.iter().map(|passage| moving(&passage.from, &passage.to)).collect(),
        empty: way.pairs.empty.iter().map(|volume| volume.native.clone()).collect(),
        not_accepted: not_accepted(&way, baggage),
        order: order(sides, &way, adopts.as_ref()),
        adopts,
        downtime: downtime(&way),
        under_way: state.map(|state| state.stage.as_str()),
        losses: way.losses,
    })
}

fn workloads(way: &Itinerary, has: &BTreeMap<String, u32>) -> Vec<MovingWorkload> {
    let workloads = way.wanted.app.workloads.keys().map(|name| MovingWorkload {
        name: name.clone(),
        replicas: has.get(name).copied(),
        is_done: way.departure.jobs_done.contains(name),
    });
    workloads.collect()
}

fn not_accepted(way: &Itinerary, baggage: &Baggage) -> Vec<Feature> {
    let is_refused = |loss: &&Loss| !loss.accepted && !baggage.accept_loss.contains(&loss.feature);
    let refused: BTreeSet<Feature> = way.losses.iter().filter(is_refused).map(|loss| loss.feature).collect();
    refused.into_iter().collect()
}

fn configs(way: &Itinerary) -> Vec<String> {
    let own = way.wanted.app.configs.iter().filter(|(_, config)| !config.external);
    own.map(|(name, _)| name.clone()).collect()
}

fn secrets(way: &Itinerary) -> Vec<String> {
    let own = way.wanted.app.secrets.iter().filter(|(_, secret)| !secret.external);
    own.flat_map(|(name, secret)| {
        let keys = secret.data.keys().chain(secret.generate.keys()).chain(secret.template.keys());
        keys.map(move |key| format!("{name}.{key}"))
    })
    .collect()
}

fn moving(from: &VolumeUse, to: &VolumeUse) -> MovingVolume {
    MovingVolume {
        workload: from.workload.clone(),
        from: from.native.clone(),
        node: from.node.clone(),
        size: from.size,
        to: to.native.clone(),
        room: to.size,
    }
}

fn order(sides: &Sides<'_>, way: &Itinerary, adopts: Option<&Adopts>) -> Vec<String> {
    let (from, to, release) = (&sides.from.target.name, &sides.to.target.name, sides.release);
    let adoption = adopts.map(|_| format!("start: adopt {release} on {from}; nothing is restarted"));
    let mut order: Vec<String> = adoption.into_iter().collect();
    order.push(format!("start: make {release} on {to} with its configs and secrets, running nothing"));
    if !way.pairs.passages.is_empty() {
        order.push(format!("start: copy the volumes while {release} runs on {from}"));
    }
    order.push(format!("start: stop {release} on {from}; it stays there and can be brought back"));
    if !way.pairs.passages.is_empty() {
        order.push("start: copy what changed, and compare both sides byte for byte".to_owned());
    }
    order.push(format!("start: run {release} on {to}, and wait until it is ready"));
    order.push("verify: look at both sides, and run your own checks".to_owned());
    order.push(format!("cutover: lead traffic to {to}"));
    order.push(format!("finish: remove {release} from {from}; or abort, at any time before"));
    order
}

fn downtime(way: &Itinerary) -> String {
    if way.pairs.passages.is_empty() {
        return "from the stop of the source until the destination is ready".to_owned();
    }
    "from the stop of the source until the destination is ready: the stop itself, the copy of what changed since the first \
     copy, a comparison that reads every byte at both sides, and the start"
        .to_owned()
}
