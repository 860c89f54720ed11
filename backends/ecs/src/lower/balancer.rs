//! What load balancers lead to: target groups, and listeners of the network load balancer.

use std::collections::BTreeMap;

use rhumb_backend::{After, Object, ObjectId, reference};
use rhumb_spec::model::{Expose, ExposeAs, Port, Probe, ProbeAction, Protocol, Strategy};
use rhumb_spec::{Diagnostic, Feature};
use serde_json::{Value, json};

use super::body::Body;
use super::report::Range;
use super::{Context, Report, Site, exists, health, network, route};
use crate::connect::NetworkMode;
use crate::kind::Kind;
use crate::names;

/// The most target groups of a service. Source: Amazon ECS developer guide, "Amazon ECS service quotas".
const GROUPS: usize = 5;
const PERIODS: Range = Range(5, 300);
const TIMEOUTS: Range = Range(2, 120);
/// Source: Elastic Load Balancing API reference, `CreateTargetGroup`.
const THRESHOLDS: (u32, u32) = (2, 10);

/// Which balancer leads to a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// The application load balancer, for routes.
    Application,
    /// The network load balancer, for ports at it.
    Network,
}

/// A port that a balancer leads to.
struct Led<'a> {
    by: By,
    name: &'a str,
    expose: &'a Expose,
    container: &'a str,
    port: Port,
}

impl Led<'_> {
    fn protocol(&self) -> &'static str {
        match (self.by, self.port.protocol) {
            (By::Application, _) => "HTTP",
            (By::Network, Protocol::Udp) => "UDP",
            (By::Network, Protocol::Tcp | Protocol::Sctp) => "TCP",
        }
    }

    fn group(&self, workload: &str) -> ObjectId {
        match self.by {
            By::Application => group(workload, self.name),
            By::Network => {
                Kind::TargetGroup.id(&format!("{workload}-{}-{}", self.name, self.protocol().to_lowercase()))
            }
        }
    }
}

/// The target group that routes to a workload's port lead to.
pub(super) fn group(workload: &str, port: &str) -> ObjectId {
    Kind::TargetGroup.id(&format!("{workload}-{port}"))
}

/// The second target group of a port, which ECS shifts traffic to.
pub(super) fn alternate(group: &ObjectId) -> ObjectId {
    Kind::TargetGroup.id(&format!("{}-alternate", group.name()))
}

/// Whether ECS shifts the traffic of a workload from one set of tasks to another.
pub(super) fn shifts(site: &Site<'_>) -> bool {
    let strategy = site.workload.update.as_ref().map(|update| update.strategy);
    matches!(strategy, Some(Strategy::BlueGreen | Strategy::Canary))
}

/// Whether an exposed port is one of the network load balancer: where tasks have an address of their own, ports of the
/// nodes are, too.
fn is_at_network(context: &Context<'_>, expose: &Expose) -> bool {
    match expose.kind {
        ExposeAs::LoadBalancer => true,
        ExposeAs::Node => context.facts.network() == NetworkMode::Awsvpc,
        ExposeAs::Internal => false,
    }
}

fn led<'a>(context: &Context<'_>, site: &Site<'a>) -> Vec<Led<'a>> {
    let mut found = Vec::new();
    if !site.is_service() {
        return found;
    }
    let name_of_set = context.checked.ordinal(site.name).map_or(site.name, |sequence| &sequence.set);
    for (name, expose) in &site.workload.expose {
        let Some((container, port)) = network::place(site.workload, name) else { continue };
        let of = |by| Led { by, name, expose, container, port };
        let is_routed = |workload: &str| route::is_routed(context, workload, name);
        if is_routed(site.name) || is_routed(name_of_set) {
            found.push(of(By::Application));
        }
        if is_at_network(context, expose) {
            found.push(of(By::Network));
        }
    }
    found
}

/// Whether a load balancer asks what a probe asks.
pub(super) fn asks(context: &Context<'_>, site: &Site<'_>, probe: &Probe) -> bool {
    led(context, site).iter().any(|led| is_asked(led, probe))
}

/// An application load balancer asks by HTTP only, and none sends headers of its own.
fn is_asked(led: &Led<'_>, probe: &Probe) -> bool {
    match &probe.action {
        ProbeAction::Http { port, headers, .. } => *port == led.name && headers.is_empty(),
        ProbeAction::Tcp { port } => *port == led.name && led.by == By::Network,
        ProbeAction::Exec(_) | ProbeAction::Grpc { .. } => false,
    }
}

/// Whether any load balancer leads to a workload.
pub(super) fn is_balanced(context: &Context<'_>, site: &Site<'_>) -> bool {
    !led(context, site).is_empty()
}

/// The target groups of a workload, and its listeners of the network load balancer.
pub(super) fn objects(context: &Context<'_>, site: &Site<'_>, report: &mut Report) -> Vec<Object> {
    let mut found = Vec::new();
    let led = led(context, site);
    for led in &led {
        let id = led.group(site.name);
        let second = (shifts(site) && led.by == By::Application).then(|| alternate(&id));
        for id in std::iter::once(id).chain(second) {
            found.push(target_group(context, site, led, id, report));
        }
        if led.by == By::Network {
            found.extend(listener(context, site, led, report));
        }
    }
    if led.len() > GROUPS {
        report.refuse(
            Diagnostic::error(
                site.at("expose"),
                format!("{} ports behind load balancers are too many", led.len()),
            )
            .why(format!("a service of ECS has {GROUPS} target groups at most"))
            .remedy("several workloads"),
        );
    }
    found
}

/// Source: Elastic Load Balancing API reference, `CreateTargetGroup`.
fn target_group(
    context: &Context<'_>,
    site: &Site<'_>,
    led: &Led<'_>,
    id: ObjectId,
    report: &mut Report,
) -> Object {
    let target = match context.facts.network() {
        NetworkMode::Awsvpc => "ip",
        NetworkMode::Bridge | NetworkMode::Host => "instance",
    };
    let mut body = Body::new();
    body.set("Name", names::native(context.scope, id.name(), names::TARGET_GROUP_LIMIT))
        .set("Protocol", led.protocol())
        .set("Port", led.port.port)
        .set_some("VpcId", context.facts.vpc.clone());
    set_check(site, led, &mut body, report);
    body.set("TargetType", target);
    context.object(id, body)
}

/// What the balancer asks: what the `ready` probe of the port asks. Where there is none, a network load balancer opens a
/// connection, and an application load balancer takes every answer that is no error of the server for a good one.
fn set_check(site: &Site<'_>, led: &Led<'_>, body: &mut Body, report: &mut Report) {
    let container = site.workload.containers.get(led.container);
    let probe = container.and_then(|container| container.probes.ready.as_ref());
    let Some(probe) = probe.filter(|probe| is_asked(led, probe)) else {
        if led.by == By::Application {
            body.set("HealthCheckPath", "/").set("Matcher", json!({ "HttpCode": "200-499" }));
        }
        return;
    };
    let http = match &probe.action {
        ProbeAction::Http { path, https, .. } => Some((path.clone(), if *https { "HTTPS" } else { "HTTP" })),
        _ => None,
    };
    let path = site.at(&format!("containers.{}.probes.ready", led.container));
    let mut seconds = |field: &str, time: Option<rhumb_spec::Duration>, range: Range| {
        time.map(|time| report.seconds(Feature::ReadinessProbe, &format!("{path}.{field}"), time, range))
    };
    let (period, timeout) =
        (seconds("period", probe.period, PERIODS), seconds("timeout", probe.timeout, TIMEOUTS));
    body.set("HealthCheckProtocol", http.as_ref().map_or("TCP", |(_, protocol)| *protocol));
    body.set_some("HealthCheckPath", http.as_ref().map(|(path, _)| path.clone()))
        .set_some("HealthCheckIntervalSeconds", period)
        .set_some("HealthCheckTimeoutSeconds", timeout)
        .set_some("HealthyThresholdCount", threshold(probe.successes, &format!("{path}.successes"), report))
        .set_some("UnhealthyThresholdCount", threshold(probe.failures, &format!("{path}.failures"), report));
    if http.is_some() {
        body.set("Matcher", json!({ "HttpCode": "200-399" }));
    }
    if let (Some(period), Some(timeout)) = (period, timeout)
        && timeout >= period
    {
        report.refuse(
            Diagnostic::error(
                format!("{path}.timeout"),
                "the time for an answer is not shorter than the period",
            )
            .why("a load balancer asks again only when the last question has ended")
            .remedy(format!("a `timeout` below {period} s")),
        );
    }
}

fn threshold(count: Option<u32>, path: &str, report: &mut Report) -> Option<u32> {
    let count = count?;
    let (least, most) = THRESHOLDS;
    let taken = count.clamp(least, most);
    if taken != count {
        let text = format!(
            "a load balancer changes its mind after {least} to {most} answers: {count} become {taken}"
        );
        report.lose(Feature::ReadinessProbe, path, text);
    }
    Some(taken)
}

/// A listener of the network load balancer.
///
/// Source: Elastic Load Balancing API reference, `CreateListener`.
fn listener(context: &Context<'_>, site: &Site<'_>, led: &Led<'_>, report: &mut Report) -> Option<Object> {
    let balancer = context.facts.network_load_balancer.as_ref()?;
    let port = led.expose.port;
    let own = format!("{}/{}", context.scope.namespace, context.scope.release);
    let there = balancer.listeners.get(&port);
    if there.is_some_and(|there| there.release.as_deref() != Some(own.as_str())) {
        let whose = there.and_then(|there| there.release.clone());
        let whose =
            whose.map_or_else(|| "somebody else".to_owned(), |release| format!("the release {release}"));
        report.refuse(
            Diagnostic::error(
                site.at(&format!("expose.{}.port", led.name)),
                format!("port {port} of the network load balancer is taken"),
            )
            .why(format!("{whose} has a listener there"))
            .remedy("another port, or another `networkLoadBalancer` in the target's settings"),
        );
    }
    if shifts(site) {
        report.refuse(
            Diagnostic::error(
                site.at("update.strategy"),
                format!("the traffic of port {port} of the network load balancer is not shifted"),
            )
            .why("traffic is shifted between the two target groups of a route, and by Service Connect")
            .remedy("a Route to the port, or `strategy: rolling`"),
        );
    }
    let action =
        json!({ "Type": "forward", "TargetGroupArn": reference::reference(&led.group(site.name), "arn") });
    let mut body = Body::new();
    body.set("LoadBalancerArn", balancer.arn.clone())
        .set("Protocol", led.protocol())
        .set("Port", port)
        .set("DefaultActions", json!([action]));
    Some(context.object(listener_id(site, led), body))
}

fn listener_id(site: &Site<'_>, led: &Led<'_>) -> ObjectId {
    Kind::Listener.id(&format!("{}-{}", site.name, led.name))
}

/// Refuses two ports of an app that would be one of the network load balancer, which is one for all.
pub(super) fn refuse_clashes(context: &Context<'_>, report: &mut Report) {
    let mut taken: BTreeMap<u16, String> = BTreeMap::new();
    for (name, workload) in &context.app.workloads {
        let site = Site::new(context, name, workload);
        for led in led(context, &site).iter().filter(|led| led.by == By::Network) {
            let path = site.at(&format!("expose.{}.port", led.name));
            let first = taken.entry(led.expose.port).or_insert_with(|| path.clone());
            if *first != path {
                let diagnostic = Diagnostic::error(
                    path,
                    format!("port {} of the network load balancer is taken", led.expose.port),
                );
                report.refuse(
                    diagnostic
                        .why(format!(
                            "`{first}` is the first, and a listener leads to one port, by TCP or by UDP"
                        ))
                        .remedy("another port"),
                );
            }
        }
    }
}

/// What a service has of load balancers.
#[derive(Default)]
pub(super) struct Balanced {
    /// `loadBalancers`.
    pub(super) groups: Vec<Value>,
    /// `healthCheckGracePeriodSeconds`.
    pub(super) grace: Option<u64>,
    /// A target group takes tasks only once something leads to it.
    pub(super) after: Vec<After>,
}

/// `loadBalancers` of a service, and the time in which a balancer's check does not count.
///
/// Source: Amazon ECS API reference, `LoadBalancer` and `AdvancedConfiguration`.
pub(super) fn of_service(context: &Context<'_>, site: &Site<'_>, report: &mut Report) -> Balanced {
    let mut found = Balanced::default();
    for led in led(context, site) {
        let id = led.group(site.name);
        let mut body = Body::new();
        body.set("targetGroupArn", reference::reference(&id, "arn"))
            .set("containerName", led.container)
            .set("containerPort", led.port.port);
        match led.by {
            By::Network => found.after.push(exists(listener_id(site, &led))),
            By::Application => {
                let rules = route::rules_to(context, site, led.name);
                body.set_some("advancedConfiguration", advanced(context, site, (&id, &rules), report));
                found.after.extend(rules.into_iter().map(exists));
            }
        }
        found.groups.push(body.into_value());
    }
    if !found.groups.is_empty() {
        let times = site.workload.containers.values().filter_map(|container| {
            health::allowance(&container.probes, container.probes.ready.as_ref()).map(|(_, time)| time)
        });
        found.grace = times.max().map(rhumb_spec::Duration::as_secs_rounded_up);
    }
    found
}

fn advanced(
    context: &Context<'_>,
    site: &Site<'_>,
    (id, rules): (&ObjectId, &[ObjectId]),
    report: &mut Report,
) -> Option<Value> {
    if !shifts(site) {
        return None;
    }
    let [rule] = rules else {
        report.refuse(
            Diagnostic::error(
                site.at("update.strategy"),
                "several paths lead to the port whose traffic is shifted",
            )
            .why("ECS shifts the traffic of one rule of the load balancer")
            .remedy("one path to the workload's port, or `strategy: rolling`"),
        );
        return None;
    };
    Some(json!({
        "alternateTargetGroupArn": reference::reference(&alternate(id), "arn"),
        "productionListenerRule": reference::reference(rule, "arn"),
        "roleArn": context.facts.infrastructure_role,
    }))
}
