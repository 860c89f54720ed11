//! Marathon, and what is beside it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, Method, RequestBuilder, Response, Url};
use rhumb_backend::{Error, ErrorKind, Result, reread};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;

use super::call::Body;
use super::client::client;
use super::endpoint::address;
use super::redirect::{self, HOPS};
use super::{Call, Credentials, Endpoint, Environment, Service, Settings};
use crate::error::{absent, answered, no_marathon, sent_on, transport, unexpected};

/// Marathon, and what is beside it, connected to when it is first asked for something.
#[derive(Debug)]
pub(crate) struct Server {
    settings: Settings,
    environment: Environment,
    connected: OnceCell<Connected>,
    /// Deployments that were begun here, which are thus our own.
    begun: Mutex<BTreeSet<String>>,
}

/// Servers that answered.
#[derive(Debug)]
struct Connected {
    client: Client,
    endpoint: Endpoint,
    info: Info,
    /// The master that answered last.
    current: AtomicUsize,
}

/// What Marathon says of itself.
///
/// Source: Marathon REST API, `MarathonInfo`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Info {
    /// Its version: `1.11.24`.
    pub(crate) version: String,
    /// The master that leads: `host:port`.
    pub(crate) leader: Option<String>,
    /// Its settings.
    pub(crate) marathon_config: Config,
}

/// Marathon's own settings.
///
/// Source: Marathon REST API, `MarathonConfig`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Config {
    /// Features that are switched on: `secrets`, `external_volumes`, `gpu_resources`.
    pub(crate) features: Option<Vec<String>>,
    /// The network of apps that name none.
    pub(crate) default_network_name: Option<String>,
    /// The address of the Mesos master.
    pub(crate) mesos_leader_ui_url: Option<String>,
}

/// An answer.
pub(crate) struct Answer {
    /// Its headers.
    pub(crate) headers: HeaderMap,
    /// Its body.
    pub(crate) body: Vec<u8>,
}

/// The first answer decides whether there is a Marathon at all, so it is waited for less long.
const GREETING: Duration = Duration::from_secs(20);
const CONNECT: &str = "connect to Marathon";

impl Server {
    /// The server that a target and the environment name.
    pub(crate) fn new(settings: Settings, environment: Environment) -> Self {
        Self { settings, environment, connected: OnceCell::new(), begun: Mutex::default() }
    }

    /// What the target says.
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Where the servers are. Reads files of the DC/OS CLI, and connects to nothing.
    ///
    /// # Errors
    /// What [`Endpoint::resolve`] says.
    pub(crate) fn endpoint(&self) -> Result<Endpoint> {
        Endpoint::resolve(&self.settings, &self.environment)
    }

    /// What Marathon said of itself when it was first called.
    ///
    /// # Errors
    /// `Unreachable`, `Unauthenticated`, `Forbidden`, `Timeout`; what [`Endpoint::resolve`] says.
    pub(crate) async fn info(&self) -> Result<&Info> {
        Ok(&self.connected().await?.info)
    }

    /// Remembers a deployment that was begun here.
    pub(crate) fn has_begun(&self, deployment: &str) {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).insert(deployment.to_owned());
    }

    /// Whether a deployment was begun here.
    pub(crate) fn began(&self, deployment: &str) -> bool {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).contains(deployment)
    }

    /// Whether a server is named or follows from Marathon's address. Whether it answers is another matter.
    ///
    /// # Errors
    /// `Invalid` for an address that is none.
    pub(crate) fn has(&self, service: &Service) -> Result<bool> {
        Ok(!self.bases(&self.endpoint()?, service)?.is_empty())
    }

    /// Makes a call. One that only reads is made again when the answer is one that passes.
    ///
    /// # Errors
    /// What the server answers, in the words of the contract; `Unsupported` for a server that is not there.
    pub(crate) async fn send(&self, call: Call) -> Result<Answer> {
        let connected = self.connected().await?;
        if call.method == Method::GET {
            return Box::pin(reread(|| self.exchange(connected, &call))).await;
        }
        self.exchange(connected, &call).await
    }

    async fn exchange(&self, connected: &Connected, call: &Call) -> Result<Answer> {
        // On the heap: a call is large, and many are made at one time.
        let sent = Box::pin(async { whole(call, self.open_on(connected, call).await?).await });
        match tokio::time::timeout(call.timeout, sent).await {
            Ok(answer) => answer,
            Err(_) => Err(crate::error::timeout(call.operation, &call.service)),
        }
    }

    /// Makes a call and reads its answer.
    ///
    /// # Errors
    /// As [`Self::send`]; `Platform` when the answer is of another shape than expected.
    pub(crate) async fn json<T: DeserializeOwned>(&self, call: Call) -> Result<T> {
        let (operation, service) = (call.operation, call.service.clone());
        let answer = self.send(call).await?;
        serde_json::from_slice(&answer.body)
            .map_err(|error| unexpected(operation, &service, &error.to_string()))
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

    /// Makes a call whose answer comes bit by bit.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub(crate) async fn open(&self, call: &Call) -> Result<Response> {
        let connected = self.connected().await?;
        let opened = tokio::time::timeout(call.timeout, self.open_on(connected, call)).await;
        opened.unwrap_or_else(|_| Err(crate::error::timeout(call.operation, &call.service)))
    }

    async fn connected(&self) -> Result<&Connected> {
        self.connected.get_or_try_init(|| self.connect()).await
    }

    async fn connect(&self) -> Result<Connected> {
        let endpoint = self.endpoint()?;
        let client = client(&endpoint, &self.environment)?;
        let mut connected =
            Connected { client, endpoint, info: Info::default(), current: AtomicUsize::new(0) };
        let from = connected.endpoint.source;
        let call = Call::get(CONNECT, "/v2/info").timeout(GREETING);
        let greeted = async { whole(&call, self.open_on(&connected, &call).await?).await };
        let answer = tokio::time::timeout(GREETING, greeted)
            .await
            .unwrap_or_else(|_| Err(crate::error::timeout(CONNECT, &Service::Marathon)));
        let about = |error: Error| error.with("address", connected.endpoint.shown()).with("from", from);
        let answer = answer.map_err(|error| about(no_marathon(error)))?;
        let info: Info = serde_json::from_slice(&answer.body).map_err(|_| {
            about(no_marathon(unexpected(CONNECT, &Service::Marathon, "it does not tell a version")))
        })?;
        connected.info = info;
        Ok(connected)
    }

    /// The addresses of a server; none where it is not there.
    fn bases(&self, endpoint: &Endpoint, service: &Service) -> Result<Vec<Url>> {
        let beside = |path: &str| {
            let cluster = endpoint.cluster.iter();
            cluster.filter_map(|cluster| beside(cluster, path)).collect::<Vec<_>>()
        };
        let named = |setting: &Option<String>, source: &'static str| {
            setting.as_deref().map(|url| address(url, source).map(|url| vec![url])).transpose()
        };
        let settings = &self.settings;
        Ok(match service {
            Service::Marathon => endpoint.masters.clone(),
            Service::Cluster => beside(""),
            Service::Metronome => named(&settings.metronome, "the target's metronome")?
                .unwrap_or_else(|| beside("/service/metronome")),
            Service::Chronos => named(&settings.chronos, "the target's chronos")?.unwrap_or_default(),
            Service::Secrets => named(&settings.secret_store, "the target's secretStore")?
                .unwrap_or_else(|| beside("/secrets/v1")),
            Service::Told(url) => vec![address(url, "Mesos")?],
        })
    }

    /// Makes a call on the first of the server's addresses that can be reached, and returns an answer that is no error.
    async fn open_on(&self, connected: &Connected, call: &Call) -> Result<Response> {
        let bases = self.bases(&connected.endpoint, &call.service)?;
        if bases.is_empty() {
            return Err(absent(call.operation, &call.service));
        }
        let first = connected.current.load(Ordering::Relaxed);
        let mut last = None;
        for turn in 0..bases.len() {
            let index = (first + turn) % bases.len();
            let failed = match connected.follow(call, &bases[index], &bases).await {
                Ok(response) => {
                    connected.lead(call, index);
                    return Ok(response);
                }
                Err(failed) => failed,
            };
            if matches!(failed.error.kind, ErrorKind::Unreachable | ErrorKind::Timeout) {
                connected.lead(call, index + 1);
            }
            last = Some(failed.error);
            // What was never sent may go to the next one; else whoever calls decides whether to send it again.
            if !failed.is_unsent {
                break;
            }
        }
        Err(last.unwrap_or_else(|| absent(call.operation, &call.service)))
    }
}

/// An address below that of the cluster.
fn beside(cluster: &Url, path: &str) -> Option<Url> {
    format!("{}{path}", cluster.as_str().trim_end_matches('/')).parse().ok()
}

/// Why a call on one address failed.
struct Failed {
    error: Error,
    /// Nobody was there to send it to.
    is_unsent: bool,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { error, is_unsent: false }
    }
}

impl Connected {
    fn lead(&self, call: &Call, index: usize) {
        if call.service == Service::Marathon {
            self.current.store(index, Ordering::Relaxed);
        }
    }

    /// Makes a call, and goes where it is sent on to.
    async fn follow(&self, call: &Call, base: &Url, known: &[Url]) -> Result<Response, Failed> {
        let place = format!("{}{}", base.as_str().trim_end_matches('/'), call.path);
        let mut url: Url = place
            .parse()
            .map_err(|_| unexpected(call.operation, &call.service, "an id that fits no address"))?;
        let mut credentials = self.credentials(&call.service);
        for _ in 0..HOPS {
            let response = self.once(call, &url, credentials).await?;
            let status = response.status().as_u16();
            let Some(to) = redirect::target(&url, status, response.headers()) else {
                return Ok(judged(call, response).await?);
            };
            if !redirect::is_trusted(&to, known, self.info.leader.as_deref()) {
                if *credentials != Credentials::None {
                    let host = to.host_str().unwrap_or_default();
                    return Err(sent_on(call.operation, &call.service, host).into());
                }
                credentials = &Credentials::None;
            }
            url = to;
        }
        Err(unexpected(call.operation, &call.service, "it sends us on again and again").into())
    }

    fn credentials(&self, service: &Service) -> &Credentials {
        if matches!(service, Service::Told(_)) { &Credentials::None } else { &self.endpoint.credentials }
    }

    async fn once(&self, call: &Call, url: &Url, credentials: &Credentials) -> Result<Response, Failed> {
        let request = self.client.request(call.method.clone(), url.clone()).header(ACCEPT, call.accept);
        let request = if call.query.is_empty() { request } else { request.query(&call.query) };
        let request = match call.body.clone() {
            Body::Nothing => request,
            Body::Json(body) => request.header(CONTENT_TYPE, "application/json").body(body.to_string()),
            Body::Bytes(bytes) => request.header(CONTENT_TYPE, "application/octet-stream").body(bytes),
        };
        authorized(request, credentials).send().await.map_err(|error| Failed {
            error: transport(call.operation, &call.service, url, &error),
            is_unsent: error.is_connect(),
        })
    }
}

/// Source: DC/OS documentation, "Authentication HTTP API endpoint": `Authorization: token=<token>`.
fn authorized(request: RequestBuilder, credentials: &Credentials) -> RequestBuilder {
    match credentials {
        Credentials::None => request,
        Credentials::Basic { user, password } => request.basic_auth(user, Some(password)),
        Credentials::Token(token) => match HeaderValue::from_str(&format!("token={token}")) {
            Ok(mut value) => {
                value.set_sensitive(true);
                request.header(AUTHORIZATION, value)
            }
            // A token with line breaks in it is none; the server says so.
            Err(_) => request,
        },
    }
}

/// The answer, if it is no error.
async fn judged(call: &Call, response: Response) -> Result<Response> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let body = response.bytes().await.unwrap_or_default();
    Err(answered(call.operation, &call.service, status.as_u16(), &body))
}

async fn whole(call: &Call, response: Response) -> Result<Answer> {
    let (headers, url) = (response.headers().clone(), response.url().clone());
    let body =
        response.bytes().await.map_err(|error| transport(call.operation, &call.service, &url, &error))?;
    Ok(Answer { headers, body: body.to_vec() })
}
