//! Getting into tasks, by ECS Exec and Session Manager's port forwarding. Both go through the user's own
//! `session-manager-plugin`, as the AWS CLI has it.

mod output;
mod place;
mod plugin;
mod shell;
mod tunnel;

use std::process::Stdio;
use std::sync::Arc;

use rhumb_backend::{Duplex, Error, ErrorKind, Exec, Place, Result, Scope, Streams, TerminalSize};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::process::ChildStdin;
use tokio::sync::mpsc;

use crate::connect::Account;
use output::Output;
use place::Target;
use shell::{Reads, Wrapped};

const RUN: &str = "run the command";
/// What a terminal takes for the end of input, at the beginning of a line.
const END_OF_INPUT: u8 = 4;

/// Runs a command in a container of a task.
///
/// Without a terminal the command runs under the image's `sh`, which tells its exit code. With one, the plugin has the
/// terminal, and ECS does not tell how the command ended: the code is the plugin's own.
///
/// # Errors
/// `NotFound` for a workload, task or container that is not there; `Unsupported` where the task was started without ECS
/// Exec, the plugin is not there, or the image has no `sh`; what AWS answers.
///
/// Source: Amazon ECS API reference, `ExecuteCommand`; `aws ecs execute-command` starts the plugin the same way.
pub(crate) async fn exec(
    account: &Account,
    scope: &Scope,
    place: &Place,
    exec: &Exec,
    streams: Streams,
) -> Result<i32> {
    plugin::check(account, RUN).await?;
    let target = place::find(account, scope, place).await?;
    let has_terminal = exec.tty && streams.stdin.is_some() && account.environment().is_interactive;
    if has_terminal {
        let session = begin(account, &target, &shell::quoted(&exec.command)).await?;
        return in_terminal(account, &target, &session).await;
    }
    let reads = if streams.stdin.is_some() { Reads::Input } else { Reads::Nothing };
    let wrapped = Wrapped::new(&exec.command, reads);
    let session = begin(account, &target, &wrapped.command).await?;
    piped(account, &target, &session, wrapped, streams).await
}

/// Asks ECS for a session.
async fn begin(account: &Account, target: &Target, command: &str) -> Result<Value> {
    let request = json!({
        "cluster": account.cluster(),
        "task": target.task,
        "container": target.container,
        "command": command,
        "interactive": true,
    });
    let answer = account.call("ecs:ExecuteCommand", &request).await.map_err(|error| target.about(error))?;
    let session = answer.get("session").cloned().ok_or_else(|| {
        Error::new(ErrorKind::Platform, RUN, "the answer holds no session").with("call", "ecs:ExecuteCommand")
    })?;
    // The plugin reads the names that Systems Manager gives them.
    let field = |name: &str| session.get(name).cloned().unwrap_or_default();
    Ok(json!({
        "SessionId": field("sessionId"),
        "StreamUrl": field("streamUrl"),
        "TokenValue": field("tokenValue"),
    }))
}

/// Leaves the process's own terminal to the plugin, which reads its keys and sizes.
async fn in_terminal(account: &Account, target: &Target, session: &Value) -> Result<i32> {
    let mut command = plugin::command(account, session, &json!({ "Target": target.session })).await?;
    let mut child = command.spawn().map_err(|error| plugin::failed(RUN, &error))?;
    let status = child.wait().await.map_err(|error| plugin::failed(RUN, &error))?;
    Ok(status.code().unwrap_or(1))
}

async fn piped(
    account: &Account,
    target: &Target,
    session: &Value,
    wrapped: Wrapped,
    streams: Streams,
) -> Result<i32> {
    let mut command = plugin::command(account, session, &json!({ "Target": target.session })).await?;
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| plugin::failed(RUN, &error))?;
    let Streams { stdin, stdout, stderr, resize } = streams;
    let (Some(input), Some(mut printed), Some(mut errors)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(Error::new(ErrorKind::Platform, RUN, "the plugin has no streams"));
    };
    let mut output = Output::new(&wrapped.nonce);
    let code = {
        let reading = relay(&mut printed, &mut output, stdout);
        let complaints = complain(&mut errors, stderr);
        let writing = feed(stdin, input, resize);
        tokio::select! {
            ended = async { tokio::join!(reading, complaints).0 } => ended?,
            // Input never ends before the output does.
            () = writing => None,
        }
    };
    match code {
        Some(code) => Ok(code),
        None => Err(target.about(output.failure())),
    }
}

/// Passes what the command prints on, until it has ended; returns its exit code if it was told.
async fn relay(
    from: &mut (impl AsyncRead + Unpin),
    output: &mut Output,
    mut to: Box<dyn AsyncWrite + Send + Unpin>,
) -> Result<Option<i32>> {
    let failed = |error: std::io::Error| Error::new(ErrorKind::Cancelled, RUN, error.to_string());
    let mut buffer = vec![0; 8 << 10];
    loop {
        let count = from.read(&mut buffer).await.map_err(failed)?;
        let text = output.take(&buffer[..count]);
        to.write_all(&text).await.map_err(failed)?;
        to.flush().await.map_err(failed)?;
        if output.code().is_some() || count == 0 {
            return Ok(output.code());
        }
    }
}

/// Passes on what the plugin itself complains of. It ends with the plugin, or with the command.
async fn complain(from: &mut (impl AsyncRead + Unpin), mut to: Box<dyn AsyncWrite + Send + Unpin>) {
    if let Err(error) = tokio::io::copy(from, &mut to).await {
        tracing::debug!(%error, "what the plugin complains of is not passed on");
    }
}

/// Passes input on, and tells the end of it as a terminal would. It never ends, as the plugin ends the session when its
/// own input does.
async fn feed(
    from: Option<Box<dyn AsyncRead + Send + Unpin>>,
    mut to: ChildStdin,
    resize: Option<mpsc::Receiver<TerminalSize>>,
) {
    drop(resize);
    if let Some(mut from) = from {
        let mut buffer = vec![0; 4 << 10];
        let mut last = b'\n';
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            last = buffer[count - 1];
            if to.write_all(&buffer[..count]).await.is_err() {
                break;
            }
        }
        // In the middle of a line the first one only sends what there is.
        let ends: &[u8] = if last == b'\n' { &[END_OF_INPUT] } else { &[END_OF_INPUT, END_OF_INPUT] };
        if let Err(error) = to.write_all(ends).await {
            tracing::debug!(%error, "the end of the input is not passed on");
        }
    }
    std::future::pending::<()>().await;
    drop(to);
}

/// Opens a connection to a port of a task.
///
/// # Errors
/// As for [`exec`].
///
/// Source: AWS Systems Manager user guide, "Starting a session (port forwarding)".
pub(crate) async fn connect(
    account: &Arc<Account>,
    scope: &Scope,
    place: &Place,
    port: u16,
) -> Result<Box<dyn Duplex>> {
    plugin::check(account, tunnel::OPEN).await?;
    let target = place::find(account, scope, place).await?;
    tunnel::open(account, &target, port).await
}

#[cfg(test)]
mod tests;
