//! `rhumb rollback`.

use clap::Args;
use rhumb_action::{Deployment, RollbackRequest};

use super::{Ended, deploy};
use crate::arguments::DeployArguments;
use crate::session::Session;

/// Arguments of `rhumb rollback`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The release's name
    #[arg(value_name = "NAME")]
    name: String,
    /// The revision to go back to [default: the one deployed before]
    #[arg(value_name = "REVISION")]
    revision: Option<u64>,
    #[command(flatten)]
    deploy: DeployArguments,
}

/// Brings back an earlier revision.
pub(crate) async fn run(session: &Session, arguments: Arguments) -> Ended {
    let together = deploy::together(&arguments.deploy);
    let request = RollbackRequest {
        name: arguments.name,
        revision: arguments.revision,
        options: deploy::options(&arguments.deploy),
    };
    deploy::run(session, &Deployment::Rollback(request), together).await
}
