//! Routes, from the labels that Traefik reads.
//!
//! Source: doc.traefik.io, "Routing configuration", "Docker" and "Docker Swarm".

mod rule;

use std::collections::BTreeMap;

use rhumb_backend::fields::Fields;
use rhumb_backend::{Fate, Rest};
use rhumb_spec::model::{Container, Mode, Protocol, Route, RouteTarget, RouteTls, Workload};

use super::{World, document_name, ports, references};
use rule::Case;

/// What Traefik's labels begin with.
pub(super) const PREFIX: &str = "traefik.";
const ROUTERS: &str = "traefik.http.routers.";
const SERVICES: &str = "traefik.http.services.";
const PORT: &str = "loadbalancer.server.port";
/// Labels about how Traefik finds a service.
const FINDING: &[&str] = &[
    "traefik.enable",
    "traefik.docker.network",
    "traefik.swarm.network",
    "traefik.docker.lbswarm",
    "traefik.swarm.lbswarm",
    "traefik.backend",
];
/// Labels of version 1, and the fields of a router that they are.
const OLDER: &[(&str, &str)] = &[
    ("traefik.frontend.rule", "older rule"),
    ("traefik.frontend.entrypoints", "entrypoints"),
    ("traefik.frontend.priority", "priority"),
];

/// A label: its path in the file, and its value.
type Label = (String, String);

/// Traefik's labels of a service.
#[derive(Default)]
pub(super) struct Labels(BTreeMap<String, Label>);

impl Labels {
    /// Adds a label that stands at a path.
    pub(super) fn add(&mut self, key: String, path: String, value: String) {
        self.0.insert(key, (path, value));
    }

    /// Makes routes of the labels, and tells what of them is in none.
    pub(super) fn lift(
        self,
        fields: &Fields<'_>,
        (service, document): (&str, &str),
        (container, workload): (&mut Container, &mut Workload),
        world: &mut World<'_>,
    ) {
        let is_off = self.0.get("traefik.enable").is_some_and(|(_, value)| value == "false");
        if is_off || workload.mode == Mode::Job {
            let why = if is_off { "`traefik.enable` turns it off" } else { "nobody reaches a job" };
            self.0.values().for_each(|(path, _)| fields.lost(path, 1, why));
            return;
        }
        let mut found = Found::default();
        for (key, label) in self.0 {
            found.add(&key, label, (service, fields));
        }
        // The router with TLS is the one that stays of two that are alike otherwise.
        let mut routers: Vec<(String, Router)> = std::mem::take(&mut found.routers).into_iter().collect();
        routers.sort_by_key(|(_, router)| router.tls().is_none());
        let mut is_led_to = false;
        for (name, router) in routers {
            let outcome = found.port_of(&router, container).and_then(|port| {
                let cases = router.cases()?;
                ports::internal((port, Protocol::Tcp), (container, workload));
                let port = port_name(container, workload, port)?;
                Ok((cases, RouteTarget { workload: document.to_owned(), port }))
            });
            match outcome {
                Ok((cases, target)) => {
                    router.tell(fields);
                    let class = found.class.clone();
                    Routes { name: &name, service, tls: router.tls(), class }.add(cases, &target, world);
                    is_led_to = true;
                }
                Err(why) => router.fields.values().for_each(|(path, _)| fields.lost(path, 1, why)),
            }
        }
        if !is_led_to {
            let why = "no Route leads to it";
            found.services.values().for_each(|(_, path)| fields.lost(path, 1, why));
        }
    }
}

/// The name by which a number of the container is exposed.
fn port_name(container: &Container, workload: &Workload, number: u16) -> Result<String, &'static str> {
    let mut ports = container.ports.iter();
    let found = ports.find(|(name, port)| {
        port.port == number && port.protocol == Protocol::Tcp && workload.expose.contains_key(*name)
    });
    found.map(|(name, _)| name.clone()).ok_or("the port that it leads to is none of the container")
}

/// The labels by what they are about.
#[derive(Default)]
struct Found {
    routers: BTreeMap<String, Router>,
    /// Ports by Traefik's own name of the service.
    services: BTreeMap<String, (u16, String)>,
    class: Option<String>,
}

impl Found {
    fn add(&mut self, key: &str, (path, value): Label, (service, fields): (&str, &Fields<'_>)) {
        let small = key.to_ascii_lowercase();
        if let Some((name, field)) = after(key, ROUTERS) {
            let router = self.routers.entry(name.to_owned()).or_default();
            router.fields.insert(field.to_ascii_lowercase(), (path, value));
        } else if let Some((_, field)) = OLDER.iter().find(|(older, _)| *older == small) {
            let router = self.routers.entry(service.to_owned()).or_default();
            router.fields.insert((*field).to_owned(), (path, value));
        } else if let Some(port) = port(key, service, &value) {
            self.services.insert(port.0, (port.1, path));
        } else if small == "traefik.constraint-label" {
            self.class = Some(value);
        } else if FINDING.contains(&small.as_str()) {
            own(fields, path, "each platform's router finds by itself what a Route leads to");
        } else {
            fields.lost(&path, 1, why_not(&small));
        }
    }

    fn port_of(&self, router: &Router, container: &Container) -> Result<u16, &'static str> {
        let named = router.value("service").map(|name| name.split('@').next().unwrap_or(name));
        let found = match named {
            Some(name) => self.services.get(name),
            None if self.services.len() == 1 => self.services.values().next(),
            None => None,
        };
        // Of several ports Traefik takes the lowest, and of a container that names none what its image says.
        let is_free = self.services.is_empty() && named.is_none();
        let tcp = container.ports.values().filter(|port| port.protocol == Protocol::Tcp);
        let own = tcp.map(|port| port.port).min().or_else(|| references::known(&container.image));
        let only = own.filter(|_| is_free);
        found
            .map(|(port, _)| *port)
            .or(only)
            .ok_or("the port that it leads to is not said, so there is no Route of it")
    }
}

/// The name and the field of a label below a prefix.
fn after<'k>(key: &'k str, prefix: &str) -> Option<(&'k str, &'k str)> {
    key.get(..prefix.len()).filter(|start| start.eq_ignore_ascii_case(prefix))?;
    key[prefix.len()..].split_once('.')
}

fn port(key: &str, service: &str, value: &str) -> Option<(String, u16)> {
    let number = value.parse().ok().filter(|port| *port > 0)?;
    if key.eq_ignore_ascii_case("traefik.port") {
        return Some((service.to_owned(), number));
    }
    let (name, field) = after(key, SERVICES)?;
    field.eq_ignore_ascii_case(PORT).then(|| (name.to_owned(), number))
}

fn own(fields: &Fields<'_>, path: String, why: &str) {
    let rest = Rest { path, fields: 1, fate: Fate::Own, why: why.to_owned() };
    fields.ledger().borrow_mut().push(rest);
}

fn why_not(key: &str) -> &'static str {
    if key.starts_with("traefik.tcp.") || key.starts_with("traefik.udp.") {
        "a Route leads HTTP; other traffic is for an exposed port"
    } else if key.starts_with("traefik.http.middlewares.") {
        MIDDLEWARES
    } else {
        "no field of a Route is for it"
    }
}

const MIDDLEWARES: &str =
    "a Route changes no requests: `annotations` of the Route are for what the target's router takes";

/// A router, as its labels say it.
#[derive(Default)]
struct Router {
    fields: BTreeMap<String, Label>,
}

impl Router {
    fn value(&self, field: &str) -> Option<&str> {
        self.fields.get(field).map(|(_, value)| value.as_str())
    }

    fn cases(&self) -> Result<Vec<Case>, &'static str> {
        let none = "only rules of hosts and path prefixes have a neutral form";
        match (self.value("rule"), self.value("older rule")) {
            (Some(rule), _) => rule::cases(rule).ok_or(none),
            (None, Some(rule)) => rule::older_cases(rule).ok_or(none),
            (None, None) => Err("no rule of it is said, so there is no Route of it"),
        }
    }

    /// TLS towards the client: asked for, or meant by the entry point's name.
    fn tls(&self) -> Option<RouteTls> {
        let is_given = match self.value("tls") {
            Some(word) => word != "false",
            None => self.fields.keys().any(|field| field.starts_with("tls.")),
        };
        let mut points = self.value("entrypoints").unwrap_or_default().split(',').map(str::trim);
        let is_meant = points.clone().any(is_secure) && points.all(is_secure);
        (is_given || is_meant)
            .then(|| RouteTls { secret: None, resolver: self.value("tls.certresolver").map(str::to_owned) })
    }

    /// Tells which of its fields are in no route.
    fn tell(&self, fields: &Fields<'_>) {
        for (field, (path, value)) in &self.fields {
            match field.as_str() {
                "rule" | "older rule" | "service" | "tls" | "tls.certresolver" => {}
                "entrypoints" if value.split(',').all(|point| is_common(point.trim())) => {
                    own(fields, path.clone(), "the target's router has entry points with and without TLS");
                }
                "entrypoints" => fields.lost(path, 1, "the target's router has entry points of its own"),
                "middlewares" => fields.lost(path, 1, MIDDLEWARES),
                _ => fields.lost(path, 1, "no field of a Route is for it"),
            }
        }
    }
}

fn is_secure(point: &str) -> bool {
    matches!(point, "websecure" | "web-secure" | "https" | "secure")
}

fn is_common(point: &str) -> bool {
    is_secure(point) || matches!(point, "web" | "http")
}

/// The routes of one router.
struct Routes<'r> {
    name: &'r str,
    service: &'r str,
    tls: Option<RouteTls>,
    class: Option<String>,
}

impl Routes<'_> {
    /// Adds a route for each host, but for what another router leads to already.
    fn add(self, cases: Vec<Case>, target: &RouteTarget, world: &mut World<'_>) {
        let mut routes: BTreeMap<Option<String>, Route> = BTreeMap::new();
        for case in cases {
            let path = case.path.clone().unwrap_or_else(|| "/".to_owned());
            match known(case.host.as_ref(), &path, world) {
                None => {
                    self.warn(&case, &path, world);
                    routes.entry(case.host).or_default().paths.insert(path, target.clone());
                }
                Some(there) if there == *target => {}
                Some(there) => {
                    let host = case.host.as_deref().unwrap_or("every host");
                    let what = format!("{path} of {host} is led to {} already", there.workload);
                    world.warn(format!("service/{}.labels", self.service), what, "another host or path");
                }
            }
        }
        for (host, mut route) in routes {
            (route.host, route.tls, route.class) = (host, self.tls.clone(), self.class.clone());
            let name = free_name(self.name, world);
            world.app.routes.insert(name, route);
        }
    }

    fn warn(&self, case: &Case, path: &str, world: &mut World<'_>) {
        if case.is_exact {
            let what =
                format!("the rule asks for the path {path} alone, and a Route leads all below it, too");
            world.warn(format!("service/{}.labels", self.service), what, "another path, or none");
        }
    }
}

/// Where a host and path are led already.
fn known(host: Option<&String>, path: &str, world: &World<'_>) -> Option<RouteTarget> {
    let mut routes = world.app.routes.values().filter(|route| route.host.as_ref() == host);
    routes.find_map(|route| route.paths.get(path)).cloned()
}

fn free_name(router: &str, world: &World<'_>) -> String {
    let wanted = document_name(router);
    let is_free = |name: &String| !world.app.routes.contains_key(name);
    let numbered = |count: usize| if count == 1 { wanted.clone() } else { format!("{wanted}-{count}") };
    (1..=world.app.routes.len() + 1).map(numbered).find(is_free).unwrap_or(wanted.clone())
}
