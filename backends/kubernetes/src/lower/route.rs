//! HTTP traffic from outside: Ingresses, and `HTTPRoute`s where the class is a Gateway.

use rhumb_backend::{Object, ObjectId};
use rhumb_spec::model::{Kind, Route, RouteTarget, RouteTls};
use rhumb_spec::{Diagnostic, Feature};
use serde_json::{Map, Value, json};

use super::body::{Body, text_map};
use super::files::FileKind;
use super::native::Natives;
use super::network::inner_port;
use super::pod::exists;
use super::{Context, Report, labels};
use crate::names;

/// What begins a class that is a Gateway: `gateway/NAME`, or `gateway/NAMESPACE/NAME`.
pub const GATEWAY: &str = "gateway/";

/// The annotation by which cert-manager gets a certificate for an Ingress.
///
/// Source: cert-manager.io, "Annotated Ingress resource".
pub const ISSUER: &str = "cert-manager.io/cluster-issuer";

const INGRESS_API: &str = "networking.k8s.io/v1";
const GATEWAY_API: &str = "gateway.networking.k8s.io/v1";

/// The object of each route.
pub(super) fn objects(context: &Context<'_>, natives: &Natives, report: &mut Report) -> Vec<Object> {
    let mut objects = Vec::new();
    for (name, route) in &context.app.routes {
        let path = Kind::Route.path(name);
        labels::check_annotations(&route.annotations, &format!("{path}.annotations"), report);
        let api = if gateway(route).is_some() { GATEWAY_API } else { INGRESS_API };
        if !context.facts.serves(api) {
            report.refuse(not_served(&path, api));
            continue;
        }
        if let Some(gateway) = gateway(route) {
            objects.push(http_route(context, (name, route), gateway, report));
        } else {
            tell_of_class(context, route, natives, (&path, report));
            objects.push(ingress(context, (name, route), report));
        }
    }
    objects
}

fn gateway(route: &Route) -> Option<&str> {
    route.class.as_deref()?.strip_prefix(GATEWAY)
}

fn not_served(path: &str, api: &str) -> Diagnostic {
    let diagnostic = Diagnostic::error(path, format!("the cluster does not serve {api}"));
    if api == GATEWAY_API {
        return diagnostic
            .why("`class: gateway/…` makes the route an HTTPRoute, of which the cluster has no definition")
            .remedy("the Gateway API installed in the cluster, or the class of an Ingress controller");
    }
    diagnostic
        .why("a route becomes an Ingress of this version")
        .remedy("a cluster of Kubernetes 1.19 or later, or `class: gateway/NAME`")
}

/// Source: Kubernetes API reference, `Ingress`.
fn ingress(context: &Context<'_>, (name, route): (&str, &Route), report: &mut Report) -> Object {
    let mut annotations = text_map(&route.annotations);
    let mut spec = Body::new();
    spec.set_some("ingressClassName", route.class.clone());
    let mut after = Vec::new();
    if let Some(tls) = &route.tls {
        let secret = secret_of(context, (name, tls), report);
        let held = tls.secret.as_deref().and_then(|name| context.files.find(FileKind::Secret, name));
        after.extend(held.map(|held| exists(held.id.clone())));
        let is_said = annotations.keys().any(|key| key == ISSUER || key == "cert-manager.io/issuer");
        if let Some(resolver) = tls.resolver.as_ref().filter(|_| !is_said) {
            annotations.insert(ISSUER.to_owned(), resolver.clone().into());
        }
        let mut body = Body::new();
        body.set_filled("hosts", route.host.iter().cloned().collect::<Vec<_>>())
            .set_some("secretName", secret);
        let entry = body.into_value();
        // Without host and secret the controller's own certificate is for every host that the rules name.
        spec.set("tls", vec![entry]);
    }
    let paths: Vec<Value> = route.paths.iter().map(|(path, target)| ingress_path(path, target)).collect();
    let mut rule = Body::new();
    rule.set_some("host", route.host.clone()).set("http", json!({ "paths": paths }));
    spec.set("rules", vec![rule.into_value()]);
    let mut object = object(context, name, (INGRESS_API, "Ingress", annotations), spec);
    object.after = after;
    object
}

fn ingress_path(path: &str, target: &RouteTarget) -> Value {
    let service = json!({ "name": target.workload, "port": { "name": target.port } });
    json!({ "path": path, "pathType": "Prefix", "backend": { "service": service } })
}

/// The name of the Secret that the certificate is in: the app's, or the one that cert-manager fills.
fn secret_of(context: &Context<'_>, (name, tls): (&str, &RouteTls), report: &mut Report) -> Option<String> {
    if let Some(secret) = &tls.secret {
        return context.files.find(FileKind::Secret, secret).map(|held| held.name.clone());
    }
    tls.resolver.as_ref()?;
    let text = "cert-manager must run in the cluster, with a ClusterIssuer of this name";
    report.lose(Feature::RouteTls, format!("{}.tls.resolver", Kind::Route.path(name)), text);
    Some(names::fit(&format!("{name}-tls"), names::NAME_LIMIT))
}

/// Source: Gateway API reference, `HTTPRoute` of `gateway.networking.k8s.io/v1`.
fn http_route(
    context: &Context<'_>,
    (name, route): (&str, &Route),
    gateway: &str,
    report: &mut Report,
) -> Object {
    let path = Kind::Route.path(name);
    tell_of_listener(route, &path, report);
    let (namespace, gateway) =
        gateway.split_once('/').map_or((None, gateway), |(space, name)| (Some(space), name));
    if !labels::is_subdomain(gateway) || namespace.is_some_and(|namespace| !labels::is_subdomain(namespace)) {
        report.refuse(
            Diagnostic::error(format!("{path}.class"), "the class names no Gateway")
                .remedy("`gateway/NAME`, or `gateway/NAMESPACE/NAME`"),
        );
    }
    let mut parent = Body::new();
    parent.set("name", gateway).set_some("namespace", namespace);
    let rules: Vec<Value> =
        route.paths.iter().filter_map(|(path, target)| gateway_rule(context, path, target)).collect();
    let mut spec = Body::new();
    spec.set("parentRefs", vec![parent.into_value()])
        .set_filled("hostnames", route.host.iter().cloned().collect::<Vec<_>>())
        .set("rules", rules);
    object(context, name, (GATEWAY_API, "HTTPRoute", text_map(&route.annotations)), spec)
}

/// A backend of the Gateway API has a number for its port.
fn gateway_rule(context: &Context<'_>, path: &str, target: &RouteTarget) -> Option<Value> {
    let expose = context.checked.exposed(&target.workload, &target.port)?;
    let matches = json!([{ "path": { "type": "PathPrefix", "value": path } }]);
    let backend = json!({ "name": target.workload, "port": inner_port(expose) });
    Some(json!({ "matches": matches, "backendRefs": [backend] }))
}

/// A certificate is the listener's, which is the Gateway's and not the route's.
fn tell_of_listener(route: &Route, path: &str, report: &mut Report) {
    let Some(tls) = &route.tls else { return };
    if tls.secret.is_some() || tls.resolver.is_some() {
        let field = if tls.secret.is_some() { "secret" } else { "resolver" };
        report.refuse(
            Diagnostic::error(
                format!("{path}.tls.{field}"),
                "a route of a Gateway has no certificate of its own",
            )
            .why("the Gateway's listener has it")
            .remedy("`tls: {}`, and the certificate on the Gateway's listener"),
        );
        return;
    }
    let text = "the certificate is that of the Gateway's listener for this host";
    report.lose(Feature::RouteTls, format!("{path}.tls"), text);
}

fn object(
    context: &Context<'_>,
    name: &str,
    (api, kind, annotations): (&str, &str, Map<String, Value>),
    spec: Body,
) -> Object {
    let metadata = labels::metadata(context, (name, name), &std::collections::BTreeMap::new(), annotations);
    let mut body = Body::document(api, kind, metadata);
    body.set("spec", spec.into_value());
    Object::new(ObjectId::new(&kind.to_lowercase(), name), body.into_value())
}

fn tell_of_class(
    context: &Context<'_>,
    route: &Route,
    natives: &Natives,
    (path, report): (&str, &mut Report),
) {
    let Some(classes) = &context.facts.ingress_classes else { return };
    let known = classes.names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let remedy = if known.is_empty() {
        "an Ingress controller, which brings its class; or `as: node` or `as: loadbalancer` in `expose`"
            .to_owned()
    } else {
        format!("one of {known}")
    };
    match &route.class {
        Some(class) if !classes.names.contains(class) && natives.named("ingressclass", class).is_none() => {
            report.refuse(
                Diagnostic::error(format!("{path}.class"), format!("the cluster has no Ingress class `{class}`"))
                    .why("no controller would serve the route")
                    .remedy(remedy),
            );
        }
        None if classes.default.is_none() => report.lose(Feature::Route, path, format!(
            "no Ingress class of the cluster is the default one, so only a controller that takes Ingresses without a \
             class serves it; say `class`: {remedy}"
        )),
        _ => {}
    }
}
