//! Volumes go from a real swarm to a real cluster and back.

mod killed;
mod voyage;

use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use rhumb_action::{Dock, Docked, Shore, dock};
use rhumb_backend::{HelperVolume, VolumeAccess, VolumeUse, Whose};
use rhumb_ferry::{Options, Run};
use rhumb_integration::{ferry, trial};

pub(crate) use killed::copy_until_killed;

pub(crate) fn trials() -> Vec<Trial> {
    let trials = [needs_both("ferry::a_volume_goes_there_and_back", voyage::there_and_back)];
    trials.into_iter().chain(killed::trials()).collect()
}

fn needs_both(name: &str, test: impl FnOnce() -> Result<(), Failed> + Send + 'static) -> Trial {
    let can = trial::can_have_cluster();
    trial::needs_swarm(name, test).with_ignored_flag(!can)
}

/// The one folder of a helper.
const FOLDER: &str = "data";

/// Certificates for as long as a test runs.
fn run() -> Result<Run, Failed> {
    Ok(Run::new(Duration::from_mins(10))?)
}

fn options() -> Options {
    Options { patience: Duration::from_secs(30), ..Options::default() }
}

/// Waits for a helper with one volume.
async fn docked(
    shore: &Shore,
    run: &Run,
    (name, access): (&str, VolumeAccess),
    volume: VolumeUse,
    secrets: &[&str],
) -> Result<Docked, Failed> {
    let dock_of = Dock {
        name: name.to_owned(),
        image: image(shore)?,
        volumes: vec![HelperVolume { folder: FOLDER.to_owned(), volume, access }],
        secrets: secrets.iter().map(|secret| (*secret).to_owned()).collect(),
        patience: Duration::from_mins(1),
        idle: Duration::from_mins(2),
    };
    Ok(dock(shore, run, &dock_of).await?)
}

fn image(shore: &Shore) -> Result<String, Failed> {
    let image = if shore.backend.name() == "swarm" {
        ferry::image_on_swarm(trial::engine()?.host())
    } else {
        ferry::image_on_kubernetes(trial::cluster()?)
    };
    Ok(image?)
}

/// The one volume that somebody has.
async fn only_volume(shore: &Shore, whose: Whose) -> Result<VolumeUse, Failed> {
    let volumes = shore.backend.volumes().ok_or("no volumes")?.volumes(&shore.scope, &whose).await?;
    match <[VolumeUse; 1]>::try_from(volumes) {
        Ok([volume]) => Ok(volume),
        Err(found) => Err(format!("{found:?}").into()),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failed> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}
