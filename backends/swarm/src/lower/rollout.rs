//! The mode of a service, how it is restarted, updated and rolled back.

use rhumb_spec::model::{
    Concurrency, Job, Mode, OnFailure, Restart, RestartPolicy, Rollback, Strategy, Update, UpdateOrder,
};
use rhumb_spec::{Diagnostic, Duration, Feature};
use serde_json::{Map, Value, json};

use super::body::Body;
use super::pin::Pins;
use super::placement::admitted;
use super::{Context, Report, Site, ports};
use crate::facts::NodeFact;

/// The label by which swarm-cronjob knows its services, and with it the ones that follow.
pub(crate) const CRON: &str = "swarm.cronjob.enable";
/// When it starts them.
pub(crate) const CRON_SCHEDULE: &str = "swarm.cronjob.schedule";
/// Whether a run is left out while the one before goes on.
pub(crate) const CRON_SKIP: &str = "swarm.cronjob.skip-running";
/// With how many replicas it starts them.
pub(crate) const CRON_REPLICAS: &str = "swarm.cronjob.replicas";

/// `ServiceSpec.Mode`.
///
/// A scheduled service has no replicas until swarm-cronjob gives it some.
pub(super) fn mode(site: &Site<'_>) -> Value {
    let workload = site.workload;
    match workload.mode {
        Mode::Replicated | Mode::Stateful => {
            json!({ "Replicated": { "Replicas": workload.replicas.unwrap_or(1) } })
        }
        Mode::Global => json!({ "Global": {} }),
        Mode::Cron => json!({ "Replicated": { "Replicas": 0 } }),
        Mode::Job => {
            let job = workload.job.clone().unwrap_or_default();
            let completions = job.completions.unwrap_or(1);
            let concurrent = job.parallelism.unwrap_or(1).min(completions);
            json!({ "ReplicatedJob": { "MaxConcurrent": concurrent, "TotalCompletions": completions } })
        }
    }
}

/// The labels that swarm-cronjob reads, for a scheduled service.
///
/// Source: github.com/crazy-max/swarm-cronjob, "Service labels"; its parser takes `CRON_TZ=` in a schedule.
pub(super) fn cron_labels(site: &Site<'_>) -> Map<String, Value> {
    let mut labels = Map::new();
    let Some(cron) = site.workload.cron.as_ref().filter(|_| site.workload.mode == Mode::Cron) else {
        return labels;
    };
    let zone = cron.time_zone.as_deref().unwrap_or("UTC");
    let skips = cron.concurrency == Concurrency::Forbid;
    labels.insert(CRON.to_owned(), "true".into());
    labels.insert(CRON_SCHEDULE.to_owned(), format!("CRON_TZ={zone} {}", cron.schedule).into());
    labels.insert(CRON_SKIP.to_owned(), skips.to_string().into());
    if let Some(replicas) = site.workload.job.as_ref().and_then(|job| job.parallelism) {
        labels.insert(CRON_REPLICAS.to_owned(), replicas.to_string().into());
    }
    labels
}

/// `TaskTemplate.RestartPolicy`.
///
/// A job is tried again so often as `job.retries` says; the engine takes 0 attempts for any number, so a job without
/// retries is never restarted.
pub(super) fn restart(site: &Site<'_>) -> Option<Value> {
    let restart = site.workload.restart.as_ref();
    if matches!(site.workload.mode, Mode::Job | Mode::Cron) {
        return Some(job_restart(site.workload.job.as_ref(), restart));
    }
    let restart = restart?;
    let condition = match restart.policy {
        RestartPolicy::Always => "any",
        RestartPolicy::OnFailure => "on-failure",
        RestartPolicy::Never => "none",
    };
    let mut body = Body::new();
    body.set("Condition", condition);
    body.set_some("Delay", restart.delay.map(Duration::as_nanos));
    body.set_some("MaxAttempts", restart.max_attempts);
    body.set_some("Window", restart.window.map(Duration::as_nanos));
    Some(body.into_value())
}

fn job_restart(job: Option<&Job>, restart: Option<&Restart>) -> Value {
    let retries = job.and_then(|job| job.retries).filter(|retries| *retries > 0);
    let mut body = Body::new();
    body.set("Condition", if retries.is_some() { "on-failure" } else { "none" });
    body.set_some("Delay", restart.and_then(|restart| restart.delay).map(Duration::as_nanos));
    body.set_some("MaxAttempts", retries);
    body.into_value()
}

/// `ServiceSpec.UpdateConfig`; none where the app says nothing, and for jobs, which have none.
///
/// Swarm replaces a batch of tasks at a time, either starting the new ones first or stopping the old ones first:
/// - `maxSurge` becomes `start-first` with batches of so many, a percentage rounded up. That keeps `maxUnavailable`
///   too, as nothing is ever missing.
/// - Without surge, `maxUnavailable` becomes `stop-first` with batches of so many, a percentage rounded down, but of
///   one at least.
/// - `order` and `parallelism` decide by themselves where they are given; a batch stays within surge and unavailable.
/// - `recreate` is one batch of all, old tasks stopped first.
///
/// Source: Engine API, `ServiceSpec.UpdateConfig`.
pub(super) fn update(
    context: &Context<'_>,
    site: &Site<'_>,
    pins: &Pins,
    report: &mut Report,
) -> Option<Value> {
    if matches!(site.workload.mode, Mode::Job) {
        return None;
    }
    let update = site.workload.update.as_ref()?;
    let (parallelism, order) = batches(context, site, (update, pins), report);
    let mut body = Body::new();
    body.set("Parallelism", parallelism);
    body.set_some("Delay", update.delay.map(Duration::as_nanos));
    body.set_some("FailureAction", update.on_failure.map(failure_action));
    body.set_some("Monitor", update.monitor.map(Duration::as_nanos));
    body.set_some("MaxFailureRatio", update.max_failure_percent.and_then(ratio));
    body.set("Order", order_word(order));
    Some(body.into_value())
}

fn batches(
    context: &Context<'_>,
    site: &Site<'_>,
    (update, pins): (&Update, &Pins),
    report: &mut Report,
) -> (u32, UpdateOrder) {
    if update.strategy == Strategy::Recreate {
        return (0, UpdateOrder::StopFirst);
    }
    let total = replicas(context, site, pins);
    let surge = update.max_surge.map(|surge| surge.of_rounded_up(total));
    let unavailable = update.max_unavailable.map(|unavailable| unavailable.of_rounded_down(total));
    if surge == Some(0) && update.max_unavailable.is_some_and(rhumb_spec::model::IntOrPercent::is_zero) {
        report.refuse(
            Diagnostic::error(
                site.at("update"),
                "with neither surge nor unavailable no replica can be replaced",
            )
            .remedy("`maxSurge: 1` or `maxUnavailable: 1`"),
        );
    }
    let starts_first = surge.is_some_and(|surge| surge > 0);
    let room = Room::of(context, site, pins);
    if update.order == Some(UpdateOrder::StartFirst) {
        tell_of_no_room(site, room.as_ref(), report);
    }
    let order = update.order.unwrap_or_else(|| {
        let fits = starts_first && surge_fits(site, room.as_ref(), surge.unwrap_or(0), report);
        if fits { UpdateOrder::StartFirst } else { UpdateOrder::StopFirst }
    });
    let bound = match order {
        UpdateOrder::StartFirst => surge,
        UpdateOrder::StopFirst => unavailable,
    };
    let bound = bound.map(|bound| bound.max(1));
    let parallelism = match (update.parallelism, bound) {
        (Some(0), None) => 0,
        (Some(0) | None, Some(bound)) => bound,
        (Some(parallelism), bound) => bound.map_or(parallelism, |bound| bound.min(parallelism)),
        (None, None) => 1,
    };
    (parallelism, order)
}

/// The nodes of a workload whose tasks each hold a port of their node.
struct Room {
    /// How many nodes can take its tasks.
    nodes: u32,
    /// On how many of them its tasks are when all run.
    taken: u32,
}

impl Room {
    /// None where tasks hold no port of their nodes, or the nodes are not known.
    fn of(context: &Context<'_>, site: &Site<'_>, pins: &Pins) -> Option<Self> {
        if !ports::holds_node_port(site.workload) || context.facts.nodes.is_empty() {
            return None;
        }
        let nodes = count(&admitted(context, site, pins));
        let is_global = site.workload.mode == Mode::Global;
        Some(Self { nodes, taken: if is_global { nodes } else { site.workload.replicas.unwrap_or(1) } })
    }

    fn takes(&self, more: u32) -> bool {
        self.taken.saturating_add(more) <= self.nodes
    }
}

/// Whether nodes are left for the surge. Where none are, a new task would wait for ever for the port that the old one
/// holds, so the old one has to stop first, and that is said.
fn surge_fits(site: &Site<'_>, room: Option<&Room>, surge: u32, report: &mut Report) -> bool {
    let Some(room) = room.filter(|room| !room.takes(surge)) else { return true };
    report.lose(
        Feature::RollingUpdate,
        site.at("update.maxSurge"),
        format!(
            "each task holds a port of its node (`traffic: local`), and {} active node(s) that can take it have no \
             room for {surge} more: the old task stops before the new one starts",
            room.nodes
        ),
    );
    false
}

/// Says that an order which is written down has no node to begin on.
fn tell_of_no_room(site: &Site<'_>, room: Option<&Room>, report: &mut Report) {
    let Some(room) = room.filter(|room| !room.takes(1)) else { return };
    report.lose(
        Feature::RollingUpdate,
        site.at("update.order"),
        format!(
            "no update can end: each task holds a port of its node (`traffic: local`), and the {} active node(s) that \
             can take it are taken by old tasks, which stop only once new ones run. Leave `order` out, or say \
             `stopFirst`",
            room.nodes
        ),
    );
}

/// The number that percentages are of; for a global workload, the active nodes that can take it.
fn replicas(context: &Context<'_>, site: &Site<'_>, pins: &Pins) -> u32 {
    if site.workload.mode == Mode::Global {
        return count(&admitted(context, site, pins)).max(1);
    }
    site.workload.replicas.unwrap_or(1)
}

fn count(nodes: &[&NodeFact]) -> u32 {
    u32::try_from(nodes.len()).unwrap_or(u32::MAX)
}

fn failure_action(action: OnFailure) -> &'static str {
    match action {
        OnFailure::Pause => "pause",
        OnFailure::Rollback => "rollback",
        OnFailure::Continue => "continue",
    }
}

fn order_word(order: UpdateOrder) -> &'static str {
    match order {
        UpdateOrder::StopFirst => "stop-first",
        UpdateOrder::StartFirst => "start-first",
    }
}

/// A percentage as the share that the engine takes; none for 0, which is what it takes where nothing is said.
fn ratio(percent: u8) -> Option<f64> {
    (percent > 0).then(|| f64::from(percent) / 100.0)
}

/// `ServiceSpec.RollbackConfig`: what the app says, else the way of the update where that is `recreate`.
pub(super) fn rollback(site: &Site<'_>) -> Option<Value> {
    if matches!(site.workload.mode, Mode::Job) {
        return None;
    }
    let update = site.workload.update.as_ref()?;
    match &update.rollback {
        Some(rollback) => Some(rollback_config(rollback)),
        None if update.strategy == Strategy::Recreate && update.on_failure == Some(OnFailure::Rollback) => {
            Some(json!({ "Parallelism": 0, "Order": "stop-first" }))
        }
        None => None,
    }
}

fn rollback_config(rollback: &Rollback) -> Value {
    let mut body = Body::new();
    body.set("Parallelism", rollback.parallelism.unwrap_or(1));
    body.set_some("Delay", rollback.delay.map(Duration::as_nanos));
    body.set_some("Monitor", rollback.monitor.map(Duration::as_nanos));
    body.set_some("MaxFailureRatio", rollback.max_failure_percent.and_then(ratio));
    body.set("Order", order_word(rollback.order.unwrap_or(UpdateOrder::StopFirst)));
    body.into_value()
}
