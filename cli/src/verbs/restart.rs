//! `rhumb restart`.

use std::time::Duration;

use clap::Args;
use rhumb_action::{RestartRequest, Wait};

use super::Ended;
use crate::arguments::duration;
use crate::exit::Exit;
use crate::output::emit;
use crate::session::Session;

/// Arguments of `rhumb restart`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The release's name
    #[arg(value_name = "NAME")]
    name: String,
    /// The workloads [default: all that are no jobs]
    #[arg(value_name = "WORKLOAD")]
    workloads: Vec<String>,
    /// Wait until they are ready
    #[arg(long)]
    wait: bool,
    /// How long that may take
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    timeout: Duration,
}

/// Replaces replicas by equal ones.
pub(crate) async fn run(session: &Session, arguments: Arguments) -> Ended {
    let parts = session.parts(false)?;
    let request = RestartRequest {
        name: arguments.name,
        workloads: arguments.workloads,
        wait: if arguments.wait { Wait::Ready } else { Wait::Applied },
        timeout: arguments.timeout,
    };
    let rolled = parts.finish(rhumb_action::restart(&parts.context(), &request).await)?;
    emit(session.format(), &rolled, || format!("Restarted {}\n", rolled.workloads.join(", ")))?;
    Ok(Exit::Success)
}
