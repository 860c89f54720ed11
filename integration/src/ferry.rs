//! The image of the helper that copies volumes, and both platforms as sides of a copy.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use rhumb_action::Shore;
use rhumb_backend::Scope;
use rhumb_kubernetes::Kubernetes;
use rhumb_swarm::Swarm;

use crate::kubernetes::Cluster;
use crate::swarm::Engine;

/// Builds are made one after another.
static BUILD: Mutex<()> = Mutex::new(());

/// A release on a swarm, as a side of a copy.
///
/// # Errors
/// When the engine's address is none.
pub fn swarm(engine: &Engine, scope: Scope) -> Result<Shore, String> {
    let settings = rhumb_swarm::Settings { host: Some(engine.host().to_owned()), ..Default::default() };
    let swarm =
        Swarm::new(settings, rhumb_swarm::Environment::default()).map_err(|error| error.to_string())?;
    Ok(Shore { backend: Arc::new(swarm), scope })
}

/// A release in a cluster, as a side of a copy.
pub fn kubernetes(kubeconfig: &Path, scope: Scope) -> Shore {
    let settings =
        rhumb_kubernetes::Settings { kubeconfig: Some(kubeconfig.to_owned()), ..Default::default() };
    let kubernetes = Kubernetes::new(settings, rhumb_kubernetes::Environment::default());
    Shore { backend: Arc::new(kubernetes), scope }
}

/// Makes the helper's image on the engine at this address, and returns its name.
///
/// # Errors
/// What the script says.
pub fn image_on_swarm(host: &str) -> Result<String, String> {
    let _alone = BUILD.lock().unwrap_or_else(PoisonError::into_inner);
    script(&[host])?;
    script(&["--name"])
}

/// Makes the helper's image on a cluster's node, and returns its name.
///
/// # Errors
/// What the scripts say; always for a cluster whose node is not ours.
pub fn image_on_kubernetes(cluster: &Cluster) -> Result<String, String> {
    let _alone = BUILD.lock().unwrap_or_else(PoisonError::into_inner);
    cluster.control(&["ferry-image"]).map_err(|error| error.to_string())?;
    script(&["--name"])
}

fn script(arguments: &[&str]) -> Result<String, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/ferry/image.sh");
    let output = Command::new(&script).args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{}: {error}", script.display()))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}
