//! What the servers' answers mean.

use std::error::Error as StdError;

use reqwest::Url;
use rhumb_backend::{Error, ErrorKind, Retry};
use serde::Deserialize;
use serde_json::Value;

use crate::connect::Service;

/// The key under which an error of a lock has the deployments that hold it.
pub(crate) const DEPLOYMENT: &str = "deployment";

/// An answer with an error status, as Marathon, Metronome and the secret store write it.
///
/// Source: Marathon REST API, `Error`; `AppLockedException` adds the deployments. DC/OS secrets API: `title` and
/// `description`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Told {
    message: Option<Value>,
    title: Option<String>,
    description: Option<String>,
    details: Vec<Detail>,
    deployments: Vec<Deployment>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Detail {
    path: Option<String>,
    message: Option<String>,
    errors: Vec<Value>,
}

#[derive(Debug, Deserialize)]
struct Deployment {
    id: String,
}

/// What an answer with an error status means.
///
/// A 409 is a lock when it names deployments; else the thing is there already. What the secret store says is not
/// repeated but for its title and description, since an answer might repeat what was sent.
pub(crate) fn answered(operation: &str, service: &Service, status: u16, body: &[u8]) -> Error {
    let told: Option<Told> = serde_json::from_slice(body).ok();
    let Some(told) = told else { return unworded(operation, service, status, body) };
    let message = told.text().unwrap_or_else(|| format!("{} answered HTTP {status}", service.name()));
    let kind = kind_of(status, &message, !told.deployments.is_empty());
    let mut error = Error::new(kind, operation, message).retry(retry_of(kind, status));
    for deployment in told.deployments {
        error = error.with(DEPLOYMENT, deployment.id);
    }
    match remedy(kind, service) {
        Some(remedy) => error.remedy(remedy),
        None => error,
    }
}

impl Told {
    fn text(&self) -> Option<String> {
        let own = match &self.message {
            Some(Value::String(text)) => Some(text.clone()),
            Some(other) if !other.is_null() => Some(other.to_string()),
            _ => self.title.clone(),
        };
        let mut text = own?;
        let described = self.description.iter().cloned();
        let more: Vec<String> = self
            .details
            .iter()
            .filter_map(Detail::text)
            .chain(described)
            .filter(|more| *more != text)
            .collect();
        if !more.is_empty() {
            text = format!("{text}: {}", more.join("; "));
        }
        Some(text)
    }
}

impl Detail {
    /// `upgradeStrategy.minimumHealthCapacity is greater than 1`.
    fn text(&self) -> Option<String> {
        let path = self.path.as_deref().map(|path| path.trim_start_matches('/').replace(['/', '('], "."));
        let path = path.map(|path| path.replace(')', "")).filter(|path| !path.is_empty());
        let errors = self.errors.iter().map(|error| error.as_str().map_or_else(|| error.to_string(), plain));
        let what = self.message.iter().cloned().chain(errors).collect::<Vec<_>>().join(", ");
        match path {
            _ if what.is_empty() => None,
            Some(path) => Some(format!("{path} {what}")),
            None => Some(what),
        }
    }
}

/// Marathon's own codes for errors of JSON, in words.
///
/// Source: Play JSON, `JsonValidationError`, whose codes Marathon passes on: `error.expected.jsstring`.
fn plain(code: &str) -> String {
    match code {
        "error.path.missing" => "is missing".to_owned(),
        _ => match code.strip_prefix("error.expected.") {
            Some(kind) => format!("is no {}", kind.trim_start_matches("js")),
            None => code.to_owned(),
        },
    }
}

fn kind_of(status: u16, message: &str, is_locked: bool) -> ErrorKind {
    match status {
        // Source: Marathon, `TooManyRunningDeploymentsException`.
        403 if message.contains("running deployments") => ErrorKind::RateLimited,
        400 | 405 | 413 | 415 | 422 => ErrorKind::Invalid,
        401 => ErrorKind::Unauthenticated,
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        408 | 504 => ErrorKind::Timeout,
        409 if is_locked || message.contains("is locked by") => ErrorKind::Locked,
        409 => ErrorKind::AlreadyExists,
        429 => ErrorKind::RateLimited,
        502 | 503 => ErrorKind::Unreachable,
        _ => ErrorKind::Platform,
    }
}

/// Every call here may be repeated, so whatever may pass by itself is tried again.
fn retry_of(kind: ErrorKind, status: u16) -> Retry {
    match kind {
        ErrorKind::Timeout | ErrorKind::Unreachable | ErrorKind::RateLimited => Retry::Same,
        ErrorKind::Platform if status >= 500 => Retry::Same,
        _ => Retry::Never,
    }
}

fn remedy(kind: ErrorKind, service: &Service) -> Option<&'static str> {
    match kind {
        ErrorKind::Unauthenticated => Some(
            "log in (`dcos auth login`), or set the target's `token`, or its `user` and `password`; then `rhumb target \
             check`",
        ),
        ErrorKind::Forbidden if *service == Service::Secrets => {
            Some("the user needs the right `dcos:secrets:default:<namespace>/<release>` with `full`")
        }
        ErrorKind::Forbidden => Some(
            "the user needs the right `dcos:service:marathon:marathon:services:/<namespace>` with `full` on DC/OS, else \
             what Marathon's authorizer asks for",
        ),
        ErrorKind::Locked => {
            Some("wait until the deployment is over, or take the lock from it with `--force-conflicts`")
        }
        _ => None,
    }
}

/// An answer in no words that are known: from a proxy, or from a server that is another one.
fn unworded(operation: &str, service: &Service, status: u16, body: &[u8]) -> Error {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    let is_page = text.starts_with('<');
    let kind = kind_of(status, text, false);
    let name = service.name();
    let message = match text.lines().next().unwrap_or_default() {
        first if is_page || first.is_empty() || *service == Service::Secrets => {
            format!("{name} answered HTTP {status} without a reason")
        }
        first => format!("{name} answered HTTP {status}: {}", first.chars().take(200).collect::<String>()),
    };
    let mut error = Error::new(kind, operation, message).retry(retry_of(kind, status));
    if status == 503 && *service == Service::Marathon {
        error = error.remedy("Marathon has no leader, or is starting: see to its masters and to ZooKeeper");
    }
    match remedy(kind, service) {
        Some(remedy) => error.remedy(remedy),
        None => error,
    }
}

/// The connection failed or broke.
pub(crate) fn transport(operation: &str, service: &Service, url: &Url, error: &reqwest::Error) -> Error {
    if error.is_timeout() {
        return timeout(operation, service).with("address", shown(url));
    }
    let reason = innermost(error);
    let told = match reason.as_str() {
        text if text.contains("onnection refused") => {
            format!("nothing listens there: {} does not run", service.name())
        }
        text => text.to_owned(),
    };
    let unreachable = Error::new(ErrorKind::Unreachable, operation, told).with("address", shown(url));
    if is_certificate(&reason) {
        return unreachable.retry(Retry::Never).remedy(
            "name the PEM file of the authority that signed the server's certificate with the target's `ca`; on DC/OS it \
             is at <cluster>/ca/dcos-ca.crt",
        );
    }
    unreachable.remedy("see whether the address is right and leads there: `rhumb target check`")
}

fn is_certificate(reason: &str) -> bool {
    ["certificate", "UnknownIssuer", "self-signed"].iter().any(|sign| reason.contains(sign))
}

/// `http://host:port`, without what stands behind it.
fn shown(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
}

/// The innermost error that says something.
fn innermost<'e>(error: &'e (dyn StdError + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |error: &&'e (dyn StdError + 'static)| (*error).source());
    let last = chain.map(ToString::to_string).filter(|text| !text.trim().is_empty()).last();
    last.unwrap_or_else(|| "the connection broke".to_owned())
}

/// No answer came in time.
pub(crate) fn timeout(operation: &str, service: &Service) -> Error {
    Error::new(ErrorKind::Timeout, operation, format!("{} did not answer in time", service.name()))
        .retry(Retry::Same)
}

/// The server is not there.
pub(crate) fn absent(operation: &str, service: &Service) -> Error {
    let (message, remedy) = match service {
        Service::Metronome => {
            ("the target has no Metronome", "name its address with the target's `metronome`")
        }
        Service::Chronos => ("the target has no Chronos", "name its address with the target's `chronos`"),
        Service::Secrets => {
            ("the target has no secret store", "name its address with the target's `secretStore`")
        }
        _ => ("the target is no DC/OS", "name Marathon as https://<cluster>/service/marathon"),
    };
    Error::new(ErrorKind::Unsupported, operation, message).remedy(remedy)
}

/// The server answered something that is not understood.
pub(crate) fn unexpected(operation: &str, service: &Service, message: &str) -> Error {
    let message = format!("the answer of {} is not understood: {message}", service.name());
    Error::new(ErrorKind::Platform, operation, message)
}

/// We are sent on to somebody that nobody named.
pub(crate) fn sent_on(operation: &str, service: &Service, host: &str) -> Error {
    let message = format!(
        "{} sends us on to {host}, which is neither in the target's `url` nor the leader, so it does not get our \
         credentials",
        service.name()
    );
    Error::new(ErrorKind::Forbidden, operation, message)
        .remedy("name every master in the target's `url`, with commas between them")
}

/// What an error of the first call means: that what answers is no Marathon.
pub(crate) fn no_marathon(error: Error) -> Error {
    match error.kind {
        ErrorKind::NotFound | ErrorKind::Platform | ErrorKind::Invalid => {
            let message = format!("what answers there is no Marathon ({})", error.message);
            Error::new(ErrorKind::Unreachable, error.operation, message)
                .retry(Retry::Never)
                .remedy("name Marathon's address with the target's `url`, or with MARATHON_URL")
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(status: u16, body: &Value, kind: ErrorKind, retry: Retry, expect: &str) {
        let error = answered("write the app", &Service::Marathon, status, body.to_string().as_bytes());
        assert_eq!((error.kind, error.retry), (kind, retry), "{body}");
        assert_eq!(error.to_string(), expect);
    }

    #[test]
    fn answers_have_their_meaning() {
        check(
            422,
            &json!({ "message": "Object is not valid", "details": [
                { "path": "/upgradeStrategy/minimumHealthCapacity", "errors": ["is greater than 1"] },
                { "path": "/container/portMappings(0)/name", "errors": ["error.expected.jsstring"] },
            ] }),
            ErrorKind::Invalid,
            Retry::Never,
            "cannot write the app: Object is not valid: upgradeStrategy.minimumHealthCapacity is greater than 1; \
             container.portMappings.0.name is no string",
        );
        check(
            409,
            &json!({
                "message": "App is locked by one or more deployments.",
                "deployments": [{ "id": "97c1" }],
            }),
            ErrorKind::Locked,
            Retry::Never,
            "cannot write the app (deployment 97c1): App is locked by one or more deployments.",
        );
        check(
            409,
            &json!({ "message": "An app with id [/a] already exists." }),
            ErrorKind::AlreadyExists,
            Retry::Never,
            "cannot write the app: An app with id [/a] already exists.",
        );
        check(
            404,
            &json!({ "message": "App '/a' does not exist" }),
            ErrorKind::NotFound,
            Retry::Never,
            "cannot write the app: App '/a' does not exist",
        );
        check(
            500,
            &json!({ "message": "Futures timed out" }),
            ErrorKind::Platform,
            Retry::Same,
            "cannot write the app: Futures timed out",
        );
    }

    #[test]
    fn pages_and_silence_are_told_in_words() {
        let check = |status, body: &str, kind, expect: &str| {
            let error = answered("list the apps", &Service::Marathon, status, body.as_bytes());
            assert_eq!((error.kind, error.message.as_str()), (kind, expect));
        };
        check(503, "", ErrorKind::Unreachable, "Marathon answered HTTP 503 without a reason");
        check(502, "<html>", ErrorKind::Unreachable, "Marathon answered HTTP 502 without a reason");
        check(
            404,
            "Service 'x' not found.\nmore",
            ErrorKind::NotFound,
            "Marathon answered HTTP 404: Service 'x' not found.",
        );
    }

    #[test]
    fn what_the_store_repeats_is_not_repeated() {
        let error = answered("write the secret", &Service::Secrets, 400, b"cannot read canary");
        assert!(!format!("{error:?}").contains("canary"));
        let body = json!({ "title": "Bad", "description": "no path", "value": "canary" }).to_string();
        let error = answered("write the secret", &Service::Secrets, 400, body.as_bytes());
        assert_eq!(error.message, "Bad: no path");
    }
}
