//! Connections to ports of tasks, by Session Manager's port forwarding.

use std::io;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rhumb_backend::{Duplex, Error, ErrorKind, Result, Retry};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, BufReader, ReadBuf};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::place::Target;
use super::plugin;
use crate::connect::Account;

pub(super) const OPEN: &str = "open the connection";
/// The document of Systems Manager that forwards a port.
const DOCUMENT: &str = "AWS-StartPortForwardingSession";
/// How long the plugin may take until it listens.
const PATIENCE: Duration = Duration::from_secs(20);

/// Begins a session and connects to the port of this machine that the plugin listens at.
pub(super) async fn open(account: &Arc<Account>, target: &Target, port: u16) -> Result<Box<dyn Duplex>> {
    let request = json!({
        "Target": target.session,
        "DocumentName": DOCUMENT,
        // The plugin takes any port of this machine that is free for 0.
        "Parameters": { "portNumber": [port.to_string()], "localPortNumber": ["0"] },
    });
    let session = account.call("ssm:StartSession", &request).await.map_err(|error| target.about(error))?;
    let ending = Ending { account: Arc::clone(account), session: session["SessionId"].clone() };
    let mut command = plugin::command(account, &session, &request).await?;
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| plugin::failed(OPEN, &error))?;
    let connected = match child.stdout.take() {
        Some(printed) => connect(printed).await,
        None => Err(broken("the plugin has no output")),
    };
    let (closed, closing) = oneshot::channel();
    tokio::spawn(ending.after(child, closing));
    let (stream, printed) = connected.map_err(|error| target.about(error))?;
    Ok(Box::new(Tunnel { stream, _printed: printed, _closed: closed }))
}

/// The connection, once the plugin has said where.
async fn connect(printed: ChildStdout) -> Result<(TcpStream, BufReader<ChildStdout>)> {
    let mut printed = BufReader::new(printed);
    let port = timeout(PATIENCE, listening(&mut printed)).await;
    let port = port.map_err(|_| broken("the plugin does not listen in time"))??;
    let stream = TcpStream::connect(("127.0.0.1", port)).await;
    let stream =
        stream.map_err(|error| broken(&format!("the plugin does not take the connection: {error}")))?;
    Ok((stream, printed))
}

/// Reads `Port 12345 opened for sessionId …`.
async fn listening(printed: &mut BufReader<ChildStdout>) -> Result<u16> {
    let mut last = String::new();
    let mut line = String::new();
    while printed.read_line(&mut line).await.map_err(|error| broken(&error.to_string()))? > 0 {
        if let Some(port) = opened(&line) {
            return Ok(port);
        }
        if !line.trim().is_empty() {
            line.trim().clone_into(&mut last);
        }
        line.clear();
    }
    Err(broken(&format!("the plugin ended: {last}")))
}

fn opened(line: &str) -> Option<u16> {
    let (_, rest) = line.split_once("Port ")?;
    let (port, rest) = rest.split_once(' ')?;
    rest.starts_with("opened").then(|| port.parse().ok()).flatten()
}

fn broken(why: &str) -> Error {
    Error::new(ErrorKind::Unreachable, OPEN, why).retry(Retry::Never)
}

/// What is done once a connection is closed.
struct Ending {
    account: Arc<Account>,
    session: Value,
}

impl Ending {
    /// Waits until the connection is closed, then ends the plugin and the session, which would else stay for a while.
    async fn after(self, mut child: Child, closing: oneshot::Receiver<()>) {
        tokio::select! {
            _ = closing => {}
            _ = child.wait() => {}
        }
        if let Err(error) = child.kill().await {
            tracing::debug!(%error, "the plugin has ended by itself");
        }
        let ended = self.account.call("ssm:TerminateSession", &json!({ "SessionId": self.session })).await;
        if let Err(error) = ended {
            tracing::debug!(%error, "the session ends by its own time");
        }
    }
}

/// A connection through the plugin, which ends with it.
struct Tunnel {
    stream: TcpStream,
    _printed: BufReader<ChildStdout>,
    _closed: oneshot::Sender<()>,
}

impl AsyncRead for Tunnel {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Tunnel {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plugin_says_where_it_listens() {
        assert_eq!(opened("Port 40123 opened for sessionId ada-0123.\n"), Some(40123));
        assert_eq!(opened("Waiting for connections...\n"), None);
        assert_eq!(opened("Port forwarding is not allowed\n"), None);
    }
}
