//! What is asked and what is answered.

use axum::http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};

/// A call, with its path in decoded segments.
#[derive(Debug)]
pub(super) struct Request {
    /// The method.
    pub(super) method: Method,
    /// The segments of the path that are not empty.
    pub(super) path: Vec<String>,
    /// The parameters, in order.
    pub(super) query: Vec<(String, String)>,
    /// The headers.
    pub(super) headers: HeaderMap,
    /// The body as it came.
    pub(super) body: Vec<u8>,
}

/// An answer, or an answer that ends the work early.
pub(super) type Answered = Result<Answer, Answer>;

/// What a call is answered with.
#[derive(Debug)]
pub(super) struct Answer {
    /// The status.
    pub(super) status: StatusCode,
    /// Headers beside the content's own.
    pub(super) headers: Vec<(&'static str, String)>,
    /// The body.
    pub(super) content: Content,
}

/// The body of an answer.
#[derive(Debug)]
pub(super) enum Content {
    /// No body.
    None,
    /// JSON.
    Json(Value),
    /// Plain text.
    Text(String),
}

impl Request {
    /// The first value of a parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every value of a parameter.
    pub(super) fn parameters<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.query.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether a parameter says `true`, in any case, as Java reads it.
    pub(super) fn says(&self, name: &str) -> bool {
        self.parameter(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// The segments as text slices, to match on.
    pub(super) fn segments(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// 400, as the servers answer what is no JSON.
    pub(super) fn json(&self) -> Result<Value, Answer> {
        serde_json::from_slice(&self.body).map_err(|error| {
            Answer::json(
                StatusCode::BAD_REQUEST,
                json!({ "message": "Invalid JSON", "details": error.to_string() }),
            )
        })
    }
}

impl Answer {
    /// An answer with a JSON body.
    pub(super) fn json(status: StatusCode, body: Value) -> Self {
        Self { status, headers: Vec::new(), content: Content::Json(body) }
    }

    /// 200 with a JSON body.
    pub(super) fn ok(body: Value) -> Self {
        Self::json(StatusCode::OK, body)
    }

    /// 201 with a JSON body.
    pub(super) fn created(body: Value) -> Self {
        Self::json(StatusCode::CREATED, body)
    }

    /// No body at all.
    pub(super) fn empty(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), content: Content::None }
    }

    /// Plain text.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self { status: StatusCode::OK, headers: Vec::new(), content: Content::Text(text.into()) }
    }

    /// The servers' usual error: a message.
    pub(super) fn message(status: StatusCode, message: impl Into<String>) -> Self {
        Self::json(status, json!({ "message": message.into() }))
    }

    /// 404 with a message.
    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::message(StatusCode::NOT_FOUND, message)
    }

    /// 405, for what the path does not take.
    pub(super) fn wrong_method() -> Self {
        Self::message(StatusCode::METHOD_NOT_ALLOWED, "HTTP 405 Method Not Allowed")
    }

    /// With a header.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}
