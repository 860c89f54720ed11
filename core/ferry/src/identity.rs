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
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use zeroize::Zeroizing;

use crate::{Connection, Dial, Error, Result};

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
        Ok(Identity(Zeroizing::new(text)))
    }

    /// Connections to the helper of this name, over connections that are not to be trusted.
    pub fn dial(&self, name: &str, inner: Arc<dyn Dial>) -> TlsDial {
        TlsDial { config: Arc::clone(&self.config), name: host(name), inner }
    }
}

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
    /// `Identity` when it is not what [`Run::helper`] makes.
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

fn roots(authority: CertificateDer<'static>) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add(authority).map_err(wrong)?;
    Ok(roots)
}

fn wrong(error: impl std::fmt::Display) -> Error {
    Error::Identity { what: error.to_string() }
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
