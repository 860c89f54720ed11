//! Load balancers: where their target groups lead to, and from where those are reached.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::fields::{Fields, small};
use rhumb_backend::{Fate, ObjectId};
use rhumb_spec::model::{Expose, ExposeAs, Kind as Word, Probe, ProbeAction, Traffic, Workload};
use rhumb_spec::{Diagnostic, Duration};
use serde_json::{Value, json};

use super::document::Document;
use super::naming::document_name;
use super::ports::Published;
use super::values;
use super::world::{self, Led, World};

/// Reads what balancers lead to a service. A target group that is not among the documents stays.
///
/// Source: Amazon ECS API reference, `LoadBalancer`.
pub(super) fn of_service(
    fields: &mut Fields<'_>,
    (name, workload): (&str, &mut Workload),
    published: &[Published],
    world: &mut World,
) {
    let Some(items) = fields.take("loadBalancers", |value| value.as_array().cloned()) else { return };
    let mut left = Vec::new();
    for mut item in items {
        let group = item.get("targetGroupArn").and_then(|group| world.group(group));
        let number = item.get("containerPort").and_then(values::port);
        let container = item.get("containerName").and_then(Value::as_str);
        match (group, published_at(published, number, container)) {
            (Some(group), Some(port)) if shifts(&item, &group, world) => {
                let led = lead(&group, (name, workload), port, world);
                world.led.insert(group, led);
            }
            (_, port) => {
                // The container may have another name in the app.
                if let (Some(port), Some(map)) = (port, item.as_object_mut()) {
                    map.insert("containerName".to_owned(), port.container.clone().into());
                }
                left.push(item);
            }
        }
    }
    if !left.is_empty() {
        tell_foreign(name, world);
        fields.put("loadBalancers", Value::Array(left));
    }
    let times = workload.containers.values().filter_map(|container| container.probes.ready.as_ref()?.delay);
    let longest = times.map(Duration::as_secs_rounded_up).max();
    fields.take("healthCheckGracePeriodSeconds", |value| (values::number(value) == longest).then_some(()));
}

/// The port that a service leads to. Its container may have another name in the app.
fn published_at<'p>(
    published: &'p [Published],
    number: Option<u16>,
    container: Option<&str>,
) -> Option<&'p Published> {
    let at = |is: &dyn Fn(&str) -> bool| {
        published.iter().find(|port| Some(port.port) == number && is(&port.container))
    };
    let Some(name) = container else { return at(&|_| true) };
    at(&|own| own == name).or_else(|| at(&|own| own == document_name(name)))
}

/// Whether what a service says of a target group is read: nothing more, or the second one of its port.
fn shifts(item: &Value, group: &ObjectId, world: &mut World) -> bool {
    let Some(advanced) = item.get("advancedConfiguration") else { return true };
    let Some(alternate) = advanced.get("alternateTargetGroupArn").and_then(|other| world.group(other)) else {
        return false;
    };
    world.alternates.insert(alternate.clone()) && alternate != *group
}

/// Makes the port that a group leads to one that is exposed, and the group's health check the readiness of its
/// container.
fn lead(group: &ObjectId, (name, workload): (&str, &mut Workload), port: &Published, world: &World) -> Led {
    let internal =
        Expose { port: port.port, kind: ExposeAs::Internal, traffic: Traffic::Cluster, internal_port: None };
    workload.expose.entry(port.name.clone()).or_insert(internal);
    let probe = world.groups.get(group).and_then(|body| probe(body, &port.name));
    let is_asked = probe.is_some();
    if let (Some(probe), Some(container)) = (probe, workload.containers.get_mut(&port.container)) {
        container.probes.ready = Some(probe);
    }
    Led { workload: name.to_owned(), port: port.name.clone(), number: port.port, is_asked }
}

/// What a target group asks, unless it is what is asked where nothing is said.
///
/// Source: Elastic Load Balancing API reference, `CreateTargetGroup`.
fn probe(group: &Value, port: &str) -> Option<Probe> {
    let text = |key: &str| group.get(key).and_then(Value::as_str);
    let is_own_port = text("HealthCheckPort").is_none_or(|port| port == "traffic-port");
    let matcher = group.pointer("/Matcher/HttpCode").and_then(Value::as_str);
    let path = text("HealthCheckPath").map(str::to_owned);
    let port = port.to_owned();
    let action = match (text("HealthCheckProtocol"), path) {
        (Some("TCP"), _) => ProbeAction::Tcp { port },
        (protocol, Some(path)) if path != "/" || protocol.is_some() && matcher != Some("200-499") => {
            ProbeAction::Http { path, port, https: protocol == Some("HTTPS"), headers: BTreeMap::new() }
        }
        _ => return None,
    };
    let number = |key: &str| group.get(key).and_then(small);
    let seconds = |key: &str| number(key).map(|seconds| Duration::from_secs(seconds.into()));
    is_own_port.then_some(Probe {
        action,
        period: seconds("HealthCheckIntervalSeconds"),
        timeout: seconds("HealthCheckTimeoutSeconds"),
        delay: None,
        failures: number("UnhealthyThresholdCount"),
        successes: number("HealthyThresholdCount"),
    })
}

/// Ends the reading of a target group.
pub(super) fn group(mut document: Document, world: &mut World) {
    if world.alternates.contains(&document.id) {
        return document.finish_whole("a release makes it for the traffic that is shifted", Fate::Own, world);
    }
    let Some(led) = world.led.get(&document.id).cloned() else {
        return document.finish_whole("no service of these documents is behind it", Fate::Lost, world);
    };
    let mut fields = document.fields();
    fields.own(
        &["Name", "TargetGroupName", "TargetType", "IpAddressType"],
        "a release says it of what it makes",
    );
    fields.lose("VpcId", "a target says it for all that runs there: the network of its subnets");
    fields.take("Port", |value| values::port(value).map(drop));
    fields.take("Protocol", |value| ["HTTP", "TCP", "UDP"].iter().any(|one| value == one).then_some(()));
    fields.default("ProtocolVersion", &json!("HTTP1"));
    fields.default("HealthCheckEnabled", &json!(true));
    fields.default("HealthCheckPort", &json!("traffic-port"));
    let asked = [
        "HealthCheckProtocol",
        "HealthCheckPath",
        "HealthCheckIntervalSeconds",
        "HealthCheckTimeoutSeconds",
        "HealthyThresholdCount",
        "UnhealthyThresholdCount",
    ];
    if led.is_asked {
        for key in asked {
            fields.take_whole(key);
        }
        let is_usual = |value: &Value| value.get("HttpCode") == Some(&json!("200-399"));
        fields.take("Matcher", |value| is_usual(value).then_some(()));
    } else {
        let why = "it is what a load balancer asks where nothing is said";
        fields.own(&asked, why);
        fields.own(&["Matcher"], why);
    }
    super::labels::lost(&mut fields);
    patch(document, &led, "TargetGroup", world);
}

/// Ends the reading of what a workload becomes one of: what is left is a patch of the first.
fn patch(document: Document, led: &Led, kind: &str, world: &mut World) {
    let document_path = Word::Workload.path(&led.workload);
    let is_patched = |workload: &Workload| workload.on.get("ecs").is_some_and(|on| on.contains_key(kind));
    if world.app.workloads.get(&led.workload).is_none_or(is_patched) {
        return document.finish(&document_path, world);
    }
    let left = document.finish_with_patch(&document_path, kind, world);
    if let Some(workload) = world.app.workloads.get_mut(&led.workload) {
        world::add_patch(workload, kind, left);
    }
}

/// Reads a listener: of a network load balancer it is a port from outside, of another one a route for all that no rule
/// leads elsewhere.
///
/// Source: Elastic Load Balancing API reference, `CreateListener`.
pub(super) fn listener(mut document: Document, world: &mut World) {
    let actions = document.whole.get("DefaultActions").and_then(Value::as_array).cloned().unwrap_or_default();
    let target = super::routes::target(&actions, world);
    let protocol = document.text_at("/Protocol").unwrap_or_default().to_owned();
    let Some(led) = target else {
        return document.finish_whole("it is the load balancer's own", Fate::Lost, world);
    };
    if protocol.starts_with("HTTP") {
        return super::routes::fallback(document, &led, &protocol, world);
    }
    let number = document.whole.get("Port").and_then(values::port);
    let mut fields = document.fields();
    fields.lose("LoadBalancerArn", "a target says it: its setting `networkLoadBalancer`");
    fields.take_whole("DefaultActions");
    fields.take("Protocol", |value| (value == "TCP" || value == "UDP").then_some(()));
    super::labels::lost(&mut fields);
    if let (Some(number), Some(workload)) = (number, world.app.workloads.get_mut(&led.workload)) {
        fields.take_whole("Port");
        let expose = Expose {
            port: number,
            kind: ExposeAs::LoadBalancer,
            traffic: Traffic::Cluster,
            internal_port: None,
        };
        workload.expose.insert(led.port.clone(), expose);
    }
    patch(document, &led, "Listener", world);
}

/// Takes back the patches of target groups that nothing in the app leads to: a workload becomes no target group then.
pub(super) fn forget_unreached(world: &mut World) {
    let targets = world.app.routes.values().flat_map(|route| route.paths.values());
    let routed: BTreeSet<&String> = targets.map(|target| &target.workload).collect();
    let is_reached = |name: &String, workload: &Workload| {
        let mut exposed = workload.expose.values();
        routed.contains(name) || exposed.any(|expose| expose.kind == ExposeAs::LoadBalancer)
    };
    let mut unreached = Vec::new();
    for (name, workload) in &mut world.app.workloads {
        let patches = workload.on.get("ecs").is_some_and(|on| on.contains_key("TargetGroup"));
        if patches && !is_reached(name, workload) {
            let on = workload.on.entry("ecs".to_owned()).or_default();
            on.remove("TargetGroup");
            if on.is_empty() {
                workload.on.remove("ecs");
            }
            unreached.push(name.clone());
        }
    }
    let groups = world.led.iter().filter(|(_, led)| unreached.contains(&led.workload)).map(|(id, _)| id);
    let why = "no rule or listener that the app has words for leads to it";
    for id in groups {
        let rest = world.accounts.iter_mut().filter(|account| account.id == *id).flat_map(|of| &mut of.rest);
        for one in rest.filter(|one| one.fate == Fate::Kept) {
            (one.fate, one.why) = (Fate::Lost, why.to_owned());
        }
        let path = format!("{id}.");
        for note in world.notes.iter_mut().filter(|note| note.path.starts_with(&path)) {
            *note = Diagnostic::note(&note.path, "it is not carried over").why(why);
        }
    }
}

/// Says which services are behind balancers that are not among the documents.
fn tell_foreign(name: &str, world: &mut World) {
    let path = format!("workload/{name}.loadBalancers");
    world.notes.push(
        Diagnostic::warning(path, "a target group of it is not among the documents")
            .why("it is kept for ECS as it is; on other platforms nothing leads to the workload from outside")
            .remedy("the target group, its listener and rules among the files; or a Route in the chart"),
    );
}
