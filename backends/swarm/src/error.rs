//! What the engine's errors mean.

use std::error::Error as StdError;
use std::io;

use bollard::errors::Error as EngineError;
use rhumb_backend::{Error, ErrorKind, Retry};

/// Puts an error of a call into the words of the contract. `address` is the engine's.
pub(crate) fn from_engine(operation: &str, address: &str, error: &EngineError) -> Error {
    match error {
        EngineError::DockerResponseServerError { status_code, message } => {
            answer(operation, *status_code, message)
        }
        EngineError::RequestTimeoutError => timeout(operation, address),
        EngineError::SocketNotFoundError(_) => unreachable(operation, address, "there is no such socket"),
        // This variant hides the error that it holds.
        EngineError::IOError { err } => lost(operation, address, err),
        other => lost(operation, address, other),
    }
}

/// No answer came in time.
pub(crate) fn timeout(operation: &str, address: &str) -> Error {
    Error::new(ErrorKind::Timeout, operation, "the Docker Engine did not answer in time")
        .with("engine", address)
        .retry(Retry::Same)
}

/// What an answer to the first call means, which every Docker Engine answers to whoever may call it.
pub(crate) fn from_greeting(operation: &str, address: &str, error: &EngineError) -> Error {
    match error {
        EngineError::DockerResponseServerError { status_code, message }
            if !is_refusal(*status_code, message) =>
        {
            no_engine(operation, address, &format!("HTTP {status_code}"))
        }
        other => from_engine(operation, address, other),
    }
}

/// An engine, or who guards it, may refuse a caller in words of its own. What is no engine answers with a page.
fn is_refusal(status: u16, message: &str) -> bool {
    let text = message.trim();
    matches!(status, 401 | 403) && !text.is_empty() && !text.starts_with('<')
}

/// Something answered that is no engine. `what` is its answer in a few words.
pub(crate) fn no_engine(operation: &str, address: &str, what: &str) -> Error {
    let message = format!("what answers at {address} is no Docker Engine ({what})");
    Error::new(ErrorKind::Unreachable, operation, message).remedy(
        "see whether the address and its port are those of Docker's API (`docker -H ADDRESS version`), and name the \
         right one with the target's `host` or `context`, DOCKER_HOST or DOCKER_CONTEXT",
    )
}

/// The engine answered something that is not understood.
pub(crate) fn unexpected(operation: &str, message: impl Into<String>) -> Error {
    Error::new(
        ErrorKind::Platform,
        operation,
        format!("the Docker Engine's answer is not understood: {}", message.into()),
    )
}

fn unreachable(operation: &str, address: &str, message: &str) -> Error {
    Error::new(ErrorKind::Unreachable, operation, message.to_owned()).with("engine", address).remedy(
        "start Docker on that machine (`docker info` tells whether it runs), or name another engine with the \
         target's `host` or `context`, DOCKER_HOST or DOCKER_CONTEXT",
    )
}

/// The connection failed or broke.
fn lost(operation: &str, address: &str, error: &(dyn StdError + 'static)) -> Error {
    match io_kind(error) {
        Some(io::ErrorKind::PermissionDenied) => Error::new(
            ErrorKind::Forbidden,
            operation,
            "permission denied on the Docker Engine's socket",
        )
        .with("engine", address)
        .remedy("join the group `docker` (`sudo usermod -aG docker $USER`, then log in again), or use sudo"),
        Some(io::ErrorKind::ConnectionRefused) => {
            unreachable(operation, address, "nothing listens there: the Docker Engine does not run")
        }
        Some(io::ErrorKind::NotFound) => unreachable(operation, address, "there is no such socket"),
        _ => unreachable(operation, address, &innermost(error)),
    }
}

fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn StdError + 'static)| (*error).source())
}

fn io_kind(error: &(dyn StdError + 'static)) -> Option<io::ErrorKind> {
    chain(error).filter_map(|error| error.downcast_ref::<io::Error>()).map(io::Error::kind).last()
}

/// The innermost error that says something.
fn innermost(error: &(dyn StdError + 'static)) -> String {
    let texts: Vec<String> =
        chain(error).map(ToString::to_string).filter(|text| !text.trim().is_empty()).collect();
    texts.into_iter().next_back().unwrap_or_else(|| "the connection broke".to_owned())
}

/// What an answer with an error status means. The engine's texts come from moby, `daemon/cluster` and swarmkit,
/// `manager/controlapi`.
fn answer(operation: &str, status: u16, message: &str) -> Error {
    let text = plain(message);
    if let Some(error) = swarm_state(operation, text) {
        return error;
    }
    if text.contains("update out of sequence") {
        return Error::new(ErrorKind::Conflict, operation, "somebody changed it since it was read");
    }
    let kind = kind_of(status, text);
    let empty = format!("the Docker Engine answered HTTP {status} without a reason");
    let error = Error::new(kind, operation, if text.trim().is_empty() { empty.as_str() } else { text });
    if matches!(kind, ErrorKind::Timeout | ErrorKind::Unreachable) { error.retry(Retry::Same) } else { error }
}

fn swarm_state(operation: &str, text: &str) -> Option<Error> {
    let unsupported = |message: &str, remedy: &str| {
        Some(Error::new(ErrorKind::Unsupported, operation, message).remedy(remedy.to_owned()))
    };
    if text.contains("needs to be unlocked") {
        return unsupported("the swarm is locked", "run `docker swarm unlock` on this manager");
    }
    let leaderless = ["does not have a leader", "lost leader status", "raft: "];
    if leaderless.iter().any(|sign| text.contains(sign)) {
        return Some(
            Error::new(
                ErrorKind::Unreachable,
                operation,
                "the swarm has no leader: too few managers are online",
            )
            .remedy("bring managers back until more than half of them are online (`docker node ls`)"),
        );
    }
    if !text.contains("not a swarm manager") {
        return None;
    }
    if text.contains("docker swarm init") {
        return unsupported(
            "the Docker Engine is not part of a swarm",
            "run `docker swarm init` on it, or join it to one",
        );
    }
    unsupported(
        "the Docker Engine is a worker of its swarm, and only managers take orders",
        "name a manager as the target's `host` or `context`, or run `docker node promote` on a manager",
    )
}

fn kind_of(status: u16, text: &str) -> ErrorKind {
    match status {
        400 | 422 => ErrorKind::Invalid,
        401 => ErrorKind::Unauthenticated,
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        408 | 504 => ErrorKind::Timeout,
        409 if text.contains("already exists") || text.contains("name conflicts") => ErrorKind::AlreadyExists,
        409 => ErrorKind::Conflict,
        429 => ErrorKind::RateLimited,
        _ if text.contains("deadline exceeded") => ErrorKind::Timeout,
        502 | 503 => ErrorKind::Unreachable,
        _ => ErrorKind::Platform,
    }
}

/// The engine's text without the frame of its inner calls: `rpc error: code = Unknown desc = `.
pub(crate) fn plain(message: &str) -> &str {
    let text = message.rsplit_once(" desc = ").map_or(message, |(_, text)| text);
    text.trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, message: &str, kind: ErrorKind, retry: Retry, expect: &str) {
        let error =
            EngineError::DockerResponseServerError { status_code: status, message: message.to_owned() };
        let error = from_engine("update the service", "unix:///x", &error);
        assert_eq!((error.kind, error.retry), (kind, retry), "{message}");
        assert_eq!(error.to_string(), format!("cannot update the service: {expect}"));
    }

    #[test]
    fn answers_have_their_meaning() {
        check(
            503,
            "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect this \
             node to swarm and try again.",
            ErrorKind::Unsupported,
            Retry::Never,
            "the Docker Engine is not part of a swarm",
        );
        check(
            503,
            "This node is not a swarm manager. Worker nodes can't be used to view or modify cluster state. Please run \
             this command on a manager node or promote the current node to a manager.",
            ErrorKind::Unsupported,
            Retry::Never,
            "the Docker Engine is a worker of its swarm, and only managers take orders",
        );
        check(
            500,
            "rpc error: code = Unknown desc = update out of sequence",
            ErrorKind::Conflict,
            Retry::AfterRead,
            "somebody changed it since it was read",
        );
        check(
            500,
            "rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that too few managers \
             are online. Make sure more than half of the managers are online.",
            ErrorKind::Unreachable,
            Retry::Same,
            "the swarm has no leader: too few managers are online",
        );
        check(
            409,
            "rpc error: code = AlreadyExists desc = name conflicts with an existing object: service web already exists",
            ErrorKind::AlreadyExists,
            Retry::Never,
            "name conflicts with an existing object: service web already exists",
        );
        check(
            500,
            "rpc error: code = Unknown desc = raft: failed to process the request: node lost leader status",
            ErrorKind::Unreachable,
            Retry::Same,
            "the swarm has no leader: too few managers are online",
        );
        check(404, "service web not found", ErrorKind::NotFound, Retry::Never, "service web not found");
        check(500, "context deadline exceeded", ErrorKind::Timeout, Retry::Same, "context deadline exceeded");
    }

    #[test]
    fn no_reason_is_empty() {
        let status = |status_code: u16, message: &str| EngineError::DockerResponseServerError {
            status_code,
            message: message.to_owned(),
        };
        let error = from_engine("list services", "unix:///x", &status(404, " "));
        assert_eq!(
            error.to_string(),
            "cannot list services: the Docker Engine answered HTTP 404 without a reason"
        );
        let error = from_engine("list services", "unix:///x", &EngineError::from(io::Error::other("")));
        assert_eq!(error.message, "the connection broke");
        let greet = |status_code, message| from_greeting("connect", "tcp://x", &status(status_code, message));
        assert_eq!(greet(503, "<html>").kind, ErrorKind::Unreachable);
        assert_eq!(greet(403, "<html>").kind, ErrorKind::Unreachable);
        let refused = greet(403, "authorization denied by plugin");
        assert_eq!(
            (refused.kind, refused.message.as_str()),
            (ErrorKind::Forbidden, "authorization denied by plugin")
        );
    }

    #[test]
    fn a_closed_socket_names_its_remedy() {
        let io = io::Error::from(io::ErrorKind::PermissionDenied);
        let error = from_engine("list services", "unix:///x", &EngineError::from(io));
        assert_eq!(error.kind, ErrorKind::Forbidden);
        assert!(error.remedy.unwrap().contains("group `docker`"));
    }
}
