//! kubectl, as a witness that shares no code with ours.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::trial;

/// kubectl, talking to one cluster.
#[derive(Clone, Debug)]
pub struct Kubectl {
    kubeconfig: PathBuf,
}

impl Kubectl {
    /// kubectl with a kubeconfig.
    pub fn new(kubeconfig: impl Into<PathBuf>) -> Self {
        Self { kubeconfig: kubeconfig.into() }
    }

    /// The kubeconfig.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Runs a command and returns what it printed, without the last line's end.
    ///
    /// # Errors
    /// What it printed, when it failed.
    pub fn run(&self, arguments: &[&str]) -> Result<String, String> {
        finished(arguments, &self.output(arguments)?)
    }

    /// Runs a command, whatever its exit code.
    ///
    /// # Errors
    /// When kubectl cannot be started.
    pub fn output(&self, arguments: &[&str]) -> Result<Output, String> {
        self.command(arguments).stdin(Stdio::null()).output().map_err(|error| format!("kubectl: {error}"))
    }

    /// Runs a command that reads a text, such as `["apply", "-f", "-"]`.
    ///
    /// # Errors
    /// What it printed, when it failed.
    pub fn feed(&self, arguments: &[&str], text: &str) -> Result<String, String> {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("kubectl: {error}"))?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(text.as_bytes()).map_err(|error| format!("kubectl: {error}"))?;
        }
        let output = child.wait_with_output().map_err(|error| format!("kubectl: {error}"))?;
        finished(arguments, &output)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("kubectl");
        command.arg("--kubeconfig").arg(&self.kubeconfig).args(arguments).env_remove("KUBECONFIG");
        command
    }

    /// An object: `deployment`, `web`.
    ///
    /// # Errors
    /// When there is none.
    pub fn get(&self, namespace: &str, kind: &str, name: &str) -> Result<Value, String> {
        self.json(&["-n", namespace, "get", kind, name])
    }

    /// The objects of some kinds that a selector finds.
    ///
    /// # Errors
    /// What kubectl says.
    pub fn list(&self, namespace: &str, kinds: &str, selector: &str) -> Result<Vec<Value>, String> {
        let mut found = self.json(&["-n", namespace, "get", kinds, "-l", selector])?;
        Ok(found["items"].as_array_mut().map(std::mem::take).unwrap_or_default())
    }

    /// What a command with `-o json` prints.
    ///
    /// # Errors
    /// What kubectl says.
    pub fn json(&self, arguments: &[&str]) -> Result<Value, String> {
        let text = self.run(&[arguments, &["-o", "json"]].concat())?;
        serde_json::from_str(&text).map_err(|error| format!("kubectl {}: {error}", arguments.join(" ")))
    }

    /// The name of a running pod of a workload; a pod of that very name comes first.
    ///
    /// # Errors
    /// When there is none.
    pub fn pod_of(&self, namespace: &str, workload: &str) -> Result<String, String> {
        if self.get(namespace, "pod", workload).is_ok() {
            return Ok(workload.to_owned());
        }
        let pods = self.list(namespace, "pods", &format!("app.kubernetes.io/name={workload}"))?;
        let runs = |pod: &&Value| {
            pod["status"]["phase"] == "Running" && pod["metadata"]["deletionTimestamp"].is_null()
        };
        pods.iter()
            .find(runs)
            .and_then(|pod| pod["metadata"]["name"].as_str())
            .map(str::to_owned)
            .ok_or_else(|| format!("no pod of {workload} runs"))
    }

    /// Runs a command in a pod of a workload and returns what it printed.
    ///
    /// # Errors
    /// What it printed, when it failed.
    pub fn exec(&self, namespace: &str, workload: &str, command: &[&str]) -> Result<String, String> {
        let pod = self.pod_of(namespace, workload)?;
        self.run(&[&["-n", namespace, "exec", &pod, "--"], command].concat())
    }

    /// Makes a namespace.
    ///
    /// # Errors
    /// What kubectl says.
    pub fn create_namespace(&self, namespace: &str) -> Result<(), String> {
        self.run(&["create", "namespace", namespace]).map(drop)
    }

    /// Sends all pods of a namespace to nodes that only look like nodes, where images need not be had.
    ///
    /// # Errors
    /// What kubectl says.
    pub fn simulate(&self, namespace: &str) -> Result<(), String> {
        let selector = "scheduler.alpha.kubernetes.io/node-selector=rhumb.dev/simulated=true";
        let tolerations = r#"scheduler.alpha.kubernetes.io/defaultTolerations=[{"key":"rhumb.dev/simulated","operator":"Exists"}]"#;
        self.run(&["annotate", "namespace", namespace, selector, tolerations]).map(drop)
    }

    /// Removes a namespace with all that is in it, without waiting for the end.
    ///
    /// # Errors
    /// What kubectl says.
    pub fn delete_namespace(&self, namespace: &str) -> Result<(), String> {
        self.run(&["delete", "namespace", namespace, "--wait=false", "--ignore-not-found"]).map(drop)
    }
}

/// Kinds of everything that a release may leave behind.
const KINDS: &str = "deployments,statefulsets,daemonsets,replicasets,jobs,cronjobs,pods,services,configmaps,secrets,\
                     ingresses,networkpolicies,horizontalpodautoscalers,poddisruptionbudgets,persistentvolumeclaims";

impl Kubectl {
    /// Nothing of any release is in a namespace but what is to be kept (as `Kind/name`), records among what goes.
    ///
    /// # Errors
    /// What is left after a minute.
    pub fn require_nothing_in(&self, namespace: &str, kept: &[String]) -> Result<(), String> {
        trial::eventually("clean namespace", || {
            let found = self.list(namespace, KINDS, "app.kubernetes.io/managed-by=rhumb")?;
            let left: Vec<String> = found.iter().map(name).filter(|name| !kept.contains(name)).collect();
            let of_type = "type=rhumb.dev/release";
            let query = ["-n", namespace, "get", "secrets", "--field-selector", of_type, "-o", "name"];
            let records = self.run(&query)?;
            if left.is_empty() && records.is_empty() {
                return Ok(());
            }
            Err(format!("there is still {left:?} {records}"))
        })
    }
}

fn name(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    format!("{}/{}", text(&object["kind"]), text(&object["metadata"]["name"]))
}

fn finished(arguments: &[&str], output: &Output) -> Result<String, String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    Err(format!("kubectl {}: {}{}", arguments.join(" "), text(&output.stdout), text(&output.stderr)))
}
