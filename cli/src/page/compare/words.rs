//! What every page of a comparison says in the same words.

use std::collections::BTreeMap;

use rhumb_action::{Cell, Comparison, Cost, CostLine, Fit, Platform, Proof};
use rhumb_backend::Running;
use rhumb_spec::Feature;

use crate::page::text::count;

/// Whether the chart can be deployed on a platform, in a few words.
pub(super) fn fit(platform: &Platform) -> String {
    match platform.fit {
        Fit::Native => "as it is".to_owned(),
        Fit::WithLosses => "with losses".to_owned(),
        Fit::LeavingOut => format!("without {}", features(&platform.leave_out)),
        Fit::No if !platform.failure.is_empty() => "no: its templates fail".to_owned(),
        Fit::No => "no".to_owned(),
    }
}

/// The platform's full name.
pub(super) fn title(variant: &str) -> Option<&'static str> {
    match variant {
        "ecs" => Some("Amazon ECS on Fargate"),
        "ecs-ec2" => Some("Amazon ECS on EC2"),
        "kubernetes" => Some("Kubernetes"),
        "marathon" => Some("Marathon and DC/OS"),
        "memory" => Some("the reference, in memory"),
        "swarm" => Some("Docker Swarm"),
        _ => None,
    }
}

/// The names of features, one after the other.
pub(super) fn features(features: &[Feature]) -> String {
    features.iter().map(|feature| feature.as_str()).collect::<Vec<_>>().join(", ")
}

/// What the chart asks for: the feature's name.
pub(super) fn name(feature: Option<Feature>) -> &'static str {
    feature.map_or("(a value)", Feature::as_str)
}

/// What is not as it was asked for, in a sentence; nothing where all is well.
pub(super) fn remark(cell: &Cell) -> String {
    let mut parts = cell.losses.clone();
    parts.extend(cell.why.clone());
    parts.extend(cell.instead.as_ref().map(|instead| format!("use {instead}")));
    parts.join("; ")
}

/// How much of the chart every platform has.
pub(super) fn portability(comparison: &Comparison) -> String {
    let portability = comparison.portability;
    let all = portability.done_everywhere + portability.refused_somewhere;
    let places = count(all, "place", "places");
    if comparison.platforms.len() == 1 {
        return format!(
            "The chart asks for something at {places}: {} native, {} with a loss, {} refused.",
            portability.native_everywhere,
            portability.done_everywhere - portability.native_everywhere,
            portability.refused_somewhere
        );
    }
    format!(
        "The chart asks for something at {places}. Of these every platform does {} natively and {} in some way; at \
         least one refuses {}.",
        portability.native_everywhere, portability.done_everywhere, portability.refused_somewhere
    )
}

/// What a platform's objects are, by kind.
pub(super) fn objects(platform: &Platform) -> BTreeMap<&str, Vec<&str>> {
    let mut kinds: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for object in platform.objects.iter().flatten() {
        kinds.entry(&object.kind).or_default().push(&object.name);
    }
    kinds
}

/// Why there is nothing to say of a platform's objects.
pub(super) const NO_OBJECTS: &str =
    "cannot be told: something is refused that cannot be left out, or a value is not taken";

/// An amount of money, to the cent.
pub(super) fn money(cost: &Cost, amount: f64) -> String {
    format!("{} {amount:.2}", cost.currency)
}

/// What everything costs in a month.
pub(super) fn month(cost: &Cost) -> String {
    between(cost, cost.month, cost.month_at_most)
}

fn between(cost: &Cost, fewest: f64, most: f64) -> String {
    if (fewest - most).abs() < 0.005 {
        money(cost, fewest)
    } else {
        format!("{} to {most:.2}", money(cost, fewest))
    }
}

/// What one workload costs: its name, size, number, the price of one for an hour, and that of all for a month.
pub(super) fn cost_cells(cost: &Cost, line: &CostLine) -> [String; 5] {
    let replicas = match line.billed.running {
        Running::Always { fewest, most } if fewest == most => fewest.to_string(),
        Running::Always { fewest, most } => format!("{fewest} to {most}"),
        Running::Runs { each } => format!("{each} in each run"),
    };
    let hour = line.hour.map_or_else(
        || format!("no price of {}", line.billed.architecture),
        |hour| format!("{} {hour:.5}", cost.currency),
    );
    let month = match (line.month, line.month_at_most) {
        (Some(fewest), Some(most)) => between(cost, fewest, most),
        _ => "by the time it runs".to_owned(),
    };
    [line.billed.workload.clone(), size(line), replicas, hour, month]
}

#[expect(clippy::cast_precision_loss, reason = "amounts are far below 2^52")]
fn size(line: &CostLine) -> String {
    let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
    let billed = &line.billed;
    format!(
        "{} CPU, {} GiB, {} GiB disk, {}",
        billed.cpu.as_cpus(),
        gib(billed.memory.0),
        gib(billed.disk.0),
        billed.architecture
    )
}

/// Of which day and region prices are, and what is not in them.
pub(super) fn of_the_day(cost: &Cost) -> String {
    format!(
        "{}: prices of {} in {}, a month of 730 hours. Load balancers, storage beside the tasks' own disks, logs and \
         traffic are not in it.",
        cost.name, cost.date, cost.region
    )
}

/// What the words for proofs mean, of those that a mapping can have.
pub(super) fn proofs() -> impl Iterator<Item = (&'static str, &'static str)> {
    Proof::ALL.into_iter().map(|proof| (proof.as_str(), proof.meaning()))
}
