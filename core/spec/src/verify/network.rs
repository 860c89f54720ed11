//! The rules of networks, name resolution and routes.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::{Scope, lookup, names};
use crate::Diagnostic;
use crate::model::{App, Kind, Network, Route, RouteTls};

/// Checks the networks and routes of an app.
pub(super) fn check(app: &App, found: &mut Vec<Diagnostic>) {
    for (name, network) in &app.networks {
        check_network(&Kind::Network.path(name), network, found);
    }
    let mut taken = BTreeMap::new();
    for (name, route) in &app.routes {
        let path = Kind::Route.path(name);
        check_route(app, &path, route, found);
        for target in route.paths.keys() {
            let key = (route.host.as_deref().unwrap_or_default(), plain_prefix(target));
            if let Some(first) = taken.insert(key, name)
                && first != name
            {
                found.push(
                    Diagnostic::error(
                        format!("{path}.paths.{target}"),
                        format!("the route `{first}` has this host and path, too"),
                    )
                    .why("a request can go to one place")
                    .remedy("another host or path"),
                );
            }
        }
    }
}

fn plain_prefix(path: &str) -> &str {
    path.trim_end_matches('/')
}

fn check_network(path: &str, network: &Network, found: &mut Vec<Diagnostic>) {
    if let Some(subnet) = &network.subnet
        && !is_subnet(subnet)
    {
        found.push(
            Diagnostic::error(format!("{path}.subnet"), format!("`{subnet}` is not an address range"))
                .remedy("the CIDR form, such as `10.10.0.0/16`"),
        );
    }
    let own = network.internal || network.encrypted || network.attachable || network.subnet.is_some();
    if network.external && own {
        found.push(
            Diagnostic::error(format!("{path}.external"), "an external network is not ours to shape")
                .why("it exists already and is left as it is")
                .remedy("leave out everything but `external`, or leave out `external`"),
        );
    }
}

fn is_subnet(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    let most = match address.parse() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    !length.starts_with('+') && length.parse::<u8>().is_ok_and(|length| length <= most)
}

fn check_route(app: &App, path: &str, route: &Route, found: &mut Vec<Diagnostic>) {
    if let Some(host) = &route.host {
        names::host(host, &format!("{path}.host"), found);
    }
    if route.paths.is_empty() {
        found.push(
            Diagnostic::error(format!("{path}.paths"), "the route leads nowhere")
                .remedy("`paths: { /: { workload: NAME, port: PORT } }`"),
        );
    }
    for (prefix, target) in &route.paths {
        let path = format!("{path}.paths.{prefix}");
        if !prefix.starts_with('/') {
            found.push(
                Diagnostic::error(path.as_str(), format!("the path `{prefix}` does not begin with `/`"))
                    .remedy(format!("`/{prefix}`")),
            );
        }
        lookup::exposed_port(app, &target.workload, &target.port, &path, found);
    }
    if let Some(tls) = &route.tls {
        check_tls(app, &format!("{path}.tls"), tls, found);
    }
}

fn check_tls(app: &App, path: &str, tls: &RouteTls, found: &mut Vec<Diagnostic>) {
    if let (Some(_), Some(_)) = (&tls.secret, &tls.resolver) {
        found.push(
            Diagnostic::error(path, "`secret` and `resolver` do not go together")
                .why("there is one certificate")
                .remedy("one of the two"),
        );
    }
    let Some(name) = &tls.secret else { return };
    let path = format!("{path}.secret");
    let Some(secret) = lookup::secret(app, name, &path, found) else { return };
    for key in ["tls.crt", "tls.key"] {
        if !secret.external && !secret.keys().any(|known| known == key) {
            found.push(
                Diagnostic::error(path.as_str(), format!("the secret `{name}` has no key `{key}`"))
                    .why("a certificate is in `tls.crt`, and its private key in `tls.key`"),
            );
        }
    }
}

/// Checks the name resolution inside a workload's containers.
pub(super) fn check_dns(scope: &Scope<'_>, found: &mut Vec<Diagnostic>) {
    let workload = scope.workload;
    let address = |text: &str, path: String, found: &mut Vec<Diagnostic>| {
        if text.parse::<IpAddr>().is_err() {
            found.push(
                Diagnostic::error(path, format!("`{text}` is not an IP address"))
                    .remedy("an address such as `10.0.0.2`"),
            );
        }
    };
    for (index, server) in workload.dns.servers.iter().enumerate() {
        address(server, scope.at(&format!("dns.servers[{index}]")), found);
    }
    for (host, target) in &workload.extra_hosts {
        address(target, scope.at(&format!("extraHosts.{host}")), found);
    }
    if let Some(host) = &workload.hostname {
        names::host(host, &scope.at("hostname"), found);
    }
}
