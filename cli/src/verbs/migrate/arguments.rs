//! The arguments of `rhumb migrate`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::arguments::{ValueArguments, duration};

/// Arguments of `rhumb migrate`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(super) what: What,
}

#[derive(Debug, Subcommand)]
pub(super) enum What {
    /// Show what would move, what would be lost, and in which order. Nothing is changed
    Plan(Move),
    /// Make the destination, copy the data, stop the source and start the destination; or go on with that
    Start(Start),
    /// Show where a migration stands
    Status(Which),
    /// Look at both sides, and run your own checks
    Verify(Verify),
    /// Lead traffic to the destination, or tell what has to lead there. The source rests and is kept
    Cutover(Cutover),
    /// Remove the source. After that only another migration leads back
    Finish(Finish),
    /// Give a migration up: the source comes back as it was, and the destination goes
    Abort(Abort),
}

#[derive(Debug, Args)]
pub(super) struct Which {
    /// The release's name
    #[arg(value_name = "RELEASE")]
    pub(super) release: String,
    #[command(flatten)]
    pub(super) ends: Ends,
    /// The file that tells where the migration stands [default: rhumb/migrations/RELEASE.json in the state folder]
    #[arg(long, value_name = "FILE")]
    pub(super) state: Option<PathBuf>,
    /// How long each wait may take: for helpers, for the stop, until it is ready
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    pub(super) timeout: Duration,
}

#[derive(Debug, Args)]
pub(super) struct Ends {
    /// The target that the release is on. Needed until the migration has begun
    #[arg(long, value_name = "TARGET")]
    pub(super) from: Option<String>,
    /// The target that the release goes to. Needed until the migration has begun
    #[arg(long, value_name = "TARGET")]
    pub(super) to: Option<String>,
    /// The namespace at the source, where it is not that of --namespace or the target's own
    #[arg(long, value_name = "NAME")]
    pub(super) from_namespace: Option<String>,
    /// The namespace at the destination, where it is not that of --namespace or the target's own
    #[arg(long, value_name = "NAME")]
    pub(super) to_namespace: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Move {
    #[command(flatten)]
    pub(super) which: Which,
    #[command(flatten)]
    pub(super) values: ValueArguments,
    /// The chart, where the source has not recorded it or another version is to go
    #[arg(long, value_name = "CHART")]
    pub(super) chart: Option<PathBuf>,
    #[command(flatten)]
    pub(super) adoption: Adoption,
    /// Go all the same although the destination does less of this feature; may be repeated
    #[arg(long, value_name = "FEATURE", value_delimiter = ',')]
    pub(super) accept_loss: Vec<rhumb_spec::Feature>,
    /// Leave this config or secret, which is not the release's, as it is at the destination: `secret/db`; may be repeated
    #[arg(long, value_name = "DOCUMENT", value_delimiter = ',')]
    pub(super) keep_external: Vec<String>,
    /// Make the destination's namespace where it is not there
    #[arg(long)]
    pub(super) create_namespace: bool,
}

/// What is to become a release before it moves.
#[derive(Debug, Args)]
pub(super) struct Adoption {
    /// Adopt first what runs at the source and is no release yet, as `rhumb adopt` does: nothing is restarted. With --chart, by that chart
    #[arg(long)]
    pub(super) adopt: bool,
    /// On Docker Swarm: adopt this stack [default: the release's name]
    #[arg(long, value_name = "NAME", requires = "adopt", conflicts_with = "selector")]
    pub(super) stack: Option<String>,
    /// Adopt only what bears these labels
    #[arg(short = 'l', long, value_name = "SELECTOR", requires = "adopt")]
    pub(super) selector: Option<String>,
    /// The folder of the chart that is made of it [default: ./RELEASE]
    #[arg(long, value_name = "FOLDER", requires = "adopt", conflicts_with = "chart")]
    pub(super) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Start {
    #[command(flatten)]
    pub(super) moving: Move,
    /// The image of the helper that copies volumes, for both sides
    #[arg(long, value_name = "IMAGE", env = "RHUMB_HELPER_IMAGE", hide_env_values = true)]
    pub(super) helper_image: String,
    /// Replace the data of volumes that are at the destination already
    #[arg(long)]
    pub(super) overwrite: bool,
}

#[derive(Debug, Args)]
pub(super) struct Abort {
    #[command(flatten)]
    pub(super) which: Which,
    /// After the cutover: give up what was written at the destination, instead of copying it back
    #[arg(long)]
    pub(super) discard_destination_writes: bool,
}

#[derive(Debug, Args)]
pub(super) struct Verify {
    #[command(flatten)]
    pub(super) which: Which,
    /// A command of your own that must end with 0; may be repeated. `RHUMB_FROM`, `RHUMB_TO` and others name the sides
    #[arg(long, value_name = "COMMAND")]
    pub(super) check: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct Cutover {
    #[command(flatten)]
    pub(super) which: Which,
    /// The command that leads traffic to the destination: a change of DNS or of a load balancer
    #[arg(long, value_name = "COMMAND")]
    pub(super) route: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Finish {
    #[command(flatten)]
    pub(super) which: Which,
    /// Remove the source's volumes with their data, too
    #[arg(long)]
    pub(super) delete_source_volumes: bool,
}
