//! Objects of `kubectl apply`, adopted.

use libtest_mimic::{Failed, Trial};
use rhumb_integration::kubernetes::Kubectl;
use rhumb_integration::{Platform, trial};
use tempfile::TempDir;

use super::{change, is_empty};

/// What no chart says in the same words: a selector of its own, labels, an annotation of pods, a tool's default.
const MANIFESTS: &str = "
apiVersion: v1
kind: ConfigMap
metadata: { name: look, labels: { app: web } }
data: { colour: blue }
---
apiVersion: v1
kind: Secret
metadata: { name: key, labels: { app: web } }
stringData: { password: canary }
---
apiVersion: v1
kind: Service
metadata: { name: web, labels: { app: web } }
spec: { selector: { app: web }, ports: [{ name: http, port: 80, targetPort: 8080 }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, labels: { app: web, team: front } }
spec:
  replicas: 2
  revisionHistoryLimit: 4
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web }, annotations: { note: old } }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: web
          image: rhumb-demo:1
          env: [{ name: COLOUR, value: blue }, { name: KEY, valueFrom: { secretKeyRef: { name: key, key: password } } }]
          ports: [{ name: http, containerPort: 8080 }]
          volumeMounts: [{ name: look, mountPath: /etc/look }]
      volumes: [{ name: look, configMap: { name: look } }]
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: api, labels: { app: api } }
spec:
  selector: { matchLabels: { app: api } }
  template:
    metadata: { labels: { app: api } }
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{ name: api, image: 'rhumb-demo:1', env: [{ name: COLOUR, value: blue }] }]
";

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial::needs_cluster("kubernetes::a_namespace_is_adopted_in_place", in_place),
        trial::needs_cluster("kubernetes::what_helm_forgot_is_adopted", helms),
        trial::needs_cluster("kubernetes::a_secret_stays_its_appliers_until_it_is_forced", forced),
    ]
}

/// The uids of the pods that bear a label.
fn pods(kubectl: &Kubectl, namespace: &str, app: &str) -> Result<Vec<String>, String> {
    let pods = kubectl.list(namespace, "pods", &format!("app={app}"))?;
    let mut uids: Vec<String> = pods.iter().map(|pod| pod["metadata"]["uid"].to_string()).collect();
    uids.sort();
    Ok(uids)
}

fn in_place() -> Result<(), Failed> {
    const SPACE: &str = "adopted";
    let place = Platform::Kubernetes.place(SPACE)?;
    let (rhumb, kubectl) = (place.rhumb(), trial::cluster()?.kubectl());
    kubectl.feed(&["-n", SPACE, "apply", "-f", "-"], MANIFESTS)?;
    for name in ["deployment/web", "deployment/api"] {
        kubectl.run(&["-n", SPACE, "rollout", "status", name, "--timeout=60s"])?;
    }
    let folder = TempDir::new()?;
    let chart = folder.path().join("chart").display().to_string();
    let values = format!("{chart}/secrets.values.yaml");
    let before = (pods(kubectl, SPACE, "web")?, pods(kubectl, SPACE, "api")?);
    let said = rhumb.succeed(&["adopt", "shop", "--out", &chart])?;
    trial::require(said.contains("nothing was restarted"), &said)?;
    trial::require((pods(kubectl, SPACE, "web")?, pods(kubectl, SPACE, "api")?) == before, "pods restarted")?;
    is_empty(&rhumb.json(&["diff", "shop", &chart, "-f", &values])?)?;
    let secret = kubectl.get(SPACE, "secret", "key")?;
    trial::require(secret["data"]["password"] == "Y2FuYXJ5", "the secret is not what it was")?;
    let spec = || Ok::<_, String>(kubectl.get(SPACE, "deployment", "web")?["spec"].clone());
    let adopted = spec()?;

    change(&chart, "COLOUR: blue", "COLOUR: green", "web")?;
    rhumb.succeed(&["upgrade", "shop", &chart, "-f", &values, "--wait", "--timeout", "90s"])?;
    trial::require(pods(kubectl, SPACE, "api")? == before.1, "the upgrade restarted api")?;
    let changed = spec()?;
    trial::require(changed["template"]["metadata"]["annotations"]["note"] == "old", &changed.to_string())?;
    let colour = &changed["template"]["spec"]["containers"][0]["env"][0]["value"];
    trial::require(colour == "green", &changed.to_string())?;
    rhumb.succeed(&["rollback", "shop", "1", "--wait", "--timeout", "90s"])?;
    trial::require(spec()? == adopted, "the rollback did not bring back what was adopted")?;
    trial::require(pods(kubectl, SPACE, "api")? == before.1, "the rollback restarted api")?;
    rhumb.succeed(&["uninstall", "shop", "--wait"])?;
    place.require_nothing_of("shop")
}

/// As Helm makes them, with the record of its release.
const OF_HELM: &str = "
apiVersion: v1
kind: ConfigMap
metadata:
  name: look
  labels: { app.kubernetes.io/managed-by: Helm, app.kubernetes.io/instance: old }
  annotations: { meta.helm.sh/release-name: old, meta.helm.sh/release-namespace: helmed }
data: { a: b }
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: { app.kubernetes.io/managed-by: Helm, app.kubernetes.io/instance: old }
  annotations: { meta.helm.sh/release-name: old, meta.helm.sh/release-namespace: helmed }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{ name: web, image: 'rhumb-demo:1', envFrom: [{ configMapRef: { name: look } }] }]
---
apiVersion: v1
kind: Secret
type: helm.sh/release.v1
metadata: { name: sh.helm.release.v1.old.v1, labels: { owner: helm, name: old, status: deployed, version: '1' } }
stringData: { release: H4sIAAAAAAAAA }
";

fn helms() -> Result<(), Failed> {
    const SPACE: &str = "helmed";
    let place = Platform::Kubernetes.place(SPACE)?;
    let (rhumb, kubectl) = (place.rhumb(), trial::cluster()?.kubectl());
    let apply = ["-n", SPACE, "apply", "--server-side", "--field-manager=helm", "-f", "-"];
    kubectl.feed(&apply, OF_HELM)?;
    kubectl.run(&["-n", SPACE, "rollout", "status", "deployment/web", "--timeout=60s"])?;
    let folder = TempDir::new()?;
    let chart = |name: &str| folder.path().join(name).display().to_string();
    let ended = rhumb.run(&["adopt", "shop", "--out", &chart("one")]);
    ended.expect_code(3)?.expect_texts(&["configmap/look is Helm's", "Helm's release old"])?;
    let look = kubectl.get(SPACE, "configmap", "look")?;
    trial::require(look["metadata"]["labels"]["app.kubernetes.io/instance"] == "old", &look.to_string())?;

    // The remedy that the documentation names.
    let before = pods(kubectl, SPACE, "web")?;
    kubectl.run(&["-n", SPACE, "delete", "secret", "-l", "owner=helm,name=old"])?;
    let of_helm = "app.kubernetes.io/managed-by=Helm,app.kubernetes.io/instance=old";
    let label = ["label", "deployments,configmaps", "-l", of_helm, "app.kubernetes.io/managed-by-"];
    kubectl.run(&[&["-n", SPACE][..], &label].concat())?;
    let said = rhumb.succeed(&["adopt", "shop", "--out", &chart("two")])?;
    trial::require(said.contains("nothing was restarted"), &said)?;
    trial::require(pods(kubectl, SPACE, "web")? == before, "pods restarted")?;
    rhumb.succeed(&["uninstall", "shop", "--wait"])?;
    place.require_nothing_of("shop")
}

/// Applied by the server, so that it bears no annotation of anybody.
const APPLIED: &str = "
apiVersion: v1
kind: Secret
metadata: { name: key }
data: { password: Y2FuYXJ5 }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, labels: { app: web } }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: web
          image: rhumb-demo:1
          env: [{ name: KEY, valueFrom: { secretKeyRef: { name: key, key: password } } }]
";

/// Where a chart writes into the Secret that was adopted, its data are its former applier's until that is overruled.
fn forced() -> Result<(), Failed> {
    const SPACE: &str = "forced";
    let place = Platform::Kubernetes.place(SPACE)?;
    let (rhumb, kubectl) = (place.rhumb(), trial::cluster()?.kubectl());
    kubectl.feed(&["-n", SPACE, "apply", "--server-side", "-f", "-"], APPLIED)?;
    kubectl.run(&["-n", SPACE, "rollout", "status", "deployment/web", "--timeout=60s"])?;
    let folder = TempDir::new()?;
    let chart = folder.path().join("chart").display().to_string();
    let values = format!("{chart}/secrets.values.yaml");
    rhumb.succeed(&["import", "kubernetes", "--out", &chart])?;
    change(&chart, "kind: Secret", "kind: Secret\nstableName: true", "web")?;
    rhumb.succeed(&["adopt", "shop", &chart, "-f", &values])?;
    std::fs::write(&values, "secrets: { key: { password: another } }\n")?;
    let upgrade = ["upgrade", "shop", &chart, "-f", &values, "--wait", "--timeout", "60s"];
    let ended = rhumb.run(&upgrade).expect_code(5)?;
    ended.expect_texts(&["data.password (set by kubectl)", "--force-conflicts"])?;
    trial::require(kubectl.get(SPACE, "secret", "key")?["data"]["password"] == "Y2FuYXJ5", "it was written")?;
    rhumb.succeed(&[&upgrade[..], &["--force-conflicts"]].concat())?;
    let secret = kubectl.get(SPACE, "secret", "key")?;
    trial::require(secret["data"]["password"] == "YW5vdGhlcg==", "it was not written")?;
    let seen = kubectl.run(&["-n", SPACE, "exec", "deployment/web", "--", "sh", "-c", "echo $KEY"])?;
    trial::require(seen.trim() == "another", &seen)?;
    rhumb.succeed(&["uninstall", "shop", "--wait"])?;
    place.require_nothing_of("shop")
}
