//! Every backend there is, and how a target's settings make one.

use std::path::PathBuf;
use std::sync::Arc;

use rhumb_action::Target;
use rhumb_backend::Backend;
use rhumb_memory::{MemoryBackend, MemoryStorage};
use rhumb_release::Storage;
use rhumb_release::drivers::FileStorage;
use serde_json::Value;

use crate::config::TargetConfig;
use crate::environment::Environment;
use crate::failure::Failure;

/// The names of the backends that this program was built with. Each is also the name of a target.
pub(crate) const BACKENDS: &[&str] = &[
    "memory",
    #[cfg(feature = "ecs")]
    "ecs",
    #[cfg(feature = "kubernetes")]
    "kubernetes",
    #[cfg(feature = "marathon")]
    "marathon",
    #[cfg(feature = "swarm")]
    "swarm",
];

/// The platforms that are compared when none is named. Tasks on ECS have two homes, which differ as platforms do.
pub(crate) const PLATFORMS: &[&str] = &[
    #[cfg(feature = "ecs")]
    "ecs",
    #[cfg(feature = "ecs")]
    "ecs-ec2",
    #[cfg(feature = "kubernetes")]
    "kubernetes",
    #[cfg(feature = "marathon")]
    "marathon",
    #[cfg(feature = "swarm")]
    "swarm",
];

/// A platform with nothing behind it, by its name; none where no platform is called so.
///
/// # Errors
/// As [`unopened`].
pub(crate) fn unopened_platform(name: &str) -> Result<Option<Arc<dyn Backend>>, Failure> {
    #[cfg(feature = "ecs")]
    if name == "ecs-ec2" {
        let settings =
            rhumb_ecs::Settings { launch_type: rhumb_ecs::LaunchType::Ec2, ..rhumb_ecs::Settings::default() };
        return Ok(Some(Arc::new(rhumb_ecs::Ecs::new(settings, rhumb_ecs::Environment::default()))));
    }
    Ok(unopened()?.into_iter().find(|backend| backend.name() == name))
}

/// Every backend, with nothing behind it, for what can be said of a platform without asking one.
///
/// # Errors
/// None but what a backend says of empty settings.
pub(crate) fn unopened() -> Result<Vec<Arc<dyn Backend>>, Failure> {
    let mut backends: Vec<Arc<dyn Backend>> = vec![Arc::new(MemoryBackend::in_memory())];
    #[cfg(feature = "ecs")]
    backends.push(Arc::new(rhumb_ecs::Ecs::new(
        rhumb_ecs::Settings::default(),
        rhumb_ecs::Environment::default(),
    )));
    #[cfg(feature = "kubernetes")]
    {
        let settings = rhumb_kubernetes::Settings::default();
        let environment = rhumb_kubernetes::Environment::default();
        backends.push(Arc::new(rhumb_kubernetes::Kubernetes::new(settings, environment)));
    }
    #[cfg(feature = "marathon")]
    backends.push(Arc::new(rhumb_marathon::Marathon::new(
        rhumb_marathon::Settings::default(),
        rhumb_marathon::Environment::default(),
    )));
    #[cfg(feature = "swarm")]
    {
        let settings = rhumb_swarm::Settings::default();
        backends.push(Arc::new(rhumb_swarm::Swarm::new(settings, rhumb_swarm::Environment::default())?));
    }
    Ok(backends)
}

/// A target that can be asked.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The target.
    pub(crate) target: Target,
    /// The namespace of those who name none, as the platform's own tools have it.
    pub(crate) namespace: rhumb_backend::Result<Option<String>>,
}

/// Opens a target. Nothing is asked of the platform yet.
pub(crate) fn open(name: &str, config: &TargetConfig, environment: &Environment) -> Result<Opened, Failure> {
    let config = expanded(config, environment).map_err(|why| {
        Failure::usage(
            format!("target {name}: {why}"),
            "set it, or change the target's settings with `rhumb target add`",
        )
    })?;
    let parts = backend(name, &config, environment)?;
    let storage = match &config.storage {
        None => parts.storage,
        Some(text) => elsewhere(name, text, environment)?,
    };
    let target = Target { name: name.to_owned(), backend: parts.backend, storage };
    Ok(Opened { target, namespace: parts.namespace })
}

/// What a backend opens.
struct Parts {
    backend: Arc<dyn Backend>,
    storage: Arc<dyn Storage>,
    namespace: rhumb_backend::Result<Option<String>>,
}

impl Parts {
    /// Those of a platform that knows no namespace of its own.
    fn new(backend: Arc<dyn Backend>, storage: Arc<dyn Storage>) -> Self {
        Self { backend, storage, namespace: Ok(None) }
    }
}

fn backend(name: &str, config: &TargetConfig, environment: &Environment) -> Result<Parts, Failure> {
    match config.backend.as_str() {
        "memory" => memory(config, environment),
        #[cfg(feature = "ecs")]
        "ecs" => ecs(name, config, environment),
        #[cfg(feature = "kubernetes")]
        "kubernetes" => Ok(kubernetes(config, environment)),
        #[cfg(feature = "marathon")]
        "marathon" => marathon(name, config, environment),
        #[cfg(feature = "swarm")]
        "swarm" => swarm(config, environment),
        other => Err(Failure::usage(
            format!("target {name} has the unknown backend `{other}`"),
            format!("one of: {}", BACKENDS.join(", ")),
        )),
    }
}

fn memory(config: &TargetConfig, environment: &Environment) -> Result<Parts, Failure> {
    let file = match &config.file {
        Some(file) => environment.path(file),
        None => environment
            .state_folder()
            .ok_or_else(|| {
                Failure::usage("there is no home folder to keep the state in", "set HOME or XDG_STATE_HOME")
            })?
            .join("memory.json"),
    };
    let backend = MemoryBackend::with_file(file);
    let storage = MemoryStorage::beside(&backend);
    Ok(Parts::new(Arc::new(backend), Arc::new(storage)))
}

#[cfg(feature = "ecs")]
fn ecs(name: &str, config: &TargetConfig, environment: &Environment) -> Result<Parts, Failure> {
    use rhumb_ecs::{Ecs, EcsStorage};

    let around = rhumb_ecs::Environment {
        vars: environment.variables.clone(),
        home: environment.home.clone(),
        is_interactive: environment.stdin_is_terminal,
    };
    let ecs = Ecs::new(settings(name, config)?, around);
    let storage = EcsStorage::new(&ecs);
    Ok(Parts::new(Arc::new(ecs), Arc::new(storage)))
}

#[cfg(feature = "marathon")]
fn marathon(name: &str, config: &TargetConfig, environment: &Environment) -> Result<Parts, Failure> {
    use rhumb_marathon::{Marathon, MarathonStorage, Settings};

    let mut settings: Settings = settings(name, config)?;
    settings.ca = settings.ca.map(|file| environment.path(&file.to_string_lossy()));
    let around =
        rhumb_marathon::Environment { vars: environment.variables.clone(), home: environment.home.clone() };
    let marathon = Marathon::new(settings, around);
    let storage = MarathonStorage::new(&marathon);
    Ok(Parts::new(Arc::new(marathon), Arc::new(storage)))
}

/// The backend's own settings of a target.
#[cfg(any(feature = "ecs", feature = "marathon"))]
fn settings<T: serde::de::DeserializeOwned>(name: &str, config: &TargetConfig) -> Result<T, Failure> {
    let given = config.settings.clone().into_iter().collect();
    serde_json::from_value(Value::Object(given)).map_err(|error| {
        Failure::usage(
            format!("the settings of target {name} are not those of {}: {error}", config.backend),
            "see the page of the platform in the manual for its settings",
        )
    })
}

#[cfg(feature = "kubernetes")]
fn kubernetes(config: &TargetConfig, environment: &Environment) -> Parts {
    use rhumb_kubernetes::{Kubernetes, KubernetesStorage};

    let settings = rhumb_kubernetes::Settings {
        kubeconfig: config.kubeconfig.as_deref().map(|file| environment.path(file)),
        context: config.context.clone(),
    };
    let around = rhumb_kubernetes::Environment {
        vars: environment.variables.clone(),
        home: environment.home.clone(),
        is_interactive: environment.stdin_is_terminal,
    };
    let kubernetes = Kubernetes::new(settings, around);
    let namespace = kubernetes.namespace();
    let storage = KubernetesStorage::new(&kubernetes);
    Parts { backend: Arc::new(kubernetes), storage: Arc::new(storage), namespace }
}

#[cfg(feature = "swarm")]
fn swarm(config: &TargetConfig, environment: &Environment) -> Result<Parts, Failure> {
    use rhumb_swarm::{Settings, Swarm, SwarmStorage, TlsSettings};

    let tls = config.cert_path.as_deref().map(|folder| {
        let folder: PathBuf = environment.path(folder);
        let ca = (config.tls_verify != Some(false)).then(|| folder.join("ca.pem"));
        TlsSettings { ca, cert: Some(folder.join("cert.pem")), key: Some(folder.join("key.pem")) }
    });
    let settings =
        Settings { host: config.host.clone(), context: config.context.clone(), tls, docker_config: None };
    let around =
        rhumb_swarm::Environment { vars: environment.variables.clone(), home: environment.home.clone() };
    let swarm = Swarm::new(settings, around)?;
    let storage = SwarmStorage::new(&swarm);
    Ok(Parts::new(Arc::new(swarm), Arc::new(storage)))
}

fn elsewhere(name: &str, text: &str, environment: &Environment) -> Result<Arc<dyn Storage>, Failure> {
    match text.split_once(':') {
        Some(("file", folder)) if !folder.is_empty() => {
            Ok(Arc::new(FileStorage::new(environment.path(folder.trim_start_matches("//")))))
        }
        _ => Err(Failure::usage(
            format!("target {name} keeps its releases in `{text}`, which is no storage"),
            "file:FOLDER, or no `storage` to keep them on the platform",
        )),
    }
}

fn expanded(config: &TargetConfig, environment: &Environment) -> Result<TargetConfig, String> {
    let expand = |text: &Option<String>| text.as_deref().map(|text| environment.expand(text)).transpose();
    Ok(TargetConfig {
        backend: environment.expand(&config.backend)?,
        namespace: expand(&config.namespace)?,
        host: expand(&config.host)?,
        kubeconfig: expand(&config.kubeconfig)?,
        context: expand(&config.context)?,
        cert_path: expand(&config.cert_path)?,
        tls_verify: config.tls_verify,
        storage: expand(&config.storage)?,
        file: expand(&config.file)?,
        settings: config
            .settings
            .iter()
            .map(|(key, value)| Ok((key.clone(), expanded_value(value, environment)?)))
            .collect::<Result<_, String>>()?,
    })
}

fn expanded_value(value: &Value, environment: &Environment) -> Result<Value, String> {
    match value {
        Value::String(text) => environment.expand(text).map(Value::String),
        Value::Array(items) => items.iter().map(|item| expanded_value(item, environment)).collect(),
        Value::Object(map) => {
            let pairs = map.iter().map(|(key, item)| Ok((key.clone(), expanded_value(item, environment)?)));
            pairs.collect::<Result<_, String>>().map(Value::Object)
        }
        other => Ok(other.clone()),
    }
}
