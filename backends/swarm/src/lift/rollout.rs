//! The mode of a service, how it is restarted, updated and rolled back.

use std::collections::BTreeMap;

use rhumb_backend::Lifted;
use rhumb_spec::model::{
    Concurrency, Cron, IntOrPercent, Job, Mode, OnFailure, Restart, RestartPolicy, Rollback, Strategy,
    Update, UpdateOrder, Workload,
};

use super::fields::{Fields, not_carried};
use crate::lower::{CRON, CRON_REPLICAS, CRON_SCHEDULE, CRON_SKIP};

/// Reads mode and number of replicas into the workload.
pub(super) fn mode(service: &mut Fields, workload: &mut Workload, lifted: &mut Lifted) {
    let mut modes = service.below("Mode");
    let (is_global, is_global_job) = (modes.take("Global").is_some(), modes.take("GlobalJob").is_some());
    let mut replicated = modes.below("Replicated");
    let mut job = modes.below("ReplicatedJob");
    workload.replicas = replicated.small("Replicas").filter(|count| *count != 1);
    let completions = job.small("TotalCompletions");
    let concurrent = job.small("MaxConcurrent");
    if is_global {
        workload.mode = Mode::Global;
    } else if completions.is_some() || concurrent.is_some() || is_global_job {
        workload.mode = Mode::Job;
        let parallelism = concurrent.filter(|count| *count > 1);
        let completions = completions.filter(|count| *count > 1);
        workload.job = Some(Job { parallelism, completions, ..Job::default() });
    }
    if is_global_job {
        lifted.notes.push(not_carried(modes.at("GlobalJob"), "a job runs on one node, and not on every"));
    }
    modes.tell(&mut lifted.notes);
}

/// Takes the labels of swarm-cronjob, and makes the workload a scheduled one where they are there.
pub(super) fn cron(labels: &mut BTreeMap<String, String>, workload: &mut Workload) {
    let is_on = labels.remove(CRON).is_some_and(|on| on == "true");
    let schedule = labels.remove(CRON_SCHEDULE);
    let skips = labels.remove(CRON_SKIP).is_some_and(|skips| skips == "true");
    let replicas = labels.remove(CRON_REPLICAS).and_then(|count| count.parse().ok());
    let Some(schedule) = schedule.filter(|_| is_on) else { return };
    let (zone, schedule) = match schedule.strip_prefix("CRON_TZ=").and_then(|rest| rest.split_once(' ')) {
        Some((zone, schedule)) => (Some(zone.to_owned()).filter(|zone| zone != "UTC"), schedule.to_owned()),
        None => (None, schedule),
    };
    let concurrency = if skips { Concurrency::Forbid } else { Concurrency::Allow };
    workload.mode = Mode::Cron;
    workload.replicas = None;
    workload.cron = Some(Cron { schedule, time_zone: zone, concurrency });
    workload.job = replicas.map(|parallelism| Job { parallelism: Some(parallelism), ..Job::default() });
}

/// Reads when tasks are started again, into the job of a workload that has one.
pub(super) fn restart(task: &mut Fields, workload: &mut Workload, lifted: &mut Lifted) {
    if !task.has("RestartPolicy") {
        return;
    }
    let mut fields = task.below("RestartPolicy");
    let policy = match fields.text("Condition").as_deref() {
        Some("on-failure") => RestartPolicy::OnFailure,
        Some("none") => RestartPolicy::Never,
        _ => RestartPolicy::Always,
    };
    let delay = fields.time("Delay");
    let max_attempts = fields.small("MaxAttempts").filter(|attempts| *attempts > 0);
    let window = fields.time("Window").filter(|window| !window.is_zero());
    fields.tell(&mut lifted.notes);
    if matches!(workload.mode, Mode::Job | Mode::Cron) {
        let job = workload.job.get_or_insert_default();
        job.retries = max_attempts.filter(|_| policy == RestartPolicy::OnFailure);
        if *job == Job::default() {
            workload.job = None;
        }
        workload.restart = delay.map(|delay| Restart { delay: Some(delay), ..Restart::default() });
        return;
    }
    workload.restart = Some(Restart { policy, delay, max_attempts, window });
}

/// Reads how a service is updated, as surge or as unavailable replicas.
pub(super) fn update(service: &mut Fields, lifted: &mut Lifted) -> Option<Update> {
    let rollback = rollback(service, lifted);
    if !service.has("UpdateConfig") {
        return rollback.map(|rollback| Update { rollback: Some(rollback), ..Update::default() });
    }
    let mut fields = service.below("UpdateConfig");
    let parallelism = fields.small("Parallelism").unwrap_or(1);
    let order = order(&mut fields);
    let mut update = Update {
        delay: fields.time("Delay").filter(|delay| !delay.is_zero()),
        monitor: fields.time("Monitor").filter(|monitor| !monitor.is_zero()),
        max_failure_percent: percent(&mut fields),
        on_failure: fields.text("FailureAction").and_then(|action| on_failure(&action)),
        rollback,
        ..Update::default()
    };
    let path = service.at("RollbackConfig.Parallelism");
    fields.tell(&mut lifted.notes);
    let (all, none) = (IntOrPercent::Percent(100), IntOrPercent::Int(0));
    match (order, parallelism) {
        (UpdateOrder::StopFirst, 0) => {
            update.strategy = Strategy::Recreate;
            // Without more said, it goes back as it came.
            let plain = Rollback { parallelism: Some(0), ..Rollback::default() };
            update.rollback = update.rollback.filter(|rollback| *rollback != plain);
        }
        (UpdateOrder::StartFirst, 0) => (update.max_surge, update.max_unavailable) = (Some(all), Some(none)),
        (UpdateOrder::StopFirst, count) => {
            (update.max_surge, update.max_unavailable) = (Some(none), Some(IntOrPercent::Int(count)));
        }
        (UpdateOrder::StartFirst, count) => {
            (update.max_surge, update.max_unavailable) = (Some(IntOrPercent::Int(count)), Some(none));
        }
    }
    if let Some(parallelism) = update.rollback.as_mut().map(|rollback| &mut rollback.parallelism)
        && *parallelism == Some(0)
    {
        *parallelism = None;
        lifted
            .notes
            .push(not_carried(path, "all replicas at once go back only with an update of all at once"));
    }
    update.rollback = update.rollback.filter(|rollback| *rollback != Rollback::default());
    Some(update)
}

fn rollback(service: &mut Fields, lifted: &mut Lifted) -> Option<Rollback> {
    if !service.has("RollbackConfig") {
        return None;
    }
    let mut fields = service.below("RollbackConfig");
    fields.ignore(&["FailureAction"]);
    let rollback = Rollback {
        parallelism: fields.small("Parallelism").filter(|count| *count != 1),
        delay: fields.time("Delay").filter(|delay| !delay.is_zero()),
        order: Some(order(&mut fields)).filter(|order| *order != UpdateOrder::StopFirst),
        monitor: fields.time("Monitor").filter(|monitor| !monitor.is_zero()),
        max_failure_percent: percent(&mut fields),
    };
    fields.tell(&mut lifted.notes);
    (rollback != Rollback::default()).then_some(rollback)
}

fn order(fields: &mut Fields) -> UpdateOrder {
    match fields.text("Order").as_deref() {
        Some("start-first") => UpdateOrder::StartFirst,
        _ => UpdateOrder::StopFirst,
    }
}

fn on_failure(action: &str) -> Option<OnFailure> {
    match action {
        "pause" => Some(OnFailure::Pause),
        "rollback" => Some(OnFailure::Rollback),
        "continue" => Some(OnFailure::Continue),
        _ => None,
    }
}

/// The share of failures in percent. The engine keeps it in single precision, so it is rounded.
fn percent(fields: &mut Fields) -> Option<u8> {
    let ratio = fields.take("MaxFailureRatio")?.as_f64()?;
    let percent = (ratio * 100.0).round();
    (0..=100_u8).find(|whole| (f64::from(*whole) - percent).abs() < 0.5).filter(|percent| *percent > 0)
}
