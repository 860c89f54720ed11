//! Releases on a cluster, beside Helm's of the same objects on the same server: paired runs, as a table.
//!
//! `RHUMB_TEST_BINARY` names the program, `HELM3` and `HELM4` the peers; what is not named is left out. Pods run on
//! simulated nodes. Seeding 2,000 releases of 10 revisions for the lists takes minutes.
#![expect(clippy::print_stdout, reason = "it says what it leaves out")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::{StreamExt as _, stream};
use k8s_openapi::api::core::v1::Secret;
use kube::api::PostParams;
use rhumb_integration::kubernetes::{Cluster, Kubectl};
use rhumb_integration::measure::{Line, paired, peak, print, timed};
use rhumb_integration::workloads::chart_of;
use rhumb_integration::{ChartFolder, Rhumb};
use rhumb_kubernetes::{Environment, Kubernetes, KubernetesStorage, Settings};
use rhumb_release::{Record, Releases, Status};
use serde_json::json;
use tempfile::TempDir;

/// Workloads of the release that is measured: each is a `Deployment`, a `Service` and a `ConfigMap`.
const WORKLOADS: u32 = 67;
/// Releases and revisions of the list that is measured.
const RELEASES: u32 = 2_000;
const REVISIONS: u64 = 10;
/// Writes at one time while seeding.
const AT_ONCE: usize = 32;

fn main() {
    // `cargo test --benches` only asks whether it starts.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let cluster = match Cluster::start() {
        Ok(cluster) => cluster,
        Err(error) => return println!("left out: {error}"),
    };
    let peers: Vec<(&str, PathBuf)> = [("Helm 3", "HELM3"), ("Helm 4", "HELM4")]
        .into_iter()
        .filter_map(|(name, variable)| Some((name, PathBuf::from(std::env::var_os(variable)?))))
        .collect();
    if peers.is_empty() {
        println!("no HELM3 and no HELM4: nothing to compare with");
    }
    let mut lines = Vec::new();
    for (name, helm) in &peers {
        lines.extend(releases(&cluster, name, helm));
    }
    if std::env::var_os("RHUMB_BENCH_LISTS").is_some() {
        lines.extend(lists(&cluster, &peers));
    }
    print(&lines);
}

/// One of the two tools with its chart, namespace and way to the cluster.
struct Bench<'a> {
    kubectl: &'a Kubectl,
    rhumb: Rhumb,
    chart: ChartFolder,
    helm: &'a Path,
    helm_chart: TempDir,
}

const OURS: &str = "bench-rhumb";
const THEIRS: &str = "bench-helm";

impl<'a> Bench<'a> {
    fn new(cluster: &'a Cluster, helm: &'a Path) -> Self {
        let kubectl = cluster.kubectl();
        for namespace in [OURS, THEIRS] {
            kubectl.create_namespace(namespace).expect("a namespace");
            simulate(kubectl, namespace);
        }
        let chart = chart_of(WORKLOADS);
        let rhumb = Rhumb::kubernetes(cluster.kubeconfig(), OURS);
        let same = ["template", "bench", chart.argument(), "--namespace", THEIRS];
        let helm_chart = helm_chart(&rhumb.succeed(&same).expect("the same objects"));
        Self { kubectl, rhumb, chart, helm, helm_chart }
    }

    fn ours(&self, verb: &str, more: &[&str]) -> Command {
        self.rhumb.command(&[&[verb, "bench"], more].concat())
    }

    fn ours_with_chart(&self, verb: &str) -> Command {
        self.ours(verb, &[self.chart.argument()])
    }

    fn theirs(&self, verb: &str) -> Command {
        let mut command = Command::new(self.helm);
        command
            .args([verb, "bench"])
            .args(["--namespace", THEIRS, "--kubeconfig"])
            .arg(self.kubectl.kubeconfig());
        if verb != "uninstall" {
            command.arg(self.helm_chart.path());
        }
        command
    }
}

impl Drop for Bench<'_> {
    fn drop(&mut self) {
        for namespace in [OURS, THEIRS] {
            let _ = self.kubectl.run(&["delete", "namespace", namespace, "--ignore-not-found"]);
        }
    }
}

fn simulate(kubectl: &Kubectl, namespace: &str) {
    let selector = "scheduler.alpha.kubernetes.io/node-selector=rhumb.dev/simulated=true";
    let tolerations = r#"scheduler.alpha.kubernetes.io/defaultTolerations=[{"key":"rhumb.dev/simulated","operator":"Exists"}]"#;
    kubectl.run(&["annotate", "namespace", namespace, selector, tolerations]).expect("an annotation");
}

/// A chart of Helm's that makes these objects.
fn helm_chart(manifests: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("templates")).expect("a folder");
    let chart = "apiVersion: v2\nname: bench\nversion: 1.0.0\n";
    std::fs::write(folder.path().join("Chart.yaml"), chart).expect("a chart");
    std::fs::write(folder.path().join("templates/all.yaml"), manifests).expect("a template");
    folder
}

fn releases(cluster: &Cluster, name: &str, helm: &Path) -> Vec<Line> {
    let bench = Bench::new(cluster, helm);
    let mut installs = Vec::new();
    for _ in 0..3 {
        let pair = (timed(bench.ours_with_chart("install")), timed(bench.theirs("install")));
        installs.push(pair);
        timed(bench.ours("uninstall", &["--wait"]));
        timed(bench.theirs("uninstall"));
    }
    timed(bench.ours_with_chart("install"));
    timed(bench.theirs("install"));
    let same =
        (0..7).map(|_| (timed(bench.ours_with_chart("upgrade")), timed(bench.theirs("upgrade")))).collect();
    let (ours, theirs) = (peak(bench.ours_with_chart("upgrade")), peak(bench.theirs("upgrade")));
    let objects = WORKLOADS * 3;
    vec![
        paired(format!("install of {objects} objects ({name})"), installs, "0.5"),
        paired(format!("upgrade of {objects} objects, no change ({name})"), same, "0.1"),
        Line {
            what: format!("the same, peak memory ({name})"),
            ours: format!("{ours:.1} MiB"),
            peer: format!("{theirs:.1} MiB"),
            ratio: format!("{:.2}", ours / theirs),
            bound: "0.5",
        },
    ]
}

/// `rhumb list` and `helm list` with many releases.
fn lists(cluster: &Cluster, peers: &[(&str, PathBuf)]) -> Vec<Line> {
    rustls::crypto::ring::default_provider().install_default().expect("one provider of TLS");
    let kubectl = cluster.kubectl();
    for namespace in [OURS, THEIRS] {
        kubectl.create_namespace(namespace).expect("a namespace");
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(seed_ours(cluster));
    runtime.block_on(seed_theirs(cluster));
    let rhumb = Rhumb::kubernetes(cluster.kubeconfig(), OURS);
    let listed = rhumb.json(&["list"]).expect("a list");
    assert_eq!(listed.as_array().map(Vec::len), Some(RELEASES as usize), "every release is listed");
    let mut lines = Vec::new();
    let ours = || rhumb.command(&["list"]);
    for (name, helm) in peers {
        let theirs = || {
            let mut command = Command::new(helm);
            command
                .args(["list", "--max", "0", "--namespace", THEIRS, "--kubeconfig"])
                .arg(kubectl.kubeconfig());
            command
        };
        let pairs = (0..3).map(|_| (timed(ours()), timed(theirs()))).collect();
        let what = format!("list of {RELEASES} releases with {REVISIONS} revisions ({name})");
        lines.push(paired(what, pairs, "1 s"));
        let (ours, theirs) = (peak(ours()), peak(theirs()));
        lines.push(Line {
            what: format!("the same, peak memory ({name})"),
            ours: format!("{ours:.1} MiB"),
            peer: format!("{theirs:.1} MiB"),
            ratio: format!("{:.2}", ours / theirs),
            bound: "64 MiB",
        });
    }
    for namespace in [OURS, THEIRS] {
        kubectl.delete_namespace(namespace).expect("the namespace goes");
    }
    lines
}

async fn seed_ours(cluster: &Cluster) {
    let settings = Settings { kubeconfig: Some(cluster.kubeconfig().to_path_buf()), ..Settings::default() };
    let storage = KubernetesStorage::new(&Kubernetes::new(settings, Environment::default()));
    let releases = Releases::new(&storage);
    let make = async |number: u32| {
        for revision in 1..=REVISIONS {
            let status = if revision == REVISIONS { Status::Deployed } else { Status::Superseded };
            let record = Record {
                namespace: OURS.to_owned(),
                release: format!("shop-{number}"),
                revision,
                status,
                created: "2026-01-02T03:04:05Z".to_owned(),
                updated: "2026-01-02T03:04:05Z".to_owned(),
                description: "Upgrade complete".to_owned(),
                ..Record::default()
            };
            releases.create(&record).await.expect("a record");
        }
    };
    stream::iter(0..RELEASES).for_each_concurrent(AT_ONCE, make).await;
}

async fn seed_theirs(cluster: &Cluster) {
    let options = kube::config::KubeConfigOptions::default();
    let file = kube::config::Kubeconfig::read_from(cluster.kubeconfig()).expect("a kubeconfig");
    let config = kube::Config::from_custom_kubeconfig(file, &options).await.expect("a way to the cluster");
    let secrets: kube::Api<Secret> =
        kube::Api::namespaced(kube::Client::try_from(config).expect("a client"), THEIRS);
    let make = async |(number, revision): (u32, u64)| {
        secrets.create(&PostParams::default(), &helm_record(number, revision)).await.expect("a secret");
    };
    let all = (0..RELEASES).flat_map(|number| (1..=REVISIONS).map(move |revision| (number, revision)));
    stream::iter(all).for_each_concurrent(AT_ONCE, make).await;
}

/// A revision as Helm 3 and 4 store it.
///
/// Source: helm.sh, "Storage backends": a Secret of type `helm.sh/release.v1` with the release as base64 of gzipped JSON.
fn helm_record(number: u32, revision: u64) -> Secret {
    let (name, status) =
        (format!("shop-{number}"), if revision == REVISIONS { "deployed" } else { "superseded" });
    let release = json!({
        "name": name,
        "namespace": THEIRS,
        "version": revision,
        "info": {
            "first_deployed": "2026-01-02T03:04:05Z", "last_deployed": "2026-01-02T03:04:05Z",
            "deleted": "", "description": "Upgrade complete", "status": status
        },
        "chart": { "metadata": { "apiVersion": "v2", "name": "bench", "version": "1.0.0" }, "templates": [] },
        "config": {},
        "manifest": ""
    });
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(release.to_string().as_bytes()).expect("memory");
    let data = STANDARD.encode(gzip.finish().expect("memory"));
    serde_json::from_value(json!({
        "metadata": {
            "name": format!("sh.helm.release.v1.{name}.v{revision}"),
            "labels": {
                "name": name, "owner": "helm", "status": status, "version": revision.to_string(),
                "modifiedAt": "1767323045"
            }
        },
        "type": "helm.sh/release.v1",
        "data": { "release": STANDARD.encode(data) }
    }))
    .expect("a secret")
}
