//! The client of HTTP: who is trusted, and which proxy is on the way.

use std::path::Path;
use std::time::Duration;

use reqwest::{Certificate, Client, ClientBuilder, NoProxy, Proxy};
use rhumb_backend::{Error, ErrorKind, Result};

use super::{Endpoint, Environment};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);

/// Makes the client. It follows no redirects and reads nothing of the environment by itself.
///
/// # Errors
/// `Invalid` for an authority's file that cannot be read, and for a proxy whose address is none.
pub(super) fn client(endpoint: &Endpoint, environment: &Environment) -> Result<Client> {
    install_provider();
    let mut builder = Client::builder()
        .user_agent(concat!("rhumb/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT)
        .no_proxy();
    if let Some(ca) = &endpoint.ca {
        builder = builder.tls_certs_only(authorities(ca)?);
    }
    proxied(builder, environment)?.build().map_err(|error| {
        Error::new(ErrorKind::Invalid, "prepare the connection to Marathon", error.without_url().to_string())
    })
}

/// The client panics when the process has no TLS provider.
fn install_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another thread may have been faster, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

fn authorities(file: &Path) -> Result<Vec<Certificate>> {
    let invalid = |message: String| {
        Error::new(ErrorKind::Invalid, "read the authority of the servers' certificates", message)
            .with("file", file.display().to_string())
            .remedy("name the PEM file of the authority with the target's `ca`; on DC/OS it is at <cluster>/ca/dcos-ca.crt")
    };
    let pem = std::fs::read(file).map_err(|error| invalid(error.to_string()))?;
    let found = Certificate::from_pem_bundle(&pem).map_err(|error| invalid(error.to_string()))?;
    if found.is_empty() {
        return Err(invalid("it holds no certificate".to_owned()));
    }
    Ok(found)
}

/// Makes the proxy at an address.
type Make = fn(&str) -> reqwest::Result<Proxy>;

/// The proxies that the environment names, in lower case or upper.
fn proxied(mut builder: ClientBuilder, environment: &Environment) -> Result<ClientBuilder> {
    let of = |lower: &str| {
        let upper = lower.to_ascii_uppercase();
        environment.var(lower).or_else(|| environment.var(&upper)).map(ToOwned::to_owned)
    };
    let direct = of("no_proxy").and_then(|list| NoProxy::from_string(&list));
    let kinds: [(&str, Make); 3] = [
        ("http_proxy", |url| Proxy::http(url)),
        ("https_proxy", |url| Proxy::https(url)),
        ("all_proxy", |url| Proxy::all(url)),
    ];
    for (name, make) in kinds {
        let Some(url) = of(name) else { continue };
        let proxy = make(&url).map_err(|_| {
            // The address may hold a password, so it is not shown.
            Error::new(ErrorKind::Invalid, "use the proxy", "its address is none").with("from", name)
        })?;
        builder = builder.proxy(proxy.no_proxy(direct.clone()));
    }
    Ok(builder)
}
