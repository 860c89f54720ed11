//! `rhumb scale`.

use std::time::Duration;

use clap::Args;
use rhumb_action::{Rolled, ScaleRequest, Wait};

use super::Ended;
use crate::arguments::duration;
use crate::exit::Exit;
use crate::output::emit;
use crate::session::Session;

/// Arguments of `rhumb scale`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The release's name
    #[arg(value_name = "NAME")]
    name: String,
    /// Workloads with their number of replicas
    #[arg(value_name = "WORKLOAD=NUMBER", required = true, value_parser = pair)]
    workloads: Vec<(String, u32)>,
    /// Wait until they are ready
    #[arg(long)]
    wait: bool,
    /// How long that may take
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    timeout: Duration,
}

fn pair(text: &str) -> Result<(String, u32), String> {
    let (workload, number) = text.split_once('=').ok_or("write it as WORKLOAD=NUMBER: web=3")?;
    let number = number.parse().map_err(|_| format!("`{number}` is no number of replicas"))?;
    Ok((workload.to_owned(), number))
}

/// Sets numbers of replicas.
pub(crate) async fn run(session: &Session, arguments: Arguments) -> Ended {
    let parts = session.parts(false)?;
    let request = ScaleRequest {
        name: arguments.name,
        workloads: arguments.workloads.clone(),
        wait: if arguments.wait { Wait::Ready } else { Wait::Applied },
        timeout: arguments.timeout,
    };
    let rolled: Rolled = parts.finish(rhumb_action::scale(&parts.context(), &request).await)?;
    emit(session.format(), &rolled, || {
        let lines =
            arguments.workloads.iter().map(|(workload, number)| format!("Scaled {workload} to {number}\n"));
        lines.collect::<String>() + "The number stays until the chart's own number changes.\n"
    })?;
    Ok(Exit::Success)
}
