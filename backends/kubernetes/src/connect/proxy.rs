//! Which proxy stands between us and a server.

use std::net::IpAddr;

use http::Uri;
use rhumb_backend::{Error, ErrorKind, Result};

use super::Environment;

/// The proxy for a server: the one that its kubeconfig names, else the environment's, unless `NO_PROXY` has the
/// server or it is this machine.
///
/// Source: golang.org/x/net/http/httpproxy, which kubectl uses.
///
/// # Errors
/// `Invalid` when the proxy's address is none.
pub(super) fn proxy(
    configured: Option<&str>,
    server: &Uri,
    environment: &Environment,
) -> Result<Option<Uri>> {
    if let Some(text) = configured.filter(|text| !text.is_empty()) {
        return parse(text, "proxy-url of the kubeconfig").map(Some);
    }
    let names: [&str; 2] = match server.scheme_str() {
        Some("http") => ["HTTP_PROXY", "http_proxy"],
        _ => ["HTTPS_PROXY", "https_proxy"],
    };
    let Some((name, text)) = names.iter().find_map(|name| Some((*name, environment.get(name)?))) else {
        return Ok(None);
    };
    let exceptions = environment.get("NO_PROXY").or_else(|| environment.get("no_proxy")).unwrap_or_default();
    if is_direct(server, exceptions) {
        return Ok(None);
    }
    parse(text, name).map(Some)
}

fn parse(text: &str, source: &str) -> Result<Uri> {
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let uri = with_scheme.parse::<Uri>().ok().filter(|uri| uri.host().is_some());
    // The text is not shown: it may hold a password.
    uri.ok_or_else(|| {
        Error::new(ErrorKind::Invalid, "connect to the cluster", format!("{source} is no address of a proxy"))
            .remedy("http://HOST:PORT")
    })
}

/// Whether a server is reached without the proxy of the environment.
fn is_direct(server: &Uri, exceptions: &str) -> bool {
    let host = server.host().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
    let address = host.parse::<IpAddr>().ok();
    if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
        return true;
    }
    let port = server.port_u16().unwrap_or(443);
    exceptions.split(',').map(|entry| entry.trim().to_ascii_lowercase()).any(|entry| match entry.as_str() {
        "" => false,
        "*" => true,
        entry => matches(entry, &host, address, port),
    })
}

fn matches(entry: &str, host: &str, address: Option<IpAddr>, port: u16) -> bool {
    if let Some((network, bits)) = entry.split_once('/') {
        let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u32>()) else { return false };
        return address.is_some_and(|address| contains(network, bits, address));
    }
    if entry.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
        return entry.trim_matches(['[', ']']) == host;
    }
    let (name, wanted) = match entry.rsplit_once(':') {
        Some((name, digits)) if digits.parse::<u16>().is_ok() => (name, digits.parse::<u16>().ok()),
        _ => (entry, None),
    };
    if wanted.is_some_and(|wanted| wanted != port) {
        return false;
    }
    let name = name.strip_prefix('*').unwrap_or(name);
    match name.strip_prefix('.') {
        // A leading dot takes subdomains only.
        Some(domain) => host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')),
        None => host == name || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.')),
    }
}

fn contains(network: IpAddr, bits: u32, address: IpAddr) -> bool {
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) if bits <= 32 => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            u32::from(network) & mask == u32::from(address) & mask
        }
        (IpAddr::V6(network), IpAddr::V6(address)) if bits <= 128 => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            u128::from(network) & mask == u128::from(address) & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(server: &str, exceptions: &str, expect: Option<&str>) {
        let vars = [("HTTPS_PROXY", "proxy.example:3128"), ("NO_PROXY", exceptions)];
        let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let environment = Environment { vars, ..Environment::default() };
        let found = proxy(None, &server.parse().unwrap(), &environment).unwrap();
        assert_eq!(
            found.map(|uri| uri.to_string()).as_deref(),
            expect,
            "{server} with NO_PROXY={exceptions}"
        );
    }

    #[test]
    fn the_environments_proxy_is_taken_where_it_is_not_excepted() {
        let taken = Some("http://proxy.example:3128/");
        check("https://api.example.com:6443", "", taken);
        check("https://api.example.com:6443", "example.com", None);
        check("https://api.example.com:6443", ".example.com", None);
        check("https://example.com", ".example.com", taken);
        check("https://notexample.com", "example.com", taken);
        check("https://api.example.com:6443", "api.example.com:443", taken);
        check("https://api.example.com:6443", "other, api.example.com:6443", None);
        check("https://10.1.2.3:6443", "10.0.0.0/8", None);
        check("https://11.1.2.3:6443", "10.0.0.0/8", taken);
        check("https://[fd00::1]:6443", "fd00::/8", None);
        check("https://10.1.2.3:6443", "10.1.2.3", None);
        check("https://api.example.com", "*", None);
        check("https://127.0.0.1:6443", "", None);
        check("https://localhost:6443", "", None);
        check("http://api.example.com", "", None);
    }

    #[test]
    fn the_kubeconfigs_proxy_comes_first() {
        let server = "https://127.0.0.1:6443".parse().unwrap();
        let found = proxy(Some("http://other:1"), &server, &Environment::default()).unwrap();
        assert_eq!(found.unwrap().to_string(), "http://other:1/");
        let error = proxy(Some("http://a b"), &server, &Environment::default()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid);
    }
}
