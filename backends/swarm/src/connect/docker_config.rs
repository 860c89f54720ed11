//! The docker CLI's `config.json`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rhumb_backend::{Error, ErrorKind, Result};
use serde::Deserialize;

/// What is read of the docker CLI's `config.json`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DockerConfig {
    /// The context in use.
    #[serde(default)]
    pub(crate) current_context: Option<String>,
    /// Credentials by registry, in the clear or empty when a helper keeps them.
    #[serde(default)]
    pub(crate) auths: BTreeMap<String, Auth>,
    /// The helper for every registry.
    #[serde(default)]
    pub(crate) creds_store: Option<String>,
    /// Helpers by registry.
    #[serde(default)]
    pub(crate) cred_helpers: BTreeMap<String, String>,
}

/// Credentials for a registry.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Auth {
    /// `user:password` in base64.
    #[serde(default, rename = "auth")]
    encoded: String,
    /// The user.
    #[serde(default)]
    pub(crate) username: String,
    /// The password.
    #[serde(default)]
    pub(crate) password: String,
    /// A token that stands for user and password.
    #[serde(default, rename = "identitytoken")]
    pub(crate) identity_token: String,
}

impl Auth {
    /// A user with a password.
    pub(crate) fn password(username: &str, password: &str) -> Self {
        Self { username: username.to_owned(), password: password.to_owned(), ..Self::default() }
    }

    /// A token.
    pub(crate) fn token(token: &str) -> Self {
        Self { identity_token: token.to_owned(), ..Self::default() }
    }

    /// The credentials taken apart; none when there is nothing in them.
    pub(crate) fn decoded(&self) -> Option<Self> {
        let mut auth = self.clone();
        if let Some((username, password)) = split(&self.encoded) {
            auth.username = username;
            auth.password = password;
        }
        let empty = auth.identity_token.is_empty() && (auth.username.is_empty() || auth.password.is_empty());
        (!empty).then_some(auth)
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Auth(…)")
    }
}

fn split(auth: &str) -> Option<(String, String)> {
    let bytes = STANDARD.decode(auth).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (username, password) = text.split_once(':')?;
    Some((username.to_owned(), password.trim_end_matches('\0').to_owned()))
}

impl DockerConfig {
    /// Reads `config.json` in the docker CLI's folder. One that is not there is an empty one.
    ///
    /// # Errors
    /// `Invalid` when it cannot be read or is no such file.
    pub(crate) fn load(folder: Option<&Path>) -> Result<Self> {
        let Some(path) = folder.map(|folder| folder.join("config.json")) else { return Ok(Self::default()) };
        let invalid = |message: String| {
            Error::new(ErrorKind::Invalid, "read the docker CLI's configuration", message)
                .with("file", path.display().to_string())
        };
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                // The message of a JSON error may quote a value, and values here are credentials.
                invalid(format!("line {}, column {} is no valid JSON", error.line(), error.column()))
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(invalid(error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_taken_apart_and_never_shown() {
        let json = r#"{"auths": {"r.example": {"auth": "dXNlcjpwOmE="}}, "credsStore": "pass"}"#;
        let config: DockerConfig = serde_json::from_str(json).unwrap();
        let auth = config.auths["r.example"].decoded().unwrap();
        assert_eq!((auth.username.as_str(), auth.password.as_str()), ("user", "p:a"));
        assert_eq!(format!("{auth:?}"), "Auth(…)");
    }

    #[test]
    fn an_empty_entry_holds_nothing() {
        let config: DockerConfig = serde_json::from_str(r#"{"auths": {"r.example": {}}}"#).unwrap();
        assert_eq!(config.auths["r.example"].decoded(), None);
    }

    #[test]
    fn a_broken_file_is_told_without_its_content() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.json"), r#"{"auths": {"r": {"auth": hunter2}}}"#).unwrap();
        let error = DockerConfig::load(Some(folder.path())).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid);
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
