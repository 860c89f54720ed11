//! Those who may say no: access control, quotas, admission webhooks, a namespace that goes.

use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use rhumb_integration::{ChartFolder, Platform, Rhumb, trial};

const APP: &str = "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', env: { COLOUR: '{{ values.colour }}' }, ports: { http: 8080 } } }
expose: { http: { port: 80 } }
";

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial::needs_cluster("kubernetes::a_missing_right_is_named", forbidden),
        trial::needs_cluster("kubernetes::an_exceeded_quota_is_named", quota),
        trial::needs_cluster("kubernetes::a_webhook_that_refuses_is_named", webhook),
        trial::needs_cluster("kubernetes::a_namespace_that_goes_is_named", terminating),
    ]
}

fn chart() -> ChartFolder {
    ChartFolder::of(APP).with("values.yaml", "colour: blue\n")
}

const ROLE: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: deployer }
rules:
- { apiGroups: [''], resources: [secrets, configmaps, services, pods, persistentvolumeclaims], verbs: ['*'] }
- { apiGroups: [apps], resources: [deployments, statefulsets, daemonsets, replicasets], verbs: [get, list, watch] }
- { apiGroups: [batch, networking.k8s.io, autoscaling, policy], resources: ['*'], verbs: [get, list, watch] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: deployer }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: deployer }
subjects: [{ kind: User, name: ada }]
";

/// A user who may do everything but make Deployments.
fn forbidden() -> Result<(), Failed> {
    let cluster = trial::cluster()?;
    if !cluster.is_controlled() {
        return trial::skip("the cluster that the environment names is not ours to change");
    }
    let place = Platform::Kubernetes.place("rights")?;
    let (kubectl, chart) = (cluster.kubectl(), chart());
    let file = cluster.control(&["user", "ada"])?;
    let ada = Rhumb::kubernetes(std::path::Path::new(file.trim()), "rights");
    let ended = ada.run(&["install", "web", chart.argument(), "--wait"]);
    trial::require(ended.code.is_some_and(|code| code != 0), &ended.to_string())?;
    ended.expect_texts(&["ada", "secrets"])?;
    kubectl.feed(&["-n", "rights", "apply", "-f", "-"], ROLE)?;
    let ended = ada.run(&["install", "web", chart.argument(), "--wait"]);
    trial::require(ended.code.is_some_and(|code| code != 0), &ended.to_string())?;
    ended.expect_texts(&["deployments", "ada", "Role"])?;
    let admin = place.rhumb();
    admin.succeed(&["upgrade", "--install", "web", chart.argument(), "--wait"])?;
    let noop = ada.json(&["upgrade", "web", chart.argument()])?;
    trial::require(noop["plan"]["steps"] == serde_json::json!([]), &noop["plan"].to_string())?;
    admin.succeed(&["uninstall", "web", "--wait"])?;
    place.require_nothing_of("web")
}

fn quota() -> Result<(), Failed> {
    let place = Platform::Kubernetes.place("quota")?;
    let (rhumb, kubectl, chart) = (place.rhumb(), trial::cluster()?.kubectl(), chart());
    kubectl.run(&["-n", "quota", "create", "quota", "few", "--hard=services=0"])?;
    settle();
    let ended = rhumb.run(&["install", "web", chart.argument(), "--wait"]);
    trial::require(ended.code.is_some_and(|code| code != 0), &ended.to_string())?;
    ended.expect_texts(&["few", "quota", "service/web"])?;
    kubectl.run(&["-n", "quota", "delete", "quota", "few"])?;
    kubectl.run(&["-n", "quota", "create", "quota", "no-pods", "--hard=pods=0"])?;
    settle();
    let red = ["upgrade", "web", chart.argument(), "--set", "colour=red", "--wait", "--timeout", "1m"];
    let ended = rhumb.run(&red);
    trial::require(ended.code.is_some_and(|code| code != 0), &ended.to_string())?;
    ended.expect_texts(&["no-pods", "quota"])?;
    kubectl.run(&["-n", "quota", "delete", "quota", "no-pods"])?;
    rhumb.succeed(&red)?;
    rhumb.succeed(&["uninstall", "web", "--wait"])?;
    place.require_nothing_of("web")
}

/// The quota controller must have counted before the quota holds.
fn settle() {
    std::thread::sleep(Duration::from_secs(2));
}

/// A policy that refuses, and a webhook that nobody answers.
const REFUSAL: &str = "
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: { name: rhumb-test-no-red }
spec:
  failurePolicy: Fail
  matchConstraints:
    namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: webhook } }
    resourceRules: [{ apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments] }]
  validations:
  - expression: \"!object.spec.template.spec.containers.exists(c, has(c.env) && c.env.exists(e, e.value == 'red'))\"
    message: no red today
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: { name: rhumb-test-no-red }
spec: { policyName: rhumb-test-no-red, validationActions: [Deny] }
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: { name: rhumb-test-nobody }
webhooks:
- name: nobody.rhumb.test
  clientConfig: { url: 'https://127.0.0.1:9/refuse' }
  admissionReviewVersions: [v1]
  sideEffects: None
  timeoutSeconds: 2
  namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: webhook } }
  objectSelector: { matchLabels: { app.kubernetes.io/name: web } }
  rules: [{ apiGroups: [''], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [services] }]
";

fn webhook() -> Result<(), Failed> {
    let place = Platform::Kubernetes.place("webhook")?;
    let kubectl = trial::cluster()?.kubectl();
    let tried = refused_by_webhooks(&place.rhumb());
    let gone = kubectl.feed(&["delete", "--ignore-not-found", "-f", "-"], REFUSAL);
    tried?;
    gone?;
    settle();
    let rhumb = place.rhumb();
    rhumb.succeed(&["upgrade", "web", chart().argument(), "--set", "colour=red", "--wait"])?;
    rhumb.succeed(&["uninstall", "web", "--wait"])?;
    place.require_nothing_of("web")
}

fn refused_by_webhooks(rhumb: &Rhumb) -> Result<(), Failed> {
    let (kubectl, chart) = (trial::cluster()?.kubectl(), chart());
    rhumb.succeed(&["install", "web", chart.argument(), "--wait"])?;
    kubectl.feed(&["apply", "-f", "-"], REFUSAL)?;
    settle();
    let ended = rhumb.run(&["upgrade", "web", chart.argument(), "--set", "colour=red", "--wait"]);
    trial::require(ended.code.is_some_and(|code| code != 0), &ended.to_string())?;
    ended.expect_texts(&["rhumb-test-no-red", "no red today", "deployment/web"])?;
    kubectl.run(&["-n", "webhook", "delete", "service", "web"])?;
    let ended = rhumb.run(&["upgrade", "web", chart.argument(), "--wait", "--timeout", "10s"]);
    trial::require(ended.code.is_some_and(|code| code != 0), &ended.to_string())?;
    ended.expect_texts(&["nobody.rhumb.test", "service/web"])?;
    Ok(())
}

fn terminating() -> Result<(), Failed> {
    let place = Platform::Kubernetes.place("terminating")?;
    let (rhumb, kubectl, chart) = (place.rhumb(), trial::cluster()?.kubectl(), chart());
    let hold = "{\"metadata\":{\"finalizers\":[\"rhumb.test/hold\"]}}";
    kubectl.run(&["-n", "terminating", "create", "configmap", "held"])?;
    kubectl.run(&["-n", "terminating", "patch", "configmap", "held", "--type=merge", "-p", hold])?;
    kubectl.delete_namespace("terminating")?;
    settle();
    let ended = rhumb.run(&["install", "web", chart.argument(), "--wait", "--timeout", "20s"]);
    let free = "{\"metadata\":{\"finalizers\":null}}";
    kubectl.run(&["-n", "terminating", "patch", "configmap", "held", "--type=merge", "-p", free])?;
    trial::require(ended.code.is_some_and(|code| code != 0), &ended.to_string())?;
    ended.expect_texts(&["terminating", "being deleted"])?;
    Ok(())
}
