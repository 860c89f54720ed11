//! `rhumb ps`.

use clap::Args;
use rhumb_action::PsRequest;
use rhumb_backend::Task;

use super::Ended;
use crate::exit::Exit;
use crate::output::{age, emit, table};
use crate::session::Session;

/// Arguments of `rhumb ps`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The release's name
    #[arg(value_name = "NAME")]
    name: String,
    /// Only this workload
    #[arg(value_name = "WORKLOAD")]
    workload: Option<String>,
    /// Past replicas too
    #[arg(short = 'a', long)]
    all: bool,
}

/// Lists the replicas of a release.
pub(crate) async fn run(session: &Session, arguments: Arguments) -> Ended {
    let parts = session.parts(false)?;
    let request = PsRequest { name: arguments.name, workload: arguments.workload, all: arguments.all };
    let tasks = parts.finish(rhumb_action::ps(&parts.reading(), &request).await)?;
    emit(session.format(), &tasks, || text(&tasks))?;
    Ok(Exit::Success)
}

fn text(tasks: &[Task]) -> String {
    let now = jiff::Timestamp::now();
    let since = |task: &Task| {
        let at = task.since.as_deref().and_then(|text| text.parse::<jiff::Timestamp>().ok());
        at.map(|at| age(at, now)).unwrap_or_default()
    };
    let rows = tasks.iter().map(|task| {
        let exit = task.exit_code.filter(|code| *code != 0).map(|code| format!(" (exit code {code})"));
        [
            task.name.clone(),
            task.image.split('@').next().unwrap_or_default().to_owned(),
            task.node.clone().unwrap_or_default(),
            task.detail.clone(),
            since(task),
            task.ports.join(", "),
            task.error.clone().unwrap_or_default() + &exit.unwrap_or_default(),
        ]
    });
    table(["NAME", "IMAGE", "NODE", "STATE", "SINCE", "PORTS", "ERROR"], rows)
}
