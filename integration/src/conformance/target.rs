//! A backend under test, and who watches it.

use std::sync::{Arc, Mutex, PoisonError};

use rhumb_action::{ActionResult, CancellationToken, Context, Silent, Target};
use rhumb_backend::{Backend, Scope};
use rhumb_ecs::{Ecs, EcsStorage, LaunchType};
use rhumb_kubernetes::{Kubernetes, KubernetesStorage};
use rhumb_marathon::{Marathon, MarathonStorage};
use rhumb_memory::{MemoryBackend, MemoryStorage};
use rhumb_release::{Holder, NobodyKnows};
use rhumb_spec::Feature;
use rhumb_swarm::{Environment, Settings, Swarm, SwarmStorage};

use super::case::Need;
use super::kubernetes::expectation;
use super::{Case, Proof, Shows, ecs, ecs_witness, kubernetes_witness, marathon, marathon_witness, witness};
use crate::kubernetes::Cluster;
use crate::swarm::Engine;
use crate::trial;
use crate::{ecs as aws, marathon as dcos};

/// A backend under test, with a place for its releases, and for the swarm an independent witness.
#[derive(Debug)]
pub struct TestTarget {
    target: Target,
    namespace: String,
    watched: Watched,
}

/// Where an independent look can be had.
#[derive(Debug)]
enum Watched {
    Memory(MemoryBackend),
    Swarm(&'static Engine),
    Kubernetes(&'static Cluster),
    Marathon(Box<dcos::Double>),
    Ecs(&'static aws::Double),
}

impl TestTarget {
    /// The memory backend, empty.
    pub fn memory() -> Self {
        let backend = MemoryBackend::in_memory();
        let storage = Arc::new(MemoryStorage::beside(&backend));
        let target = Target { name: "memory".to_owned(), backend: Arc::new(backend.clone()), storage };
        Self { target, namespace: default_namespace(), watched: Watched::Memory(backend) }
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
        Ok(Self { target, namespace: default_namespace(), watched: Watched::Swarm(engine) })
    }

    /// A namespace of its own in a cluster; it goes when the value is dropped.
    ///
    /// # Errors
    /// When the namespace cannot be made.
    pub fn kubernetes(cluster: &'static Cluster, feature: Feature) -> Result<Self, libtest_mimic::Failed> {
        let namespace = format!("c-{feature}");
        cluster.kubectl().create_namespace(&namespace)?;
        let settings = rhumb_kubernetes::Settings {
            kubeconfig: Some(cluster.kubeconfig().to_path_buf()),
            ..rhumb_kubernetes::Settings::default()
        };
        let backend = Kubernetes::new(settings, rhumb_kubernetes::Environment::default());
        let storage = Arc::new(KubernetesStorage::new(&backend));
        let target = Target { name: "kubernetes".to_owned(), backend: Arc::new(backend), storage };
        Ok(Self { target, namespace, watched: Watched::Kubernetes(cluster) })
    }

    /// A Marathon of its own, which is a double.
    ///
    /// # Errors
    /// When the double cannot start, or the backend does not take its address.
    pub fn marathon() -> Result<Self, libtest_mimic::Failed> {
        let double = dcos::double()?;
        let settings = serde_json::from_value(dcos::settings(&double))?;
        let backend = Marathon::new(settings, rhumb_marathon::Environment::default());
        let storage = Arc::new(MarathonStorage::new(&backend));
        let target = Target { name: "marathon".to_owned(), backend: Arc::new(backend), storage };
        Ok(Self { target, namespace: default_namespace(), watched: Watched::Marathon(Box::new(double)) })
    }

    /// The account of a double, with tasks on Fargate or on container instances.
    ///
    /// # Errors
    /// When the backend does not take the double's settings.
    pub fn ecs(double: &'static aws::Double, launch_type: LaunchType) -> Result<Self, libtest_mimic::Failed> {
        let mut settings: rhumb_ecs::Settings = serde_json::from_value(double.settings())?;
        settings.launch_type = launch_type;
        let vars = aws::environment().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let backend =
            Ecs::new(settings, rhumb_ecs::Environment { vars, ..rhumb_ecs::Environment::default() });
        let storage = Arc::new(EcsStorage::new(&backend));
        let target = Target { name: "ecs".to_owned(), backend: Arc::new(backend), storage };
        Ok(Self { target, namespace: default_namespace(), watched: Watched::Ecs(double) })
    }

    /// The namespace that releases go into.
    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// A case's app as it is written for this backend.
    pub(super) fn adapted(&self, case: &Case) -> String {
        let instead = match self.watched {
            Watched::Kubernetes(_) => expectation(case.feature).instead,
            Watched::Marathon(_) => marathon::expectation(case.feature).instead,
            Watched::Ecs(_) => ecs::expectation(case.feature).instead,
            Watched::Memory(_) | Watched::Swarm(_) => &[],
        };
        instead.iter().fold(case.app.to_owned(), |app, (text, other)| app.replace(text, other))
    }

    /// How a case is shown on this backend.
    pub(super) fn shows(&self, case: &Case) -> Shows {
        match self.watched {
            Watched::Kubernetes(_) => expectation(case.feature).shows.unwrap_or(case.shows),
            Watched::Marathon(_) => marathon::expectation(case.feature).shows.unwrap_or(case.shows),
            // A double runs nothing, and everything becomes ready there.
            Watched::Ecs(_) if !matches!(case.shows, Shows::Update | Shows::Kept(_)) => Shows::Ready,
            _ => case.shows,
        }
    }

    /// The backend.
    pub fn backend(&self) -> &dyn Backend {
        self.target.backend.as_ref()
    }

    /// What rollouts prove here: in memory nothing runs.
    pub(super) fn proof_of_running(&self) -> Proof {
        match self.watched {
            Watched::Memory(_) => Proof::Accepted,
            Watched::Swarm(_) | Watched::Kubernetes(_) => Proof::Ran,
            Watched::Marathon(_) | Watched::Ecs(_) => Proof::Double,
        }
    }

    /// Runs a verb.
    pub(super) async fn with_context<T>(
        &self,
        verb: impl AsyncFnOnce(&Context<'_>) -> ActionResult<T>,
    ) -> ActionResult<T> {
        let context = Context {
            target: &self.target,
            namespace: &self.namespace,
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
            (
                Watched::Memory(_) | Watched::Marathon(_),
                Need::SwarmCronjob | Need::Traefik | Need::Identity(_),
            ) => Ok(()),
            (Watched::Marathon(double), Need::Config(name)) => {
                double.provide(&format!("{name}/colour"), "made by hand");
                Ok(())
            }
            (Watched::Kubernetes(cluster), need) => {
                kubernetes_witness::prepare(cluster.kubectl(), &self.namespace, *need)
            }
            (Watched::Ecs(double), need) => ecs_witness::prepare(double, *need),
        })
    }

    /// Has an independent client look at what a case left on the platform.
    pub(super) fn witness(&self, case: &Case, stack: &str) -> Result<Proof, String> {
        match &self.watched {
            Watched::Marathon(double) => {
                marathon_witness::watch(double, case, &format!("/{}/{stack}", self.namespace))
            }
            Watched::Swarm(engine) => witness::watch(engine, case, stack),
            Watched::Kubernetes(cluster) => kubernetes_witness::watch(cluster, case, &self.namespace),
            Watched::Ecs(double) => ecs_witness::watch(double, case, &self.namespace, stack),
            Watched::Memory(_) => Ok(Proof::Accepted),
        }
    }

    /// Nothing of a case's release is left but what is to be kept.
    pub(super) fn require_nothing_of(&self, case: &Case, release: &str) -> Result<(), String> {
        match &self.watched {
            Watched::Memory(_) => Ok(()),
            Watched::Marathon(double) => dcos::require_nothing_of(double, &self.namespace, release),
            Watched::Swarm(engine) => trial::require_nothing_of(engine.docker(), release)
                .map_err(|error| error.message().unwrap_or_default().to_owned()),
            Watched::Kubernetes(cluster) => {
                kubernetes_witness::require_nothing_of(cluster.kubectl(), &self.namespace, case)
            }
            Watched::Ecs(double) => {
                aws::require_nothing_of(double, &self.namespace, release)?;
                aws::require_no_violations(double)
            }
        }
    }

    /// A volume that must outlive its release is still there.
    pub(super) fn require_kept(&self, case: &Case, stack: &str) -> Result<(), String> {
        let Shows::Kept(volume) = case.shows else { return Ok(()) };
        match self.watched {
            // Marathon keeps no volume of an app that goes, and the check says so.
            Watched::Memory(_) | Watched::Marathon(_) => Ok(()),
            Watched::Swarm(engine) => {
                engine.docker().inspect("volume", &format!("{stack}_{volume}")).map(drop)
            }
            Watched::Kubernetes(cluster) => {
                cluster.kubectl().get(&self.namespace, "persistentvolumeclaim", volume).map(drop)
            }
            Watched::Ecs(double) => ecs_witness::require_kept(double, case, &self.namespace, stack),
        }
    }
}

impl Drop for TestTarget {
    fn drop(&mut self) {
        if let Watched::Kubernetes(cluster) = self.watched {
            // The next run finds the name taken, and says so.
            let _ = cluster.kubectl().delete_namespace(&self.namespace);
        }
    }
}

fn default_namespace() -> String {
    Scope::DEFAULT_NAMESPACE.to_owned()
}
