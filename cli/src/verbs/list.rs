//! `rhumb list`.

use clap::Args;
use rhumb_action::{Context, ListRequest, Listed};
use rhumb_release::Status;

use super::{Ended, several};
use crate::exit::Exit;
use crate::output::{emit, table, time};
use crate::session::Session;

/// Arguments of `rhumb list`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Only releases whose name contains this
    #[arg(value_name = "TEXT")]
    filter: Option<String>,
    /// Releases of every namespace
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// Only releases in this status; may be repeated
    #[arg(long, value_name = "STATUS")]
    status: Vec<Status>,
    /// Releases in every status, those among them that were uninstalled and whose history was kept
    #[arg(short = 'a', long)]
    all: bool,
}

/// Lists releases.
pub(crate) async fn run(session: &Session, arguments: Arguments) -> Ended {
    let statuses = if arguments.all { Status::ALL.to_vec() } else { arguments.status };
    let request =
        ListRequest { all_namespaces: arguments.all_namespaces, filter: arguments.filter, statuses };
    if session.has_several_targets()? {
        let verb = async |context: &Context<'_>| rhumb_action::list(context, &request).await;
        return several::run(session, verb, |listed| text(listed)).await;
    }
    let parts = session.parts(false)?;
    let listed = parts.finish(rhumb_action::list(&parts.reading(), &request).await)?;
    emit(session.format(), &listed, || text(&listed))?;
    Ok(Exit::Success)
}

fn text(listed: &[Listed]) -> String {
    let headings = ["NAME", "NAMESPACE", "REVISION", "UPDATED", "STATUS", "CHART", "APP VERSION"];
    let rows = listed.iter().map(|release| {
        [
            release.name.clone(),
            release.namespace.clone(),
            release.revision.to_string(),
            time(&release.updated),
            release.status.to_string(),
            format!("{}-{}", release.chart.name, release.chart.version),
            release.chart.app_version.clone().unwrap_or_default(),
        ]
    });
    table(headings, rows)
}
