//! Errors in the shape in which each protocol of AWS has them.

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::Response;
use serde_json::json;

use super::request::Protocol;

/// An error of an API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ApiError {
    /// Its code, as SDKs know it.
    pub(super) code: &'static str,
    /// For people.
    pub(super) message: String,
}

/// What a call of ECS comes to.
pub(super) type Answer<T = serde_json::Value> = Result<T, ApiError>;

impl ApiError {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// A value that ECS does not take.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterException", message)
    }

    /// A request that ECS does not take.
    pub(super) fn client(message: impl Into<String>) -> Self {
        Self::new("ClientException", message)
    }

    /// As ECS answers it. `ServerException` is the only one that is not the client's fault.
    pub(super) fn response(&self) -> Response {
        let status = if self.code == "ServerException" { 500 } else { 400 };
        json_error(status, self.code, &self.message)
    }
}

/// The service asks for fewer requests, as its protocol says it.
///
/// Source: each service's API reference, "Common Errors".
pub(super) fn throttled(protocol: Protocol) -> Response {
    match protocol {
        Protocol::Json => json_error(400, "ThrottlingException", "Rate exceeded"),
        Protocol::RestJson => json_error(429, "TooManyRequestsException", "Rate exceeded"),
        Protocol::Query => xml_error(400, "Throttling", "Rate exceeded"),
        Protocol::Ec2 => ec2_error(503, "RequestLimitExceeded", "Request limit exceeded."),
    }
}

/// Whoever calls has no right to. Source: each service's API reference, "Common errors".
pub(super) fn denied(protocol: Protocol) -> Response {
    const WHY: &str = "User: arn:aws:iam::000000000000:user/test is not authorized to perform this action";
    match protocol {
        Protocol::Json => json_error(400, "AccessDeniedException", WHY),
        Protocol::RestJson => json_error(403, "AccessDeniedException", WHY),
        Protocol::Query => xml_error(403, "AccessDenied", WHY),
        Protocol::Ec2 => {
            ec2_error(403, "UnauthorizedOperation", "You are not authorized to perform this operation.")
        }
    }
}

/// The service breaks.
pub(super) fn broken(protocol: Protocol) -> Response {
    match protocol {
        Protocol::Json => json_error(500, "ServerException", "Service Unavailable. Please try again later."),
        Protocol::RestJson => json_error(500, "InternalServerError", "Internal server error"),
        Protocol::Query => xml_error(500, "InternalFailure", "Internal failure"),
        Protocol::Ec2 => ec2_error(500, "InternalError", "An internal error has occurred"),
    }
}

fn json_error(status: u16, code: &str, message: &str) -> Response {
    let body = json!({ "__type": code, "message": message }).to_string();
    let mut response = respond(status, "application/x-amz-json-1.1", body);
    if let Ok(code) = code.parse() {
        response.headers_mut().insert("x-amzn-errortype", code);
    }
    response
}

fn xml_error(status: u16, code: &str, message: &str) -> Response {
    let body = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
         <RequestId>0</RequestId></ErrorResponse>"
    );
    respond(status, "text/xml", body)
}

fn ec2_error(status: u16, code: &str, message: &str) -> Response {
    let body = format!(
        "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>\
         <RequestID>0</RequestID></Response>"
    );
    respond(status, "text/xml", body)
}

/// An answer with a body.
pub(super) fn respond(status: u16, content_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    response
}
