//! Helpers beside volumes, from the wish for one until it can be talked to.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rhumb_backend::{
    Backend, Error, ErrorKind, Helper, HelperState, HelperVolume, Material, Result, Retry, Scope,
    VolumeAccess, Volumes,
};
use rhumb_ferry::{Access, Command, Connection, Dial, End, Run, TlsDial};
use tokio::time::{Instant, sleep};

/// The port at which helpers listen, each in a container of its own.
const PORT: u16 = 7411;
/// How long it is waited between two looks.
const LOOK: Duration = Duration::from_millis(300);
const OPERATION: &str = "start the helper";

/// One side of a copy: a platform, and the release there.
#[derive(Clone, Debug)]
pub struct Shore {
    /// The platform.
    pub backend: Arc<dyn Backend>,
    /// The release.
    pub scope: Scope,
}

/// A helper that is wanted.
#[derive(Clone, Debug)]
pub struct Dock {
    /// Its name: letters, digits and dashes. One name means one helper, so that a repeated call finds it.
    pub name: String,
    /// Its image.
    pub image: String,
    /// Its volumes. They are written to only where all of them may be.
    pub volumes: Vec<HelperVolume>,
    /// Secrets that it reads, by their names on the platform.
    pub secrets: Vec<String>,
    /// How long it may take until it runs.
    pub patience: Duration,
    /// It ends by itself when nobody was connected for this long.
    pub idle: Duration,
}

/// A helper that runs.
#[derive(Debug)]
pub struct Docked {
    name: String,
    dial: Arc<TlsDial>,
}

impl Docked {
    /// The end of a copy that is the volume in this folder.
    pub fn end(&self, folder: &str) -> End {
        End::new(&self.name, folder, Arc::clone(&self.dial) as Arc<dyn Dial>)
    }
}

/// Starts a helper and waits until it runs. It listens a moment later, for which connections wait by themselves.
///
/// Only this run can talk to it: one that an earlier run left under its name is replaced.
///
/// # Errors
/// `Unsupported` where the platform has no helpers; `Timeout` when it does not run in time, with what it waits for; `Platform` when it
/// ended; what the platform answers.
pub async fn dock(shore: &Shore, run: &Run, dock: &Dock) -> Result<Docked> {
    let volumes = volumes_of(shore)?;
    let helper = helper(volumes, run, dock)?;
    let deadline = Instant::now() + dock.patience;
    start(volumes, shore, &helper, deadline).await?;
    wait(volumes, shore, dock, deadline).await?;
    let reach = Reach { shore: shore.clone(), name: dock.name.clone() };
    Ok(Docked { name: dock.name.clone(), dial: Arc::new(run.dial(&dock.name, Arc::new(reach))) })
}

/// Removes a helper. Its volumes stay.
///
/// # Errors
/// As [`dock`].
pub async fn undock(shore: &Shore, name: &str) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        match volumes_of(shore)?.stop_helper(&shore.scope, name).await {
            Err(error) if error.retry != Retry::Never && Instant::now() < deadline => sleep(LOOK).await,
            done => return done,
        }
    }
}

fn volumes_of(shore: &Shore) -> Result<&dyn Volumes> {
    shore.backend.volumes().ok_or_else(|| {
        let message = format!("nobody reaches the data of volumes on {}", shore.backend.name());
        Error::new(ErrorKind::Unsupported, OPERATION, message)
    })
}

fn helper(volumes: &dyn Volumes, run: &Run, dock: &Dock) -> Result<Helper> {
    let identity = run
        .helper(&dock.name)
        .map_err(|error| Error::new(ErrorKind::Invalid, OPERATION, error.to_string()))?;
    let is_writable = dock.volumes.iter().all(|volume| volume.access == VolumeAccess::ReadWrite);
    let command = Command {
        host: volumes.helper_host().to_owned(),
        port: PORT,
        volumes: Helper::VOLUMES.to_owned(),
        secrets: Helper::SECRETS.to_owned(),
        identity: Helper::IDENTITY.to_owned(),
        access: if is_writable { Access::ReadWrite } else { Access::ReadOnly },
        idle: dock.idle,
    };
    Ok(Helper {
        name: dock.name.clone(),
        image: dock.image.clone(),
        arguments: command.arguments(),
        identity: Material::new(identity.expose().as_bytes().to_vec()),
        volumes: dock.volumes.clone(),
        secrets: dock.secrets.clone(),
        port: PORT,
    })
}

async fn start(volumes: &dyn Volumes, shore: &Shore, helper: &Helper, deadline: Instant) -> Result<()> {
    loop {
        match volumes.start_helper(&shore.scope, helper).await {
            Err(error) if error.retry != Retry::Never && Instant::now() < deadline => sleep(LOOK).await,
            done => return done,
        }
    }
}

async fn wait(volumes: &dyn Volumes, shore: &Shore, dock: &Dock, deadline: Instant) -> Result<()> {
    let about = |kind: ErrorKind, message: String| {
        Error::new(kind, OPERATION, message).with("helper", &dock.name).with("image", &dock.image)
    };
    loop {
        let late = Instant::now() >= deadline;
        match volumes.helper_state(&shore.scope, &dock.name).await {
            Ok(HelperState::Running { .. }) => return Ok(()),
            Ok(HelperState::Ended { why }) => {
                return Err(about(ErrorKind::Platform, format!("it ended: {why}")));
            }
            Ok(HelperState::Pending { why }) if late => {
                return Err(about(ErrorKind::Timeout, format!("it does not run yet: {why}")));
            }
            Ok(HelperState::Absent) if late => {
                return Err(about(ErrorKind::Conflict, "somebody removed it".to_owned()));
            }
            Err(error) if error.retry == Retry::Never || late => return Err(error),
            Ok(_) | Err(_) => sleep(LOOK).await,
        }
    }
}

/// The platform's own way to a helper.
struct Reach {
    shore: Shore,
    name: String,
}

#[async_trait]
impl Dial for Reach {
    async fn dial(&self) -> io::Result<Box<dyn Connection>> {
        let volumes = volumes_of(&self.shore).map_err(io::Error::other)?;
        let stream = volumes.connect_helper(&self.shore.scope, &self.name, PORT).await;
        Ok(Box::new(stream.map_err(io::Error::other)?))
    }
}
