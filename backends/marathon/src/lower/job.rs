//! Jobs and schedules of Metronome.

use rhumb_backend::ObjectId;
use rhumb_spec::model::{Concurrency, Job, MountSource};
use rhumb_spec::{Diagnostic, Duration, Feature};
use serde_json::{Map, Value, json};

use super::body::{Body, text_map};
use super::driver::{self, Storage};
use super::environment::{self, Used};
use super::{Context, Part, Report, Site};
use super::{container, mounts, placement, resources, rollout};
use crate::names;

/// The time, in seconds, in which a failed run is started again, for each retry that the app asks for.
const TRY: u64 = 300;
/// The id of the one schedule of a job.
const SCHEDULE: &str = "default";

/// The body of a job.
///
/// Source: Metronome REST API, `jobSpec`, `schedule`.
pub(super) fn body(
    context: &Context<'_>,
    (site, part): (&Site<'_>, &Part<'_>),
    id: &ObjectId,
    (used, report): (&mut Used, &mut Report),
) -> Map<String, Value> {
    let mut labels = text_map(&site.workload.labels);
    labels.extend(text_map(&site.workload.annotations));
    labels.extend(names::marks(context.scope, id, None));
    let mut body = Body::new();
    body.set("id", names::job(context.scope, site.name))
        .set("labels", labels)
        .set("run", run(context, (site, part), (used, report)))
        .set_filled("schedules", schedules(site, report));
    body.into_map()
}

fn run(
    context: &Context<'_>,
    (site, part): (&Site<'_>, &Part<'_>),
    (used, report): (&mut Used, &mut Report),
) -> Value {
    refuse_volumes(context, part, report);
    let started = container::started(context, site, part, report);
    let resources = resources::resources(context, part, report);
    let mut run = Body::new();
    run.extend(started.fields).extend(resources.promised.into_map());
    // A run has a size on disk, always.
    let has_disk =
        part.container.mounts.values().any(|mount| matches!(mount.source, MountSource::Ephemeral { .. }));
    if !has_disk {
        run.set("disk", 0);
    }
    if let Some(limits) = resources.limits {
        lose_limits(part, &limits, report);
    }
    if !site.engine.is_docker() {
        run.set_some("user", container::agent_user(part, report));
    }
    run.set_filled("env", environment::variables(context, (site, part), used, report));
    let volumes = mounts::volumes(context, (site, part), used, report).list;
    run.extend(image(context, (site, part), started.parameters, (used, report)));
    run.set_filled("volumes", volumes)
        .set("restart", restart(site, report))
        .set_filled("placement", constraints(context, site, report))
        .set_filled("networks", networks(site))
        .set_some(
            "taskKillGracePeriodSeconds",
            rollout::grace(part.at("stop.grace"), part.container.stop.grace, report),
        )
        .set_filled("secrets", used.secrets.clone());
    run.into_value()
}

fn lose_limits(part: &Part<'_>, limits: &Value, report: &mut Report) {
    let text = "a run of Metronome takes no more than it is promised";
    if limits.get("cpus").is_some() {
        report.lose(Feature::CpuLimit, part.at("resources.limits.cpu"), text);
    }
    if limits.get("mem").is_some() {
        report.lose(Feature::MemoryLimit, part.at("resources.limits.memory"), text);
    }
}

/// `docker` or `ucr`.
fn image(
    context: &Context<'_>,
    (site, part): (&Site<'_>, &Part<'_>),
    parameters: Vec<Value>,
    (used, report): (&mut Used, &mut Report),
) -> Map<String, Value> {
    let mut body = Body::new();
    let force = container::force_pull(part, report);
    if site.engine.is_docker() {
        let mut docker = Body::new();
        docker.set("image", part.container.image.clone()).set_some("forcePullImage", force);
        if part.container.security.privileged {
            docker.set("privileged", true);
        }
        docker.set_filled("parameters", parameters);
        body.set("docker", docker.into_value());
    } else {
        let mut image = Body::new();
        image.set("id", part.container.image.clone()).set("kind", "docker").set_some("forcePull", force);
        image.set_some("pullConfig", container::pull_config(context, site, used, report));
        body.set("ucr", json!({ "image": image.into_value() }));
    }
    body.into_map()
}

/// `restart`: a failed run is started again for a time, or never.
fn restart(site: &Site<'_>, report: &mut Report) -> Value {
    let none = Job::default();
    let job = site.workload.job.as_ref().unwrap_or(&none);
    let retries = job.retries.unwrap_or(0);
    let deadline =
        job.deadline.map(|time| report.seconds(Feature::JobDeadline, site.at("job.deadline"), time));
    if retries == 0 {
        let mut body = Body::new();
        body.set("policy", "NEVER").set_some("activeDeadlineSeconds", deadline);
        return body.into_value();
    }
    let seconds = deadline.unwrap_or_else(|| {
        let seconds = Duration::from_secs(u64::from(retries) * TRY).as_secs();
        let text =
            format!("Metronome counts time and not tries: a failed run is started again for {seconds}s");
        report.lose(Feature::JobRetries, site.at("job.retries"), text);
        i64::try_from(seconds).unwrap_or(i64::MAX)
    });
    json!({ "policy": "ON_FAILURE", "activeDeadlineSeconds": seconds })
}

/// `placement.constraints`: EQ, LIKE and UNLIKE of an attribute.
fn constraints(context: &Context<'_>, site: &Site<'_>, report: &mut Report) -> Value {
    let mut found = Vec::new();
    for constraint in placement::constraints(context, site, report) {
        if !matches!(constraint.operator, "LIKE" | "UNLIKE") {
            let text = "runs of a job are one at a time, so they are not spread";
            report.lose(Feature::Spread, site.at("placement"), text);
            continue;
        }
        found.push(json!({
            "attribute": constraint.field, "operator": constraint.operator, "value": constraint.value,
        }));
    }
    if found.is_empty() { json!({}) } else { json!({ "constraints": found }) }
}

/// The networks that a job names; else a run is on its agent's own.
fn networks(site: &Site<'_>) -> Vec<Value> {
    site.workload.networks.keys().map(|name| json!({ "mode": "container", "name": name })).collect()
}

fn schedules(site: &Site<'_>, report: &mut Report) -> Vec<Value> {
    let Some(cron) = &site.workload.cron else { return Vec::new() };
    let policy = match cron.concurrency {
        Concurrency::Allow => "ALLOW",
        Concurrency::Forbid => "FORBID",
        Concurrency::Replace => {
            report.refuse(
                Diagnostic::error(
                    site.at("cron.concurrency"),
                    "Metronome ends no run because the next is due",
                )
                .why("its policies are ALLOW and FORBID")
                .remedy("`forbid`, or a `timeout` in the job's own command"),
            );
            return Vec::new();
        }
    };
    let mut body = Body::new();
    body.set("id", SCHEDULE)
        .set("cron", cron.schedule.clone())
        .set("timezone", cron.time_zone.clone().unwrap_or_else(|| "UTC".to_owned()))
        .set("concurrencyPolicy", policy)
        .set("enabled", true);
    vec![body.into_value()]
}

/// A run is placed anew each time, so it has no volume of an agent.
pub(super) fn refuse_volumes(context: &Context<'_>, part: &Part<'_>, report: &mut Report) {
    for (at, mount) in &part.container.mounts {
        let MountSource::Volume { name } = &mount.source else { continue };
        let Some(document) = context.app.volumes.get(name) else { continue };
        let is_mounted = matches!(driver::storage(document), Storage::Options { .. });
        if !is_mounted {
            report.refuse(
                Diagnostic::error(part.at(&format!("mounts.{at}")), "a job mounts no persistent volume")
                    .why("each run goes to any agent, and Metronome knows paths of the agent and secrets only")
                    .remedy("`nfs` or a `class` with `options` in the volume, which the Docker Engine mounts; or a host path"),
            );
        }
    }
}
