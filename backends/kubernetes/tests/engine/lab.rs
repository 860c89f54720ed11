//! Objects on a real cluster, driven step by step.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rhumb_backend::{
    Backend, Cause, DiffOptions, Error, ErrorKind, Material, Materials, Object, ObjectId, Observed, Plan,
    Receipt, Result, Retry, Scope, Step, diff,
};
use rhumb_kubernetes::{Environment, Kubernetes, Settings, kind, names};
use rhumb_spec::model::Generate;
use serde_json::{Value, json};

/// The longest that one step may take here.
const PATIENCE: Duration = Duration::from_secs(40);

/// A namespace on a real cluster, with the memory that the release core would keep.
pub(crate) struct Lab {
    pub(crate) kubernetes: Kubernetes,
    pub(crate) scope: Scope,
    pub(crate) last: Vec<Object>,
    pub(crate) options: DiffOptions,
    kubeconfig: PathBuf,
}

impl Lab {
    /// An empty namespace; none when no cluster is named.
    #[expect(clippy::print_stderr, reason = "a test that proves nothing must say so")]
    pub(crate) async fn open(namespace: &str) -> Option<Self> {
        let Ok(kubeconfig) = std::env::var("RHUMB_TEST_KUBECONFIG") else {
            eprintln!("skipped: RHUMB_TEST_KUBECONFIG names no cluster");
            return None;
        };
        let kubeconfig = PathBuf::from(kubeconfig);
        let lab = Self {
            kubernetes: as_user(&kubeconfig),
            scope: Scope::new(namespace, "lab"),
            last: Vec::new(),
            options: DiffOptions::default(),
            kubeconfig,
        };
        lab.close();
        lab.kubernetes.create_namespace(namespace).await.unwrap();
        lab.kubernetes.create_namespace(namespace).await.unwrap();
        Some(lab)
    }

    /// Removes the namespace and waits until it is gone.
    pub(crate) fn close(&self) {
        self.kubectl(&["delete", "namespace", &self.scope.namespace, "--ignore-not-found", "--timeout=60s"]);
    }

    /// Runs kubectl in the namespace, and returns what it prints.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> String {
        self.feed(arguments, "")
    }

    /// Runs kubectl with a manifest to read.
    pub(crate) fn feed(&self, arguments: &[&str], text: &str) -> String {
        use std::io::Write as _;
        let mut kubectl = Command::new("kubectl")
            .args(["--kubeconfig", self.kubeconfig.to_str().unwrap(), "-n", &self.scope.namespace])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        kubectl.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = kubectl.wait_with_output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The cluster as a service account of the namespace with these rules sees it.
    pub(crate) fn with_rules(&self, rules: &Value, folder: &tempfile::TempDir) -> Kubernetes {
        let role = json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": { "name": "few" }, "rules": rules });
        self.feed(&["apply", "-f", "-"], &role.to_string());
        self.kubectl(&["create", "serviceaccount", "few"]);
        let account = format!("--serviceaccount={}:few", self.scope.namespace);
        self.kubectl(&["create", "rolebinding", "few", "--role=few", &account]);
        let token = self.kubectl(&["create", "token", "few"]);
        let mut config = self.config();
        config["users"] = json!([{ "name": "few", "user": { "token": token.trim() } }]);
        for context in config["contexts"].as_array_mut().unwrap() {
            context["context"]["user"] = "few".into();
        }
        Self::with_config(&config, folder)
    }

    /// The kubeconfig, with everything in it.
    pub(crate) fn config(&self) -> Value {
        serde_json::from_str(&self.kubectl(&["config", "view", "--raw", "--flatten", "-o", "json"])).unwrap()
    }

    /// The cluster by another kubeconfig.
    pub(crate) fn with_config(config: &Value, folder: &tempfile::TempDir) -> Kubernetes {
        let path = folder.path().join("kubeconfig");
        std::fs::write(&path, config.to_string()).unwrap();
        as_user(&path)
    }

    /// An object of the release, as lowering would make it.
    pub(crate) fn object(&self, mut body: Value) -> Object {
        let name = body["metadata"]["name"].as_str().unwrap().to_owned();
        let labels = names::labels(&self.scope, &name);
        let all = body["metadata"]["labels"].as_object().cloned().unwrap_or_default();
        body["metadata"]["labels"] = all.into_iter().chain(labels).collect::<serde_json::Map<_, _>>().into();
        body["metadata"]["namespace"] = self.scope.namespace.clone().into();
        Object::new(kind::id_of(&self.scope, &body).unwrap(), body)
    }

    pub(crate) async fn observe(&self, want: &[Object]) -> Observed {
        let ids: Vec<ObjectId> = want.iter().chain(&self.last).map(|object| object.id.clone()).collect();
        self.kubernetes.observe(&self.scope, &ids).await.unwrap()
    }

    pub(crate) async fn plan(&self, want: &[Object]) -> Plan {
        let observed = self.observe(want).await;
        diff(&self.kubernetes, &self.last, &observed, want, &self.options).unwrap()
    }

    /// Makes it so, and checks that nothing is left to do.
    pub(crate) async fn reach(&mut self, want: &[Object]) -> Result<Vec<Receipt>> {
        let plan = self.plan(want).await;
        let mut receipts = Vec::new();
        for step in &plan.steps {
            receipts.push(self.apply(step).await?);
        }
        self.last = want.to_vec();
        let again = self.plan(want).await;
        assert!(again.steps.is_empty(), "after {:?} there is still {again:#?}", steps(&plan));
        Ok(receipts)
    }

    pub(crate) async fn apply(&self, step: &Step) -> Result<Receipt> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.kubernetes.apply(&self.scope, step, self).await {
                Err(error) if error.retry == Retry::Same && Instant::now() < deadline => {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                done => return done,
            }
        }
    }

    /// The error of the first step towards this.
    pub(crate) async fn refusal(&self, want: &[Object]) -> Error {
        let plan = self.plan(want).await;
        self.kubernetes.apply(&self.scope, &plan.steps[0], self).await.unwrap_err()
    }
}

fn as_user(kubeconfig: &std::path::Path) -> Kubernetes {
    let settings = Settings { kubeconfig: Some(kubeconfig.to_path_buf()), context: None };
    Kubernetes::new(settings, Environment::default())
}

impl Materials for Lab {
    fn sealed(&self, id: &str) -> Result<Material> {
        if id == "lost" {
            return Err(Error::new(ErrorKind::MaterialMissing, "open it", "nobody has it"));
        }
        Ok(Material::new(format!("canary-{id}").into_bytes()))
    }

    fn generated(&self, of: &str, _: &Generate, _: Option<&str>) -> Result<Material> {
        Err(Error::new(ErrorKind::MaterialMissing, "generate", "nothing is generated here")
            .with("secret", of))
    }
}

/// The steps of a plan, in words: `Create service/web`.
pub(crate) fn steps(plan: &Plan) -> Vec<String> {
    plan.steps.iter().map(|step| format!("{:?} {}", step.action, step.id)).collect()
}

/// The causes of a plan's changes, by path.
pub(crate) fn causes(plan: &Plan) -> Vec<(String, Cause)> {
    plan.steps
        .iter()
        .flat_map(|step| &step.changes)
        .map(|change| (change.path.clone(), change.cause))
        .collect()
}

/// A deployment with no pods, which needs no node.
pub(crate) fn deployment(name: &str, image: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name },
        "spec": {
            "replicas": 0,
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name } },
                "spec": { "containers": [{ "name": "web", "image": image, "ports": [{ "containerPort": 80 }],
                    "resources": { "requests": { "cpu": "0.5", "memory": "1024Mi" } } }] },
            },
        },
    })
}
