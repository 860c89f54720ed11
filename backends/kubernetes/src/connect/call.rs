//! One call of the API, and its answer.

use std::time::Duration;

use http::{Method, Request, StatusCode, header};
use kube::client::Body;
use kube::core::Status;
use rhumb_backend::{Error, ErrorKind, Result, Retry};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Cluster;
use crate::error::{of_status, translate};

/// How long the whole answer to a plain call may take. The server itself gives up after 60 s.
const ANSWER: Duration = Duration::from_secs(65);
/// How long until a server that says nothing at all is taken for hanging.
const SILENCE: Duration = Duration::from_secs(30);
/// How many objects come in one page of a list.
const PAGE: &str = "500";
/// What an answer with nothing but metadata is asked for by.
const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
const METADATA_OF_ONE: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

/// Which objects a list has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    /// By their labels.
    pub(crate) labels: String,
    /// By their fields; empty for any.
    pub(crate) fields: String,
}

/// One call of the API.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    operation: String,
    method: Method,
    path: String,
    query: Vec<(&'static str, String)>,
    content: &'static str,
    accept: &'static str,
    body: Option<Vec<u8>>,
}

impl Call {
    fn new(method: Method, operation: impl Into<String>, path: impl Into<String>) -> Self {
        Self {
            operation: operation.into(),
            method,
            path: path.into(),
            query: Vec::new(),
            content: "application/json",
            accept: "application/json",
            body: None,
        }
    }

    /// Reads something. `operation` is for errors: `read the deployment`.
    pub(crate) fn get(operation: impl Into<String>, path: impl Into<String>) -> Self {
        Self::new(Method::GET, operation, path)
    }

    /// Makes something.
    pub(crate) fn post(operation: impl Into<String>, path: impl Into<String>, body: &Value) -> Self {
        Self::new(Method::POST, operation, path).body(body)
    }

    /// Changes something by a patch of this content type.
    pub(crate) fn patch(
        operation: impl Into<String>,
        path: impl Into<String>,
        content: &'static str,
        body: &Value,
    ) -> Self {
        let call = Self::new(Method::PATCH, operation, path).body(body);
        Self { content, ..call }
    }

    /// Removes something.
    pub(crate) fn delete(operation: impl Into<String>, path: impl Into<String>, options: &Value) -> Self {
        Self::new(Method::DELETE, operation, path).body(options)
    }

    /// Adds to the query.
    pub(crate) fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// Asks for the metadata of one object and for nothing else of it.
    pub(crate) fn metadata_only(self) -> Self {
        Self { accept: METADATA_OF_ONE, ..self }
    }

    /// Asks for an answer of this kind.
    pub(crate) fn accept(self, accept: &'static str) -> Self {
        Self { accept, ..self }
    }

    fn body(self, body: &Value) -> Self {
        Self { body: Some(body.to_string().into_bytes()), ..self }
    }

    fn request(&self) -> Result<Request<Body>, http::Error> {
        let mut target = self.path.clone();
        for (at, (name, value)) in self.query.iter().enumerate() {
            target.push(if at == 0 { '?' } else { '&' });
            target.push_str(name);
            target.push('=');
            encode(value, &mut target);
        }
        Request::builder()
            .method(self.method.clone())
            .uri(target)
            .header(header::CONTENT_TYPE, self.content)
            .header(header::ACCEPT, self.accept)
            .body(Body::from(self.body.clone().unwrap_or_default()))
    }
}

/// Writes text as the value of a query.
fn encode(text: &str, target: &mut String) {
    use std::fmt::Write as _;
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            target.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(target, "%{byte:02X}");
        }
    }
}

impl Cluster {
    /// The answer to a call.
    ///
    /// # Errors
    /// What the API server answers; `Timeout` when it does not in time; `Unreachable`.
    pub(crate) async fn json<T: DeserializeOwned>(&self, call: Call) -> Result<T> {
        let bytes = self.send(&call).await?;
        // The text is not shown: it may hold secrets.
        serde_json::from_slice(&bytes).map_err(|error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            let message = format!("the answer is not what was expected ({place})");
            Error::new(ErrorKind::Platform, call.operation, message)
        })
    }

    /// The answer to a call; none when the thing that it is about is not there.
    pub(crate) async fn find<T: DeserializeOwned>(&self, call: Call) -> Result<Option<T>> {
        match self.json(call).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Every object of a list, page by page.
    pub(crate) async fn list(&self, call: Call, selection: &Selection) -> Result<Vec<Value>> {
        let mut items = Vec::new();
        self.pages(call, selection, |page| items.extend(page)).await?;
        Ok(items)
    }

    /// Hands over the metadata of every object of a list, page by page, so that not all of them are held at once.
    pub(crate) async fn list_metadata(
        &self,
        call: Call,
        selection: &Selection,
        take: impl FnMut(Vec<Value>),
    ) -> Result<()> {
        self.pages(call.accept(METADATA), selection, take).await
    }

    async fn pages(&self, call: Call, selection: &Selection, mut take: impl FnMut(Vec<Value>)) -> Result<()> {
        let mut first = call.query("limit", PAGE);
        for (name, value) in [("labelSelector", &selection.labels), ("fieldSelector", &selection.fields)] {
            if !value.is_empty() {
                first = first.query(name, value.as_str());
            }
        }
        let mut next = first.clone();
        loop {
            let page: Page = self.json(next).await?;
            take(page.items.unwrap_or_default());
            let Some(token) = page.metadata.next.filter(|token| !token.is_empty()) else { return Ok(()) };
            next = first.clone().query("continue", token);
        }
    }

    async fn send(&self, call: &Call) -> Result<Vec<u8>> {
        match self.answer(call).await? {
            Ok(bytes) => Ok(bytes),
            Err(status) => Err(self.refused(call, &status)),
        }
    }

    /// The error that a refusal is.
    pub(crate) fn refused(&self, call: &Call, status: &Status) -> Error {
        self.place(of_status(call.operation.clone(), status))
    }

    /// The answer to a call, or the server's refusal.
    ///
    /// # Errors
    /// When there is no answer at all.
    pub(crate) async fn answer(&self, call: &Call) -> Result<Result<Vec<u8>, Status>> {
        let client = self.client().await?;
        let wrong = |error: http::Error| {
            Error::new(ErrorKind::Invalid, call.operation.clone(), format!("it makes no request: {error}"))
        };
        let request = call.request().map_err(wrong)?;
        let failed = |error| self.place(translate(call.operation.clone(), error));
        let answer = async {
            let response = tokio::time::timeout(SILENCE, client.send(request)).await;
            let response = response.map_err(|_| self.silent(call, SILENCE))?.map_err(failed)?;
            let status = response.status();
            Ok((status, response.into_body().collect_bytes().await.map_err(failed)?))
        };
        let answer = tokio::time::timeout(ANSWER, answer).await;
        let (status, bytes) = answer.map_err(|_| self.silent(call, ANSWER))??;
        Ok(if status.is_success() { Ok(bytes.to_vec()) } else { Err(refusal(status, &bytes)) })
    }

    fn silent(&self, call: &Call, limit: Duration) -> Error {
        let message = format!("the API server did not answer within {} s", limit.as_secs());
        let error = Error::new(ErrorKind::Timeout, call.operation.clone(), message).retry(Retry::Same);
        self.place(error)
    }
}

/// The API server's refusal. What stands before it, such as a proxy, does not speak its language.
fn refusal(status: StatusCode, bytes: &[u8]) -> Status {
    if let Ok(mut refusal) = serde_json::from_slice::<Status>(bytes)
        && !refusal.message.is_empty()
    {
        refusal.code = status.as_u16();
        return refusal;
    }
    let text = String::from_utf8_lossy(bytes);
    let text: String = text.trim().chars().take(200).collect();
    let said = if text.is_empty() { String::new() } else { format!(": {text}") };
    Status::failure(&format!("{status}{said}"), "").with_code(status.as_u16())
}

#[derive(serde::Deserialize)]
struct Page {
    #[serde(default)]
    metadata: PageMetadata,
    /// An empty list of metadata comes as `null`.
    #[serde(default)]
    items: Option<Vec<Value>>,
}

#[derive(Default, serde::Deserialize)]
struct PageMetadata {
    #[serde(rename = "continue")]
    next: Option<String>,
}
