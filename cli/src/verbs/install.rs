//! `rhumb install`.

use std::path::PathBuf;

use clap::Args;
use rhumb_action::{DeployOptions, Deployment, InstallRequest};

use super::{Ended, deploy};
use crate::arguments::{ChartArguments, DeployArguments};
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
    let together = deploy::together(&arguments.deploy);
    let request = InstallRequest {
        name: arguments.name,
        inputs: Session::chart(&arguments.chart, &arguments.inputs)?,
        options: DeployOptions {
            no_namespace: deploy::no_namespace(arguments.create_namespace),
            ..deploy::options(&arguments.deploy)
        },
    };
    deploy::run(session, &Deployment::Install(request), together).await
}
