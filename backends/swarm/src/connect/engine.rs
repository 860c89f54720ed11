//! The connection to the engine.

use std::path::Path;
use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, Docker};
use futures_util::{Stream, StreamExt, TryStreamExt};
use rhumb_backend::{Error, ErrorKind, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;

use super::{Address, Call, Endpoint, Environment, Settings, ssh};
use crate::error::{from_engine, from_greeting, no_engine, timeout, unexpected};
use crate::registry_auth::Credentials;

/// An engine that is connected to when it is first called.
#[derive(Debug)]
pub(crate) struct Engine {
    settings: Settings,
    environment: Environment,
    connected: OnceCell<Connected>,
    credentials: Credentials,
}

/// An engine that answered.
#[derive(Debug)]
pub(crate) struct Connected {
    docker: Docker,
    address: String,
    prefix: String,
    /// The engine's own version: `20.10.24`.
    pub(crate) version: String,
    /// The newest version of the API that it speaks.
    pub(crate) api: ApiVersion,
}

/// A version of the Engine API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ApiVersion(pub(crate) u16, pub(crate) u16);

/// The oldest version that has all that is used here: jobs, and capabilities of services.
const OLDEST: ApiVersion = ApiVersion(1, 41);

/// The newest version whose documents are known here. Newer engines are spoken to in this one.
const NEWEST: ApiVersion = ApiVersion(1, 52);

impl ApiVersion {
    fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        Some(Self(major.parse().ok()?, minor.parse().ok()?))
    }
}

impl std::fmt::Display for ApiVersion {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}.{}", self.0, self.1)
    }
}

/// The first answer of an engine decides how it is spoken to, so it is waited for less long.
const GREETING: Duration = Duration::from_secs(20);

const CONNECT: &str = "connect to the Docker Engine";

/// What an error of a call means, by the operation and the engine's address.
type Meaning = fn(&str, &str, &bollard::errors::Error) -> Error;

impl Engine {
    /// An engine that is not connected to yet.
    pub(crate) fn new(settings: Settings, environment: Environment) -> Self {
        Self { settings, environment, connected: OnceCell::new(), credentials: Credentials::default() }
    }

    /// What the target says about the engine.
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The environment of the process.
    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Credentials for registries that were found already.
    pub(crate) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// The connection, made at the first call.
    ///
    /// # Errors
    /// What [`Endpoint::resolve`] says; `Unreachable`, `Forbidden` or `Timeout` when the engine does not answer;
    /// `Unsupported` when it is too old.
    pub(crate) async fn connected(&self) -> Result<&Connected> {
        self.connected.get_or_try_init(|| connect(&self.settings, &self.environment)).await
    }

    /// Makes a call and returns the answer's bytes.
    ///
    /// # Errors
    /// What the engine answers, in the words of the contract.
    pub(crate) async fn send(&self, call: Call) -> Result<Vec<u8>> {
        self.connected().await?.send(call).await
    }

    /// Makes a call and reads its answer.
    ///
    /// # Errors
    /// What the engine answers; `Platform` when it is of another shape than expected.
    pub(crate) async fn json<T: DeserializeOwned>(&self, call: Call) -> Result<T> {
        self.connected().await?.json(call).await
    }

    /// Makes a call; none when there is no such thing.
    ///
    /// # Errors
    /// As [`Self::json`], but for `NotFound`.
    pub(crate) async fn find<T: DeserializeOwned>(&self, call: Call) -> Result<Option<T>> {
        match self.json(call).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a call whose answer comes bit by bit. Its timeout holds until the answer begins.
    ///
    /// # Errors
    /// As [`Self::send`], in the stream.
    pub(crate) async fn stream(
        &self,
        call: Call,
    ) -> Result<impl Stream<Item = Result<Vec<u8>>> + Unpin + use<>> {
        self.connected().await?.stream(call)
    }
}

impl Connected {
    /// Where the engine is.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The client itself, for calls whose connection goes both ways.
    ///
    /// # Errors
    /// What the engine answers.
    pub(crate) async fn client(&self) -> Result<Docker> {
        let client = self.docker.clone().negotiate_version().await;
        client.map_err(|error| from_engine(CONNECT, &self.address, &error))
    }

    async fn send(&self, call: Call) -> Result<Vec<u8>> {
        self.collect(call, from_engine).await
    }

    async fn collect(&self, call: Call, meaning: Meaning) -> Result<Vec<u8>> {
        let (operation, limit) = (call.operation, call.timeout);
        let collected = self.answer(call, meaning)?.try_fold(Vec::new(), |mut whole, bytes| {
            whole.extend_from_slice(&bytes);
            std::future::ready(Ok(whole))
        });
        tokio::time::timeout(limit, collected)
            .await
            .unwrap_or_else(|_| Err(timeout(operation, &self.address)))
    }

    async fn json<T: DeserializeOwned>(&self, call: Call) -> Result<T> {
        let operation = call.operation;
        let bytes = self.send(call).await?;
        serde_json::from_slice(&bytes).map_err(|error| unexpected(operation, error.to_string()))
    }

    fn stream(&self, call: Call) -> Result<impl Stream<Item = Result<Vec<u8>>> + Unpin + use<>> {
        self.answer(call, from_engine)
    }

    /// The first call, to what may be no engine at all.
    async fn greet(&self) -> Result<Greeting> {
        let call = Call::get(CONNECT, "/version").timeout(GREETING);
        let bytes = self.collect(call, from_greeting).await?;
        serde_json::from_slice(&bytes)
            .map_err(|_| no_engine(CONNECT, &self.address, "it does not tell a version of Docker's API"))
    }

    /// The client has no call for documents as they are, so one of its calls that return bytes is aimed elsewhere.
    fn answer(
        &self,
        call: Call,
        meaning: Meaning,
    ) -> Result<impl Stream<Item = Result<Vec<u8>>> + Unpin + use<>> {
        let (operation, limit) = (call.operation, call.timeout);
        let address = self.address.clone();
        let modifier = call.into_modifier(&self.prefix)?;
        let docker = self
            .docker
            .clone()
            .with_timeout(limit.max(Duration::from_secs(1)))
            .with_request_modifier(modifier);
        let stream = docker.export_image("any");
        Ok(stream
            .map(move |bytes| {
                bytes.map(|bytes| bytes.to_vec()).map_err(|error| meaning(operation, &address, &error))
            })
            .boxed())
    }
}

#[derive(Deserialize)]
struct Greeting {
    #[serde(rename = "Version")]
    engine: String,
    #[serde(rename = "ApiVersion")]
    newest: String,
    #[serde(default, rename = "MinAPIVersion")]
    oldest: String,
}

async fn connect(settings: &Settings, environment: &Environment) -> Result<Connected> {
    let endpoint = Endpoint::resolve(settings, environment)?;
    let address = endpoint.address.to_string();
    let docker = open(&endpoint, environment)
        .map_err(|error| from_engine(CONNECT, &address, &error).with("from", endpoint.source.clone()))?;
    let mut connected =
        Connected { docker, address, prefix: String::new(), version: String::new(), api: OLDEST };
    let greeting = connected.greet().await.map_err(|error| error.with("from", endpoint.source.clone()))?;
    let spoken = agree(&greeting)?;
    connected.prefix = format!("/v{spoken}");
    connected.api = spoken;
    connected.version = greeting.engine;
    Ok(connected)
}

fn agree(greeting: &Greeting) -> Result<ApiVersion> {
    let newest = ApiVersion::parse(&greeting.newest)
        .ok_or_else(|| unexpected(CONNECT, format!("API version `{}`", greeting.newest)))?;
    let oldest = ApiVersion::parse(&greeting.oldest).unwrap_or(OLDEST);
    let unsupported = |message: String, remedy: &str| {
        Error::new(ErrorKind::Unsupported, CONNECT, message).remedy(remedy.to_owned())
    };
    if newest < OLDEST {
        let message =
            format!("version {} speaks the API {newest} only, and {OLDEST} is needed", greeting.engine);
        return Err(unsupported(message, "update Docker to 20.10 or newer"));
    }
    if oldest > NEWEST {
        let message = format!(
            "version {} speaks the API {oldest} and newer only, and {NEWEST} is known here",
            greeting.engine
        );
        return Err(unsupported(message, "update rhumb"));
    }
    Ok(newest.min(NEWEST))
}

/// Prepares the client. Only a missing socket is noticed here.
fn open(endpoint: &Endpoint, environment: &Environment) -> Result<Docker, bollard::errors::Error> {
    let seconds = GREETING.as_secs();
    match (&endpoint.address, &endpoint.tls) {
        (Address::Unix(path), _) => {
            Docker::connect_with_unix(&path.to_string_lossy(), seconds, API_DEFAULT_VERSION)
        }
        (Address::Ssh(host), _) => {
            let address = endpoint.address.to_string();
            let transport = ssh::transport(host, environment);
            Docker::connect_with_custom_transport(transport, Some(address), seconds, API_DEFAULT_VERSION)
        }
        (Address::Tcp(host), None) => Docker::connect_with_http(host, seconds, API_DEFAULT_VERSION),
        (Address::Tcp(host), Some(tls)) => {
            install_provider();
            // A file without certificates adds none to those that the system trusts.
            let nothing = Path::new("/dev/null");
            let ca = tls.ca.as_deref().unwrap_or(nothing);
            let (cert, key) =
                tls.client.as_ref().map_or((nothing, nothing), |(cert, key)| (cert.as_path(), key.as_path()));
            Docker::connect_with_ssl(host, key, cert, ca, seconds, API_DEFAULT_VERSION)
        }
    }
}

/// The client panics when the process has no TLS provider.
fn install_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another thread may have been faster, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}
