//! The two sides of a migration, and what every stage does with them.

use std::time::Duration;

use rhumb_backend::{Error, ErrorKind, HelperVolume, Migration, Retry, Scope, VolumeAccess, VolumeUse};
use rhumb_ferry::{Options, Watch};
use tokio::time::{Instant, sleep};

use super::state::Side;
use crate::dock::{Dock, Shore};
use crate::{ActionError, ActionResult, Context, Event};

const COPY: &str = "copy the volume";
/// So often helpers may be lost in one command.
const ATTEMPTS: u32 = 5;
/// How long it is waited between two looks.
pub(super) const LOOK: Duration = Duration::from_millis(300);
/// A helper that nobody talks to ends by itself after this time.
const IDLE: Duration = Duration::from_mins(10);
/// How long certificates hold: the longest that one command may take.
pub(super) const VALID: Duration = Duration::from_hours(7 * 24);

/// The two sides of a migration.
#[derive(Clone, Copy, Debug)]
pub struct Sides<'a> {
    /// Where the release comes from.
    pub from: Context<'a>,
    /// Where it goes.
    pub to: Context<'a>,
    /// The release.
    pub release: &'a str,
    /// How long each wait may take.
    pub timeout: Duration,
}

impl<'a> Sides<'a> {
    /// The source.
    pub(super) fn source(&self) -> At<'a> {
        At { context: self.from, release: self.release, timeout: self.timeout }
    }

    /// The destination.
    pub(super) fn destination(&self) -> At<'a> {
        At { context: self.to, release: self.release, timeout: self.timeout }
    }
}

/// One side: a release on a target.
#[derive(Clone, Copy, Debug)]
pub(super) struct At<'a> {
    pub(super) context: Context<'a>,
    pub(super) release: &'a str,
    pub(super) timeout: Duration,
}

impl At<'_> {
    pub(super) fn scope(&self) -> Scope {
        self.context.scope(self.release)
    }

    /// As it is written down.
    pub(super) fn side(&self) -> Side {
        Side {
            target: self.context.target.name.clone(),
            platform: self.context.backend().name().to_owned(),
            namespace: self.context.namespace.to_owned(),
        }
    }

    pub(super) fn shore(&self, scope: &Scope) -> Shore {
        Shore { backend: std::sync::Arc::clone(&self.context.target.backend), scope: scope.clone() }
    }

    /// The wish for a helper.
    pub(super) fn dock(&self, name: &str, image: &str, volumes: Vec<HelperVolume>) -> Dock {
        Dock {
            name: name.to_owned(),
            image: image.to_owned(),
            volumes,
            secrets: Vec::new(),
            patience: self.timeout,
            idle: IDLE,
        }
    }

    /// Waits until nothing of the release runs.
    pub(super) async fn wait_until_still(&self) -> ActionResult<()> {
        let (scope, deadline) = (self.scope(), Instant::now() + self.timeout);
        let migration = migration(&self.context)?;
        loop {
            match migration.running(&scope).await {
                Ok(running) if running.is_empty() => return Ok(()),
                Ok(running) if Instant::now() >= deadline => return Err(self.not_still(&running)),
                Err(error) if error.retry == Retry::Never || Instant::now() >= deadline => {
                    return Err(error.into());
                }
                Ok(_) | Err(_) => self.pause().await?,
            }
        }
    }

    fn not_still(&self, running: &[String]) -> ActionError {
        let message = format!("it still runs: {}", running.join(", "));
        Error::new(ErrorKind::Timeout, "wait until the release has stopped", message)
            .with("target", &self.context.target.name)
            .remedy("more time with --timeout; then the same command again")
            .into()
    }

    /// Waits a moment, unless the user wants to stop.
    pub(super) async fn pause(&self) -> ActionResult<()> {
        tokio::select! {
            () = sleep(LOOK) => Ok(()),
            () = self.context.cancel.cancelled() => Err(ActionError::Cancelled),
        }
    }

    pub(super) fn doing(&self, what: impl Into<String>) {
        self.context.tell(&Event::Doing { what: what.into() });
    }
}

/// A helper's volume.
pub(super) fn mounted(volume: &VolumeUse, access: VolumeAccess) -> HelperVolume {
    HelperVolume { folder: FOLDER.to_owned(), volume: volume.clone(), access }
}

/// The one folder of a helper.
pub(super) const FOLDER: &str = "data";

/// How volumes are copied.
pub(super) fn options(watch: Option<Watch>) -> Options {
    Options { patience: Duration::from_mins(2), watch, ..Options::default() }
}

/// What it takes for a release to leave or reach a platform.
pub(super) fn migration<'a>(context: &Context<'a>) -> ActionResult<&'a dyn Migration> {
    let backend = context.backend();
    backend.migration().ok_or_else(|| ActionError::Unsupported {
        what: "a migration".to_owned(),
        platform: backend.name().to_owned(),
    })
}

/// An error of the copier.
#[expect(clippy::needless_pass_by_value, reason = "`map_err` hands it over")]
pub(super) fn ferry_failed(error: rhumb_ferry::Error) -> ActionError {
    let kind = if error.is_lost() { ErrorKind::Unreachable } else { ErrorKind::Platform };
    Error::new(kind, COPY, error.to_string()).into()
}

/// After a copy that failed because a helper was lost, with its node or the way to it, there is another, with new helpers:
/// what came over does not go again. Returns the error of any other failure, and of the last attempt.
pub(super) async fn go_on_after(failure: ActionError, attempt: u32, at: &At<'_>) -> ActionResult<()> {
    let is_lost = |error: &Error| error.kind == ErrorKind::Unreachable && error.operation == COPY;
    if attempt >= ATTEMPTS || !matches!(&failure, ActionError::Backend(error) if is_lost(error)) {
        return Err(failure);
    }
    at.doing(format!("going on with new helpers, because of the error: {failure}"));
    at.pause().await
}

/// Something that cannot go on.
pub(super) fn failed(message: impl Into<String>) -> ActionError {
    Error::new(ErrorKind::Platform, "migrate the release", message).into()
}
