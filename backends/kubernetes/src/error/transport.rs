//! What happens on the way to the API server.

use std::error::Error as StdError;
use std::io;

use kube::client::AuthError;
use rhumb_backend::{Error, ErrorKind, Retry};

use super::of_status;

/// A failed call of the client as an error.
pub(crate) fn translate(operation: impl Into<String>, error: kube::Error) -> Error {
    let operation = operation.into();
    match error {
        kube::Error::Api(status) => of_status(operation, &status),
        kube::Error::Auth(error) => credentials(operation, &error),
        // The texts of these may hold what the server sent.
        kube::Error::SerdeError(_) | kube::Error::FromUtf8(_) => {
            Error::new(ErrorKind::Platform, operation, "the answer is not what was expected")
        }
        other => on_the_way(operation, &other),
    }
}

fn on_the_way(operation: String, error: &(dyn StdError + 'static)) -> Error {
    let chain = chain(error);
    if let Some(error) = chain.iter().find_map(|error| error.downcast_ref::<AuthError>()) {
        return credentials(operation, error);
    }
    if let Some(tls) = chain.iter().find_map(|error| tls_error(*error)) {
        return untrusted(operation, &tls);
    }
    let kind = chain.iter().find_map(|error| error.downcast_ref::<io::Error>()).map(io::Error::kind);
    let deepest = chain.last().map(ToString::to_string).unwrap_or_default();
    match kind {
        Some(io::ErrorKind::TimedOut) => {
            Error::new(ErrorKind::Timeout, operation, "the API server does not take the connection in time")
                .retry(Retry::Same)
        }
        Some(io::ErrorKind::ConnectionRefused) => {
            Error::new(ErrorKind::Unreachable, operation, "nothing listens at the API server's address")
                .remedy("see whether the cluster runs, and whether this is the right context (--context)")
        }
        _ => Error::new(ErrorKind::Unreachable, operation, deepest),
    }
}

/// An error, what it comes of, and so on.
fn chain<'e>(error: &'e (dyn StdError + 'static)) -> Vec<&'e (dyn StdError + 'static)> {
    let mut chain = vec![error];
    let mut last = error;
    while let Some(next) = last.source() {
        chain.push(next);
        last = next;
    }
    chain
}

fn tls_error(error: &(dyn StdError + 'static)) -> Option<rustls::Error> {
    let mut inner = error;
    loop {
        if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
            return Some(tls.clone());
        }
        // An io::Error's own source is what its inner error has, not that error.
        inner = inner.downcast_ref::<io::Error>()?.get_ref()?;
    }
}

fn untrusted(operation: String, error: &rustls::Error) -> Error {
    let error = Error::new(ErrorKind::Unreachable, operation, error.to_string()).retry(Retry::Never);
    error.remedy(
        "a kubeconfig whose certificate-authority, tls-server-name and client certificate are the cluster's",
    )
}

/// Credentials that cannot be had. The output of a program for them is shown as far as it is an error's text.
fn credentials(operation: String, error: &AuthError) -> Error {
    let message = match error {
        AuthError::AuthExecStart(why) => format!("the program for credentials cannot be started: {why}"),
        AuthError::AuthExecRun { out, .. } => {
            let said = String::from_utf8_lossy(&out.stderr);
            let said = said.trim();
            let said = if said.is_empty() { "it said nothing" } else { said };
            format!("the program for credentials failed ({}): {said}", out.status)
        }
        AuthError::AuthExecParse(_) | AuthError::ExecPluginFailed => {
            "the program for credentials printed none".to_owned()
        }
        other => other.to_string(),
    };
    Error::new(ErrorKind::Unauthenticated, operation, message)
        .remedy("log in as the cluster's documentation says, then try again; `users` in the kubeconfig names the program")
}
