//! One call of a server's API.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

/// One call of a server's API: what is sent, and how long the answer may take.
///
/// Documents are sent and received as they are, so a field that nobody here knows is never lost on the way.
pub(crate) struct Call {
    pub(super) operation: &'static str,
    pub(super) service: Service,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) body: Body,
    pub(super) accept: &'static str,
    pub(super) timeout: Duration,
}

/// What is sent. It may be secret, so it is never shown.
#[derive(Clone)]
pub(super) enum Body {
    Nothing,
    Json(Value),
    Bytes(Vec<u8>),
}

/// Which server is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Service {
    /// Marathon.
    Marathon,
    /// Metronome.
    Metronome,
    /// Chronos.
    Chronos,
    /// The secret store.
    Secrets,
    /// The DC/OS cluster itself, whose Admin Router leads to Mesos and its agents.
    Cluster,
    /// A server at an address that Marathon or Mesos told; no credentials go there.
    Told(String),
}

impl Service {
    /// Its name, for people.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Marathon => "Marathon",
            Self::Metronome => "Metronome",
            Self::Chronos => "Chronos",
            Self::Secrets => "the secret store",
            Self::Cluster => "DC/OS",
            Self::Told(_) => "Mesos",
        }
    }
}

const TIMEOUT: Duration = Duration::from_mins(1);

impl Call {
    fn new(method: Method, operation: &'static str, path: impl Into<String>) -> Self {
        Self {
            operation,
            service: Service::Marathon,
            method,
            path: path.into(),
            query: Vec::new(),
            body: Body::Nothing,
            accept: "application/json",
            timeout: TIMEOUT,
        }
    }

    /// Reads from Marathon. `operation` says what for, in errors: `list the apps`.
    pub(crate) fn get(operation: &'static str, path: impl Into<String>) -> Self {
        Self::new(Method::GET, operation, path)
    }

    /// Makes something.
    pub(crate) fn post(operation: &'static str, path: impl Into<String>, body: Value) -> Self {
        Self { body: Body::Json(body), ..Self::new(Method::POST, operation, path) }
    }

    /// Makes or changes something as a whole.
    pub(crate) fn put(operation: &'static str, path: impl Into<String>, body: Value) -> Self {
        Self { body: Body::Json(body), ..Self::new(Method::PUT, operation, path) }
    }

    /// Makes or changes something that is no document.
    pub(crate) fn put_bytes(operation: &'static str, path: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self { body: Body::Bytes(bytes), ..Self::new(Method::PUT, operation, path) }
    }

    /// Removes.
    pub(crate) fn delete(operation: &'static str, path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, operation, path)
    }

    /// Calls another server than Marathon.
    pub(crate) fn of(mut self, service: Service) -> Self {
        self.service = service;
        self
    }

    /// Adds a parameter.
    pub(crate) fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// Says which type of answer is taken.
    pub(crate) fn accept(mut self, accept: &'static str) -> Self {
        self.accept = accept;
        self
    }

    /// Bounds how long the answer may take.
    pub(crate) fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}
