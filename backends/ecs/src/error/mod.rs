//! What AWS's answers mean.

mod codes;
mod transport;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use rhumb_backend::{Error, ErrorKind, Retry};
use serde_json::Value;

use crate::connect::Operation;

pub(crate) use transport::{broken, late, lost};

/// The most characters of a service's message that are shown.
const MAX_MESSAGE: usize = 600;
/// The shortest secret that is looked for in messages. Shorter ones are parts of ordinary words.
const SHORTEST_SECRET: usize = 4;

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The header `x-amzn-errortype`.
    pub(crate) kind: Option<String>,
    pub(crate) text: String,
}

impl Answer {
    /// The code and the message of an error in JSON.
    ///
    /// Source: Smithy's specification, "AWS JSON 1.1 protocol" and "AWS restJson1 protocol", on errors.
    pub(crate) fn json_error(&self) -> Option<(String, String)> {
        let body: Value = serde_json::from_str(&self.text).unwrap_or_default();
        let text = |names: &[&str]| names.iter().find_map(|name| body.get(name)?.as_str()).map(str::to_owned);
        let code = self.kind.clone().or_else(|| text(&["__type", "code", "Code", "ErrorCode"]))?;
        let code = code.split(':').next().unwrap_or_default();
        let code = code.rsplit('#').next().unwrap_or_default().to_owned();
        Some((code, text(&["message", "Message", "errorMessage"]).unwrap_or_default()))
    }
}

/// What a service said no to, and why.
pub(crate) fn answered(operation: Operation, status: u16, code: &str, message: &str) -> Error {
    let meaning = codes::meaning(operation, status, code, message);
    let message = match meaning.message {
        Some(own) => own.to_owned(),
        None => told(code, message, status),
    };
    let mut error = Error::new(meaning.kind, words(operation.name), message)
        .with("call", operation.text)
        .retry(meaning.retry);
    error.remedy = meaning.remedy;
    error
}

/// A failed call of the SDK. `operation` is botocore's name of it: `ecs:DescribeTasks`.
pub(crate) fn sdk<E>(operation: &'static str, error: &SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    if let Some(cause) = transport::find::<CredentialsError>(error) {
        return credentials(operation, cause, "");
    }
    match error {
        SdkError::ServiceError(refused) => {
            let (code, message) =
                (refused.err().code().unwrap_or_default(), refused.err().message().unwrap_or_default());
            match Operation::read(operation) {
                Ok(operation) => answered(operation, refused.raw().status().as_u16(), code, message),
                Err(error) => error,
            }
        }
        SdkError::TimeoutError(_) => late(operation, "AWS"),
        SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
            Some(error) => lost(operation, "AWS", error),
            None => broken(operation),
        },
        SdkError::ResponseError(odd) => self::odd(operation, odd.raw().status().as_u16()),
        _ => Error::new(ErrorKind::Invalid, phrase(operation), "the request cannot be made")
            .with("call", operation),
    }
}

/// There are no credentials, or they cannot be had. What the cause says is not shown: it may quote what a process printed.
pub(crate) fn credentials(operation: &'static str, error: &CredentialsError, profile: &str) -> Error {
    let of_profile = match profile {
        "" => String::new(),
        name => format!(" --profile {name}"),
    };
    let (message, remedy) = match error {
        CredentialsError::CredentialsNotLoaded(_) => (
            "there are no credentials in variables, in the AWS CLI's files or on this machine".to_owned(),
            format!(
                "`aws configure{of_profile}`, `aws sso login{of_profile}`, or `profile` in the target's settings"
            ),
        ),
        CredentialsError::ProviderTimedOut(_) => (
            "who gives the credentials did not answer in time".to_owned(),
            format!("run it again; `aws sts get-caller-identity{of_profile}` shows what is asked"),
        ),
        _ => (
            "the credentials that the profile names cannot be had: a session may have ended".to_owned(),
            format!(
                "`aws sso login{of_profile}`, or see what `aws sts get-caller-identity{of_profile}` says"
            ),
        ),
    };
    Error::new(ErrorKind::Unauthenticated, phrase(operation), message).with("call", operation).remedy(remedy)
}

/// An answer that is none of AWS's.
pub(crate) fn odd(operation: &'static str, status: u16) -> Error {
    let message = format!("the answer (status {status}) is not what was expected");
    Error::new(ErrorKind::Platform, phrase(operation), message)
        .with("call", operation)
        .remedy("see whether the endpoint is AWS's, and whether a proxy answers in its place")
}

/// An error whose message quotes none of these secrets.
pub(crate) fn without(mut error: Error, secrets: &[&str]) -> Error {
    for secret in secrets.iter().filter(|secret| secret.len() >= SHORTEST_SECRET) {
        if error.message.contains(secret) {
            error.message = error.message.replace(secret, "…");
        }
    }
    error
}

/// A service's own words, as far as they are for people.
fn told(code: &str, message: &str, status: u16) -> String {
    let first = message.split("Encoded authorization failure message").next().unwrap_or_default();
    let first = first.lines().next().unwrap_or_default().trim();
    let text = match (code, first) {
        ("", "") => format!("it answers with status {status}"),
        (code, "") => code.to_owned(),
        ("", text) => text.to_owned(),
        (code, text) => format!("{text} ({code})"),
    };
    if text.chars().count() <= MAX_MESSAGE {
        return text;
    }
    text.chars().take(MAX_MESSAGE).chain(['…']).collect()
}

/// An operation of botocore's in words: `describe services`.
fn phrase(operation: &str) -> String {
    words(operation.split_once(':').map_or(operation, |(_, name)| name))
}

fn words(name: &str) -> String {
    let mut words = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}

/// What an answer means.
struct Meaning {
    kind: ErrorKind,
    retry: Retry,
    remedy: Option<String>,
    /// In the place of the service's own words, where those may quote what was signed.
    message: Option<&'static str>,
}

#[cfg(test)]
mod tests;
