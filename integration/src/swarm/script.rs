//! `engine.sh`, which knows how swarms are started and stopped.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// Why this machine gives no swarm. Tests that need one are skipped, and say this.
#[derive(Clone, Debug)]
pub struct Unavailable(pub String);

impl fmt::Display for Unavailable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "no swarm: {}", self.0)
    }
}

impl std::error::Error for Unavailable {}

/// The folder of a swarm that this process started; the swarm stops when the value is dropped, or soon after the
/// process is gone.
#[derive(Debug)]
pub(super) struct Running {
    folder: PathBuf,
}

impl Running {
    /// Starts a swarm of so many managers.
    pub(super) fn start(nodes: u32) -> Result<Self, Unavailable> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = PathBuf::from(format!("/tmp/rhumb-engine-{}-{count}", std::process::id()));
        call(&["missing"]).map_err(|missing| {
            Unavailable(format!(
                "this machine lacks {}; integration/engine.sh install",
                missing.0.replace('\n', ", ")
            ))
        })?;
        call(&["sweep"])?;
        let owner = std::process::id().to_string();
        call(&["start", "--nodes", &nodes.to_string(), "--owner", &owner, &folder.to_string_lossy()])?;
        Ok(Self { folder })
    }

    /// The variables that `engine.sh env` prints.
    pub(super) fn variables(&self) -> Result<BTreeMap<String, String>, Unavailable> {
        let text = call(&["env", &self.folder.to_string_lossy()])?;
        let pairs =
            text.lines().filter_map(|line| line.strip_prefix("export ")).flat_map(|line| line.split(' '));
        Ok(pairs
            .filter_map(|pair| pair.split_once('='))
            .map(|(key, value)| (key.into(), value.into()))
            .collect())
    }

    /// Does something to a node: `lose`, `cut` or `return`.
    pub(super) fn node(&self, command: &str, node: u32) -> Result<(), Unavailable> {
        call(&[command, &node.to_string(), &self.folder.to_string_lossy()]).map(drop)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A failure leaves the folder behind, which the next start sweeps.
        let _ = call(&["stop", &self.folder.to_string_lossy()]);
    }
}

fn call(arguments: &[&str]) -> Result<String, Unavailable> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("engine.sh");
    let output = Command::new(&script)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Unavailable(format!("{}: {error}", script.display())))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(Unavailable(String::from_utf8_lossy(&said).trim().to_owned()))
}
