//! What every verb is given: the target, who asks, the clock, and who is told.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use rhumb_backend::{Backend, Scope};
use rhumb_release::{Holder, Liveness, Releases, Storage};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::engine::Persistent;
use crate::{Event, Progress};

/// Where releases go: a platform, and the place where its releases are kept.
#[derive(Clone, Debug)]
pub struct Target {
    /// The name that the user knows it by.
    pub name: String,
    /// The platform.
    pub backend: Arc<dyn Backend>,
    /// Where its releases are kept.
    pub storage: Arc<dyn Storage>,
}

impl Target {
    /// The same target, whose storage is asked again when it does not answer, until this moment and little longer. A target
    /// that is not there at all is told soon.
    pub(crate) fn persistent(&self, end: Instant) -> Self {
        let storage = Persistent::new(Arc::clone(&self.storage)).until(end);
        Self { storage: Arc::new(storage), ..self.clone() }
    }
}

/// What every verb is given.
///
/// The clock, the caller's name and whatever else comes of the environment are injected, because no library reads
/// them.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Where the release is.
    pub target: &'a Target,
    /// The namespace that releases are looked up in.
    pub namespace: &'a str,
    /// Who asks: kept in records and leases.
    pub who: &'a Holder,
    /// The time of day. It goes into records and is never used to order anything.
    pub clock: &'a (dyn Fn() -> Timestamp + Send + Sync),
    /// Tells whether a lease's holder on this machine is gone.
    pub liveness: &'a dyn Liveness,
    /// Ends the verb at the next point where it can stop and leave word.
    pub cancel: &'a CancellationToken,
    /// Who is told what happens.
    pub progress: &'a dyn Progress,
}

impl<'a> Context<'a> {
    /// The release of this name in the context's namespace.
    pub fn scope(&self, release: &str) -> Scope {
        Scope::new(self.namespace, release)
    }

    /// The target's platform.
    pub fn backend(&self) -> &'a dyn Backend {
        self.target.backend.as_ref()
    }

    /// The target's releases.
    pub fn releases(&self) -> Releases<'a> {
        Releases::new(self.target.storage.as_ref())
    }

    /// The time of day, in RFC 3339 with whole seconds.
    pub fn now(&self) -> String {
        (self.clock)().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    pub(crate) fn tell(&self, event: &Event) {
        self.progress.event(event);
    }
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Context")
            .field("target", &self.target.name)
            .field("namespace", &self.namespace)
            .field("who", &self.who)
            .finish_non_exhaustive()
    }
}
