//! The secret store of DC/OS: `/secrets/v1/secret/{store}/{path}`.
//!
//! Source: DC/OS documentation, secrets API.

use std::collections::BTreeMap;
use std::fmt;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::request::{Answer, Answered, Request};

/// The secrets, by path.
#[derive(Default)]
pub(super) struct Secrets(BTreeMap<String, Value>);

impl fmt::Debug for Secrets {
    /// Paths only.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

impl Secrets {
    /// Every path.
    pub(super) fn paths(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    /// Keeps a value.
    pub(super) fn put(&mut self, path: &str, value: &str) {
        self.0.insert(path.to_owned(), json!({ "value": value }));
    }

    /// The value of a secret.
    pub(super) fn value(&self, path: &str) -> Option<&Value> {
        self.0.get(path)
    }

    /// Answers a call whose path after the store is given.
    pub(super) fn answer(&mut self, request: &Request, path: &str) -> Answered {
        match request.method {
            Method::GET if request.says("list") => {
                let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
                let below: Vec<&str> =
                    self.0.keys().filter_map(|key| key.strip_prefix(prefix.as_str())).collect();
                if below.is_empty() && !path.is_empty() {
                    return Err(unknown(path));
                }
                Ok(Answer::ok(json!({ "array": below })))
            }
            Method::GET => self.0.get(path).cloned().map(Answer::ok).ok_or_else(|| unknown(path)),
            Method::PUT if self.0.contains_key(path) => {
                let message = format!("Secret {path} already exists");
                Err(Answer::json(
                    StatusCode::CONFLICT,
                    json!({ "code": 409, "error": "SecretAlreadyExists", "message": message }),
                ))
            }
            Method::PUT => {
                self.0.insert(path.to_owned(), content(request)?);
                Ok(Answer::empty(StatusCode::CREATED))
            }
            Method::PATCH => {
                let content = content(request)?;
                *self.0.get_mut(path).ok_or_else(|| unknown(path))? = content;
                Ok(Answer::empty(StatusCode::NO_CONTENT))
            }
            Method::DELETE => {
                self.0.remove(path).ok_or_else(|| unknown(path))?;
                Ok(Answer::empty(StatusCode::NO_CONTENT))
            }
            _ => Err(Answer::wrong_method()),
        }
    }
}

/// Text in JSON, or a file as it is.
fn content(request: &Request) -> Result<Value, Answer> {
    let is_file = request
        .headers
        .get("content-type")
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/octet-stream"));
    if is_file {
        use base64::Engine as _;
        let text = base64::engine::general_purpose::STANDARD.encode(&request.body);
        return Ok(json!({ "value": text, "binary": true }));
    }
    let body = request.json()?;
    let value = body["value"].as_str().ok_or_else(|| {
        let error = json!({ "code": 400, "error": "InvalidSecret", "message": "value: expected a string" });
        Answer::json(StatusCode::BAD_REQUEST, error)
    })?;
    Ok(json!({ "value": value }))
}

fn unknown(path: &str) -> Answer {
    let message = format!("Secret {path} not found");
    Answer::json(StatusCode::NOT_FOUND, json!({ "code": 404, "error": "SecretNotFound", "message": message }))
}
