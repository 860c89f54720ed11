//! The HTTP server: one endpoint for all services.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State as Shared};
use axum::http::request::Parts;
use axum::response::Response;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::calls::Trouble;
use super::effects::{Effect, mirror, require_neighbours};
use super::error::{ApiError, broken, denied, respond, throttled};
use super::request::{Call, Protocol};
use super::{Inner, api, control, engine};
use crate::wire::{Cut, Cuttable};

/// How often it is looked for what is due.
const TICK: Duration = Duration::from_millis(10);
/// More than any request has.
const BODY_LIMIT: usize = 16 << 20;

/// Serves until the token is cancelled.
pub(super) async fn serve(inner: Arc<Inner>, listener: TcpListener, ending: CancellationToken) {
    let router = Router::new().fallback(handle).with_state(Arc::clone(&inner));
    let service = router.into_make_service_with_connect_info::<Cut>();
    tokio::spawn(run(Arc::clone(&inner), ending.clone()));
    let server = axum::serve(Cuttable(listener), service).with_graceful_shutdown(ending.cancelled_owned());
    // It ends with the double, whatever the last connection says.
    let _ = server.await;
}

/// Lets time pass.
async fn run(inner: Arc<Inner>, ending: CancellationToken) {
    let mut ticks = tokio::time::interval(TICK);
    while !ending.is_cancelled() {
        ticks.tick().await;
        let effects = engine::tick(&mut inner.state());
        for effect in effects {
            let inner = Arc::clone(&inner);
            tokio::spawn(async move { carry_out(&inner, effect).await });
        }
    }
}

async fn carry_out(inner: &Inner, effect: Effect) {
    let preparing = match &effect {
        Effect::Prepare { cluster, task, .. } => Some((cluster.clone(), task.clone())),
        _ => None,
    };
    let result = effect.carry_out(&inner.moto_calls).await;
    if let Some((cluster, task)) = preparing
        && let Some(task) =
            inner.state().clusters.get_mut(&cluster).and_then(|cluster| cluster.tasks.get_mut(&task))
    {
        task.prepared = Some(result);
    }
}

async fn handle(
    Shared(inner): Shared<Arc<Inner>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        return respond(413, "text/plain", "the body is too large");
    };
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    if let Some(control) = path.strip_prefix("/_double/") {
        return control::answer(&inner, &parts.method, control, &body);
    }
    let Some(mut call) = Call::read(&parts.method, parts.uri.path(), &parts.headers, &body) else {
        return respond(403, "text/plain", "no request of an AWS client");
    };
    if call.protocol == Protocol::RestJson
        && let Some(model) = inner.models.of(&call.service)
        && let Some(operation) = model.operation_at(&parts.method, parts.uri.path())
    {
        operation.clone_into(&mut call.operation);
    }
    answer(&inner, &cut, &call, Sent { parts, path, body }).await
}

/// A request that was read.
struct Sent {
    parts: Parts,
    path: String,
    body: Bytes,
}

async fn answer(inner: &Inner, cut: &Cut, call: &Call, sent: Sent) -> Response {
    let begun = inner.counts.begin(call);
    if let Some(model) = inner.models.of(&call.service) {
        inner.note(model.check_request(call, &sent.path, &sent.body));
    }
    tokio::time::sleep(begun.latency).await;
    match begun.trouble {
        Some(Trouble::Throttled) => throttled(call.protocol),
        Some(Trouble::Denied) => denied(call.protocol),
        Some(Trouble::Internal) => broken(call.protocol),
        Some(Trouble::Reset) => broken_off(cut),
        Some(Trouble::Silent { millis }) => {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            broken_off(cut)
        }
        Some(Trouble::AnswerLost) => {
            carry(inner, call, sent).await;
            broken_off(cut)
        }
        None => carry(inner, call, sent).await,
    }
}

fn broken_off(cut: &Cut) -> Response {
    cut.cut();
    Response::new(Body::empty())
}

async fn carry(inner: &Inner, call: &Call, sent: Sent) -> Response {
    if call.service == "ecs" {
        return carry_ecs(inner, call, &sent.body).await;
    }
    let Sent { parts, path, body } = sent;
    let account = &inner.account.account;
    match inner.moto.forward(account, parts.method, &path, &parts.headers, body).await {
        Ok((status, headers, body)) => {
            let mut response = Response::new(Body::from(body));
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            response
        }
        Err(error) => respond(502, "text/plain", format!("moto does not answer: {error}")),
    }
}

async fn carry_ecs(inner: &Inner, call: &Call, body: &[u8]) -> Response {
    let input: Value = serde_json::from_slice(body).unwrap_or_default();
    let operation = call.operation.as_str();
    if ["CreateService", "UpdateService"].contains(&operation)
        && let Err((code, message)) = require_neighbours(&inner.moto_calls, &input).await
    {
        return refuse(inner, operation, &ApiError::new(code, message));
    }
    let answer = api::answer(&mut inner.state(), operation, &input);
    match answer {
        Ok(answer) => {
            if ["CreateService", "DeleteService"].contains(&operation) {
                mirror(&inner.moto_calls, operation, &input).await;
            }
            if let Some(model) = inner.models.of("ecs") {
                inner.note(model.check_answer(operation, &answer));
            }
            respond(200, "application/x-amz-json-1.1", answer.to_string())
        }
        Err(error) => refuse(inner, operation, &error),
    }
}

fn refuse(inner: &Inner, operation: &str, error: &ApiError) -> Response {
    if error.code == "UnknownOperationException" {
        inner.note(vec![error.message.clone()]);
    } else if inner.models.of("ecs").is_some_and(|model| !model.may_fail_with(operation, error.code)) {
        inner.note(vec![format!("{operation} never ends with {}", error.code)]);
    }
    error.response()
}
