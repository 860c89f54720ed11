//! Where an end-to-end test runs: the same test, on each platform that can be had.

use std::collections::BTreeMap;
use std::path::PathBuf;

use libtest_mimic::{Failed, Trial};
use rhumb_backend::Scope;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::ecs::{self, Double};
use crate::kubernetes::Cluster;
use crate::marathon;
use crate::swarm::Engine;
use crate::{Rhumb, trial};

/// A platform that end-to-end tests run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// The reference backend, in a file.
    Memory,
    /// A real swarm.
    Swarm,
    /// A real cluster.
    Kubernetes,
    /// A double of ECS.
    Ecs,
    /// A double of Marathon.
    Marathon,
}

/// A place on a platform, for one test.
#[derive(Debug)]
pub struct Place {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Memory(TempDir),
    Swarm(&'static Engine),
    Kubernetes { cluster: &'static Cluster, namespace: String },
    Ecs(Box<Double>),
    Marathon(Box<marathon::Double>),
}

impl Platform {
    /// Every platform.
    pub const ALL: [Self; 5] = [Self::Memory, Self::Swarm, Self::Kubernetes, Self::Ecs, Self::Marathon];
    /// Those behind a server, on which a command takes time enough to be killed or overtaken, in an unhurried place.
    pub const SERVED: [Self; 4] = [Self::Swarm, Self::Kubernetes, Self::Ecs, Self::Marathon];

    /// The word in the names of tests.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Swarm => "swarm",
            Self::Kubernetes => "kubernetes",
            Self::Ecs => "ecs",
            Self::Marathon => "marathon",
        }
    }

    /// A test on this platform: reported as ignored where this machine can have none.
    pub fn trial(self, name: &str, test: impl FnOnce(Self) -> Result<(), Failed> + Send + 'static) -> Trial {
        let name = format!("{}::{name}", self.as_str());
        match self {
            Self::Swarm => trial::needs_swarm(&name, move || test(self)),
            Self::Kubernetes => trial::needs_cluster(&name, move || test(self)),
            Self::Ecs => trial::needs_ecs(&name, move || test(self)),
            Self::Memory | Self::Marathon => Trial::test(name, move || test(self)),
        }
    }

    /// An app as it is written for this platform: ECS asks every five seconds at most, and gives up after ten failures at the
    /// latest.
    pub fn adapted(self, app: &str) -> String {
        match self {
            Self::Memory | Self::Swarm | Self::Kubernetes | Self::Marathon => app.to_owned(),
            Self::Ecs => app.replace("period: 1s", "period: 5s").replace("failures: 20", "failures: 10"),
        }
    }

    /// A place of its own for a test: in a cluster a namespace, of ECS or Marathon a double, which go when the value is dropped.
    ///
    /// # Errors
    /// When there is no such platform here.
    pub fn place(self, name: &str) -> Result<Place, Failed> {
        let kind = match self {
            Self::Memory => Kind::Memory(tempfile::tempdir()?),
            Self::Swarm => Kind::Swarm(trial::engine()?),
            Self::Kubernetes => {
                let cluster = trial::cluster()?;
                cluster.kubectl().create_namespace(name)?;
                Kind::Kubernetes { cluster, namespace: name.to_owned() }
            }
            Self::Ecs => Kind::Ecs(Box::new(ecs::double()?)),
            Self::Marathon => Kind::Marathon(Box::new(marathon::double()?)),
        };
        Ok(Place { kind })
    }

    /// A place on which a command takes time enough to be killed or overtaken.
    ///
    /// # Errors
    /// As for [`Platform::place`].
    pub fn unhurried_place(self, name: &str) -> Result<Place, Failed> {
        match self {
            Self::Marathon => Ok(Place { kind: Kind::Marathon(Box::new(marathon::unhurried()?)) }),
            _ => self.place(name),
        }
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
            Kind::Marathon(double) => marathon::rhumb(double),
            Kind::Memory(_) => Rhumb::targets(&json!({ "main": self.target() }), Vec::new()),
        }
    }

    /// The place as a target of a file of targets, such as [`Rhumb::targets`] takes.
    pub fn target(&self) -> Value {
        match &self.kind {
            Kind::Memory(folder) => json!({ "backend": "memory", "file": state_file(folder) }),
            Kind::Swarm(engine) => json!({ "backend": "swarm", "host": engine.host() }),
            Kind::Kubernetes { cluster, namespace } => {
                json!({ "backend": "kubernetes", "kubeconfig": cluster.kubeconfig(), "namespace": namespace })
            }
            Kind::Ecs(double) => json!({ "backend": "ecs", "settings": double.settings() }),
            Kind::Marathon(double) => {
                json!({ "backend": "marathon", "settings": marathon::settings(double) })
            }
        }
    }

    /// What runs of a release, by the platform's own word: each workload's name, and how many of what.
    ///
    /// # Errors
    /// When the platform cannot be asked.
    pub fn runs(&self, release: &str) -> Result<BTreeMap<String, Value>, Failed> {
        match &self.kind {
            Kind::Memory(folder) => memory_runs(folder),
            Kind::Swarm(engine) => swarm_runs(engine, release),
            Kind::Kubernetes { cluster, namespace } => kubernetes_runs(cluster, namespace, release),
            Kind::Ecs(double) => ecs_runs(double, release),
            Kind::Marathon(double) => Ok(marathon::wanted(double)),
        }
    }

    /// From now on Marathon's agents cannot start what has such an image; elsewhere nothing is changed.
    pub fn cannot_start(&self, image: &str) {
        if let Kind::Marathon(double) = &self.kind {
            let fate = marathon::Fate::CannotStart { message: "no such image".to_owned() };
            double.tell(marathon::Rule { image: Some(image.to_owned()), fate, ..marathon::Rule::default() });
        }
    }

    /// Nothing of a release is left, its records among what goes.
    ///
    /// # Errors
    /// What is left of it.
    pub fn require_nothing_of(&self, release: &str) -> Result<(), Failed> {
        match &self.kind {
            Kind::Memory(folder) => {
                let left = memory_runs(folder)?;
                trial::require(left.is_empty(), &format!("left in memory: {left:?}"))
            }
            Kind::Swarm(engine) => trial::require_nothing_of(engine.docker(), release),
            Kind::Kubernetes { cluster, namespace } => {
                cluster.kubectl().require_nothing_in(namespace, &[]).map_err(Failed::from)
            }
            Kind::Ecs(double) => {
                ecs::require_nothing_of(double, Scope::DEFAULT_NAMESPACE, release)?;
                ecs::require_no_violations(double).map_err(Failed::from)
            }
            Kind::Marathon(double) => {
                marathon::require_nothing_of(double, Scope::DEFAULT_NAMESPACE, release)?;
                marathon::require_no_violations(double).map_err(Failed::from)
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

fn state_file(folder: &TempDir) -> PathBuf {
    folder.path().join("memory.json")
}

/// Every object in the file with the state, and none where there is no file.
fn memory_runs(folder: &TempDir) -> Result<BTreeMap<String, Value>, Failed> {
    let Ok(text) = std::fs::read_to_string(state_file(folder)) else { return Ok(BTreeMap::new()) };
    let state: Value = serde_json::from_str(&text)?;
    let objects = state["objects"].as_object().into_iter().flatten();
    Ok(objects.map(|(key, object)| (key.clone(), object["object"]["body"].clone())).collect())
}

fn swarm_runs(engine: &Engine, release: &str) -> Result<BTreeMap<String, Value>, Failed> {
    let filter = format!("label=com.docker.stack.namespace={release}");
    let names = engine.docker().lines(&["service", "ls", "--filter", &filter, "--format", "{{.Name}}"])?;
    let runs = |name: String| {
        let spec = engine.docker().inspect("service", &name)?["Spec"].take();
        let container = &spec["TaskTemplate"]["ContainerSpec"];
        let configs = container["Configs"].as_array().into_iter().flatten();
        let configs: Vec<&Value> = configs.map(|config| &config["ConfigName"]).collect();
        let what = json!({ "image": container["Image"], "env": container["Env"], "configs": configs, "mode": spec["Mode"] });
        Ok((name, what))
    };
    names.into_iter().map(runs).collect()
}

fn kubernetes_runs(
    cluster: &Cluster,
    namespace: &str,
    release: &str,
) -> Result<BTreeMap<String, Value>, Failed> {
    let selector = format!("app.kubernetes.io/instance={release}");
    let found = cluster.kubectl().list(namespace, "deployments,statefulsets", &selector)?;
    let runs = |object: Value| {
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        (name, json!({ "replicas": object["spec"]["replicas"], "template": object["spec"]["template"] }))
    };
    Ok(found.into_iter().map(runs).collect())
}

fn ecs_runs(double: &Double, release: &str) -> Result<BTreeMap<String, Value>, Failed> {
    let items = ecs::items(double, Scope::DEFAULT_NAMESPACE, release)?;
    let services = items.into_iter().filter(|item| item.kind == "service");
    let runs = |item: ecs::Item| {
        let what = json!({ "count": item.body["desiredCount"], "runs": item.body["taskDefinition"] });
        (item.name, what)
    };
    Ok(services.map(runs).collect())
}
