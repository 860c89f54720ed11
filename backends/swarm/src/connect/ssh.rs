//! Engines behind `ssh`, as the docker CLI reaches them: `ssh HOST docker system dial-stdio`.
//!
//! The system's own `ssh` runs, so its configuration, keys and agent hold. It never asks for anything, because nobody
//! may be there to answer.

use std::io;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bollard::BollardRequest;
use bollard::errors::Error;
use futures_util::FutureExt;
use http::{HeaderValue, Response, Uri, header};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, Command};
use tokio::sync::Semaphore;

use super::Environment;

/// Servers drop some of many connections that begin at once (`MaxStartups`).
const BEGINNING_AT_ONCE: usize = 4;

/// What is sent to the engine through `ssh`.
pub(super) fn transport(
    host: &str,
    environment: &Environment,
) -> impl Fn(BollardRequest) -> futures_util::future::BoxFuture<'static, Result<Response<Incoming>, Error>>
+ Send
+ Sync
+ 'static
+ use<> {
    let pool = Arc::new(Pool {
        arguments: arguments(host),
        environment: environment.clone(),
        idle: Mutex::new(Vec::new()),
        beginning: Semaphore::new(BEGINNING_AT_ONCE),
    });
    move |request| {
        let pool = Arc::clone(&pool);
        async move { pool.send(request).await.map_err(|err| Error::IOError { err }) }.boxed()
    }
}

fn arguments(host: &str) -> Vec<String> {
    let (host, port) = match host.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            (host, Some(port))
        }
        _ => (host, None),
    };
    let mut arguments: Vec<_> =
        ["-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=15"].map(ToOwned::to_owned).into();
    if let Some(port) = port {
        arguments.extend(["-p".to_owned(), port.to_owned()]);
    }
    arguments.extend(["--", host, "docker", "system", "dial-stdio"].map(ToOwned::to_owned));
    arguments
}

struct Pool {
    arguments: Vec<String>,
    environment: Environment,
    idle: Mutex<Vec<Connection>>,
    beginning: Semaphore,
}

type RequestBody = <BollardRequest as IntoBody>::Body;

/// Names the type of a request's body, which the client does not.
trait IntoBody {
    type Body;
}

impl<B> IntoBody for http::Request<B> {
    type Body = B;
}

/// A connection that takes one request after another.
struct Connection {
    sender: SendRequest<RequestBody>,
    /// What `ssh` said when it ended without an answer.
    complaint: Arc<Mutex<String>>,
}

impl Pool {
    async fn send(&self, mut request: BollardRequest) -> io::Result<Response<Incoming>> {
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str()).parse::<Uri>();
        *request.uri_mut() = target.map_err(io::Error::other)?;
        request.headers_mut().insert(header::HOST, HeaderValue::from_static("docker"));
        let mut connection = match self.take_idle() {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let response = match connection.sender.send_request(request).await {
            Ok(response) => response,
            Err(error) => return Err(connection.explain(error).await),
        };
        self.idle().push(connection);
        Ok(response)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection whose last answer was read to its end.
    fn take_idle(&self) -> Option<Connection> {
        let mut idle = self.idle();
        idle.retain(|connection| !connection.sender.is_closed());
        let ready = idle.iter().position(|connection| connection.sender.is_ready())?;
        Some(idle.swap_remove(ready))
    }

    async fn connect(&self) -> io::Result<Connection> {
        let _permit = self.beginning.acquire().await.map_err(io::Error::other)?;
        let mut child = Command::new("ssh")
            .args(&self.arguments)
            .env_clear()
            .envs(&self.environment.vars)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| io::Error::other(format!("ssh cannot be run: {error}")))?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("ssh has no input or output"));
        };
        let complaint = Arc::new(Mutex::new(String::new()));
        tokio::spawn(listen(child.stderr.take(), Arc::clone(&complaint)));
        let (sender, connection) =
            http1::handshake(TokioIo::new(tokio::io::join(stdout, stdin))).await.map_err(io::Error::other)?;
        tokio::spawn(run(connection, child));
        Ok(Connection { sender, complaint })
    }
}

/// Keeps `ssh` alive as long as the connection.
async fn run<C: Future>(connection: C, child: Child) {
    // How it ended, the request in flight is told.
    let _ = connection.await;
    drop(child);
}

async fn listen(stderr: Option<ChildStderr>, complaint: Arc<Mutex<String>>) {
    let Some(stderr) = stderr else { return };
    let mut text = String::new();
    if stderr.take(4096).read_to_string(&mut text).await.is_ok() {
        *complaint.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }
}

impl Connection {
    /// What `ssh` said says more than that the connection was closed.
    async fn explain(self, error: hyper::Error) -> io::Error {
        for _ in 0..20 {
            let text = self.complaint.lock().unwrap_or_else(PoisonError::into_inner).trim().to_owned();
            if let Some(line) = text.lines().last() {
                return io::Error::other(format!("ssh: {}", line.trim_start_matches("ssh: ")));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        io::Error::other(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_host_is_never_taken_for_an_option() {
        let check = |host: &str, expect: &str| assert_eq!(arguments(host)[5..].join(" "), expect);
        check("admin@edge", "-- admin@edge docker system dial-stdio");
        check("admin@edge:2222", "-p 2222 -- admin@edge docker system dial-stdio");
        check("-oProxyCommand=x", "-- -oProxyCommand=x docker system dial-stdio");
    }

    #[tokio::test]
    async fn what_ssh_says_is_passed_on() {
        let folder = tempfile::tempdir().unwrap();
        let ssh = folder.path().join("ssh");
        std::fs::write(&ssh, "#!/bin/sh\necho 'edge: Permission denied (publickey).' >&2\nexit 255\n")
            .unwrap();
        std::fs::set_permissions(&ssh, std::fs::Permissions::from_mode(0o755)).unwrap();
        let vars = [("PATH".to_owned(), folder.path().display().to_string())].into();
        let settings = super::super::Settings { host: Some("ssh://edge".to_owned()), ..Default::default() };
        let engine = super::super::Engine::new(settings, Environment { vars, home: None });
        let error = engine.connected().await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot connect to the Docker Engine (engine ssh://edge) (from the target's host): ssh: edge: Permission \
             denied (publickey)."
        );
    }
}
