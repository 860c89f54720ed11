//! A backend under test, and who watches it.

use std::sync::{Arc, Mutex, PoisonError};

use rhumb_action::{ActionResult, CancellationToken, Context, Silent, Target};
use rhumb_backend::{Backend, Scope};
use rhumb_memory::{MemoryBackend, MemoryStorage};
use rhumb_release::{Holder, NobodyKnows};
use rhumb_swarm::{Environment, Settings, Swarm, SwarmStorage};

use super::case::Need;
use super::{Case, Proof, Shows, witness};
use crate::swarm::Engine;
use crate::trial;

/// A backend under test, with a place for its releases, and for the swarm an independent witness.
#[derive(Debug)]
pub struct TestTarget {
    target: Target,
    watched: Watched,
}

/// Where an independent look can be had.
#[derive(Debug)]
enum Watched {
    Memory(MemoryBackend),
    Swarm(&'static Engine),
}

impl TestTarget {
    /// The memory backend, empty.
    pub fn memory() -> Self {
        let backend = MemoryBackend::in_memory();
        let storage = Arc::new(MemoryStorage::beside(&backend));
        let target = Target { name: "memory".to_owned(), backend: Arc::new(backend.clone()), storage };
        Self { target, watched: Watched::Memory(backend) }
    }

    /// The swarm of an engine.
    ///
    /// # Errors
    /// When the backend does not take the engine's address.
    pub fn swarm(engine: &'static Engine) -> Result<Self, libtest_mimic::Failed> {
        let settings = Settings { host: Some(engine.host().to_owned()), ..Settings::default() };
        let backend = Swarm::new(settings, Environment::default())?;
        let storage = Arc::new(SwarmStorage::new(&backend));
        let target = Target { name: "swarm".to_owned(), backend: Arc::new(backend), storage };
        Ok(Self { target, watched: Watched::Swarm(engine) })
    }

    /// The backend.
    pub fn backend(&self) -> &dyn Backend {
        self.target.backend.as_ref()
    }

    /// What rollouts prove here: in memory nothing runs.
    pub(super) fn proof_of_running(&self) -> Proof {
        match self.watched {
            Watched::Memory(_) => Proof::Accepted,
            Watched::Swarm(_) => Proof::Ran,
        }
    }

    /// Runs a verb.
    pub(super) async fn with_context<T>(
        &self,
        verb: impl AsyncFnOnce(&Context<'_>) -> ActionResult<T>,
    ) -> ActionResult<T> {
        let context = Context {
            target: &self.target,
            namespace: Scope::DEFAULT_NAMESPACE,
            who: &Holder { command: "conformance".to_owned(), ..Holder::default() },
            clock: &jiff::Timestamp::now,
            liveness: &NobodyKnows,
            cancel: &CancellationToken::new(),
            progress: &Silent,
        };
        verb(&context).await
    }

    /// Makes what a case needs, unless it is there.
    pub(super) fn prepare(&self, needs: &[Need]) -> Result<(), String> {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        needs.iter().try_for_each(|need| match (&self.watched, need) {
            (Watched::Swarm(engine), need) => witness::prepare(engine.docker(), *need),
            (Watched::Memory(backend), Need::Config(name)) => {
                let body = serde_json::json!({ "data": { "colour": "made by hand" } });
                backend.provide(&format!("config/{name}"), body).map_err(|error| error.to_string())
            }
            (Watched::Memory(_), Need::SwarmCronjob | Need::Traefik) => Ok(()),
        })
    }

    /// Has an independent client look at what a case left on the platform.
    pub(super) fn witness(&self, case: &Case, stack: &str) -> Result<Proof, String> {
        match self.watched {
            Watched::Swarm(engine) => witness::watch(engine, case, stack),
            Watched::Memory(_) => Ok(Proof::Accepted),
        }
    }

    /// Nothing of a stack is left but what is to be kept.
    pub(super) fn require_nothing_of(&self, stack: &str) -> Result<(), String> {
        let Watched::Swarm(engine) = self.watched else { return Ok(()) };
        trial::require_nothing_of(engine.docker(), stack)
            .map_err(|error| error.message().unwrap_or_default().to_owned())
    }

    /// A volume that must outlive its release is still there.
    pub(super) fn require_kept(&self, case: &Case, stack: &str) -> Result<(), String> {
        let (Watched::Swarm(engine), Shows::Kept(volume)) = (&self.watched, case.shows) else {
            return Ok(());
        };
        engine.docker().inspect("volume", &format!("{stack}_{volume}")).map(drop)
    }
}
