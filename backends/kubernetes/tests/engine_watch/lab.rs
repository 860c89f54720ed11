//! A release of its own namespace on a real cluster.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rhumb_backend::{Backend, Health, ObjectHealth, ObjectId, Receipt, Scope, State};
use rhumb_kubernetes::kind::id_of;
use rhumb_kubernetes::{Environment, Kubernetes, Settings, names};
use serde_json::{Value, json};

/// The longest that a rollout may take here.
const PATIENCE: Duration = Duration::from_mins(2);

/// A release of its own namespace on a real cluster.
pub(crate) struct Lab {
    pub(crate) kubernetes: Kubernetes,
    pub(crate) scope: Scope,
    kubeconfig: String,
}

impl Lab {
    /// An empty namespace of this name; none when no cluster is named.
    #[expect(clippy::print_stderr, reason = "a test that proves nothing must say so")]
    pub(crate) fn open(name: &str) -> Option<Self> {
        let Ok(kubeconfig) = std::env::var("RHUMB_TEST_KUBECONFIG") else {
            eprintln!("skipped: RHUMB_TEST_KUBECONFIG names no cluster");
            return None;
        };
        let settings = Settings { kubeconfig: Some(PathBuf::from(&kubeconfig)), ..Settings::default() };
        let kubernetes = Kubernetes::new(settings, Environment::default());
        let lab = Self { kubernetes, scope: Scope::new(format!("watch-{name}"), "shop"), kubeconfig };
        lab.kubectl(&["delete", "namespace", &lab.scope.namespace, "--ignore-not-found"], None);
        lab.kubectl(&["create", "namespace", &lab.scope.namespace], None);
        // Pods are refused until their account is there.
        let account = ["wait", "--for=create", "serviceaccount/default", "-n", &lab.scope.namespace];
        lab.kubectl(&account, None);
        Some(lab)
    }

    /// What kubectl prints. It must succeed.
    pub(crate) fn kubectl(&self, arguments: &[&str], input: Option<&Value>) -> String {
        let mut child = Command::new("kubectl")
            .env("KUBECONFIG", &self.kubeconfig)
            .args(arguments)
            .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        if let Some(input) = input {
            child.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
        }
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kubectl {arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Makes or changes an object in the release's namespace. The receipt is that of its rollout.
    pub(crate) fn apply(&self, object: &Value) -> Receipt {
        let arguments = ["apply", "-n", &self.scope.namespace, "-o", "json", "-f", "-"];
        let made: Value = serde_json::from_str(&self.kubectl(&arguments, Some(object))).unwrap();
        self.receipt(&made)
    }

    pub(crate) fn receipt(&self, object: &Value) -> Receipt {
        let id = id_of(&self.scope, object).unwrap();
        Receipt {
            native: id.to_string(),
            id,
            workload: Some("web".to_owned()),
            outputs: BTreeMap::new(),
            rollout: json!({
                "generation": object.pointer("/metadata/generation"),
                "uid": object.pointer("/metadata/uid"),
            }),
        }
    }

    /// One look.
    pub(crate) async fn look(&self, receipts: &[Receipt]) -> Health {
        self.kubernetes.health(&self.scope, receipts).await.unwrap()
    }

    /// Waits until every rollout is ready or one has failed.
    pub(crate) async fn wait(&self, receipts: &[Receipt]) -> Health {
        self.wait_for(receipts, |health| {
            health.iter().any(|object| object.state == State::Failed)
                || health.iter().all(|object| object.state == State::Ready)
        })
        .await
    }

    /// Waits until the health is as is asked for.
    pub(crate) async fn wait_for(&self, receipts: &[Receipt], is_so: impl Fn(&Health) -> bool) -> Health {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let health = self.look(receipts).await;
            if is_so(&health) {
                return health;
            }
            assert!(Instant::now() < deadline, "it never came to be so: {health:#?}");
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    /// Makes an object that fails, and returns its health once it has.
    pub(crate) async fn fail(&self, object: &Value, within: Duration) -> ObjectHealth {
        let start = Instant::now();
        let health = self.wait(&[self.apply(object)]).await.remove(0);
        assert_eq!(health.state, State::Failed, "{health:#?}");
        assert!(start.elapsed() < within, "it took {:?}: {health:#?}", start.elapsed());
        health
    }

    /// The documents' metadata, with the release's labels.
    pub(crate) fn metadata(&self, name: &str) -> Value {
        names::metadata(&self.scope, name, name)
    }

    /// A Deployment of one pod with one container `main`, which runs this command and has these further fields.
    pub(crate) fn deployment(&self, command: &[&str], fields: &Value) -> Value {
        self.workload("apps/v1", "Deployment", json!({ "replicas": 1 }), pod(command, fields))
    }

    /// A workload `web` of this kind.
    #[expect(clippy::needless_pass_by_value, reason = "the callers write literals")]
    pub(crate) fn workload(&self, api: &str, kind: &str, mut spec: Value, pod: Value) -> Value {
        spec["template"] =
            json!({ "metadata": { "labels": names::labels(&self.scope, "web") }, "spec": pod });
        if kind != "Job" {
            spec["selector"] = json!({ "matchLabels": names::selector(&self.scope, "web") });
        }
        json!({ "apiVersion": api, "kind": kind, "metadata": self.metadata("web"), "spec": spec })
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let namespace = self.scope.namespace.clone();
        let _ = Command::new("kubectl")
            .env("KUBECONFIG", &self.kubeconfig)
            .args(["delete", "namespace", &namespace, "--wait=false"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

/// A pod's spec with one container `main` of busybox.
pub(crate) fn pod(command: &[&str], fields: &Value) -> Value {
    let mut container = json!({ "name": "main", "image": "rhumb-busybox:1", "command": command });
    for (key, value) in fields.as_object().unwrap() {
        container[key] = value.clone();
    }
    json!({ "containers": [container], "terminationGracePeriodSeconds": 1 })
}

/// A command that runs on.
pub(crate) const SLEEP: &[&str] = &["sleep", "100000"];

/// The health of one object.
pub(crate) fn of<'a>(health: &'a [ObjectHealth], id: &str) -> &'a ObjectHealth {
    health.iter().find(|object| object.id == ObjectId::from(id)).unwrap()
}
