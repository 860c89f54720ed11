//! `rhumb install`.

use std::path::PathBuf;

use clap::Args;
use rhumb_action::{DeployOptions, InstallRequest};

use super::{Ended, deploy};
use crate::arguments::{ChartArguments, DeployArguments};
use crate::exit::Exit;
use crate::output::emit;
use crate::session::Session;

/// Arguments of `rhumb install`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The release's name
    #[arg(value_name = "NAME")]
    name: String,
    /// The chart: a folder or a .tgz file
    #[arg(value_name = "CHART")]
    chart: PathBuf,
    #[command(flatten)]
    inputs: ChartArguments,
    /// Make the namespace where it is not there
    #[arg(long)]
    create_namespace: bool,
    #[command(flatten)]
    deploy: DeployArguments,
}

/// Installs a chart as a release.
pub(crate) async fn run(session: &Session, arguments: Arguments) -> Ended {
    let parts = session.parts(false)?;
    let request = InstallRequest {
        name: arguments.name,
        inputs: Session::chart(&arguments.chart, &arguments.inputs)?,
        options: DeployOptions {
            no_namespace: deploy::no_namespace(arguments.create_namespace),
            ..deploy::options(&arguments.deploy)
        },
    };
    let deployed = parts.finish(rhumb_action::install(&parts.context(), &request).await)?;
    emit(session.format(), &deployed, || deploy::text(&deployed, session.paint()))?;
    Ok(Exit::Success)
}
