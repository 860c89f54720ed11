//! `rhumb run`.

use std::time::Duration;

use clap::Args;
use rhumb_action::{AfterJob, RunRequest};

use super::Ended;
use crate::arguments::{Format, duration};
use crate::exit::Exit;
use crate::output::emit;
use crate::session::Session;

/// Arguments of `rhumb run`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The release's name
    #[arg(value_name = "NAME")]
    name: String,
    /// The workload whose image, environment and mounts the job gets
    #[arg(value_name = "WORKLOAD")]
    workload: String,
    /// Which of its containers, when there are several
    #[arg(short = 'c', long, value_name = "NAME")]
    container: Option<String>,
    /// How long it may take
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    timeout: Duration,
    /// Keep the job, so that it can be looked at
    #[arg(long)]
    keep: bool,
    /// The command [default: the container's own]
    #[arg(value_name = "COMMAND", last = true)]
    command: Vec<String>,
}

/// Runs one command.
pub(crate) async fn run(session: &Session, arguments: Arguments) -> Ended {
    let parts = session.parts(false)?;
    let request = RunRequest {
        name: arguments.name,
        workload: arguments.workload,
        container: arguments.container,
        command: arguments.command,
        timeout: arguments.timeout,
        after: if arguments.keep { AfterJob::Keep } else { AfterJob::Remove },
    };
    let result = parts.finish(rhumb_action::run(&parts.context(), &request).await)?;
    if session.format() != Format::Table {
        emit(session.format(), &result, String::new)?;
    } else if !result.succeeded {
        let exit = result.exit_code.map(|code| format!(" (exit code {code})")).unwrap_or_default();
        session.say(&format!("{} failed{exit}: {}", result.name, result.why.clone().unwrap_or_default()));
    }
    Ok(if result.succeeded { Exit::Success } else { Exit::NotReady })
}
