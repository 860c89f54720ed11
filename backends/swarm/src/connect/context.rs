//! Contexts that the docker CLI has stored.
//!
//! A context `edge` is `contexts/meta/<sha256 of "edge">/meta.json` in the docker CLI's folder, its certificates are
//! `contexts/tls/<the same>/docker/{ca,cert,key}.pem`.
//! Source: docker/cli, `cli/context/store`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rhumb_backend::{Error, ErrorKind, Result};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::TlsSettings;

/// A stored context, as far as it says where the engine is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Context {
    /// The engine's address.
    pub(super) host: String,
    /// Certificates, where it has any.
    pub(super) tls: Option<TlsSettings>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Meta {
    #[serde(default)]
    endpoints: BTreeMap<String, MetaEndpoint>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MetaEndpoint {
    #[serde(default)]
    host: String,
    #[serde(default, rename = "SkipTLSVerify")]
    skip_tls_verify: bool,
}

/// Reads a stored context.
///
/// # Errors
/// `NotFound` when there is none of this name; `Invalid` when it names no engine; `Unsupported` when it asks for TLS
/// whose certificates nobody checks.
pub(super) fn load(folder: Option<&Path>, name: &str) -> Result<Context> {
    let not_found = || {
        Error::new(ErrorKind::NotFound, "find the docker context", "no such context is stored")
            .with("context", name)
            .remedy("see `docker context ls` for those that are")
    };
    let folder = folder.ok_or_else(not_found)?.join("contexts");
    let directory = digest(name);
    let path = folder.join("meta").join(&directory).join("meta.json");
    let bytes = std::fs::read(&path).map_err(|_| not_found())?;
    let meta: Meta = serde_json::from_slice(&bytes).map_err(|error| invalid(name, error.to_string()))?;
    let endpoint = meta.endpoints.get("docker").filter(|endpoint| !endpoint.host.is_empty());
    let endpoint = endpoint.ok_or_else(|| invalid(name, "it names no docker endpoint".to_owned()))?;
    if endpoint.skip_tls_verify {
        return Err(unverified().with("context", name));
    }
    Ok(Context {
        host: endpoint.host.clone(),
        tls: stored_tls(&folder.join("tls").join(directory).join("docker")),
    })
}

/// That TLS is asked for without a check of the engine's certificate.
pub(super) fn unverified() -> Error {
    let message = "TLS without a check of the engine's certificate is open to whoever is on the way";
    Error::new(ErrorKind::Unsupported, "connect to the Docker Engine", message)
        .remedy("give the engine's certificate authority as `ca.pem`, or use an ssh:// address")
}

fn invalid(name: &str, message: String) -> Error {
    Error::new(ErrorKind::Invalid, "read the docker context", message).with("context", name)
}

fn stored_tls(folder: &Path) -> Option<TlsSettings> {
    let file = |name: &str| Some(folder.join(name)).filter(|path: &PathBuf| path.is_file());
    let tls = TlsSettings { ca: file("ca.pem"), cert: file("cert.pem"), key: file("key.pem") };
    (tls != TlsSettings::default()).then_some(tls)
}

fn digest(name: &str) -> String {
    use std::fmt::Write as _;
    Sha256::digest(name).iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Stores a context for tests, as the docker CLI does, and returns the folder of its certificates.
#[cfg(test)]
pub(super) fn store(folder: &Path, name: &str, host: &str) -> PathBuf {
    let meta = folder.join("contexts/meta").join(digest(name));
    std::fs::create_dir_all(&meta).unwrap();
    let json = serde_json::json!({ "Name": name, "Endpoints": { "docker": { "Host": host, "SkipTLSVerify": false } } });
    std::fs::write(meta.join("meta.json"), json.to_string()).unwrap();
    let tls = folder.join("contexts/tls").join(digest(name)).join("docker");
    std::fs::create_dir_all(&tls).unwrap();
    tls
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_the_digest_of_the_name() {
        assert_eq!(
            digest("desktop-linux"),
            "fe9c6bd7a66301f49ca9b6a70b217107cd1284598bfc254700c989b916da791e"
        );
    }

    #[test]
    fn certificates_are_those_that_are_stored() {
        let folder = tempfile::tempdir().unwrap();
        let tls = store(folder.path(), "edge", "tcp://edge:2376");
        std::fs::write(tls.join("ca.pem"), "").unwrap();
        let context = load(Some(folder.path()), "edge").unwrap();
        assert_eq!(context.host, "tcp://edge:2376");
        assert_eq!(context.tls, Some(TlsSettings { ca: Some(tls.join("ca.pem")), ..TlsSettings::default() }));
    }

    #[test]
    fn an_unknown_context_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = load(Some(folder.path()), "edge").unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotFound);
        assert_eq!(
            error.to_string(),
            "cannot find the docker context (context edge): no such context is stored"
        );
    }
}
