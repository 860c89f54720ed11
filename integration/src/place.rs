//! Where an end-to-end test runs: the same test, on each platform that can be had.

use libtest_mimic::{Failed, Trial};
use rhumb_backend::Scope;

use crate::ecs::{self, Double};
use crate::kubernetes::Cluster;
use crate::swarm::Engine;
use crate::{Rhumb, trial};

/// A platform that end-to-end tests run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// A real swarm.
    Swarm,
    /// A real cluster.
    Kubernetes,
    /// A double of ECS.
    Ecs,
}

/// A place on a platform, for one test.
#[derive(Debug)]
pub struct Place {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Swarm(&'static Engine),
    Kubernetes { cluster: &'static Cluster, namespace: String },
    Ecs(Box<Double>),
}

impl Platform {
    /// Every platform.
    pub const ALL: [Self; 3] = [Self::Swarm, Self::Kubernetes, Self::Ecs];

    /// The word in the names of tests.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Swarm => "swarm",
            Self::Kubernetes => "kubernetes",
            Self::Ecs => "ecs",
        }
    }

    /// A test on this platform: reported as ignored where this machine can have none.
    pub fn trial(self, name: &str, test: impl FnOnce(Self) -> Result<(), Failed> + Send + 'static) -> Trial {
        let name = format!("{}::{name}", self.as_str());
        match self {
            Self::Swarm => trial::needs_swarm(&name, move || test(self)),
            Self::Kubernetes => trial::needs_cluster(&name, move || test(self)),
            Self::Ecs => trial::needs_ecs(&name, move || test(self)),
        }
    }

    /// An app as it is written for this platform: ECS asks every five seconds at most, and gives up after ten failures at the
    /// latest.
    pub fn adapted(self, app: &str) -> String {
        match self {
            Self::Swarm | Self::Kubernetes => app.to_owned(),
            Self::Ecs => app.replace("period: 1s", "period: 5s").replace("failures: 20", "failures: 10"),
        }
    }

    /// A place of its own for a test: in a cluster a namespace, of ECS a double, both of which go when the value is dropped.
    ///
    /// # Errors
    /// When there is no such platform here.
    pub fn place(self, name: &str) -> Result<Place, Failed> {
        let kind = match self {
            Self::Swarm => Kind::Swarm(trial::engine()?),
            Self::Kubernetes => {
                let cluster = trial::cluster()?;
                cluster.kubectl().create_namespace(name)?;
                Kind::Kubernetes { cluster, namespace: name.to_owned() }
            }
            Self::Ecs => Kind::Ecs(Box::new(ecs::double()?)),
        };
        Ok(Place { kind })
    }
}

impl Place {
    /// The program, for this place.
    ///
    /// # Panics
    /// When no temporary folder can be made.
    pub fn rhumb(&self) -> Rhumb {
        match &self.kind {
            Kind::Swarm(engine) => Rhumb::swarm(engine.host()),
            Kind::Kubernetes { cluster, namespace } => Rhumb::kubernetes(cluster.kubeconfig(), namespace),
            Kind::Ecs(double) => ecs::rhumb(double),
        }
    }

    /// Nothing of a release is left, its records among what goes.
    ///
    /// # Errors
    /// What is left of it.
    pub fn require_nothing_of(&self, release: &str) -> Result<(), Failed> {
        match &self.kind {
            Kind::Swarm(engine) => trial::require_nothing_of(engine.docker(), release),
            Kind::Kubernetes { cluster, namespace } => {
                cluster.kubectl().require_nothing_in(namespace, &[]).map_err(Failed::from)
            }
            Kind::Ecs(double) => {
                ecs::require_nothing_of(double, Scope::DEFAULT_NAMESPACE, release)?;
                ecs::require_no_violations(double).map_err(Failed::from)
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Kind::Kubernetes { cluster, namespace } = &self.kind {
            // The next run finds the name taken, and says so.
            let _ = cluster.kubectl().delete_namespace(namespace);
        }
    }
}
