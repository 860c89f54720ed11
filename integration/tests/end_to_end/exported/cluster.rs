//! Manifests, applied by kubectl.

use std::path::Path;

use libtest_mimic::{Failed, Trial};
use rhumb_integration::{ChartFolder, Platform, trial};

use super::exported;

pub(super) fn trials() -> Vec<Trial> {
    vec![trial::needs_cluster("kubernetes::kubectl_applies_what_was_exported", applied)]
}

const ON_A_CLUSTER: &str = "
kind: Workload
name: web
containers:
  web:
    image: rhumb-demo:1
    env: { TOKEN: { secret: web, key: token } }
    ports: { http: 8080 }
    probes: { ready: { http: /healthz, port: http, period: 1s } }
    mounts: { /etc/app: { config: look } }
expose: { http: { port: 80 } }
---
kind: Config
name: look
data: { colour: blue }
---
kind: Secret
name: web
generate: { token: {} }
";

/// Applied both ways, ready, and gone again.
fn applied() -> Result<(), Failed> {
    let place = Platform::Kubernetes.place("left")?;
    let (rhumb, kubectl, chart) = (place.rhumb(), trial::cluster()?.kubectl(), ChartFolder::of(ON_A_CLUSTER));
    let folder = tempfile::tempdir()?;
    let out = exported(&rhumb, &["kubernetes", "--name", "left", chart.argument()], &folder)?;
    let text = out.to_string_lossy().into_owned();
    kubectl.run(&["apply", "--dry-run=server", "-f", &text])?;
    kubectl.run(&["apply", "-k", &text])?;
    kubectl.run(&["-n", "left", "rollout", "status", "--timeout=90s", "deployment/web"])?;
    let again = kubectl.run(&["apply", "-f", &text])?;
    trial::require(again.lines().all(|line| line.ends_with(" unchanged")), &again)?;
    kubectl.run(&["delete", "--wait=false", "-k", &text])?;
    require_modes(&out)
}

#[cfg(unix)]
fn require_modes(out: &Path) -> Result<(), Failed> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(out.join("00-secret-web.yaml"))?.permissions().mode() & 0o777;
    trial::require(mode == 0o600, &format!("{mode:o}"))?;
    Ok(())
}

#[cfg(not(unix))]
fn require_modes(_: &Path) -> Result<(), Failed> {
    Ok(())
}
