//! Connections that are encrypted and checked on both sides.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rhumb_backend::ErrorKind;
use rhumb_swarm::{Environment, Settings, Swarm, TlsSettings};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

/// An authority, and what it signed, as files in a folder: `ca.pem`, `cert.pem`, `key.pem`.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
    }

    fn sign(&self) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    fn write_client(&self, folder: &Path) {
        let (certificate, key) = self.sign();
        std::fs::write(folder.join("ca.pem"), self.issuer.pem()).unwrap();
        std::fs::write(folder.join("cert.pem"), certificate.pem()).unwrap();
        std::fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    }

    /// Starts an engine that says its version and has no nodes, to clients of this authority only.
    fn serve(&self) -> u16 {
        let (certificate, key) = self.sign();
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let clients =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap();
        let chain = vec![CertificateDer::from(certificate.der().to_vec())];
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(clients)
            .with_single_cert(chain, key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let config = Arc::new(config);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                // A client that is refused breaks off, and the next one is served.
                let _ = answer(StreamOwned::new(connection, stream.unwrap()));
            }
        });
        port
    }
}

fn answer(mut stream: impl Read + Write) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut bytes = [0; 1024];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = stream.read(&mut bytes)?;
        if read == 0 {
            return Ok(());
        }
        request.extend_from_slice(&bytes[..read]);
    }
    let is_version = request.starts_with(b"GET /version ");
    let body =
        if is_version { r#"{"Version":"27.0.0","ApiVersion":"1.46","MinAPIVersion":"1.24"}"# } else { "[]" };
    write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())?;
    stream.flush()
}

fn swarm(port: u16, folder: &Path) -> Swarm {
    let file = |name: &str| Some(folder.join(name));
    let tls = TlsSettings { ca: file("ca.pem"), cert: file("cert.pem"), key: file("key.pem") };
    let host = Some(format!("tcp://localhost:{port}"));
    Swarm::new(Settings { host, tls: Some(tls), ..Settings::default() }, Environment::default()).unwrap()
}

#[tokio::test]
async fn both_sides_show_who_they_are() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    authority.write_client(folder.path());
    let about = swarm(authority.serve(), folder.path()).about().await.unwrap();
    assert_eq!((about.version.as_str(), about.api.as_str(), about.nodes), ("27.0.0", "1.46", 0));
}

#[tokio::test]
async fn an_engine_of_another_authority_is_not_talked_to() {
    let folder = tempfile::tempdir().unwrap();
    Authority::new().write_client(folder.path());
    let error = swarm(Authority::new().serve(), folder.path()).about().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
    assert!(error.message.contains("certificate"), "{error}");
}
