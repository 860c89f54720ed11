//! The connections to AWS: trust, proxies, time.

use std::time::Duration;

use aws_smithy_async::rt::sleep::default_async_sleep;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Connector, ConnectorBuilder};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use rhumb_backend::{Error, ErrorKind, Result};

use super::Environment;

/// How long a connection may take to be there.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an answer may take to begin, and to end.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Connections as the environment wants them.
///
/// # Errors
/// `Invalid` when `AWS_CA_BUNDLE` or a proxy's address cannot be used.
pub(super) async fn connector(environment: &Environment) -> Result<SharedHttpConnector> {
    let plain = of_scheme(environment, Scheme::Http).await?;
    let encrypted = of_scheme(environment, Scheme::Https).await?;
    Ok(SharedHttpConnector::new(ByScheme { plain, encrypted }))
}

/// A connector that takes each address's own proxy.
#[derive(Debug)]
struct ByScheme {
    plain: Connector,
    encrypted: Connector,
}

impl HttpConnector for ByScheme {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if request.uri().starts_with("http://") {
            self.plain.call(request)
        } else {
            self.encrypted.call(request)
        }
    }
}

async fn of_scheme(environment: &Environment, scheme: Scheme) -> Result<Connector> {
    let settings = HttpConnectorSettings::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(ANSWER_TIMEOUT)
        .build();
    let mut builder: ConnectorBuilder = Connector::builder().connector_settings(settings);
    builder.set_sleep_impl(default_async_sleep());
    builder.set_proxy_config(proxy(environment, scheme)?);
    let context = TlsContext::builder().with_trust_store(trust(environment).await?).build();
    let context = context
        .map_err(|error| Error::new(ErrorKind::Invalid, "prepare connections to AWS", error.to_string()))?;
    let builder = builder.tls_provider(Provider::rustls(CryptoMode::Ring)).tls_context(context);
    Ok(builder.build())
}

/// The scheme of the addresses that a connector is for. A proxy is named for one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

impl Scheme {
    /// The variables that name its proxy, the first one first. `HTTP_PROXY` in capitals is not among them, as a web
    /// server sets it from a request's header.
    const fn variables(self) -> [&'static str; 4] {
        match self {
            Self::Http => ["http_proxy", "", "all_proxy", "ALL_PROXY"],
            Self::Https => ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
        }
    }
}

/// The certificates that are trusted: those of `AWS_CA_BUNDLE` alone, or those of the system.
async fn trust(environment: &Environment) -> Result<TrustStore> {
    let Some(path) = environment.get("AWS_CA_BUNDLE") else {
        return Ok(TrustStore::default());
    };
    let failed = |why: String| {
        Error::new(ErrorKind::Invalid, "read the certificates of AWS_CA_BUNDLE", why)
            .with("file", path)
            .remedy("a file of PEM certificates, or no AWS_CA_BUNDLE to trust those of the system")
    };
    let pem = tokio::fs::read(path).await.map_err(|error| failed(error.to_string()))?;
    let holds_one = pem.windows(CERTIFICATE.len()).any(|window| window == CERTIFICATE);
    if !holds_one {
        return Err(failed("there is no certificate in it".to_owned()));
    }
    Ok(TrustStore::empty().with_pem_certificate(pem))
}

const CERTIFICATE: &[u8] = b"-----BEGIN CERTIFICATE-----";

fn proxy(environment: &Environment, scheme: Scheme) -> Result<Option<ProxyConfig>> {
    let Some((variable, address)) =
        scheme.variables().into_iter().find_map(|name| Some((name, environment.get(name)?)))
    else {
        return Ok(None);
    };
    let address = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
    let proxy = match scheme {
        Scheme::Http => ProxyConfig::http(address),
        Scheme::Https => ProxyConfig::https(address),
    };
    // The address may hold a password, so it is not shown.
    let proxy = proxy.map_err(|_| {
        Error::new(ErrorKind::Invalid, "use the proxy", format!("{variable} is no address of a proxy"))
            .remedy("`http://HOST:PORT`")
    })?;
    let except = ["no_proxy", "NO_PROXY"].into_iter().find_map(|name| environment.get(name));
    Ok(Some(match except {
        Some(hosts) => proxy.no_proxy(hosts),
        None => proxy,
    }))
}

#[cfg(test)]
mod tests {
    use rhumb_backend::ErrorKind;

    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        let vars = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Environment { vars, ..Environment::default() }
    }

    #[test]
    fn a_proxy_is_the_one_of_the_scheme() {
        let with = environment(&[("HTTPS_PROXY", "proxy:3128"), ("HTTP_PROXY", "evil:1")]);
        assert!(proxy(&with, Scheme::Https).unwrap().is_some());
        assert!(proxy(&with, Scheme::Http).unwrap().is_none());
        let wrong = environment(&[("https_proxy", "http://user:geheim@[")]);
        let error = proxy(&wrong, Scheme::Https).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid);
        assert!(!error.to_string().contains("geheim"), "{error}");
    }

    #[tokio::test]
    async fn a_bundle_must_hold_certificates() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        std::fs::write(&path, "no certificate").unwrap();
        let bundle = environment(&[("AWS_CA_BUNDLE", path.to_str().unwrap())]);
        assert!(trust(&bundle).await.unwrap_err().to_string().contains("no certificate in it"));
        let missing = environment(&[("AWS_CA_BUNDLE", "/does/not/exist.pem")]);
        assert_eq!(trust(&missing).await.unwrap_err().kind, ErrorKind::Invalid);
    }
}
