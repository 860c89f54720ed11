//! `rhumb package`.

use std::path::PathBuf;

use clap::Args;
use rhumb_action::PackageRequest;

use super::Ended;
use crate::exit::Exit;
use crate::output::emit;
use crate::session::Session;

/// Arguments of `rhumb package`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The chart's folder
    #[arg(value_name = "CHART")]
    chart: PathBuf,
    /// The folder that the archive goes to
    #[arg(short = 'd', long, value_name = "FOLDER", default_value = ".")]
    destination: PathBuf,
    /// The version in place of the chart's own
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
    /// The version of what it deploys, in place of the chart's own
    #[arg(long, value_name = "VERSION")]
    app_version: Option<String>,
}

/// Makes one file of a chart.
pub(crate) fn run(session: &Session, arguments: &Arguments) -> Ended {
    let packaged = rhumb_action::package(&PackageRequest {
        chart: arguments.chart.clone(),
        destination: arguments.destination.clone(),
        version: arguments.version.clone(),
        app_version: arguments.app_version.clone(),
    })?;
    emit(session.format(), &packaged, || format!("Packaged {}\n", packaged.path.display()))?;
    Ok(Exit::Success)
}
