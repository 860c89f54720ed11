//! One signed request and its answer.

use std::time::SystemTime;

use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use http::Method;
use rhumb_backend::{Error, ErrorKind, Result};
use serde_json::{Map, Value};

use super::account::Connected;
use super::http::{ANSWER_TIMEOUT, CONNECT_TIMEOUT};
use super::query::Dialect;
use super::service::Protocol;
use super::{Service, query, rest, xml};
use crate::error::{self, Answer};

/// The most bytes of an answer. AWS's own are below 10 MB.
const MAX_ANSWER: usize = 32 << 20;
const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";
const JSON: &str = "application/x-amz-json-1.1";
const PLAIN_JSON: &str = "application/json";

/// An operation of a service: `ecs:CreateService`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    pub(crate) service: Service,
    pub(crate) name: &'static str,
    /// Both, as botocore has them.
    pub(crate) text: &'static str,
}

impl Operation {
    /// The operation that botocore calls so.
    ///
    /// # Errors
    /// `Unsupported` for a service that is not known here.
    pub(crate) fn read(text: &'static str) -> Result<Self> {
        let known = text.split_once(':').and_then(|(word, name)| Some((Service::named(word)?, name)));
        let (service, name) = known.ok_or_else(|| unknown(text))?;
        Ok(Self { service, name, text })
    }

    /// Whether it changes nothing.
    pub(super) fn only_reads(self) -> bool {
        READS.iter().any(|read| self.name.starts_with(read))
    }
}

/// How the names of operations begin that change nothing. Source: botocore's models.
const READS: [&str; 3] = ["Describe", "Get", "List"];

fn unknown(operation: &str) -> Error {
    Error::new(ErrorKind::Unsupported, "call AWS", "there is no such operation here").with("call", operation)
}

/// A request that is not signed yet.
struct Unsigned {
    method: Method,
    path: String,
    content_type: &'static str,
    target: Option<String>,
    body: String,
}

/// Sends an operation once.
pub(super) async fn send(connected: &Connected, operation: Operation, body: &Value) -> Result<Value> {
    let unsigned = encode(operation, body)?;
    let request = signed(connected, operation, unsigned).await?;
    let address = connected.address(operation.service);
    let exchange = async {
        let response = connected.connector.call(request).await;
        let response = response.map_err(|error| error::lost(operation.text, &address, &error))?;
        read(operation, response).await
    };
    let answer = tokio::time::timeout(CONNECT_TIMEOUT + ANSWER_TIMEOUT, exchange).await;
    let answer = answer.unwrap_or_else(|_| Err(error::late(operation.text, &address)))?;
    understood(operation, &answer).map_err(|error| error::without(error, &material(operation, body)))
}

fn encode(operation: Operation, body: &Value) -> Result<Unsigned> {
    let form = |dialect: Dialect, version: &str| Unsigned {
        method: Method::POST,
        path: "/".to_owned(),
        content_type: FORM,
        target: None,
        body: query::encode(dialect, operation.name, version, body),
    };
    Ok(match operation.service.protocol() {
        Protocol::Json(prefix) => Unsigned {
            method: Method::POST,
            path: "/".to_owned(),
            content_type: JSON,
            target: Some(format!("{prefix}.{}", operation.name)),
            body: if body.is_null() { "{}".to_owned() } else { body.to_string() },
        },
        Protocol::Query(version) => form(Dialect::Query, version),
        Protocol::Ec2(version) => form(Dialect::Ec2, version),
        Protocol::Rest => {
            let encoded = rest::encode(operation.service, operation.name, body);
            let encoded = encoded.ok_or_else(|| unknown(operation.text))?;
            Unsigned {
                method: encoded.method,
                path: encoded.path,
                content_type: PLAIN_JSON,
                target: None,
                body: encoded.body,
            }
        }
    })
}

/// Source: AWS General Reference, "Signature Version 4 signing process".
async fn signed(connected: &Connected, operation: Operation, unsigned: Unsigned) -> Result<HttpRequest> {
    let impossible = |why: String| {
        Error::new(ErrorKind::Invalid, "address AWS", why)
            .with("call", operation.text)
            .remedy("an `endpointUrl` like `https://HOST:PORT`")
    };
    let credentials = connected.credentials.provide_credentials().await;
    let credentials =
        credentials.map_err(|error| error::credentials(operation.text, &error, &connected.profile))?;
    let identity: Identity = credentials.into();
    let address = connected.address(operation.service);
    let uri = format!("{}{}", address.trim_end_matches('/'), unsigned.path);
    let mut builder = http::Request::builder()
        .method(unsigned.method)
        .uri(&uri)
        .header(http::header::CONTENT_TYPE, unsigned.content_type)
        .header(http::header::USER_AGENT, concat!("rhumb/", env!("CARGO_PKG_VERSION")));
    if let Some(target) = unsigned.target {
        builder = builder.header("x-amz-target", target);
    }
    let mut request =
        builder.body(SdkBody::from(unsigned.body)).map_err(|error| impossible(error.to_string()))?;
    let region = operation.service.signing_region(&connected.region);
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(&region)
        .name(operation.service.signing_name())
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| impossible(error.to_string()))?;
    let headers =
        request.headers().iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let bytes = request.body().bytes().unwrap_or_default();
    let signable = SignableRequest::new(request.method().as_str(), &uri, headers, SignableBody::Bytes(bytes));
    let instructions = signable.and_then(|signable| sign(signable, &params.into()));
    let (instructions, _) = instructions.map_err(|error| impossible(error.to_string()))?.into_parts();
    instructions.apply_to_request_http1x(&mut request);
    HttpRequest::try_from(request).map_err(|error| impossible(error.to_string()))
}

async fn read(operation: Operation, response: HttpResponse) -> Result<Answer> {
    let status = response.status().as_u16();
    let kind = response.headers().get("x-amzn-errortype").map(str::to_owned);
    let body = ByteStream::new(response.into_body()).collect().await;
    let body = body.map_err(|_| error::broken(operation.text))?.into_bytes();
    if body.len() > MAX_ANSWER {
        return Err(error::odd(operation.text, status));
    }
    Ok(Answer { status, kind, text: String::from_utf8_lossy(&body).into_owned() })
}

fn understood(operation: Operation, answer: &Answer) -> Result<Value> {
    let is_xml = matches!(operation.service.protocol(), Protocol::Query(_) | Protocol::Ec2(_));
    if !(200..300).contains(&answer.status) {
        let told = if is_xml { xml::error(&answer.text) } else { answer.json_error() };
        let (code, message) = told.unwrap_or_default();
        return Err(error::answered(operation, answer.status, &code, &message));
    }
    let odd = || error::odd(operation.text, answer.status);
    match operation.service.protocol() {
        Protocol::Query(_) => xml::decode(Dialect::Query, &answer.text).map_err(|_| odd()),
        Protocol::Ec2(_) => xml::decode(Dialect::Ec2, &answer.text).map_err(|_| odd()),
        Protocol::Json(_) | Protocol::Rest if answer.text.trim().is_empty() => Ok(Value::Object(Map::new())),
        Protocol::Json(_) | Protocol::Rest => serde_json::from_str(&answer.text).map_err(|_| odd()),
    }
}

/// What of a request is secret, so that no message of the service's that quotes it is shown.
fn material(operation: Operation, body: &Value) -> Vec<&str> {
    let fields: &[&str] = match operation.service {
        Service::SecretsManager => &["SecretString", "SecretBinary"],
        Service::Ssm => &["Value"],
        _ => &[],
    };
    fields.iter().filter_map(|field| body.get(field)?.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_those_of_services_that_are_known() {
        let operation = Operation::read("elbv2:CreateRule").unwrap();
        assert_eq!((operation.service, operation.name), (Service::LoadBalancing, "CreateRule"));
        assert_eq!(Operation::read("s3:PutObject").unwrap_err().kind, ErrorKind::Unsupported);
    }
}
