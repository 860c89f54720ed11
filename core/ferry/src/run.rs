//! The certificates of one run.
//!
//! A run has an authority of its own, made in memory and never stored. It vouches for one certificate of the copier, whose key
//! never leaves the process, and for one of each helper, which bears the helper's name. A helper's certificate is good for
//! being called and not for calling, so whoever reads a helper's key cannot speak to another helper with it.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::ClientConfig;
use rustls::pki_types::{PrivatePkcs8KeyDer, ServerName};
use zeroize::Zeroizing;

use crate::identity::{roots, wrong};
use crate::{Connection, Dial, Identity, Result};

/// Clocks of nodes may be this wrong.
const SKEW: Duration = Duration::from_hours(24);

/// Who the copier is in one run, and the authority by which helpers are known.
pub struct Run {
    authority: CertifiedIssuer<'static, KeyPair>,
    config: Arc<ClientConfig>,
    valid_for: Duration,
}

impl std::fmt::Debug for Run {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Run").field("valid_for", &self.valid_for).finish_non_exhaustive()
    }
}

impl Run {
    /// A new run, whose certificates hold for so long.
    ///
    /// # Errors
    /// `Identity` when no certificate can be made.
    pub fn new(valid_for: Duration) -> Result<Self> {
        let mut parameters = parameters("authority", valid_for)?;
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().map_err(wrong)?;
        let authority = CertifiedIssuer::self_signed(parameters, key).map_err(wrong)?;
        let config = Arc::new(client_config(&authority, valid_for)?);
        Ok(Self { authority, config, valid_for })
    }

    /// Makes the identity of the helper of this name, as one file: its certificate, its key, and the authority's certificate.
    ///
    /// # Errors
    /// `Identity` when no certificate can be made.
    pub fn helper(&self, name: &str) -> Result<Identity> {
        let (certificate, key) =
            issue(&self.authority, name, ExtendedKeyUsagePurpose::ServerAuth, self.valid_for)?;
        let key = Zeroizing::new(key.serialize_pem());
        let text = [certificate.pem().as_str(), &key, &self.authority.pem()].concat();
        Ok(Identity::new(text))
    }

    /// Connections to the helper of this name, over connections that are not to be trusted.
    pub fn dial(&self, name: &str, inner: Arc<dyn Dial>) -> TlsDial {
        TlsDial { config: Arc::clone(&self.config), name: host(name), inner }
    }
}

fn client_config(authority: &CertifiedIssuer<'static, KeyPair>, valid_for: Duration) -> Result<ClientConfig> {
    let (certificate, key) = issue(authority, "copier", ExtendedKeyUsagePurpose::ClientAuth, valid_for)?;
    let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(wrong)?
        .with_root_certificates(roots(authority.der().clone())?)
        .with_client_auth_cert(vec![certificate.der().clone()], key)
        .map_err(wrong)
}

fn issue(
    authority: &CertifiedIssuer<'static, KeyPair>,
    name: &str,
    usage: ExtendedKeyUsagePurpose,
    valid_for: Duration,
) -> Result<(rcgen::Certificate, KeyPair)> {
    let mut parameters = parameters(name, valid_for)?;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![usage];
    let key = KeyPair::generate().map_err(wrong)?;
    let certificate = parameters.signed_by(&key, authority).map_err(wrong)?;
    Ok((certificate, key))
}

fn parameters(name: &str, valid_for: Duration) -> Result<CertificateParams> {
    let mut parameters = CertificateParams::new([host(name)]).map_err(wrong)?;
    parameters.distinguished_name.push(DnType::CommonName, host(name));
    let now = SystemTime::now();
    parameters.not_before = (now - SKEW).into();
    parameters.not_after = (now + valid_for + SKEW).into();
    Ok(parameters)
}

/// The name by which a helper's certificate is known. It is nobody's address.
fn host(name: &str) -> String {
    let legal = |character: char| {
        if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { '-' }
    };
    let labels: Vec<String> = name
        .chars()
        .map(legal)
        .collect::<Vec<_>>()
        .chunks(50)
        .map(|label| {
            // A label neither begins nor ends with a dash.
            format!("x{}x", label.iter().collect::<String>())
        })
        .collect();
    format!("{}.ferry.invalid", labels.join("."))
}

/// Connections to one helper, sure of whom they reach.
pub struct TlsDial {
    config: Arc<ClientConfig>,
    name: String,
    inner: Arc<dyn Dial>,
}

impl std::fmt::Debug for TlsDial {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("TlsDial").field("name", &self.name).finish_non_exhaustive()
    }
}

#[async_trait]
impl Dial for TlsDial {
    async fn dial(&self) -> io::Result<Box<dyn Connection>> {
        let stream = self.inner.dial().await?;
        let name = ServerName::try_from(self.name.clone()).map_err(io::Error::other)?;
        let connector = tokio_rustls::TlsConnector::from(Arc::clone(&self.config));
        Ok(Box::new(connector.connect(name, stream).await?))
    }
}
