//! Services that swarm-cronjob starts by the clock.
//!
//! Source: github.com/crazy-max/swarm-cronjob, "Service labels".

use rhumb_backend::fields::Fields;
use rhumb_spec::model::{Concurrency, Cron, Job, Mode, RestartPolicy, Workload};
use rhumb_spec::plain_schedule;

/// Makes a workload a scheduled one where labels of its service say so. A schedule that crontab does not have stays a
/// label.
pub(super) fn lift(deploy: &mut Fields<'_>, workload: &mut Workload) {
    let text = |workload: &Workload, key: &str| {
        let key = format!("swarm.cronjob.{key}");
        workload.labels.get(&key).or_else(|| workload.annotations.get(&key)).cloned()
    };
    let is_on = text(workload, "enable").as_deref() == Some("true");
    let schedule = text(workload, "schedule").filter(|_| is_on && workload.mode == Mode::Replicated);
    let Some((time_zone, schedule)) = schedule.as_deref().and_then(read) else { return };
    let skips = text(workload, "skip-running").as_deref() == Some("true");
    let parallelism = text(workload, "replicas").and_then(|count| count.parse().ok());
    for key in ["enable", "schedule", "skip-running", "replicas"] {
        let key = format!("swarm.cronjob.{key}");
        workload.labels.remove(&key);
        workload.annotations.remove(&key);
    }
    workload.mode = Mode::Cron;
    workload.replicas = None;
    let concurrency = if skips { Concurrency::Forbid } else { Concurrency::Allow };
    workload.cron = Some(Cron { schedule, time_zone, concurrency });
    let restart = workload.restart.take().filter(|restart| restart.policy == RestartPolicy::OnFailure);
    let job =
        Job { retries: restart.and_then(|restart| restart.max_attempts), parallelism, ..Job::default() };
    workload.job = Some(job).filter(|job| *job != Job::default());
    if workload.update.take().is_some() {
        deploy.lost("update_config", 1, "a job has no versions that replace each other");
    }
}

/// The zone and the five fields of a schedule.
fn read(text: &str) -> Option<(Option<String>, String)> {
    let zoned = text.strip_prefix("CRON_TZ=").or_else(|| text.strip_prefix("TZ="));
    let (zone, text) = match zoned.and_then(|rest| rest.split_once(' ')) {
        Some((zone, rest)) => (Some(zone.to_owned()).filter(|zone| zone != "UTC"), rest),
        None => (None, text),
    };
    let fields = plain_schedule(text);
    (fields.split_whitespace().count() == 5).then(|| (zone, fields.to_owned()))
}
