//! The `ContainerSpec` of a task.

use rhumb_spec::Duration;
use rhumb_spec::model::Dns;
use serde_json::{Map, Value};

use super::body::{Body, text_map};
use super::template::literal;
use super::{Context, Report, Site, environment, health, mounts, resources};
use crate::names;

/// `TaskTemplate.ContainerSpec`.
///
/// Source: Engine API, `ContainerSpec`; durations are in nanoseconds.
pub(super) fn spec(context: &Context<'_>, site: &Site<'_>, report: &mut Report) -> Value {
    let container = site.container;
    let environment = environment::environment(context, site, report);
    let mounted = mounts::mounted(context, site, report);
    let (command, args) =
        environment.command.unwrap_or_else(|| (container.command.clone(), container.args.clone()));
    let mut secrets = mounted.secrets;
    secrets.extend(environment.secrets);
    let mut body = Body::new();
    body.set("Image", context.facts.image(&container.image))
        .set_filled("Labels", labels(context, site))
        .set_filled("Command", command)
        .set_filled("Args", args)
        .set_some("Hostname", hostname(context, site))
        .set_filled("Env", environment.env)
        .set_some("Dir", container.working_dir.clone())
        .set_some("User", resources::user(site, report))
        .set_some("Privileges", resources::privileges(site, report))
        .set_some("StopSignal", container.stop.signal.clone());
    if container.security.read_only_root {
        body.set("ReadOnly", true);
    }
    body.set_filled("Mounts", mounted.mounts)
        .set_some("StopGracePeriod", container.stop.grace.map(Duration::as_nanos))
        .set_some("Healthcheck", health::check(site, report))
        .set_filled("Hosts", hosts(site))
        .set_filled("DNSConfig", dns(&site.workload.dns))
        .set_filled("Secrets", secrets)
        .set_filled("Configs", mounted.configs);
    resources::add_security(&mut body, &container.security);
    body.into_value()
}

/// The labels that a task's container bears: the user's, and by which `docker ps` finds the release.
fn labels(context: &Context<'_>, site: &Site<'_>) -> Map<String, Value> {
    let mut labels = text_map(&site.workload.labels);
    let marks = [
        (names::STACK, context.scope.stack()),
        (names::RELEASE, context.scope.release.clone()),
        (names::NAMESPACE, context.scope.namespace.clone()),
        (names::WORKLOAD, super::service::workload_name(context, site.name).to_owned()),
    ];
    labels.extend(marks.map(|(key, value)| (key.to_owned(), value.into())));
    labels
}

/// The host name that the app gives; for an ordinal its own name, as replicas of stateful sets have it elsewhere.
fn hostname(context: &Context<'_>, site: &Site<'_>) -> Option<String> {
    let given = site.workload.hostname.as_deref().map(|name| literal(name).into_owned());
    given.or_else(|| context.checked.ordinal(site.name).map(|_| site.name.to_owned()))
}

/// Lines of the hosts file, address first.
fn hosts(site: &Site<'_>) -> Vec<String> {
    site.workload.extra_hosts.iter().map(|(host, address)| format!("{address} {host}")).collect()
}

fn dns(dns: &Dns) -> Value {
    let mut body = Body::new();
    body.set_filled("Nameservers", dns.servers.clone())
        .set_filled("Search", dns.search.clone())
        .set_filled("Options", dns.options.clone());
    body.into_value()
}
