//! One cluster with one real node.

use std::collections::BTreeMap;
use std::env;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Kubectl;

/// Why this machine gives no cluster. Tests that need one are skipped, and say this.
#[derive(Clone, Debug)]
pub struct NoCluster(pub String);

impl fmt::Display for NoCluster {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "no cluster: {}", self.0)
    }
}

impl std::error::Error for NoCluster {}

/// A cluster with the demo images on its node.
///
/// `RHUMB_TEST_KUBECONFIG` names one that runs already, and `RHUMB_TEST_KUBERNETES_ADDRESS` where its node ports answer;
/// else one is started by `harness/kubernetes/cluster.sh`, and stopped when the value is dropped.
#[derive(Debug)]
pub struct Cluster {
    kubectl: Kubectl,
    address: String,
    folder: Option<PathBuf>,
    is_own: bool,
}

impl Cluster {
    /// The cluster that the environment names, or a new one.
    ///
    /// # Errors
    /// When none is named and this machine cannot run one.
    pub fn start() -> Result<Self, NoCluster> {
        let Some(kubeconfig) = env::var_os("RHUMB_TEST_KUBECONFIG") else { return Self::start_own() };
        let address = env::var("RHUMB_TEST_KUBERNETES_ADDRESS").unwrap_or_else(|_| "127.0.0.1".to_owned());
        let folder = env::var_os("RHUMB_TEST_KUBERNETES_CONTROL").map(PathBuf::from);
        Ok(Self { kubectl: Kubectl::new(kubeconfig), address, folder, is_own: false })
    }

    fn start_own() -> Result<Self, NoCluster> {
        let folder = PathBuf::from(format!("/tmp/rhumb-cluster-{}", std::process::id()));
        script(&["missing"])
            .map_err(|missing| NoCluster(format!("this machine lacks {}", missing.0.replace('\n', ", "))))?;
        script(&["sweep"])?;
        let owner = std::process::id().to_string();
        let place = folder.to_string_lossy().into_owned();
        script(&["start", "--owner", &owner, &place])?;
        let text = script(&["env", &place])?;
        let pairs =
            text.lines().filter_map(|line| line.strip_prefix("export ")).flat_map(|line| line.split(' '));
        let variables: BTreeMap<&str, &str> = pairs.filter_map(|pair| pair.split_once('=')).collect();
        let take = |name: &str| {
            let value = variables.get(name).map(|value| (*value).to_owned());
            value.ok_or_else(|| NoCluster(format!("cluster.sh says no {name}")))
        };
        Ok(Self {
            kubectl: Kubectl::new(take("RHUMB_TEST_KUBECONFIG")?),
            address: take("RHUMB_TEST_KUBERNETES_ADDRESS")?,
            folder: Some(folder),
            is_own: true,
        })
    }

    /// kubectl for it.
    pub fn kubectl(&self) -> &Kubectl {
        &self.kubectl
    }

    /// Its kubeconfig.
    pub fn kubeconfig(&self) -> &Path {
        self.kubectl.kubeconfig()
    }

    /// The address at which node ports answer.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Has `cluster.sh` do something to a cluster of ours: `["apiserver", "restart"]`, `["user", "ada"]`.
    ///
    /// # Errors
    /// What the script says; always for a cluster that is not ours.
    pub fn control(&self, arguments: &[&str]) -> Result<String, NoCluster> {
        let folder = self.folder.as_ref().ok_or_else(|| {
            NoCluster("the cluster that the environment names is not ours to break".to_owned())
        })?;
        script(&[arguments, &[&*folder.to_string_lossy()]].concat())
    }

    /// Whether [`Self::control`] can do anything.
    pub fn is_controlled(&self) -> bool {
        self.folder.is_some()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(folder) = self.folder.as_ref().filter(|_| self.is_own) {
            // A failure leaves the folder behind, which the next start sweeps.
            let _ = script(&["stop", &folder.to_string_lossy()]);
        }
    }
}

/// The script that knows how clusters are started and stopped.
pub(crate) fn script(arguments: &[&str]) -> Result<String, NoCluster> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("harness/kubernetes/cluster.sh");
    let output = Command::new(&script)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| NoCluster(format!("{}: {error}", script.display())))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(NoCluster(String::from_utf8_lossy(&said).trim().to_owned()))
}
