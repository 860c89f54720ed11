//! How a container's health is asked for.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Duration;

/// The three questions that a platform may ask a container.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Probes {
    /// May it take traffic?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready: Option<Probe>,
    /// Does it still work, or must it be replaced?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live: Option<Probe>,
    /// Has it started? The other two wait for this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub startup: Option<Probe>,
}

/// One question, and how often it is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "ProbeForm", into = "ProbeForm")]
#[schemars(with = "ProbeForm")]
pub struct Probe {
    /// What is asked.
    pub action: ProbeAction,
    /// Time from one question to the next.
    pub period: Option<Duration>,
    /// Time after which no answer is a failure.
    pub timeout: Option<Duration>,
    /// Time from the container's start to the first question.
    pub delay: Option<Duration>,
    /// Failures in a row that change the answer to no.
    pub failures: Option<u32>,
    /// Successes in a row that change the answer to yes.
    pub successes: Option<u32>,
}

/// What a probe asks.
#[derive(Clone, Debug, PartialEq)]
pub enum ProbeAction {
    /// Runs a command in the container; exit code 0 is yes.
    Exec(Vec<String>),
    /// GETs a path; 200–399 is yes.
    Http {
        /// The path, from `/`.
        path: String,
        /// The name of a container port.
        port: String,
        /// Speak TLS, without checking the certificate.
        https: bool,
        /// Extra request headers.
        headers: BTreeMap<String, String>,
    },
    /// Opens a connection.
    Tcp {
        /// The name of a container port.
        port: String,
    },
    /// Asks the standard gRPC health service.
    Grpc {
        /// The name of a container port.
        port: String,
        /// The service asked for; empty is the server as a whole.
        service: String,
    },
}

/// The way a [`Probe`] is written: exactly one of `exec`, `http`, `tcp` and `grpc` is set.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct ProbeForm {
    /// A command to run in the container.
    #[serde(skip_serializing_if = "Option::is_none")]
    exec: Option<Vec<String>>,
    /// A path to GET.
    #[serde(skip_serializing_if = "Option::is_none")]
    http: Option<String>,
    /// Open a connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    tcp: Option<bool>,
    /// The gRPC health service to ask; empty is the server as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    grpc: Option<String>,
    /// The name of a container port.
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<String>,
    /// Speak TLS, with `http`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    https: bool,
    /// Extra request headers, with `http`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    /// Time from one question to the next.
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<Duration>,
    /// Time after which no answer is a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<Duration>,
    /// Time from the container's start to the first question.
    #[serde(skip_serializing_if = "Option::is_none")]
    delay: Option<Duration>,
    /// Failures in a row that change the answer to no.
    #[serde(skip_serializing_if = "Option::is_none")]
    failures: Option<u32>,
    /// Successes in a row that change the answer to yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    successes: Option<u32>,
}

impl ProbeForm {
    fn action(&mut self) -> Result<ProbeAction, String> {
        let port = |port: Option<String>| {
            port.ok_or_else(|| "`port` is missing: the name of a container port".to_owned())
        };
        let tcp = self.tcp == Some(true);
        let action = match (self.exec.take(), self.http.take(), tcp, self.grpc.take()) {
            (Some(command), None, false, None) => ProbeAction::Exec(command),
            (None, Some(path), false, None) => ProbeAction::Http {
                path,
                port: port(self.port.take())?,
                https: std::mem::take(&mut self.https),
                headers: std::mem::take(&mut self.headers),
            },
            (None, None, true, None) => ProbeAction::Tcp { port: port(self.port.take())? },
            (None, None, false, Some(service)) => {
                ProbeAction::Grpc { port: port(self.port.take())?, service }
            }
            _ => return Err("set exactly one of `exec`, `http`, `tcp` and `grpc`".to_owned()),
        };
        if self.port.is_some() {
            return Err("`port` does not go with `exec`".to_owned());
        }
        if self.https || !self.headers.is_empty() {
            return Err("`https` and `headers` go with `http` only".to_owned());
        }
        Ok(action)
    }
}

impl TryFrom<ProbeForm> for Probe {
    type Error = String;

    fn try_from(mut form: ProbeForm) -> Result<Self, String> {
        Ok(Self {
            action: form.action()?,
            period: form.period,
            timeout: form.timeout,
            delay: form.delay,
            failures: form.failures,
            successes: form.successes,
        })
    }
}

impl From<Probe> for ProbeForm {
    fn from(probe: Probe) -> Self {
        let mut form = Self {
            period: probe.period,
            timeout: probe.timeout,
            delay: probe.delay,
            failures: probe.failures,
            successes: probe.successes,
            ..Self::default()
        };
        match probe.action {
            ProbeAction::Exec(command) => form.exec = Some(command),
            ProbeAction::Http { path, port, https, headers } => {
                (form.http, form.port, form.https, form.headers) = (Some(path), Some(port), https, headers);
            }
            ProbeAction::Tcp { port } => (form.tcp, form.port) = (Some(true), Some(port)),
            ProbeAction::Grpc { port, service } => (form.grpc, form.port) = (Some(service), Some(port)),
        }
        form
    }
}
