//! `rhumb exec`.

use clap::Args;
use rhumb_action::ExecRequest;
use rhumb_backend::{Exec, Place, Streams};
use tokio::io::AsyncRead;
use tokio::sync::mpsc;

use super::Ended;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::{Parts, Session};
use crate::terminal::{Raw, asked_to_end, standard, tell_size};

/// Arguments of `rhumb exec`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The release's name
    #[arg(value_name = "NAME")]
    name: String,
    /// The workload
    #[arg(value_name = "WORKLOAD")]
    workload: String,
    /// Which of its containers [default: the first]
    #[arg(short = 'c', long, value_name = "NAME")]
    container: Option<String>,
    /// Which of its replicas, by the name that `rhumb ps` shows [default: one that is ready]
    #[arg(long, value_name = "NAME")]
    task: Option<String>,
    /// Pass standard input on
    #[arg(short = 'i', long)]
    stdin: bool,
    /// Give it a terminal; with -i, every key goes to it: -iT
    #[arg(short = 'T', long)]
    tty: bool,
    /// The command, whose exit code is that of `rhumb exec`
    #[arg(value_name = "COMMAND", last = true, required = true)]
    command: Vec<String>,
}

/// Runs a command.
pub(crate) async fn run(session: &Session, arguments: Arguments) -> Ended {
    let parts = session.parts(false)?;
    let is_terminal = session.environment().stdin_is_terminal;
    let keys = arguments.tty && arguments.stdin && is_terminal;
    if arguments.tty && arguments.stdin && !is_terminal {
        session.say("standard input is no terminal: what it holds is passed on as it is");
    }
    let request = ExecRequest {
        name: arguments.name,
        place: Place { workload: arguments.workload, task: arguments.task, container: arguments.container },
        exec: Exec { command: arguments.command, tty: arguments.tty },
    };
    let open = |error: std::io::Error| Failure::general(format!("cannot use the standard streams: {error}"));
    let stdin: Option<Box<dyn AsyncRead + Send + Unpin>> =
        if arguments.stdin { Some(Box::new(standard(std::io::stdin()).map_err(open)?)) } else { None };
    let resize = arguments.tty.then(|| {
        let (sizes, resize) = mpsc::channel(1);
        tokio::spawn(tell_size(sizes));
        resize
    });
    let streams = Streams {
        stdin,
        stdout: Box::new(standard(std::io::stdout()).map_err(open)?),
        stderr: Box::new(standard(std::io::stderr()).map_err(open)?),
        resize,
    };
    let code = if keys {
        with_keys(&parts, &request, streams).await?
    } else {
        plainly(&parts, &request, streams).await?
    };
    Ok(Exit::Command(u8::try_from(code).unwrap_or(u8::MAX)))
}

async fn plainly(parts: &Parts, request: &ExecRequest, streams: Streams) -> Result<i32, Failure> {
    parts.finish(rhumb_action::exec(&parts.reading(), request, streams).await)
}

/// Every key goes to the command, Ctrl-C too. Whatever ends it, the terminal is as before.
async fn with_keys(parts: &Parts, request: &ExecRequest, streams: Streams) -> Result<i32, Failure> {
    let raw = Raw::enter().map_err(|error| Failure::general(format!("cannot use the terminal: {error}")))?;
    let context = parts.view();
    let ended = tokio::select! {
        ended = rhumb_action::exec(&context, request, streams) => ended,
        () = asked_to_end() => Err(rhumb_action::ActionError::Cancelled),
    };
    drop(raw);
    parts.finish(ended)
}
