//! What is asked of the cluster before an app is lowered.

use rhumb_backend::{Facts, Result, Survey};
use rhumb_spec::App;

use crate::About;
use crate::connect::Cluster;
use crate::error::unfinished;

/// Asks the cluster what lowering must know.
pub(crate) async fn survey(_: &Cluster, _: &App, _: &Survey<'_>) -> Result<Facts> {
    Err(unfinished("survey the cluster"))
}

/// Asks the cluster what it is.
pub(crate) async fn about(_: &Cluster) -> Result<About> {
    Err(unfinished("ask the cluster"))
}
