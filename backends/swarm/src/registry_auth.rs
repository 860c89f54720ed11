//! Credentials for registries, from the docker CLI's configuration and its helpers.

use std::collections::HashMap;
use std::fmt;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use rhumb_backend::{Error, ErrorKind, Material, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::sync::Mutex;

use crate::connect::{Auth, DockerConfig, Engine, Environment};

/// How the docker CLI calls Docker Hub in its configuration.
const HUB: &str = "https://index.docker.io/v1/";

/// What a helper answers in place of a user when what it keeps is a token.
const TOKEN_USER: &str = "<token>";

const HELPER_TIMEOUT: Duration = Duration::from_secs(20);

/// Values of `X-Registry-Auth` by registry, each found once.
#[derive(Default)]
pub(crate) struct Credentials(Mutex<HashMap<String, Option<String>>>);

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Credentials(…)")
    }
}

/// The value of `X-Registry-Auth` for an image, from the docker CLI's configuration; none when it has no credentials
/// for the image's registry.
///
/// # Errors
/// `Invalid` when the configuration cannot be read or a helper cannot be run or fails.
pub(crate) async fn for_image(engine: &Engine, image: &str) -> Result<Option<String>> {
    let registry = registry(image);
    let mut known = engine.credentials().0.lock().await;
    if let Some(header) = known.get(registry) {
        return Ok(header.clone());
    }
    let header = find(engine, registry).await?;
    known.insert(registry.to_owned(), header.clone());
    Ok(header)
}

async fn find(engine: &Engine, registry: &str) -> Result<Option<String>> {
    let folder = engine.environment().docker_config(engine.settings());
    let config = DockerConfig::load(folder.as_deref())?;
    let auth = match config.helper(registry) {
        Some(helper) => {
            ask(helper, registry, engine.environment()).await?.or_else(|| config.stored(registry))
        }
        None => config.stored(registry),
    };
    Ok(auth.map(|auth| header(registry, &auth)))
}

/// The value of `X-Registry-Auth` for an image, from a pull secret: Docker's `config.json`.
///
/// # Errors
/// `Invalid` when the material is of another form.
pub(crate) fn from_material(image: &str, material: &Material) -> Result<Option<String>> {
    let config: DockerConfig = serde_json::from_slice(material.expose()).map_err(|error| {
        // The message of a JSON error may quote a value, and values here are credentials.
        let message = format!("line {}, column {} is no valid JSON", error.line(), error.column());
        Error::new(ErrorKind::Invalid, "read the pull secret", message)
            .remedy("give it the form of Docker's config.json: {\"auths\": {\"registry.example.com\": {\"auth\": …}}}")
    })?;
    let registry = registry(image);
    Ok(config.stored(registry).map(|auth| header(registry, &auth)))
}

impl DockerConfig {
    fn helper(&self, registry: &str) -> Option<&str> {
        let own = self.cred_helpers.get(registry).or(self.creds_store.as_ref());
        own.map(String::as_str).filter(|helper| !helper.is_empty())
    }

    /// Keys may be written with a scheme and a path.
    fn stored(&self, registry: &str) -> Option<Auth> {
        let exact = self.auths.get(registry);
        let loose = || self.auths.iter().find(|(key, _)| host(key) == host(registry)).map(|(_, auth)| auth);
        exact.or_else(loose).and_then(Auth::decoded)
    }
}

fn host(key: &str) -> &str {
    let bare = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    bare.split('/').next().unwrap_or(bare)
}

/// The registry of an image as the docker CLI's configuration names it.
///
/// Source: distribution/reference, `splitDockerDomain`.
pub(crate) fn registry(image: &str) -> &str {
    let first = image.split_once('/').map(|(first, _)| first);
    let is_host = |part: &&str| {
        part.contains(['.', ':']) || *part == "localhost" || part.chars().any(char::is_uppercase)
    };
    match first.filter(is_host) {
        None | Some("docker.io" | "index.docker.io") => HUB,
        Some(registry) => registry,
    }
}

fn header(registry: &str, auth: &Auth) -> String {
    let mut json = json!({ "serveraddress": registry });
    let mut set = |key: &str, value: &str| {
        if !value.is_empty() {
            json[key] = Value::String(value.to_owned());
        }
    };
    set("username", &auth.username);
    set("password", &auth.password);
    set("identitytoken", &auth.identity_token);
    URL_SAFE.encode(json.to_string())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    username: String,
    #[serde(default)]
    secret: String,
}

/// Asks a helper: `docker-credential-<helper> get`, with the registry on its input.
async fn ask(helper: &str, registry: &str, environment: &Environment) -> Result<Option<Auth>> {
    let program = format!("docker-credential-{helper}");
    let failed = |message: String| {
        Error::new(ErrorKind::Invalid, "ask for the registry's credentials", message)
            .with("helper", program.clone())
            .with("registry", registry)
    };
    let run = run(&program, registry, environment);
    let output = tokio::time::timeout(HELPER_TIMEOUT, run)
        .await
        .map_err(|_| failed("no answer in time".to_owned()))?;
    let output = output.map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stdout);
        let nothing = said.contains("credentials not found");
        return if nothing { Ok(None) } else { Err(failed(format!("it ended with {}", output.status))) };
    }
    let answer: Answer = serde_json::from_slice(&output.stdout)
        .map_err(|_| failed("its answer is no valid JSON".to_owned()))?;
    Ok(match answer.username.as_str() {
        "" => None,
        TOKEN_USER => Some(Auth::token(&answer.secret)),
        user => Some(Auth::password(user, &answer.secret)),
    })
}

async fn run(
    program: &str,
    registry: &str,
    environment: &Environment,
) -> std::io::Result<std::process::Output> {
    let mut child = Command::new(program)
        .arg("get")
        .env_clear()
        .envs(&environment.vars)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A helper that does not read its input has its answer already, or fails by itself.
        let _ = stdin.write_all(registry.as_bytes()).await;
    }
    child.wait_with_output().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::Settings;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    #[test]
    fn the_registry_is_in_the_image() {
        let check = |image: &str, expect: &str| assert_eq!(registry(image), expect, "{image}");
        check("nginx:1", HUB);
        check("library/nginx", HUB);
        check("docker.io/library/nginx", HUB);
        check("localhost/web", "localhost");
        check("registry.example.com:5000/a/b@sha256:00", "registry.example.com:5000");
    }

    fn decode(header: &str) -> Value {
        serde_json::from_slice(&URL_SAFE.decode(header).unwrap()).unwrap()
    }

    fn engine(folder: &Path, path: &Path) -> Engine {
        let vars = [("PATH".to_owned(), format!("{}:/usr/bin:/bin", path.display()))].into();
        let settings = Settings { docker_config: Some(folder.to_owned()), ..Settings::default() };
        Engine::new(settings, Environment { vars, home: None })
    }

    #[tokio::test]
    async fn stored_credentials_are_found_whatever_their_key_looks_like() {
        let folder = tempfile::tempdir().unwrap();
        let json = r#"{"auths": {"https://r.example/v1/": {"auth": "dTpw"}, "https://index.docker.io/v1/": {"auth": "aDpw"}}}"#;
        std::fs::write(folder.path().join("config.json"), json).unwrap();
        let engine = engine(folder.path(), folder.path());
        let header = for_image(&engine, "r.example/web:1").await.unwrap().unwrap();
        assert_eq!(
            decode(&header),
            json!({ "serveraddress": "r.example", "username": "u", "password": "p" })
        );
        let header = for_image(&engine, "nginx").await.unwrap().unwrap();
        assert_eq!(decode(&header), json!({ "serveraddress": HUB, "username": "h", "password": "p" }));
        assert_eq!(for_image(&engine, "other.example/web").await.unwrap(), None);
    }

    fn helper(folder: &Path, script: &str) {
        let path = folder.join("docker-credential-test");
        std::fs::write(&path, format!("#!/bin/sh\nread registry\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::write(folder.join("config.json"), r#"{"credsStore": "test"}"#).unwrap();
    }

    #[tokio::test]
    async fn helpers_are_asked_with_the_registry() {
        let folder = tempfile::tempdir().unwrap();
        helper(folder.path(), r#"echo "{\"Username\": \"<token>\", \"Secret\": \"$registry\"}""#);
        let ask = async || for_image(&engine(folder.path(), folder.path()), "r.example/web").await;
        let header = ask().await.unwrap().unwrap();
        assert_eq!(decode(&header), json!({ "serveraddress": "r.example", "identitytoken": "r.example" }));
        helper(folder.path(), "echo credentials not found in native keychain; exit 1");
        assert_eq!(ask().await.unwrap(), None);
        helper(folder.path(), "echo hunter2; exit 3");
        let error = ask().await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot ask for the registry's credentials (helper docker-credential-test) (registry r.example): it ended \
             with exit status: 3"
        );
    }

    #[test]
    fn a_pull_secret_is_a_docker_configuration() {
        let material =
            Material::new(br#"{"auths": {"r.example": {"username": "u", "password": "p"}}}"#.to_vec());
        assert!(from_material("r.example/web", &material).unwrap().is_some());
        assert_eq!(from_material("nginx", &material).unwrap(), None);
        let error = from_material("nginx", &Material::new(b"{hunter2".to_vec())).unwrap_err();
        assert!(!format!("{error:?}").contains("hunter2"));
    }
}
