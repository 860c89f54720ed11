//! Services: which workload each leads to, and the ports that it shows.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use rhumb_spec::model::{Discovery, Expose, ExposeAs, Port, Protocol, RouteTarget, Traffic, Workload};
use serde_json::{Map, Value};

use super::container::port_number;
use super::document::Document;
use super::naming::is_ours;
use super::world::{PortRef, World};
use super::{defaults, labels};
use crate::lower::NODE_PORTS;
use crate::names;
use rhumb_backend::fields::Fields;

/// What the pods of a workload bear, and what runs them.
pub(super) struct Runner {
    /// Its document's place among all.
    pub(super) index: usize,
    /// The labels of its pods.
    pub(super) labels: Map<String, Value>,
    /// The name of the workload.
    pub(super) workload: String,
}

/// Which of the workloads' pods have these labels: exactly one, or none.
pub(super) fn only<'r>(runners: &'r [Runner], selector: &Map<String, Value>) -> Option<&'r Runner> {
    if selector.is_empty() {
        return None;
    }
    let has_all =
        |runner: &&Runner| selector.iter().all(|(key, value)| runner.labels.get(key) == Some(value));
    let mut found = runners.iter().filter(has_all);
    found.next().filter(|_| found.next().is_none())
}

/// What a service is to its workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Its name leads to the workload.
    Own,
    /// It gives the replicas of a stateful workload their names.
    Governing,
    /// It has the ports that are reached in another way.
    Further,
    /// It is another name on a network.
    Alias,
}

/// What each service is to a workload, by the place of its document.
pub(super) type Parts = BTreeMap<usize, (usize, Part)>;

/// Finds out which services belong to workloads. The others are passed through.
pub(super) fn parts(documents: &[Document], runners: &[Runner]) -> Parts {
    let mut of_runner: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, document) in documents.iter().enumerate().filter(|(_, document)| document.word == "service") {
        let selector = document.whole.pointer("/spec/selector").and_then(Value::as_object);
        if let Some(place) = selector.and_then(|selector| {
            let runner = only(runners, selector)?;
            runners.iter().position(|other| other.index == runner.index)
        }) {
            of_runner.entry(place).or_default().push(at);
        }
    }
    let mut found = Parts::new();
    for (place, services) in of_runner {
        let runner = &documents[runners[place].index];
        let own = own(documents, runner, &services);
        for at in services {
            if let Some(part) = part(&documents[at], runner, own.map(|own| &documents[own])) {
                found.insert(at, (place, part));
            }
        }
    }
    found
}

/// The service by whose name a workload is reached: the one of its own name, else the first with an address, else the
/// first.
fn own(documents: &[Document], runner: &Document, services: &[usize]) -> Option<usize> {
    let wanted = super::naming::document_of(&runner.whole, &runner.name);
    let of_name = services.iter().find(|at| documents[**at].name == wanted);
    if is_ours(&runner.whole) {
        return of_name.copied();
    }
    let has_address = |at: &&usize| documents[**at].text_at("/spec/clusterIP") != Some("None");
    of_name.or_else(|| services.iter().find(has_address)).or_else(|| services.first()).copied()
}

fn part(service: &Document, runner: &Document, own: Option<&Document>) -> Option<Part> {
    if own.is_some_and(|own| own.id == service.id) {
        return Some(Part::Own);
    }
    if !is_ours(&service.whole) {
        return is_governing(service, runner, own?).then_some(Part::Governing);
    }
    let name = super::naming::document_of(&runner.whole, &runner.name);
    let is_suffixed = |end: &str| service.name == names::fit(&format!("{name}{end}"), names::LABEL_LIMIT);
    Some(if service.name == names::headless_name(name) {
        Part::Governing
    } else if ["-node", "-node-local", "-loadbalancer"].iter().any(|end| is_suffixed(end)) {
        Part::Further
    } else {
        Part::Alias
    })
}

/// Whether a service of others gives the replicas of a stateful set their names as ours would. One of another name is
/// passed through.
fn is_governing(service: &Document, runner: &Document, own: &Document) -> bool {
    runner.text_at("/spec/serviceName") == Some(&service.name)
        && service.text_at("/spec/clusterIP") == Some("None")
        && service.name == names::headless_name(&own.name)
}

/// What services call the ports of a workload's containers.
pub(super) fn hints(service: &Document, found: &mut Vec<(PortRef, String)>) {
    let ports = service.whole.pointer("/spec/ports").and_then(Value::as_array);
    for port in ports.into_iter().flatten() {
        let number = port.get("port").and_then(port_number);
        let target = port.get("targetPort").and_then(target).or(number.map(PortRef::Number));
        let name = port.get("name").and_then(Value::as_str);
        found.extend(target.zip(name.map(str::to_owned)));
    }
}

fn target(written: &Value) -> Option<PortRef> {
    match written {
        Value::String(text) => Some(match text.parse() {
            Ok(number) => PortRef::Number(number),
            Err(_) => PortRef::Name(text.clone()),
        }),
        value => port_number(value).map(PortRef::Number),
    }
}

/// The ports of a workload's containers, as services name them.
#[derive(Default)]
pub(super) struct Listens {
    /// By the app's names.
    pub(super) ports: IndexMap<String, Port>,
    /// The app's names by the manifest's.
    pub(super) named: Vec<(String, String)>,
}

impl Listens {
    fn find(&self, target: &PortRef, protocol: Protocol) -> Option<String> {
        match target {
            PortRef::Name(native) => {
                self.named.iter().find(|(name, _)| name == native).map(|(_, name)| name.clone())
            }
            PortRef::Number(number) => {
                let wanted = Port { port: *number, protocol };
                self.ports.iter().find(|(_, port)| **port == wanted).map(|(name, _)| name.clone())
            }
        }
    }
}

/// Adds what a service shows to its workload. Returns the patch of what the workload's service becomes.
pub(super) fn lift(
    mut document: Document,
    (name, part): (&str, Part),
    (workload, listens): (&mut Workload, &mut Listens),
    world: &mut World,
) -> Option<Value> {
    let service = document.name.clone();
    let path = rhumb_spec::model::Kind::Workload.path(name);
    document.take_head();
    let mut fields = document.fields();
    metadata(&mut fields, workload);
    if let Some(mut spec) = fields.below("spec") {
        if is_selector_lost(&spec) {
            spec.lose("selector", "the release's own selector takes its place");
        } else {
            spec.own(&["selector"], "the release's own selector says the same");
        }
        let kind = kind(&mut spec, workload, part);
        defaults::service(&mut spec);
        if part == Part::Governing {
            spec.take("publishNotReadyAddresses", |value| value.as_bool().filter(|flag| *flag));
        }
        ports(&mut spec, (&service, name, kind), (workload, listens), world);
    }
    if part == Part::Own {
        return document.finish_with_patch((&path, "Service"), world);
    }
    document.finish(path, world);
    None
}

fn is_selector_lost(spec: &Fields<'_>) -> bool {
    let selector = spec.get("selector").and_then(Value::as_object);
    selector.is_some_and(|selector| selector.keys().any(|key| key != names::NAME && key != names::INSTANCE))
}

/// What a service bears that its workload bears, too, is said there.
pub(super) fn metadata(fields: &mut Fields<'_>, workload: &Workload) {
    let Some(mut metadata) = fields.below("metadata") else { return };
    labels::take_marks(&mut metadata);
    if let Some(mut labels) = metadata.below("labels") {
        for key in labels.keys() {
            if workload.labels.get(&key).map(String::as_str) == labels.text_at(&key) {
                labels.lose(&key, "the workload bears it, and this object the release's labels only");
            }
        }
    }
    labels::take_same(metadata.below("annotations"), &workload.annotations);
}

/// How a service is reached.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    Inside,
    Node(Traffic),
    LoadBalancer,
}

fn kind(spec: &mut Fields<'_>, workload: &mut Workload, part: Part) -> Reach {
    let is_headless = spec.text_at("clusterIP") == Some("None");
    if is_headless {
        spec.take_whole("clusterIP");
        if part == Part::Own {
            workload.discovery = Discovery::Dns;
        }
    }
    let has_nodes = has_node_ports(spec);
    spec.default("type", &Value::from("ClusterIP"));
    let reach = spec.take("type", |value| match value.as_str()? {
        // A port that the server is to choose has no neutral form: the type stays as a patch.
        "NodePort" if has_nodes => Some(Reach::Node(Traffic::Cluster)),
        "LoadBalancer" => Some(Reach::LoadBalancer),
        _ => None,
    });
    match reach {
        Some(Reach::Node(_)) => {
            let is_local = spec.take("externalTrafficPolicy", |value| (value == "Local").then_some(()));
            Reach::Node(if is_local.is_some() { Traffic::Local } else { Traffic::Cluster })
        }
        Some(other) => other,
        None => Reach::Inside,
    }
}

/// Whether every port of a service says which port of the nodes it has, within the usual range.
fn has_node_ports(spec: &Fields<'_>) -> bool {
    let ports = spec.get("ports").and_then(Value::as_array);
    let has = |port: &Value| {
        let node = port.get("nodePort").and_then(port_number);
        node.is_some_and(|node| NODE_PORTS.contains(&node))
    };
    ports.is_some_and(|ports| ports.iter().all(has))
}

fn ports(
    spec: &mut Fields<'_>,
    (service, name, reach): (&str, &str, Reach),
    (workload, listens): (&mut Workload, &mut Listens),
    world: &mut World,
) {
    let Some(items) = spec.take("ports", |value| {
        let items = value.as_array()?.iter().map(|item| item.as_object().cloned());
        items.collect::<Option<Vec<_>>>()
    }) else {
        return;
    };
    let mut left = Vec::new();
    for (index, mut map) in items.into_iter().enumerate() {
        let whole = map.clone();
        let called =
            whole.get("name").and_then(Value::as_str).map_or_else(|| index.to_string(), str::to_owned);
        let mut item = Fields::new(&mut map, format!("{}.{called}", spec.at("ports")), spec.ledger());
        match port(&mut item, reach, workload, listens) {
            Some((target, found)) => {
                let target = RouteTarget { workload: name.to_owned(), port: target };
                for found in found {
                    world.targets.entry((service.to_owned(), found)).or_insert_with(|| target.clone());
                }
                if !map.is_empty() {
                    let mut rest = Map::new();
                    let told = ["port", "protocol"].iter().filter_map(|key| whole.get_key_value(*key));
                    rest.extend(told.map(|(key, value)| (key.clone(), value.clone())));
                    rest.shift_remove("protocol").filter(|protocol| protocol != "TCP").into_iter().for_each(
                        |protocol| {
                            rest.insert("protocol".to_owned(), protocol);
                        },
                    );
                    rest.extend(map);
                    left.push(Value::Object(rest));
                }
            }
            None => left.push(Value::Object(whole)),
        }
    }
    if !left.is_empty() {
        spec.put("ports", Value::Array(left));
    }
}

/// Reads a port of a service: the container's port that it leads to, and by what others name it.
fn port(
    item: &mut Fields<'_>,
    reach: Reach,
    workload: &mut Workload,
    listens: &mut Listens,
) -> Option<(String, Vec<PortRef>)> {
    let number = item.get("port").and_then(port_number)?;
    let protocol = match item.text_at("protocol") {
        None | Some("TCP") => Protocol::Tcp,
        Some("UDP") => Protocol::Udp,
        Some("SCTP") => Protocol::Sctp,
        Some(_) => return None,
    };
    let wanted = match item.get("targetPort") {
        Some(written) => target(written)?,
        None => PortRef::Number(number),
    };
    let hint = item.text_at("name").map(str::to_owned);
    let name = listens
        .find(&wanted, protocol)
        .or_else(|| add(&wanted, protocol, hint.as_deref(), (workload, listens)))?;
    let node = item.get("nodePort").and_then(port_number);
    let expose = match (reach, node) {
        (Reach::Node(traffic), Some(node)) => Expose {
            port: node,
            kind: ExposeAs::Node,
            traffic,
            internal_port: Some(number).filter(|number| *number != node),
        },
        (Reach::LoadBalancer, _) => expose(number, ExposeAs::LoadBalancer),
        _ => expose(number, ExposeAs::Internal),
    };
    if workload
        .expose
        .get(&name)
        .is_some_and(|known| known.kind != ExposeAs::Internal || known.port != number)
    {
        // One port that is shown twice has a neutral form only where the second way says how the first is reached.
        return (workload.expose.get(&name) == Some(&expose)).then_some((name, Vec::new()));
    }
    workload.expose.insert(name.clone(), expose);
    if matches!(reach, Reach::LoadBalancer) {
        item.own(&["nodePort"], "the server chooses it");
    } else if node.is_some() && matches!(reach, Reach::Node(_)) {
        item.take_whole("nodePort");
    }
    item.default("nodePort", &Value::from(0));
    for key in ["port", "targetPort", "protocol"] {
        item.take_whole(key);
    }
    let mut named = vec![PortRef::Number(number)];
    if let Some(native) = item.text_at("name").map(str::to_owned) {
        if native == name {
            item.take_whole("name");
        } else {
            item.lose("name", "the port of a service is called as the container's is");
        }
        named.push(PortRef::Name(native));
    }
    Some((name, named))
}

fn expose(port: u16, kind: ExposeAs) -> Expose {
    Expose { port, kind, traffic: Traffic::Cluster, internal_port: None }
}

/// A port that no container lists, though a service leads to it, is added to the first container.
fn add(
    wanted: &PortRef,
    protocol: Protocol,
    hint: Option<&str>,
    (workload, listens): (&mut Workload, &mut Listens),
) -> Option<String> {
    let PortRef::Number(number) = wanted else { return None };
    let is_free = |name: &str| super::naming::is_port_name(name) && !listens.ports.contains_key(name);
    let name = hint.filter(|name| is_free(name)).map_or_else(|| format!("port-{number}"), str::to_owned);
    let port = Port { port: *number, protocol };
    let (_, container) = workload.containers.first_mut()?;
    if listens.ports.contains_key(&name) {
        return None;
    }
    container.ports.insert(name.clone(), port);
    listens.ports.insert(name.clone(), port);
    Some(name)
}
