//! Routes as the labels that Traefik reads on services.
//!
//! Source: doc.traefik.io, "Traefik & Docker Swarm" (providers), "Routers", "Services".

use std::collections::BTreeMap;

use rhumb_spec::Diagnostic;
use rhumb_spec::model::{Kind, Route, RouteTarget};
use serde_json::{Map, Value};

use super::{Context, Report, network};
use crate::facts::Traefik;

/// The labels of each workload that a route leads to.
pub(super) type RouteLabels = BTreeMap<String, Map<String, Value>>;

/// The label that asks Traefik to look at a service.
pub(crate) const ENABLE: &str = "traefik.enable";

/// The label by which routers of one swarm are told apart, in Traefik's own examples of constraints.
pub(crate) const CLASS: &str = "traefik.constraint-label";

/// The labels by which routes lead to workloads.
pub(super) fn labels(context: &Context<'_>, report: &mut Report) -> RouteLabels {
    let mut found = RouteLabels::new();
    let Some(traefik) = &context.facts.traefik else { return found };
    for (name, route) in &context.app.routes {
        refuse_tls_secret(name, route, report);
        // By the order of the paths and not of their writing, which may change without a meaning.
        let paths: BTreeMap<&String, &RouteTarget> = route.paths.iter().collect();
        for (index, (path, target)) in paths.into_iter().enumerate() {
            refuse_backticks(name, route, path, report);
            let router = router_name(context, name, index, route.paths.len());
            let Some(labels) = target_labels(context, (traefik, &router), route, path, target) else {
                continue;
            };
            for member in context.checked.members(&target.workload) {
                found.entry(member.to_owned()).or_default().extend(labels.clone());
            }
        }
    }
    found
}

fn router_name(context: &Context<'_>, route: &str, index: usize, paths: usize) -> String {
    let base = format!("{}-{route}", context.scope.stack());
    if paths > 1 { format!("{base}-{index}") } else { base }
}

fn target_labels(
    context: &Context<'_>,
    (traefik, router): (&Traefik, &str),
    route: &Route,
    path: &str,
    target: &RouteTarget,
) -> Option<Map<String, Value>> {
    let (_, number) = network::address(context.checked, &target.workload, &target.port)?;
    let service = format!("{}-{}-{number}", context.scope.stack(), target.workload);
    let mut labels = Map::new();
    let mut set = |key: String, value: &str| labels.insert(key, value.into());
    set(ENABLE.to_owned(), "true");
    set("traefik.docker.network".to_owned(), &traefik.network);
    set("traefik.swarm.network".to_owned(), &traefik.network);
    let at = format!("traefik.http.routers.{router}");
    set(format!("{at}.rule"), &rule(route.host.as_deref(), path));
    set(format!("{at}.entrypoints"), if route.tls.is_some() { &traefik.https } else { &traefik.http });
    set(format!("{at}.service"), &service);
    if let Some(tls) = &route.tls {
        set(format!("{at}.tls"), "true");
        if let Some(resolver) = &tls.resolver {
            set(format!("{at}.tls.certresolver"), resolver);
        }
    }
    set(format!("traefik.http.services.{service}.loadbalancer.server.port"), &number.to_string());
    if let Some(class) = &route.class {
        set(CLASS.to_owned(), class);
    }
    let annotations = route.annotations.iter().filter(|(key, _)| is_meant_for(key, router, &service));
    for (key, value) in traefik.labels.iter().chain(annotations) {
        set(key.clone(), value);
    }
    Some(labels)
}

/// Whether an annotation is for this router and service, or for none by name. A router that two services define
/// differently is none to Traefik.
fn is_meant_for(key: &str, router: &str, service: &str) -> bool {
    let names = |rest: &str, name: &str| rest.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
    match (key.strip_prefix("traefik.http.routers."), key.strip_prefix("traefik.http.services.")) {
        (Some(rest), _) => names(rest, router),
        (_, Some(rest)) => names(rest, service),
        (None, None) => true,
    }
}

/// The rule for a host and a path prefix. A prefix is one of whole segments: `/a` is not one of `/ab`.
pub(crate) fn rule(host: Option<&str>, path: &str) -> String {
    let prefix = match path.trim_end_matches('/') {
        "" => "PathPrefix(`/`)".to_owned(),
        path => format!("(Path(`{path}`) || PathPrefix(`{path}/`))"),
    };
    match host {
        Some(host) => format!("Host(`{host}`) && {prefix}"),
        None => prefix,
    }
}

fn refuse_tls_secret(name: &str, route: &Route, report: &mut Report) {
    if route.tls.as_ref().is_some_and(|tls| tls.secret.is_some()) {
        report.refuse(
            Diagnostic::error(
                format!("{}.tls.secret", Kind::Route.path(name)),
                "Traefik takes no certificate from a secret of Swarm",
            )
            .why("it reads certificates from its own files or gets them by a certificate resolver")
            .remedy("`tls.resolver`, or `tls: {}` for the certificate that Traefik has itself"),
        );
    }
}

fn refuse_backticks(name: &str, route: &Route, path: &str, report: &mut Report) {
    if path.contains('`') || route.host.as_ref().is_some_and(|host| host.contains('`')) {
        let what = "a host or path with a backtick cannot be a rule of Traefik";
        report.refuse(Diagnostic::error(Kind::Route.path(name), what));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_take_whole_segments() {
        assert_eq!(rule(Some("shop.example"), "/"), "Host(`shop.example`) && PathPrefix(`/`)");
        assert_eq!(rule(None, "/api/"), "(Path(`/api`) || PathPrefix(`/api/`))");
    }
}
