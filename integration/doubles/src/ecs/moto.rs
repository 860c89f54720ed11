//! moto, which stands for every service of AWS but ECS. One process serves all doubles, each of which has an account there.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::python::python;

/// The running process. It ends with its standard input, and thus with this process.
#[derive(Debug)]
pub(super) struct Moto {
    url: String,
    models: PathBuf,
    client: reqwest::Client,
    pipes: Mutex<Pipes>,
    /// moto's state is not made for several calls at once.
    one_at_a_time: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Pipes {
    _process: Child,
    accounts: ChildStdin,
    answers: BufReader<ChildStdout>,
    last: u64,
}

#[derive(Deserialize)]
struct Ready {
    port: u16,
    botocore: PathBuf,
}

/// What an account has from the start, as an operator would have made it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// The account's number.
    pub account: String,
    /// The region.
    pub region: String,
    /// The network's id.
    pub vpc: String,
    /// Two subnets in two zones.
    pub subnets: Vec<String>,
    /// A security group in the network.
    pub security_group: String,
    /// The ARN of a role that ECS may take for a task's start.
    pub execution_role: String,
    /// The ARN of a role that tasks may take, named `web`.
    pub task_role: String,
    /// The ARN of a role that EventBridge Scheduler may take.
    pub scheduler_role: String,
    /// The ARN of a role that ECS itself may take.
    pub infrastructure_role: String,
    /// The ARN of an application load balancer named `front`.
    pub load_balancer: String,
    /// The ARN of its listener on port 80; it has one for HTTPS on 443, too.
    pub listener: String,
    /// The ARN of a network load balancer named `net`.
    pub network_load_balancer: String,
    /// The id of the Cloud Map namespace `rhumb.local`.
    pub discovery_namespace: String,
    /// The id of an EFS file system.
    pub file_system: String,
}

/// A moto account that a double calls on its own behalf.
#[derive(Clone, Debug)]
pub(super) struct Calls {
    moto: Arc<Moto>,
    account: String,
}

/// Something that there is in an account's services beside ECS.
#[derive(Clone, Debug, Deserialize)]
pub struct Resource {
    /// What it is: `log-group`, `parameter`, `secret`, `discovery`, `target-group`, `listener`, `listener-rule`, `security-group`,
    /// `access-point`, `scalable-target`, `scaling-policy`, `schedule`.
    pub kind: String,
    /// Its name; of a listener the port, of a rule its priority, of an access point its id.
    pub name: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// What AWS's own client is told of it.
    pub body: Value,
}

impl Pipes {
    fn order<T: for<'a> Deserialize<'a>>(&mut self, order: &str) -> io::Result<T> {
        writeln!(self.accounts, "{order}")?;
        self.accounts.flush()?;
        line(&mut self.answers)
    }
}

impl Moto {
    /// The process, started at the first call.
    ///
    /// # Errors
    /// When there is no Python that has moto.
    pub(super) fn shared() -> io::Result<Arc<Self>> {
        static SHARED: OnceLock<Arc<Moto>> = OnceLock::new();
        static STARTING: Mutex<()> = Mutex::new(());
        let _guard = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(moto) = SHARED.get() {
            return Ok(Arc::clone(moto));
        }
        let moto = Arc::new(Self::start()?);
        Ok(Arc::clone(SHARED.get_or_init(|| moto)))
    }

    fn start() -> io::Result<Self> {
        let python = python();
        let mut process = Command::new(&python)
            .args(["-I", "-c", include_str!("account.py")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| missing(&python, &error.to_string()))?;
        let (Some(accounts), Some(answers)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(missing(&python, "it has no pipes"));
        };
        let mut answers = BufReader::new(answers);
        let ready: Ready = line(&mut answers).map_err(|error| missing(&python, &error.to_string()))?;
        // Whoever was first has installed the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().map_err(io::Error::other)?;
        Ok(Self {
            url: format!("http://127.0.0.1:{}", ready.port),
            models: ready.botocore.join("data"),
            client,
            one_at_a_time: tokio::sync::Mutex::default(),
            pipes: Mutex::new(Pipes { _process: process, accounts, answers, last: 100_000_000_000 }),
        })
    }

    /// Where botocore keeps the models of services.
    pub(super) fn models(&self) -> &Path {
        &self.models
    }

    /// Its own address, past any double.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// A new account with what an operator makes once.
    pub(super) fn account(&self) -> io::Result<Account> {
        let mut pipes = self.pipes.lock().unwrap_or_else(PoisonError::into_inner);
        pipes.last += 1;
        let number = pipes.last;
        pipes.order(&format!("prepare {number}"))
    }

    /// What there is in an account, as boto3 reads it.
    pub(super) fn inventory(&self, account: &str) -> io::Result<Vec<Resource>> {
        let mut pipes = self.pipes.lock().unwrap_or_else(PoisonError::into_inner);
        pipes.order(&format!("inventory {account}"))
    }

    /// Hands a request on to an account, as it came.
    pub(super) async fn forward(
        &self,
        account: &str,
        method: Method,
        path: &str,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<(StatusCode, HeaderMap, Bytes), reqwest::Error> {
        let mut headers = headers.clone();
        for name in [header::HOST, header::CONTENT_LENGTH, header::CONNECTION, header::TRANSFER_ENCODING] {
            headers.remove(name);
        }
        let _turn = self.one_at_a_time.lock().await;
        let request = self.client.request(method, format!("{}{path}", self.url)).headers(headers);
        let answer = request.header("x-moto-account-id", account).body(body).send().await?;
        let (status, mut headers) = (answer.status(), answer.headers().clone());
        for name in [header::CONTENT_LENGTH, header::CONNECTION, header::TRANSFER_ENCODING] {
            headers.remove(name);
        }
        Ok((status, headers, answer.bytes().await?))
    }
}

impl Calls {
    pub(super) fn new(moto: Arc<Moto>, account: &str) -> Self {
        Self { moto, account: account.to_owned() }
    }

    /// Calls a service that speaks JSON; `target` as in `X-Amz-Target`.
    pub(super) async fn json(&self, service: &str, target: &str, body: &Value) -> Result<Value, String> {
        let mut headers = headers(service);
        headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/x-amz-json-1.1"));
        let target = target.parse().map_err(|_| format!("{target} is no header"))?;
        headers.insert("x-amz-target", target);
        let body = Bytes::from(body.to_string());
        let answer = self.moto.forward(&self.account, Method::POST, "/", &headers, body).await;
        let (status, _, body) = answer.map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&body).into_owned();
        if !status.is_success() {
            return Err(text);
        }
        if text.is_empty() { Ok(Value::Null) } else { serde_json::from_str(&text).map_err(|_| text) }
    }

    /// Calls a service that takes forms and answers XML.
    pub(super) async fn query(&self, service: &str, parameters: &[(&str, &str)]) -> Result<String, String> {
        let mut headers = headers(service);
        let form = header::HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(header::CONTENT_TYPE, form);
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let body = Bytes::from(form);
        let answer = self.moto.forward(&self.account, Method::POST, "/", &headers, body).await;
        let (status, _, body) = answer.map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&body).into_owned();
        if status.is_success() { Ok(text) } else { Err(text) }
    }
}

/// The headers by which moto knows the service; it checks no signature.
fn headers(service: &str) -> HeaderMap {
    let credential = format!("double/20260101/us-east-1/{service}/aws4_request");
    let value = format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0");
    value.parse().map(|value| HeaderMap::from_iter([(header::AUTHORIZATION, value)])).unwrap_or_default()
}

fn missing(python: &Path, why: &str) -> io::Error {
    let python = python.display();
    io::Error::new(
        io::ErrorKind::NotFound,
        format!(
            "moto cannot be started with {python}: {why}; integration/harness/aws/python.sh install makes one"
        ),
    )
}

fn line<T: for<'a> Deserialize<'a>>(answers: &mut BufReader<ChildStdout>) -> io::Result<T> {
    let mut line = String::new();
    if answers.read_line(&mut line)? == 0 {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it ended"));
    }
    serde_json::from_str(&line).map_err(io::Error::other)
}
