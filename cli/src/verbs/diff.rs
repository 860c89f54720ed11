//! `rhumb diff`.

use std::path::PathBuf;

use clap::Args;
use rhumb_action::{DiffAgainst, DiffRequest, Foreign};

use super::upgrade::ReuseArguments;
use super::{Ended, deploy};
use crate::arguments::ChartArguments;
use crate::exit::Exit;
use crate::failure::diagnostic_text;
use crate::output::emit;
use crate::session::Session;

/// Arguments of `rhumb diff`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The release's name; one that is not there would be installed
    #[arg(value_name = "NAME")]
    name: String,
    /// The chart: a folder or a .tgz file
    #[arg(value_name = "CHART", required_unless_present = "revision")]
    chart: Option<PathBuf>,
    #[command(flatten)]
    inputs: ChartArguments,
    /// Compare with what a rollback to this revision would bring back, instead of with a chart
    #[arg(long, value_name = "REVISION", conflicts_with = "chart")]
    revision: Option<u64>,
    #[command(flatten)]
    reuse: ReuseArguments,
    /// Objects that may be removed and made anew
    #[arg(long, value_name = "OBJECT")]
    replace: Vec<String>,
    /// Take over objects that bear the release's names and nobody's marks
    #[arg(long)]
    take_ownership: bool,
    /// End with exit code 8 when there are differences
    #[arg(long)]
    exit_code: bool,
}

/// Shows what would change.
pub(crate) async fn run(session: &Session, arguments: Arguments) -> Ended {
    let parts = session.parts(false)?;
    let against = match &arguments.chart {
        Some(chart) => {
            let inputs = Session::chart(chart, &arguments.inputs)?;
            DiffAgainst::Upgrade { inputs, values: arguments.reuse.reuse() }
        }
        None => DiffAgainst::Revision(arguments.revision),
    };
    let foreign = if arguments.take_ownership { Foreign::TakeOver } else { Foreign::Refuse };
    let request = DiffRequest { name: arguments.name, against, replace: arguments.replace, foreign };
    let differences = parts.finish(rhumb_action::diff(&parts.reading(), &request).await)?;
    emit(session.format(), &differences, || {
        let warnings: String =
            differences.warnings.iter().map(|warning| diagnostic_text(warning, session.paint())).collect();
        warnings
            + &deploy::losses(&differences.losses, session.paint())
            + &deploy::plan(&differences.plan, session.paint())
    })?;
    let is_different = arguments.exit_code && !differences.is_empty;
    Ok(if is_different { Exit::Different } else { Exit::Success })
}
