//! The server: who may call, what goes wrong, and what is noted of each call.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Query, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::AbortHandle;

use super::control;
use super::fault::{Fault, Faults};
use super::options::Options;
use super::raml::Types;
use super::request::{Answer, Content, Request};
use super::routes;
use super::world::World;
use crate::wire::{Cut, Cuttable};

/// How often time passes.
const TICK: Duration = Duration::from_millis(5);

/// What all calls share.
#[derive(Debug)]
pub(super) struct Shared {
    world: Mutex<World>,
    faults: Mutex<Faults>,
    violations: Mutex<Vec<String>>,
    types: Option<Types>,
    user: Option<String>,
    token: Option<String>,
}

impl Shared {
    /// The state of the cluster.
    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Faults and counts.
    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What of requests and answers the published types do not take.
    pub(super) fn violations(&self) -> Vec<String> {
        self.violations.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, found: Vec<String>) {
        self.violations.lock().unwrap_or_else(PoisonError::into_inner).extend(found);
    }

    fn is_authenticated(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let is_user = self.user.as_ref().is_none_or(|user| {
            given.and_then(|given| given.strip_prefix("Basic ")).is_some_and(|given| given == user)
        });
        let is_token = self.token.as_ref().is_none_or(|token| {
            given.and_then(|given| given.strip_prefix("token=")).is_some_and(|given| given == token)
        });
        is_user && is_token
    }
}

/// Doubles serve beside whatever runtime a test has.
static RUNTIME: LazyLock<io::Result<Runtime>> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build());

/// A server that runs.
#[derive(Debug)]
pub(super) struct Running {
    /// Where it listens.
    pub(super) address: SocketAddr,
    /// What its calls share.
    pub(super) shared: Arc<Shared>,
    tasks: Vec<AbortHandle>,
}

impl Drop for Running {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Starts the server.
///
/// # Errors
/// When the address is taken, or the types cannot be read.
pub(super) fn start(options: Options) -> io::Result<Running> {
    let types = options.types.as_deref().map(Types::read).transpose()?;
    let basic = |(user, password): &(String, String)| {
        base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"))
    };
    let listener = std::net::TcpListener::bind(options.listen)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let shared = Arc::new(Shared {
        user: options.user.as_ref().map(basic),
        token: options.token.clone(),
        world: Mutex::new(World::new(options)),
        faults: Mutex::new(Faults::default()),
        violations: Mutex::new(Vec::new()),
        types,
    });
    let runtime = RUNTIME.as_ref().map_err(|error| io::Error::other(error.to_string()))?;
    let serving = runtime.spawn(serve(listener, Arc::clone(&shared)));
    let ticking = runtime.spawn(tick(Arc::clone(&shared)));
    Ok(Running { address, shared, tasks: vec![serving.abort_handle(), ticking.abort_handle()] })
}

async fn serve(listener: std::net::TcpListener, shared: Arc<Shared>) {
    let router = Router::new().fallback(handle).with_state(shared);
    let service = router.into_make_service_with_connect_info::<Cut>();
    if let Ok(listener) = TcpListener::from_std(listener) {
        // It serves until its task is aborted, and has no error to tell.
        let _ = axum::serve(Cuttable(listener), service).await;
    }
}

async fn tick(shared: Arc<Shared>) {
    let mut interval = tokio::time::interval(TICK);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        shared.world().advance(Instant::now());
    }
}

async fn handle(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let query = Query::<Vec<(String, String)>>::try_from_uri(&uri).map(|query| query.0).unwrap_or_default();
    let path = percent_encoding::percent_decode_str(uri.path()).decode_utf8_lossy().into_owned();
    let segments = path.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect();
    let request = Request { method, path: segments, query, headers, body: body.to_vec() };
    if let Some(("_double", rest)) = request.segments().split_first().map(|(first, rest)| (*first, rest)) {
        return respond(control::answer(&shared, &request, rest).unwrap_or_else(|answer| answer));
    }
    let (fault, latency) = {
        let mut faults = shared.faults();
        (faults.begin(request.method.as_str(), &place(&request, path)), faults.latency)
    };
    let response = carry_out(&shared, &request, (fault, latency), &cut).await;
    shared.faults().end();
    response
}

/// Where a call is, as [`super::FaultRule::path`] tells it.
fn place(request: &Request, path: String) -> String {
    let body: Option<Value> =
        (request.method == Method::POST).then(|| serde_json::from_slice(&request.body).ok()).flatten();
    match body.as_ref().and_then(|body| body["id"].as_str()) {
        Some(id) => format!("{path} {id}"),
        None => path,
    }
}

async fn carry_out(
    shared: &Shared,
    request: &Request,
    (fault, latency): (Option<Fault>, Duration),
    cut: &Cut,
) -> Response {
    tokio::time::sleep(latency).await;
    match fault {
        Some(Fault::Status(code)) => {
            let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            return respond(Answer::message(status, status.canonical_reason().unwrap_or("failed")));
        }
        Some(Fault::Timeout(milliseconds)) => {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            cut.cut();
            return Response::new(Body::empty());
        }
        Some(Fault::Reset) => {
            cut.cut();
            return Response::new(Body::empty());
        }
        Some(Fault::LostAnswer | Fault::Slow(_)) | None => {}
    }
    let response = answer(shared, request);
    match fault {
        Some(Fault::LostAnswer) => cut.cut(),
        Some(Fault::Slow(milliseconds)) => tokio::time::sleep(Duration::from_millis(milliseconds)).await,
        _ => {}
    }
    response
}

fn answer(shared: &Shared, request: &Request) -> Response {
    if !shared.is_authenticated(&request.headers) {
        let answer = Answer::message(StatusCode::UNAUTHORIZED, "Invalid username or password.");
        return respond(answer.with("WWW-Authenticate", "Basic realm=\"Mesosphere\""));
    }
    let segments = request.segments();
    if let [.., "v2", "events"] = segments.as_slice() {
        let accepts =
            request.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
        if !accepts.contains("text/event-stream") {
            return respond(Answer::message(
                StatusCode::METHOD_NOT_ALLOWED,
                "HTTP method GET is not supported by this URL",
            ));
        }
        return shared.world().events.stream(request);
    }
    let answer = {
        let mut world = shared.world();
        let answer = routes::answer(&mut world, request).unwrap_or_else(|answer| answer);
        // What follows at once is seen by the next call, however fast it comes.
        world.advance(Instant::now());
        answer
    };
    if let Some(types) = &shared.types {
        // What is refused for being wrong has been told so already.
        let is_refused = [StatusCode::BAD_REQUEST, StatusCode::UNPROCESSABLE_ENTITY].contains(&answer.status);
        if !is_refused {
            shared.note(types.check_request(request));
        }
        shared.note(types.check_answer(request, &answer));
    }
    respond(answer)
}

/// Carries out a call that comes over no connection.
pub(super) fn call(shared: &Shared, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let request = Request {
        method: method.parse().unwrap_or(Method::GET),
        path: path.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect(),
        query: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        headers: HeaderMap::new(),
        body: body.to_string().into_bytes(),
    };
    let answer = routes::answer(&mut shared.world(), &request).unwrap_or_else(|answer| answer);
    match answer.content {
        Content::Json(body) => (answer.status.as_u16(), body),
        Content::None | Content::Text(_) => (answer.status.as_u16(), Value::Null),
    }
}

fn respond(answer: Answer) -> Response {
    let mut response = match answer.content {
        Content::None => answer.status.into_response(),
        Content::Json(body) => (answer.status, axum::Json(body)).into_response(),
        Content::Text(text) => (answer.status, text).into_response(),
    };
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) =
            (name.parse::<header::HeaderName>(), value.parse::<header::HeaderValue>())
        {
            response.headers_mut().insert(name, value);
        }
    }
    if response.status() == StatusCode::SERVICE_UNAVAILABLE
        || response.status() == StatusCode::TOO_MANY_REQUESTS
    {
        response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("0"));
    }
    response
}
