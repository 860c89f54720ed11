//! Who a helper is, and whom it lets in.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use zeroize::Zeroizing;

use crate::{Error, Result};

/// The identity of a helper.
pub struct Identity(Zeroizing<String>);

impl std::fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Identity(..)")
    }
}

impl Identity {
    /// The identity in a file.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The file, for the helper's eyes.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// How a helper with this identity meets who calls: only the copier of its run gets in.
    ///
    /// # Errors
    /// `Identity` when it is not what a run makes for a helper.
    pub fn server_config(&self) -> Result<ServerConfig> {
        let certificates: Vec<CertificateDer<'static>> =
            CertificateDer::pem_slice_iter(self.0.as_bytes()).collect::<Result<_, _>>().map_err(wrong)?;
        let [own, authority] = <[_; 2]>::try_from(certificates)
            .map_err(|found| wrong(format!("there are {} certificates in it, and not 2", found.len())))?;
        let key = PrivateKeyDer::from_pem_slice(self.0.as_bytes()).map_err(wrong)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let roots = Arc::new(roots(authority)?);
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider))
            .build()
            .map_err(wrong)?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(wrong)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![own], key)
            .map_err(wrong)?;
        // Every connection shows its certificates anew.
        config.send_tls13_tickets = 0;
        Ok(config)
    }
}

pub(crate) fn roots(authority: CertificateDer<'static>) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add(authority).map_err(wrong)?;
    Ok(roots)
}

pub(crate) fn wrong(error: impl std::fmt::Display) -> Error {
    Error::Identity { what: error.to_string() }
}
