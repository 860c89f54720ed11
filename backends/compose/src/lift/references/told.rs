//! What siblings expect of each other and no platform but Docker gives them, told.

use std::collections::BTreeSet;

use rhumb_spec::model::{Mode, ProbeAction};

use super::{is_host, is_mentioned, tasks};
use crate::lift::World;

/// Warns of services that nobody reaches, of names that only Swarm has, and of checks that ask a service by its name.
pub(super) fn lift(texts: &[(String, String)], world: &mut World<'_>) {
    let services: Vec<String> = world.chosen.iter().cloned().collect();
    for service in services {
        let Some(document) = world.known("services", &service) else { continue };
        if let Some(callers) = needers(&service, &document, texts, world) {
            let what = format!(
                "no port of it is named, and {callers} needs it: platforms that open only ports which are named lead nobody to it"
            );
            world.warn(format!("service/{service}.expose"), what, "its ports, under `ports` and `expose`");
        }
        let name = tasks(&service);
        if texts.iter().any(|(_, text)| is_mentioned(text, &name)) {
            let what = format!("`{name}` is a name that only Swarm has");
            let remedy = format!(
                "`{service}` in its place, with `discovery: dns` where it is to lead to each replica"
            );
            world.warn(format!("service/{service}"), what, &remedy);
        }
        if is_scheduled(&document, world) {
            let what = "swarm-cronjob starts it, at times that crontab does not have";
            world.warn(
                format!("service/{service}.deploy.labels"),
                what,
                "`mode: cron`, with a schedule of crontab",
            );
        }
        if asks_itself(&service, &document, world) {
            let what = format!(
                "its check asks `{service}`, and a platform may lead that name only to what passed the check"
            );
            world.warn(format!("service/{service}.healthcheck"), what, "`localhost` in the check");
        }
    }
}

/// Who needs a service that has no port which is named.
fn needers(service: &str, document: &str, texts: &[(String, String)], world: &World<'_>) -> Option<String> {
    let workload = world.app.workloads.get(document)?;
    if !workload.expose.is_empty() || matches!(workload.mode, Mode::Job | Mode::Cron) {
        return None;
    }
    let others = texts.iter().filter(|(owner, text)| owner != document && is_host(text, service));
    let mut found: BTreeSet<&str> = others.map(|(owner, _)| owner.as_str()).collect();
    for (name, workload) in &world.app.workloads {
        if workload.depends_on.iter().any(|on| on == document) {
            found.insert(name);
        }
    }
    (!found.is_empty()).then(|| some_of(&found))
}

/// The first of some names.
pub(in crate::lift) fn some_of(names: &BTreeSet<&str>) -> String {
    let mut text = names.iter().take(3).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if names.len() > 3 {
        text.push_str(" and others");
    }
    text
}

/// Whether labels of swarm-cronjob are left.
fn is_scheduled(document: &str, world: &World<'_>) -> bool {
    let workload = world.app.workloads.get(document);
    workload
        .is_some_and(|workload| workload.labels.get("swarm.cronjob.enable").is_some_and(|on| on == "true"))
}

fn asks_itself(service: &str, document: &str, world: &World<'_>) -> bool {
    let Some(container) =
        world.app.workloads.get(document).and_then(|workload| workload.containers.get(document))
    else {
        return false;
    };
    let probe = container.probes.ready.as_ref().map(|probe| &probe.action);
    let Some(ProbeAction::Exec(command)) = probe else { return false };
    command.iter().any(|text| text != service && is_host(text, service))
}
