//! What happens on the way to AWS.

use std::error::Error as StdError;
use std::io;

use aws_smithy_runtime_api::client::result::ConnectorError;
use rhumb_backend::{Error, ErrorKind, Retry};

use super::phrase;

/// A call that got no answer.
pub(crate) fn lost(operation: &'static str, address: &str, error: &ConnectorError) -> Error {
    let chain: Vec<_> = chain(error).collect();
    let new = |kind: ErrorKind, message: &str| {
        Error::new(kind, phrase(operation), message).with("call", operation).with("address", address)
    };
    let text = chain.iter().map(ToString::to_string).collect::<Vec<_>>().join(": ").to_ascii_lowercase();
    if error.is_timeout() {
        let is_begun = !text.contains("connect timeout");
        return if is_begun {
            late(operation, address)
        } else {
            new(ErrorKind::Unreachable, "nobody takes the connection")
        };
    }
    if text.contains("certificate") {
        return new(ErrorKind::Unreachable, "the certificate is not one that is trusted here")
            .remedy("AWS_CA_BUNDLE with the certificate of whoever is in between, as the AWS CLI takes it")
            .retry(Retry::Never);
    }
    if text.contains("dns error") || text.contains("lookup address") || text.contains("not known") {
        return new(ErrorKind::Unreachable, "there is no such host")
            .remedy("see whether the region is right, and whether this machine reaches AWS");
    }
    let io = chain.iter().find_map(|error| error.downcast_ref::<io::Error>()).map(io::Error::kind);
    match io {
        Some(io::ErrorKind::ConnectionRefused) => new(ErrorKind::Unreachable, "nothing listens there")
            .remedy(
                "see whether `endpointUrl` in the target's settings, AWS_ENDPOINT_URL or the proxy is right",
            ),
        _ => new(ErrorKind::Unreachable, "the connection breaks off"),
    }
}

/// A call whose answer did not come in time.
pub(crate) fn late(operation: &'static str, address: &str) -> Error {
    Error::new(ErrorKind::Timeout, phrase(operation), "no answer came in time")
        .with("call", operation)
        .with("address", address)
        .retry(Retry::Same)
}

/// A call whose answer broke off.
pub(crate) fn broken(operation: &'static str) -> Error {
    Error::new(ErrorKind::Unreachable, phrase(operation), "the answer breaks off").with("call", operation)
}

/// The cause of this type, if there is one.
pub(super) fn find<'e, T: StdError + 'static>(error: &'e (dyn StdError + 'static)) -> Option<&'e T> {
    chain(error).find_map(|error| error.downcast_ref::<T>())
}

/// An error, what it comes of, and so on.
fn chain<'e>(error: &'e (dyn StdError + 'static)) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}
