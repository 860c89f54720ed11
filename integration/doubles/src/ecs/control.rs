//! What tests of other processes tell the double, under `/_double/`.

use axum::body::Bytes;
use axum::http::Method;
use axum::response::Response;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Inner;
use super::api;
use super::error::respond;

/// Answers a request on the control path:
///
/// `POST rules` adds a rule, `DELETE rules` ends all; `POST faults`, `DELETE faults`; `POST latency` with `{ calls, millis }`; `POST
/// instances` with `{ cluster, count }`; `GET calls`, `DELETE calls`; `GET violations`; `GET account`; `POST ecs` with
/// `{ operation, input }` asks ECS past all counts.
pub(super) fn answer(inner: &Inner, method: &Method, path: &str, body: &Bytes) -> Response {
    let done = match (method.as_str(), path) {
        ("POST", "rules") => read(body).map(|rule| inner.state().rules.push(rule)),
        ("DELETE", "rules") => {
            inner.state().rules.clear();
            Ok(())
        }
        ("POST", "faults") => read(body).map(|fault| inner.counts.fault(fault)),
        ("DELETE", "faults") => {
            inner.counts.heal();
            Ok(())
        }
        ("POST", "latency") => read::<Latency>(body).map(|latency| {
            inner.counts.delay(&latency.calls, std::time::Duration::from_millis(latency.millis));
        }),
        ("POST", "instances") => read::<Joining>(body)
            .map(|joining| api::join(&mut inner.state(), &joining.cluster, joining.count)),
        ("DELETE", "calls") => {
            inner.counts.forget();
            Ok(())
        }
        ("GET", "calls") => {
            return show(
                &json!({ "counts": inner.counts.counts(), "mostAtOnce": inner.counts.most_at_once() }),
            );
        }
        ("GET", "violations") => return show(&json!(inner.violations())),
        ("GET", "account") => return show(&json!(inner.account)),
        ("POST", "ecs") => match read::<Asking>(body) {
            Ok(Asking { operation, input }) => {
                let answer = api::answer(&mut inner.state(), &operation, &input);
                return show(
                    &answer.unwrap_or_else(|error| json!({ "error": error.code, "message": error.message })),
                );
            }
            Err(error) => Err(error),
        },
        _ => return respond(404, "text/plain", "no such path of the double"),
    };
    match done {
        Ok(()) => respond(204, "text/plain", ""),
        Err(error) => respond(400, "text/plain", error),
    }
}

#[derive(Deserialize)]
struct Latency {
    calls: String,
    millis: u64,
}

#[derive(Deserialize)]
struct Joining {
    cluster: String,
    count: u32,
}

#[derive(Deserialize)]
struct Asking {
    operation: String,
    input: Value,
}

fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

fn show(value: &Value) -> Response {
    respond(200, "application/json", value.to_string())
}
