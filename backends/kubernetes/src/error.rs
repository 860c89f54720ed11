//! What the API server answers, in the contract's words.

mod forbidden;
mod transport;

use kube::core::Status;
use rhumb_backend::{Error, ErrorKind, Retry};

pub(crate) use transport::translate;

/// A refusal of the API server as an error.
///
/// What a server says of a Secret is not passed on where it may hold its data.
///
/// Source: Kubernetes API conventions, "Response Status Kind"; apimachinery, `pkg/api/errors`.
pub(crate) fn of_status(operation: impl Into<String>, status: &Status) -> Error {
    let operation = operation.into();
    limit(&operation, status)
        .or_else(|| going_away(&operation, status))
        .or_else(|| webhook(&operation, status))
        .unwrap_or_else(|| by_code(operation, status))
}

fn by_code(operation: String, status: &Status) -> Error {
    let said = message(status);
    match status.code {
        401 => Error::new(ErrorKind::Unauthenticated, operation, "the cluster does not know who asks")
            .remedy("new credentials: log in again, or `rhumb target check` to see which kubeconfig is read"),
        403 => forbidden::of(operation, status, said),
        404 | 405 => not_found(operation, status, said),
        409 if status.reason == "AlreadyExists" => Error::new(ErrorKind::AlreadyExists, operation, said),
        409 | 410 => Error::new(ErrorKind::Conflict, operation, said),
        400 | 406 | 415 | 422 => Error::new(ErrorKind::Invalid, operation, said),
        429 => Error::new(ErrorKind::RateLimited, operation, said).retry(Retry::Same),
        408 | 504 => Error::new(ErrorKind::Timeout, operation, said).retry(Retry::Same),
        503 => Error::new(ErrorKind::Unreachable, operation, said).retry(Retry::Same),
        // The server blames itself for a document that does not fit its schema.
        500 if status.message.starts_with("failed to create typed patch object") => {
            Error::new(ErrorKind::Invalid, operation, said)
        }
        500..=599 => Error::new(ErrorKind::Platform, operation, said).retry(Retry::Same),
        _ => Error::new(ErrorKind::Platform, operation, said),
    }
}

/// A bound that is passed: of a quota, of a request, of what the cluster's storage takes.
fn limit(operation: &str, status: &Status) -> Option<Error> {
    let said = &status.message;
    if status.code == 403 && said.contains("exceeded quota") {
        let error = Error::new(ErrorKind::LimitExceeded, operation, message(status));
        return Some(error.remedy(
            "ask for less, or for a higher quota: `kubectl describe resourcequota` shows what is used",
        ));
    }
    let too_large =
        ["request is too large", "larger than max", "may not be more than", "Too long: must have at most"];
    let is_large = status.code == 413
        || status.code >= 500 && too_large[..2].iter().any(|text| said.contains(text))
        || status.code == 422
            && said.contains("bytes")
            && too_large[2..].iter().any(|text| said.contains(text));
    is_large.then(|| {
        Error::new(ErrorKind::LimitExceeded, operation, message(status))
            .remedy("split it: an object of a cluster may have about 1 MiB")
    })
}

/// A namespace or an object that is on its way out.
fn going_away(operation: &str, status: &Status) -> Option<Error> {
    let has_cause =
        |reason: &str| causes(status).iter().any(|cause| cause.reason.eq_ignore_ascii_case(reason));
    if has_cause("NamespaceTerminating") || status.message.contains("because it is being terminated") {
        let name = between(&status.message, "in namespace ", " because").unwrap_or("it lies in");
        let error =
            Error::new(ErrorKind::Conflict, operation, format!("the namespace {name} is being deleted"));
        return Some(error.retry(Retry::Never).remedy(
            "wait until it is gone and make it again with --create-namespace, or take another namespace",
        ));
    }
    (status.code == 409 && status.message.contains("object is being deleted"))
        .then(|| Error::new(ErrorKind::Conflict, operation, message(status)).retry(Retry::Same))
}

/// What admission webhooks and policies say, or that they say nothing.
fn webhook(operation: &str, status: &Status) -> Option<Error> {
    let said = &status.message;
    if let Some(name) = between(said, "failed calling webhook \"", "\"") {
        let error = Error::new(
            ErrorKind::Platform,
            operation,
            format!("the admission webhook {name} does not answer: {}", message(status)),
        );
        return Some(error.retry(Retry::Same).remedy(format!(
            "see whether what serves the webhook {name} runs: `kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations`"
        )));
    }
    let (who, why) = if let Some(name) = between(said, "admission webhook \"", "\" denied the request") {
        (format!("the admission webhook {name}"), after(said, "denied the request")?)
    } else {
        let name = between(said, "ValidatingAdmissionPolicy '", "'")?;
        (format!("the admission policy {name}"), after(said, "denied request")?)
    };
    let why = why.trim_start_matches([':', ' ']).trim();
    let why = if why.is_empty() { "it gives no reason" } else { why };
    Some(
        Error::new(ErrorKind::Invalid, operation, format!("{who} refuses it: {why}"))
            .remedy("change what it objects to, or ask who runs it"),
    )
}

fn not_found(operation: String, status: &Status, said: String) -> Error {
    let details = status.details.as_ref();
    let error = Error::new(ErrorKind::NotFound, operation, said);
    if details.is_some_and(|details| details.kind == "namespaces") {
        return error.remedy("--create-namespace to have the namespace made");
    }
    if details.is_none_or(|details| details.name.is_empty()) {
        return error.remedy("see `kubectl api-resources` for the kinds that the cluster serves");
    }
    error
}

/// What the server said, without what may be secret.
pub(crate) fn message(status: &Status) -> String {
    let causes = causes(status);
    let is_invalid = status.code == 422 && !causes.is_empty();
    match (is_secret(status), is_invalid) {
        (false, false) => status.message.clone(),
        (false, true) => {
            let each = causes.iter().map(|cause| match cause.field.as_str() {
                "" | "<nil>" => cause.message.clone(),
                field => format!("{field}: {}", cause.message),
            });
            each.collect::<Vec<_>>().join("; ")
        }
        (true, true) => {
            let each =
                causes.iter().map(|cause| format!("{}: {}", cause.field, without_value(&cause.message)));
            each.collect::<Vec<_>>().join("; ")
        }
        // Only these messages are made of names alone.
        (true, false) if matches!(status.code, 401 | 403 | 404 | 409 | 429) => status.message.clone(),
        (true, false) => format!("the API server refuses the Secret ({})", reason(status)),
    }
}

fn reason(status: &Status) -> String {
    if status.reason.is_empty() { status.code.to_string() } else { status.reason.clone() }
}

/// The message of a cause as far as it says nothing of a value: `Invalid value: "x": must be …` says it last.
fn without_value(message: &str) -> &str {
    if message.starts_with("Forbidden") || message.starts_with("Required value") {
        return message;
    }
    message.split(':').next().unwrap_or_default()
}

fn is_secret(status: &Status) -> bool {
    let is_of_kind = status.details.as_ref().is_some_and(|details| {
        details.group.is_empty() && matches!(details.kind.as_str(), "secrets" | "Secret")
    });
    is_of_kind || status.message.starts_with("Secret \"") || status.message.contains("Kind=Secret")
}

pub(crate) fn causes(status: &Status) -> &[kube::core::response::StatusCause] {
    status.details.as_ref().map_or(&[], |details| details.causes.as_slice())
}

/// The text between two others.
pub(crate) fn between<'a>(text: &'a str, before: &str, behind: &str) -> Option<&'a str> {
    let rest = after(text, before)?;
    rest.find(behind).map(|end| &rest[..end])
}

fn after<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    text.find(before).map(|at| &text[at + before.len()..])
}

#[cfg(test)]
mod tests;
