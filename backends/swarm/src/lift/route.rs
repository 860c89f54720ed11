//! Routes, from the labels that Traefik reads.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use rhumb_backend::Lifted;
use rhumb_spec::model::{Expose, ExposeAs, Port, RouteTarget, RouteTls, Traffic};

use super::fields::not_carried;
use super::naming::document_name;
use super::ports::port_named;
use crate::lower::{ROUTER_CLASS, ROUTER_ENABLE, route_rule};

/// A router, as its labels say it.
#[derive(Default)]
struct Router(BTreeMap<String, String>);

/// What the labels of a service say of routes to it.
pub(super) struct Routed {
    /// The network on which the router reaches the service.
    pub(super) network: Option<String>,
    routers: BTreeMap<String, Router>,
    /// Ports by the router's own name of the service.
    services: BTreeMap<String, u16>,
    class: Option<String>,
    others: BTreeMap<String, String>,
}

impl Routed {
    /// Takes Traefik's labels off a service's.
    pub(super) fn take(labels: &mut BTreeMap<String, String>) -> Self {
        let mut found = Self {
            network: None,
            routers: BTreeMap::new(),
            services: BTreeMap::new(),
            class: labels.remove(ROUTER_CLASS),
            others: BTreeMap::new(),
        };
        labels.remove(ROUTER_ENABLE);
        let keys: Vec<String> = labels.keys().filter(|key| key.starts_with("traefik.")).cloned().collect();
        for key in keys {
            if let Some(value) = labels.remove(&key) {
                found.add(key, value);
            }
        }
        found
    }

    fn add(&mut self, key: String, value: String) {
        const ROUTERS: &str = "traefik.http.routers.";
        const SERVICES: &str = "traefik.http.services.";
        const PORT: &str = ".loadbalancer.server.port";
        if matches!(key.as_str(), "traefik.docker.network" | "traefik.swarm.network") {
            self.network = Some(value);
            return;
        }
        if let Some((router, field)) = key.strip_prefix(ROUTERS).and_then(|rest| rest.split_once('.'))
            && matches!(field, "rule" | "entrypoints" | "service" | "tls" | "tls.certresolver")
        {
            self.routers.entry(router.to_owned()).or_default().0.insert(field.to_owned(), value);
            return;
        }
        let service = key.strip_prefix(SERVICES).and_then(|rest| rest.strip_suffix(PORT));
        if let (Some(service), Ok(port)) = (service, value.parse()) {
            self.services.insert(service.to_owned(), port);
            return;
        }
        self.others.insert(key, value);
    }

    /// Adds the routes to the app, and the ports that they lead to to the workload.
    pub(super) fn lift(
        self,
        (workload, stack, path): (&str, Option<&str>, &str),
        (ports, expose): (&mut IndexMap<String, Port>, &mut IndexMap<String, Expose>),
        lifted: &mut Lifted,
    ) {
        let mut touched = BTreeSet::new();
        for (name, router) in &self.routers {
            let Some(rule) = router.0.get("rule").map(String::as_str).and_then(host_and_path) else {
                let path = format!("{path}.Labels.traefik.http.routers.{name}");
                lifted.notes.push(not_carried(
                    path,
                    "only rules of one host and one path prefix have a neutral form",
                ));
                continue;
            };
            let Some(number) = self.port_of(router) else {
                let path = format!("{path}.Labels.traefik.http.routers.{name}");
                lifted.notes.push(not_carried(path, "the port that it leads to is not said"));
                continue;
            };
            let port = port_named(ports, number);
            expose.entry(port.clone()).or_insert_with(|| internal(number));
            let target = RouteTarget { workload: workload.to_owned(), port };
            touched.insert(self.add_path(name, stack, (router, rule, target), lifted));
        }
        match (touched.first(), self.others.is_empty()) {
            (Some(route), false) => {
                if let Some(route) = lifted.app.routes.get_mut(route) {
                    route.annotations.extend(self.others);
                }
            }
            (None, false) => {
                for key in self.others.keys() {
                    lifted
                        .notes
                        .push(not_carried(format!("{path}.Labels.{key}"), "no route is there to bear it"));
                }
            }
            (_, true) => {}
        }
    }

    fn port_of(&self, router: &Router) -> Option<u16> {
        match router.0.get("service") {
            Some(service) => self.services.get(service).copied(),
            None => self.services.values().next().copied(),
        }
    }

    fn add_path(
        &self,
        router_name: &str,
        stack: Option<&str>,
        (router, (host, prefix), target): (&Router, (Option<String>, String), RouteTarget),
        lifted: &mut Lifted,
    ) -> String {
        let own =
            stack.and_then(|stack| router_name.strip_prefix(stack)?.strip_prefix('-')).unwrap_or(router_name);
        let base = own
            .rsplit_once('-')
            .filter(|(_, index)| index.parse::<usize>().is_ok())
            .map_or(own, |(base, _)| base);
        let name = document_name(base);
        let route = lifted.app.routes.entry(name.clone()).or_default();
        route.host = host;
        route.class.clone_from(&self.class);
        route.paths.insert(prefix, target);
        route.tls = router
            .0
            .contains_key("tls")
            .then(|| RouteTls { secret: None, resolver: router.0.get("tls.certresolver").cloned() });
        name
    }
}

fn internal(number: u16) -> Expose {
    Expose { port: number, kind: ExposeAs::Internal, traffic: Traffic::Cluster, internal_port: None }
}

/// The host and path prefix of a rule.
fn host_and_path(rule: &str) -> Option<(Option<String>, String)> {
    let between = |start: &str| -> Option<String> {
        let (_, rest) = rule.split_once(start)?;
        rest.split_once('`').map(|(text, _)| text.to_owned())
    };
    let host = between("Host(`");
    let path = between("(Path(`").or_else(|| between("PathPrefix(`")).unwrap_or_else(|| "/".to_owned());
    let is_plain = route_rule(host.as_deref(), &path) == rule;
    let is_simple = [
        host.as_ref().map(|host| format!("Host(`{host}`)")),
        Some(format!("PathPrefix(`{path}`)")),
        host.as_ref().map(|host| format!("Host(`{host}`) && PathPrefix(`{path}`)")),
    ];
    (is_plain || is_simple.iter().flatten().any(|simple| simple == rule)).then_some((host, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simple_rules_are_read() {
        let read = |rule: &str| host_and_path(rule);
        assert_eq!(read(&route_rule(Some("a.b"), "/x")), Some((Some("a.b".to_owned()), "/x".to_owned())));
        assert_eq!(read("Host(`a.b`)"), Some((Some("a.b".to_owned()), "/".to_owned())));
        assert_eq!(read("PathPrefix(`/x`)"), Some((None, "/x".to_owned())));
        assert_eq!(read("Host(`a.b`) || Host(`c.d`)"), None);
        assert_eq!(read("HostRegexp(`.*`)"), None);
    }
}
