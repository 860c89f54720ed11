//! `rhumb upgrade`.

use std::path::PathBuf;

use clap::Args;
use rhumb_action::{DeployOptions, Deployment, IfAbsent, UpgradeRequest, ValueReuse};

use super::{Ended, deploy};
use crate::arguments::{ChartArguments, DeployArguments};
use crate::session::Session;

/// Arguments of `rhumb upgrade`.
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
    /// Install the release when it is not there
    #[arg(short = 'i', long)]
    install: bool,
    #[command(flatten)]
    reuse: ReuseArguments,
    /// Make the namespace where it is not there
    #[arg(long)]
    create_namespace: bool,
    #[command(flatten)]
    deploy: DeployArguments,
}

/// What becomes of the values that the last revision was given.
#[derive(Clone, Debug, Args)]
#[group(multiple = false)]
pub(crate) struct ReuseArguments {
    /// Take the chart's defaults and the values given now only
    #[arg(long)]
    reset_values: bool,
    /// Keep the last revision's values, with those given now over them
    #[arg(long)]
    reuse_values: bool,
    /// Take the chart's defaults, the last revision's values over them, and those given now on top
    #[arg(long)]
    reset_then_reuse_values: bool,
}

impl ReuseArguments {
    /// The library's word for it.
    pub(crate) fn reuse(&self) -> ValueReuse {
        match (self.reset_values, self.reuse_values, self.reset_then_reuse_values) {
            (true, _, _) => ValueReuse::Reset,
            (_, true, _) => ValueReuse::Reuse,
            (_, _, true) => ValueReuse::ResetThenReuse,
            _ => ValueReuse::Auto,
        }
    }
}

/// Upgrades a release.
pub(crate) async fn run(session: &Session, arguments: Arguments) -> Ended {
    let together = deploy::together(&arguments.deploy);
    let request = UpgradeRequest {
        name: arguments.name,
        inputs: Session::chart(&arguments.chart, &arguments.inputs)?,
        values: arguments.reuse.reuse(),
        absent: if arguments.install { IfAbsent::Install } else { IfAbsent::Fail },
        options: DeployOptions {
            no_namespace: deploy::no_namespace(arguments.create_namespace),
            ..deploy::options(&arguments.deploy)
        },
    };
    deploy::run(session, &Deployment::Upgrade(request), together).await
}
