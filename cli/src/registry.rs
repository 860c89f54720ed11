//! Every backend there is, and how a target's settings make one.

use std::path::PathBuf;
use std::sync::Arc;

use rhumb_action::Target;
use rhumb_backend::Backend;
use rhumb_memory::{MemoryBackend, MemoryStorage};
use rhumb_release::Storage;
use rhumb_release::drivers::FileStorage;

use crate::config::TargetConfig;
use crate::environment::Environment;
use crate::failure::Failure;

/// The names of the backends that this program was built with. Each is also the name of a target.
pub(crate) const BACKENDS: &[&str] = &[
    "memory",
    #[cfg(feature = "swarm")]
    "swarm",
];

/// Every backend, with nothing behind it, for what can be said of a platform without asking one.
///
/// # Errors
/// None but what a backend says of empty settings.
pub(crate) fn unopened() -> Result<Vec<Arc<dyn Backend>>, Failure> {
    let mut backends: Vec<Arc<dyn Backend>> = vec![Arc::new(MemoryBackend::in_memory())];
    #[cfg(feature = "swarm")]
    {
        let settings = rhumb_swarm::Settings::default();
        backends.push(Arc::new(rhumb_swarm::Swarm::new(settings, rhumb_swarm::Environment::default())?));
    }
    Ok(backends)
}

/// Opens a target. Nothing is asked of the platform yet.
pub(crate) fn open(name: &str, config: &TargetConfig, environment: &Environment) -> Result<Target, Failure> {
    let config = expanded(config, environment).map_err(|why| {
        Failure::usage(
            format!("target {name}: {why}"),
            "set it, or change the target's settings with `rhumb target add`",
        )
    })?;
    let (backend, storage) = backend(name, &config, environment)?;
    let storage = match &config.storage {
        None => storage,
        Some(text) => elsewhere(name, text, environment)?,
    };
    Ok(Target { name: name.to_owned(), backend, storage })
}

type Parts = (Arc<dyn Backend>, Arc<dyn Storage>);

fn backend(name: &str, config: &TargetConfig, environment: &Environment) -> Result<Parts, Failure> {
    match config.backend.as_str() {
        "memory" => memory(config, environment),
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
    Ok((Arc::new(backend), Arc::new(storage)))
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
    Ok((Arc::new(swarm), Arc::new(storage)))
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
        context: expand(&config.context)?,
        cert_path: expand(&config.cert_path)?,
        tls_verify: config.tls_verify,
        storage: expand(&config.storage)?,
        file: expand(&config.file)?,
    })
}
