//! The rules of workloads as a whole: modes and what goes with them.

use super::{Scope, container, lookup, network, placement, ports, rollout, schedule};
use crate::Diagnostic;
use crate::model::{Mode, RestartPolicy};

/// Checks one workload.
pub(super) fn check(scope: &Scope<'_>, found: &mut Vec<Diagnostic>) {
    mode(scope, found);
    job(scope, found);
    cron(scope, found);
    restart(scope, found);
    references(scope, found);
    container::check(scope, found);
    ports::check(scope, found);
    rollout::check(scope, found);
    placement::check(scope, found);
    network::check_dns(scope, found);
    patches(scope, found);
}

/// The word of a mode, as it is written.
pub(super) const fn word(mode: Mode) -> &'static str {
    match mode {
        Mode::Replicated => "replicated",
        Mode::Global => "global",
        Mode::Stateful => "stateful",
        Mode::Job => "job",
        Mode::Cron => "cron",
    }
}

/// Whether replicas of this mode run to their end.
pub(super) const fn ends(mode: Mode) -> bool {
    matches!(mode, Mode::Job | Mode::Cron)
}

fn mode(scope: &Scope<'_>, found: &mut Vec<Diagnostic>) {
    let (workload, mode) = (scope.workload, scope.workload.mode);
    if workload.replicas.is_some() && !matches!(mode, Mode::Replicated | Mode::Stateful) {
        let diagnostic = Diagnostic::error(
            scope.at("replicas"),
            format!("`replicas` does not go with `mode: {}`", word(mode)),
        );
        found.push(match mode {
            Mode::Global => diagnostic.why("there is one replica on every node"),
            _ => diagnostic
                .why("a job runs to its end instead of staying")
                .remedy("`job: { completions: NUMBER, parallelism: NUMBER }`"),
        });
    }
    if workload.containers.is_empty() {
        found.push(
            Diagnostic::error(scope.at("containers"), "there is no container")
                .remedy("`containers: { NAME: { image: IMAGE } }`"),
        );
    }
}

fn job(scope: &Scope<'_>, found: &mut Vec<Diagnostic>) {
    let Some(job) = &scope.workload.job else { return };
    if !ends(scope.workload.mode) {
        found.push(
            Diagnostic::error(
                scope.at("job"),
                format!("`job` does not go with `mode: {}`", word(scope.workload.mode)),
            )
            .remedy("`mode: job` or `mode: cron`"),
        );
    }
    for (field, number) in [("parallelism", job.parallelism), ("completions", job.completions)] {
        if number == Some(0) {
            found.push(
                Diagnostic::error(scope.at(&format!("job.{field}")), format!("`{field}` is 0"))
                    .why("the job would never run")
                    .remedy("1 or more"),
            );
        }
    }
    if job.deadline.is_some_and(crate::Duration::is_zero) {
        found.push(
            Diagnostic::error(scope.at("job.deadline"), "the deadline is 0s")
                .why("the job would be ended before it starts"),
        );
    }
}

fn cron(scope: &Scope<'_>, found: &mut Vec<Diagnostic>) {
    match (&scope.workload.cron, scope.workload.mode) {
        (Some(cron), Mode::Cron) => {
            schedule::check(&cron.schedule, &scope.at("cron.schedule"), found);
            if let Some(zone) = &cron.time_zone
                && !schedule::is_time_zone(zone)
            {
                found.push(
                    Diagnostic::error(
                        scope.at("cron.timeZone"),
                        format!("`{zone}` is not the name of a time zone"),
                    )
                    .remedy("a name of the IANA database, such as `Europe/Berlin` or `UTC`"),
                );
            }
        }
        (Some(_), mode) => found.push(
            Diagnostic::error(scope.at("cron"), format!("`cron` does not go with `mode: {}`", word(mode)))
                .remedy("`mode: cron`"),
        ),
        (None, Mode::Cron) => found.push(
            Diagnostic::error(scope.at("cron"), "`cron` is missing")
                .why("with `mode: cron` the schedule says when it runs")
                .remedy("`cron: { schedule: \"0 3 * * *\" }`"),
        ),
        (None, _) => {}
    }
}

fn restart(scope: &Scope<'_>, found: &mut Vec<Diagnostic>) {
    let Some(restart) = &scope.workload.restart else { return };
    if ends(scope.workload.mode) && restart.policy == RestartPolicy::Always {
        found.push(
            Diagnostic::error(
                scope.at("restart.policy"),
                format!(
                    "a restart policy of `always` does not go with `mode: {}`",
                    word(scope.workload.mode)
                ),
            )
            .why("the job would never end")
            .remedy("`policy: onFailure` or `policy: never`"),
        );
    }
}

fn references(scope: &Scope<'_>, found: &mut Vec<Diagnostic>) {
    if let Some(name) = &scope.workload.pull_secret {
        lookup::secret_key(scope.app, name, ".dockerconfigjson", &scope.at("pullSecret"), found);
    }
    for name in scope.workload.networks.keys() {
        lookup::network(scope.app, name, &scope.at(&format!("networks.{name}")), found);
    }
    if let Some(identity) = &scope.workload.identity
        && identity.name.is_empty()
    {
        found.push(
            Diagnostic::error(scope.at("identity.name"), "the name is empty")
                .remedy("a service account, or a role"),
        );
    }
}

/// Patches are mappings: platform, then native kind, then the patch.
fn patches(scope: &Scope<'_>, found: &mut Vec<Diagnostic>) {
    for (platform, kinds) in &scope.workload.on {
        for (kind, patch) in kinds {
            if !patch.is_object() {
                found.push(
                    Diagnostic::error(
                        scope.at(&format!("on.{platform}.{kind}")),
                        "the patch is not a mapping",
                    )
                    .why("it is merged into the object of this kind that the workload becomes")
                    .remedy("`on: { PLATFORM: { KIND: { FIELD: VALUE } } }`"),
                );
            }
        }
    }
}
