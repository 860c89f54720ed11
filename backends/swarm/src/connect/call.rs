//! One call of the Engine API.

use std::time::Duration;

use bollard::{BollardRequest, body_stream};
use http::uri::{PathAndQuery, Uri};
use http::{HeaderValue, Method};
use rhumb_backend::{Error, ErrorKind, Result};
use serde_json::Value;

/// One call of the Engine API: what is sent, and how long the answer may take.
///
/// Documents are sent and received as they are, so a field that a library does not know is never lost on the way.
pub(crate) struct Call {
    pub(super) operation: &'static str,
    pub(super) timeout: Duration,
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    auth: Option<String>,
    body: Option<Value>,
}

const TIMEOUT: Duration = Duration::from_mins(1);

impl Call {
    fn new(method: Method, operation: &'static str, path: impl Into<String>) -> Self {
        Self {
            operation,
            timeout: TIMEOUT,
            method,
            path: path.into(),
            query: Vec::new(),
            auth: None,
            body: None,
        }
    }

    /// Reads. `operation` says what for, in errors: `list services`.
    pub(crate) fn get(operation: &'static str, path: impl Into<String>) -> Self {
        Self::new(Method::GET, operation, path)
    }

    /// Writes a document.
    pub(crate) fn post(operation: &'static str, path: impl Into<String>, body: Value) -> Self {
        Self { body: Some(body), ..Self::new(Method::POST, operation, path) }
    }

    /// Removes.
    pub(crate) fn delete(operation: &'static str, path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, operation, path)
    }

    /// Adds a parameter.
    pub(crate) fn query(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.query.push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Adds filters: lists of values by name, all of which must hold.
    pub(crate) fn filters(self, filters: &Value) -> Self {
        self.query("filters", filters.to_string())
    }

    /// Adds credentials for the image's registry, in the form of `X-Registry-Auth`.
    pub(crate) fn auth(mut self, auth: Option<String>) -> Self {
        self.auth = auth;
        self
    }

    /// Bounds how long the answer may take.
    pub(crate) fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Makes the function that turns any request of the client into this call's.
    pub(super) fn into_modifier(
        self,
        prefix: &str,
    ) -> Result<impl Fn(BollardRequest) -> BollardRequest + use<>> {
        let invalid = |message: String| Error::new(ErrorKind::Invalid, self.operation, message);
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.query).finish();
        let mark = if query.is_empty() { "" } else { "?" };
        let target = format!("{prefix}{}{mark}{query}", self.path);
        let target: PathAndQuery = target.parse().map_err(|error| invalid(format!("{target}: {error}")))?;
        let auth = self.auth.map(|auth| HeaderValue::from_str(&auth)).transpose();
        let mut auth = auth.map_err(|error| invalid(format!("the registry's credentials: {error}")))?;
        if let Some(auth) = &mut auth {
            auth.set_sensitive(true);
        }
        let body = self.body.map(|body| body.to_string().into_bytes());
        let method = self.method;
        Ok(move |mut request: BollardRequest| {
            *request.method_mut() = method.clone();
            *request.uri_mut() = aim(request.uri(), &target);
            if let Some(auth) = &auth {
                request.headers_mut().insert("X-Registry-Auth", auth.clone());
            }
            if let Some(body) = body.clone() {
                // A stream, because the client writes whole bodies into its trace, and some hold secrets.
                *request.body_mut() =
                    body_stream(futures_util::stream::once(std::future::ready(body.into())));
            }
            request
        })
    }
}

/// The same engine, another path.
fn aim(uri: &Uri, target: &PathAndQuery) -> Uri {
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(target.clone());
    // The parts stay as complete as they were, so this cannot fail; a call without a scheme would be refused.
    Uri::from_parts(parts).unwrap_or_default()
}
