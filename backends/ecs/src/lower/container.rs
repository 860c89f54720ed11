//! One container of a task definition.

use rhumb_spec::model::{Mode, Protocol};
use rhumb_spec::{Diagnostic, Feature};
use serde_json::{Value, json};

use super::body::Body;
use super::report::Range;
use super::task::Draft;
use super::{
    Context, Part, Report, Role, environment, health, logging, mounts, registry, resources, security,
};
use crate::connect::NetworkMode;

/// The most seconds between the stop signal and the kill on Fargate.
///
/// Source: Amazon ECS API reference, `ContainerDefinition.stopTimeout`.
const FARGATE_GRACE: u64 = 120;

/// A container.
///
/// Source: Amazon ECS API reference, `ContainerDefinition`.
pub(super) fn container(
    context: &Context<'_>,
    part: &Part<'_>,
    draft: &mut Draft,
    report: &mut Report,
) -> Value {
    let container = part.container;
    let workload = part.site.workload;
    let variables = environment::environment(context, part, draft, report);
    let mounts = mounts::mounts(context, part, draft, report);
    let mut body = Body::new();
    body.set("name", part.name)
        .set("image", container.image.clone())
        .set_some("repositoryCredentials", registry::of_container(context, part, draft));
    resources::set(context, part, &mut body, report);
    body.set_filled("portMappings", ports(context, part, report))
        .set("essential", is_essential(part))
        .set_filled("entryPoint", container.command.clone())
        .set_filled("command", container.args.clone())
        .set_filled("environment", variables.plain)
        .set_filled("mountPoints", mounts.points)
        .set_filled("linuxParameters", linux(context, part, mounts.tmpfs, report))
        .set_filled("secrets", variables.secret)
        .set_some("stopTimeout", grace(context, part, report))
        .set_some("hostname", workload.hostname.clone())
        .set_some("workingDirectory", container.working_dir.clone());
    security::set(part, &mut body, report);
    body.set_filled("dnsServers", workload.dns.servers.clone())
        .set_filled("dnsSearchDomains", workload.dns.search.clone())
        .set_filled("extraHosts", extra_hosts(part))
        .set_filled("dockerLabels", json!(workload.annotations))
        .set_filled("ulimits", security::ulimits(context, part, report))
        .set("logConfiguration", logging::configuration(context, part, report))
        .set_some("healthCheck", health::check(context, part, report))
        .set_filled("systemControls", security::system_controls(part))
        .set_filled("resourceRequirements", resources::requirements(part, report));
    refuse_options(part, report);
    body.into_value()
}

/// Whether a task ends with this container. Of a job it is the first one that says when the job has ended.
fn is_essential(part: &Part<'_>) -> bool {
    let workload = part.site.workload;
    let is_first = workload.containers.first().is_some_and(|(name, _)| name == part.name);
    part.role == Role::Main && (is_first || !matches!(workload.mode, Mode::Job | Mode::Cron))
}

/// The ports of a container. Under `awsvpc` and `host` a port is the same inside and outside; on a bridge Docker gives
/// out a free one unless the app publishes one on the nodes. Only exposed ports have a name, by which Service Connect
/// knows them.
///
/// Source: Amazon ECS API reference, `PortMapping`.
fn ports(context: &Context<'_>, part: &Part<'_>, report: &mut Report) -> Vec<Value> {
    let mut found = Vec::new();
    for (name, port) in &part.container.ports {
        let protocol = match port.protocol {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
            Protocol::Sctp => {
                report.refuse(
                    Diagnostic::error(part.at(&format!("ports.{name}")), "ECS does not carry SCTP")
                        .why("a port mapping is TCP or UDP")
                        .remedy("TCP or UDP"),
                );
                continue;
            }
        };
        let mut body = Body::new();
        body.set("containerPort", port.port);
        body.set_some("hostPort", host_port(context, part, (name, port.port), report));
        body.set("protocol", protocol);
        if part.site.workload.expose.contains_key(name) {
            body.set("name", name.clone());
        }
        found.push(body.into_value());
    }
    found
}

/// The port of the node that leads to a port of a container, where the app or the network mode says which.
fn host_port(
    context: &Context<'_>,
    part: &Part<'_>,
    (name, number): (&str, u16),
    report: &mut Report,
) -> Option<u16> {
    let published = super::network::node_port(context, part.site, name);
    match context.facts.network() {
        NetworkMode::Awsvpc => None,
        NetworkMode::Bridge => published,
        NetworkMode::Host => {
            if let Some(published) = published.filter(|published| *published != number) {
                report.refuse(
                    Diagnostic::error(
                        part.site.at(&format!("expose.{name}.port")),
                        format!("port {published} of the nodes cannot lead to port {number}"),
                    )
                    .why("in network mode `host` containers listen on the nodes' own ports")
                    .remedy(format!("`port: {number}`, or the target's setting `networkMode: bridge`")),
                );
            }
            Some(number)
        }
    }
}

fn grace(context: &Context<'_>, part: &Part<'_>, report: &mut Report) -> Option<u64> {
    let time = part.container.stop.grace?;
    let most = if context.facts.is_fargate() { FARGATE_GRACE } else { i32::MAX as u64 };
    Some(report.seconds(Feature::StopGrace, &part.at("stop.grace"), time, Range(0, most)))
}

/// `linuxParameters` of a container.
///
/// Source: Amazon ECS API reference, `LinuxParameters`.
fn linux(context: &Context<'_>, part: &Part<'_>, tmpfs: Vec<Value>, report: &mut Report) -> Value {
    let mut body = Body::new();
    body.set_filled("capabilities", security::capabilities(context, part, report)).set_filled("tmpfs", tmpfs);
    body.into_value()
}

fn extra_hosts(part: &Part<'_>) -> Vec<Value> {
    let hosts = &part.site.workload.extra_hosts;
    hosts.iter().map(|(host, address)| json!({ "hostname": host, "ipAddress": address })).collect()
}

fn refuse_options(part: &Part<'_>, report: &mut Report) {
    if !part.site.workload.dns.options.is_empty() {
        report.refuse(
            Diagnostic::error(part.site.at("dns.options"), "ECS sets no options of the resolver")
                .why("a container of ECS has name servers and search domains")
                .remedy("no `options`; the variable RES_OPTIONS, where the image's resolver reads it"),
        );
    }
}
