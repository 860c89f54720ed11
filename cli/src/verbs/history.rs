//! `rhumb history`.

use clap::Args;
use rhumb_action::{HistoryRequest, PastRevision};

use super::Ended;
use crate::exit::Exit;
use crate::output::{emit, table, time};
use crate::session::Session;

/// Arguments of `rhumb history`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The release's name
    #[arg(value_name = "NAME")]
    name: String,
    /// Only the newest so many
    #[arg(long, value_name = "NUMBER")]
    max: Option<usize>,
}

/// Lists the revisions of a release.
pub(crate) async fn run(session: &Session, arguments: Arguments) -> Ended {
    let parts = session.parts(false)?;
    let request = HistoryRequest { name: arguments.name, max: arguments.max };
    let revisions = parts.finish(rhumb_action::history(&parts.reading(), &request).await)?;
    emit(session.format(), &revisions, || text(&revisions))?;
    Ok(Exit::Success)
}

fn text(revisions: &[PastRevision]) -> String {
    let headings = ["REVISION", "UPDATED", "STATUS", "CHART", "APP VERSION", "DESCRIPTION"];
    let rows = revisions.iter().map(|revision| {
        [
            revision.revision.to_string(),
            time(&revision.updated),
            revision.status.to_string(),
            format!("{}-{}", revision.chart.name, revision.chart.version),
            revision.chart.app_version.clone().unwrap_or_default(),
            revision.description.clone(),
        ]
    });
    table(headings, rows)
}
