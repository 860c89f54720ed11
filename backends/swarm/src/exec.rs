//! Getting into things that run. Swarm itself has no way there: the engine of the node that a replica is on has one.
//!
//! Source: Engine API reference, `Exec`: to create and start one are calls of the node's own engine.

use std::pin::Pin;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::errors::Error as EngineError;
use bollard::exec::{CreateExecOptions, ResizeExecOptions, StartExecOptions, StartExecResults};
use futures_util::{Stream, StreamExt as _};
use rhumb_backend::{Duplex, Error, ErrorKind, Exec, Place, Result, Scope, Streams, TerminalSize};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;

use crate::connect::Engine;
use crate::here::{self, Replica};
use crate::names;

const RUN: &str = "run the command";

type Output = Pin<Box<dyn Stream<Item = Result<LogOutput, EngineError>> + Send>>;
type Input = Pin<Box<dyn AsyncWrite + Send>>;

/// Runs a command in the container of a replica on the engine's own node.
///
/// # Errors
/// `NotFound` for a workload, replica or container that is not there; `Unsupported` for replicas of other nodes; `Invalid` for a
/// command that the container does not have; what the engine answers.
pub(crate) async fn exec(
    engine: &Engine,
    scope: &Scope,
    place: &Place,
    exec: &Exec,
    streams: Streams,
) -> Result<i32> {
    one_container(place)?;
    let replicas = here::running(engine, scope, &place.workload, RUN).await;
    let replicas =
        replicas.map_err(|error| on_its_node(error, &names::service_name(scope, &place.workload)))?;
    let replica = choose(&replicas, place)?;
    let connected = engine.connected().await?;
    let about = |error: Error| error.with("replica", &replica.name);
    let meant = |error: EngineError| about(meaning(connected.address(), &error));
    let docker = connected.client().await?;
    let options = CreateExecOptions {
        attach_stdin: Some(streams.stdin.is_some()),
        attach_stdout: Some(true),
        // A terminal has one way out.
        attach_stderr: Some(!exec.tty),
        tty: Some(exec.tty),
        cmd: Some(exec.command.clone()),
        ..CreateExecOptions::default()
    };
    let id = docker.create_exec(&replica.container, options).await.map_err(meant)?.id;
    let start = StartExecOptions { tty: exec.tty, ..StartExecOptions::default() };
    let StartExecResults::Attached { output, input } =
        docker.start_exec(&id, Some(start)).await.map_err(meant)?
    else {
        return Err(about(Error::new(ErrorKind::Platform, RUN, "the engine attached to nothing")));
    };
    let refusal = attend((&docker, &id), (output, input), streams).await.map_err(meant)?;
    let code = docker.inspect_exec(&id).await.map_err(meant)?.exit_code;
    if let (Some(126 | 127), Some(text)) = (code, refusal) {
        return Err(about(missing(&text)));
    }
    code.and_then(|code| i32::try_from(code).ok()).ok_or_else(|| {
        about(Error::new(ErrorKind::Unreachable, RUN, "the connection was cut before the command ended"))
    })
}

/// A replica of Swarm is one container, which bears the workload's name.
fn one_container(place: &Place) -> Result<()> {
    match &place.container {
        Some(wanted) if *wanted != place.workload => {
            let why = format!("a replica of Swarm is one container, and it has none called {wanted}");
            Err(Error::new(ErrorKind::NotFound, RUN, why)
                .with("workload", &place.workload)
                .remedy("no --container"))
        }
        _ => Ok(()),
    }
}

/// Says how a person gets into a container of another node.
fn on_its_node(error: Error, service: &str) -> Error {
    if error.kind != ErrorKind::Unsupported {
        return error;
    }
    error.remedy(format!(
        "on the replica's node (`rhumb ps` shows it): docker exec -it \"$(docker ps -q -f \
         label=com.docker.swarm.service.name={service} | head -n 1)\" COMMAND; a target whose host is that node's engine; or \
         `rhumb run` for a container like it"
    ))
}

/// The replica that is meant: the one that is named, else the first.
fn choose<'r>(replicas: &'r [Replica], place: &Place) -> Result<&'r Replica> {
    let Some(task) = &place.task else { return Ok(&replicas[0]) };
    let found = replicas.iter().find(|replica| replica.name == *task || replica.id == *task);
    found.ok_or_else(|| {
        let names: Vec<&str> = replicas.iter().map(|replica| replica.name.as_str()).collect();
        Error::new(ErrorKind::NotFound, RUN, format!("no replica {task} runs on the engine's node"))
            .with("workload", &place.workload)
            .remedy(format!("one of {}", names.join(", ")))
    })
}

/// Carries bytes both ways until the command has ended. Gives what the engine says in place of output when there is no such
/// command.
async fn attend(
    (docker, id): (&Docker, &str),
    (output, input): (Output, Input),
    mut streams: Streams,
) -> Result<Option<String>, EngineError> {
    let input = feed(input, streams.stdin.take());
    let resize = resize((docker, id), streams.resize.take());
    let output = drain(output, &mut streams);
    let (mut input, mut resize) = (std::pin::pin!(input), std::pin::pin!(resize));
    let mut output = std::pin::pin!(output);
    let (mut reads, mut resizes) = (true, true);
    loop {
        tokio::select! {
            first = &mut output => return first,
            () = &mut input, if reads => reads = false,
            () = &mut resize, if resizes => resizes = false,
        }
    }
}

/// Passes on what is read, and its end.
async fn feed(mut to: Input, from: Option<Box<dyn AsyncRead + Send + Unpin>>) {
    let Some(mut from) = from else { return };
    // A command that has ended reads no more, which its exit code tells.
    let _ = tokio::io::copy(&mut from, &mut to).await;
    let _ = to.shutdown().await;
}

async fn resize((docker, id): (&Docker, &str), from: Option<mpsc::Receiver<TerminalSize>>) {
    let Some(mut from) = from else { return };
    while let Some(TerminalSize { width, height }) = from.recv().await {
        // A size that did not get through is no reason to end the command.
        let _ = docker.resize_exec(id, ResizeExecOptions { height, width }).await;
    }
}

async fn drain(mut from: Output, to: &mut Streams) -> Result<Option<String>, EngineError> {
    let mut refusal = None;
    let mut is_first = true;
    while let Some(part) = from.next().await {
        let (out, bytes): (&mut (dyn AsyncWrite + Send + Unpin), _) = match part? {
            LogOutput::StdErr { message } => (&mut *to.stderr, message),
            LogOutput::StdOut { message } | LogOutput::Console { message } | LogOutput::StdIn { message } => {
                (&mut *to.stdout, message)
            }
        };
        if std::mem::take(&mut is_first) && bytes.starts_with(b"OCI runtime exec failed") {
            refusal = Some(String::from_utf8_lossy(&bytes).into_owned());
            continue;
        }
        // Who does not listen any more, does not keep the command from ending.
        let _ = out.write_all(&bytes).await;
        let _ = out.flush().await;
    }
    Ok(refusal)
}

fn meaning(address: &str, error: &EngineError) -> Error {
    match error {
        EngineError::DockerResponseServerError { message, .. } if is_missing(message) => missing(message),
        other => crate::error::from_engine(RUN, address, other),
    }
}

fn is_missing(message: &str) -> bool {
    ["executable file not found", "no such file or directory", "permission denied"]
        .iter()
        .any(|text| message.contains(text))
}

/// That there is no such command: the runtime's own words come behind those of everybody who passes them on.
fn missing(message: &str) -> Error {
    let own = message.rsplit("unable to start container process: ").next().unwrap_or(message);
    let line = own.lines().next().unwrap_or_default().trim_end_matches(": unknown").trim();
    Error::new(ErrorKind::Invalid, RUN, line).remedy("a command that the container's image has")
}

/// Refuses, and says how to reach a port.
///
/// # Errors
/// Always.
pub(crate) fn connect(place: &Place) -> Result<Box<dyn Duplex>> {
    const WHY: &str = "Swarm's managers pass no connections on to containers";
    Err(Error::new(ErrorKind::Unsupported, "open the connection", WHY)
        .with("workload", &place.workload)
        .remedy("publish the port (`expose` with `as: node`), and upgrade"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(task: Option<&str>, container: Option<&str>) -> Place {
        Place {
            workload: "web".to_owned(),
            task: task.map(str::to_owned),
            container: container.map(str::to_owned),
        }
    }

    #[test]
    fn the_replica_is_the_first_unless_it_is_named() {
        let replica = |name: &str| Replica {
            id: format!("id-{name}"),
            name: name.to_owned(),
            container: format!("c-{name}"),
        };
        let all = [replica("web.1"), replica("web.2")];
        assert_eq!(choose(&all, &place(None, None)).unwrap().name, "web.1");
        assert_eq!(choose(&all, &place(Some("web.2"), None)).unwrap().container, "c-web.2");
        assert_eq!(choose(&all, &place(Some("id-web.2"), None)).unwrap().name, "web.2");
        let error = choose(&all, &place(Some("web.9"), None)).unwrap_err();
        assert_eq!(error.remedy.as_deref(), Some("one of web.1, web.2"));
        assert!(one_container(&place(None, Some("web"))).is_ok());
        assert!(one_container(&place(None, Some("side"))).is_err());
    }

    #[test]
    fn a_command_that_is_not_there_is_told_in_few_words() {
        let text = "OCI runtime exec failed: exec failed: unable to start container process: exec: \"nope\": \
                    executable file not found in $PATH: unknown\r\n";
        assert!(is_missing(text));
        assert_eq!(missing(text).message, "exec: \"nope\": executable file not found in $PATH");
    }
}
