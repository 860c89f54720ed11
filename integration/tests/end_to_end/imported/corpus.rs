//! Files of others: what imports without a refusal is taken by the real engines and read back.
//!
//! Most of their images cannot be had here, so nothing waits for tasks.

use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};
use rhumb_integration::{Platform, Rhumb, trial};
use rhumb_spec::yaml::{self, Node};
use serde_json::Value;

/// The files, by the platform that `import` takes them for.
const FILES: &[(&[&str], &str)] = &[
    (&["compose", "--profile", "*"], "compose/awesome/"),
    (&["compose", "--profile", "*"], "sock-shop/compose.yml"),
    (&["compose", "--profile", "*"], "sock-shop/swarm-stack.yml"),
    (&["compose", "--profile", "*"], "voting-app/compose.yml"),
    (&["compose", "--profile", "*"], "voting-app/swarm-stack.yml"),
    (&["kubernetes", "-f"], "sock-shop/kubernetes.yaml"),
    (&["kubernetes", "-f"], "voting-app/kubernetes"),
    (&["marathon", "-f"], "sock-shop/marathon.json"),
    (&["ecs", "-f"], "sock-shop/ecs-cloudformation.json"),
];
/// The first number that published ports get, so that stacks of other tests have theirs.
const FIRST_PORT: u16 = 31_200;
const NAMESPACE: &str = "corpus";

pub(super) fn trials() -> Vec<Trial> {
    let on = |platform: Platform, least: usize| {
        platform.trial("the_corpus_is_taken_and_read_back", move |platform| taken(platform, least))
    };
    vec![on(Platform::Swarm, 18), on(Platform::Kubernetes, 18)]
}

fn corpus() -> Vec<(&'static [&'static str], PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let mut found = Vec::new();
    for (arguments, name) in FILES {
        let path = root.join(name.trim_end_matches('/'));
        if name.ends_with('/') {
            let mut entries: Vec<PathBuf> =
                path.read_dir().into_iter().flatten().flatten().map(|entry| entry.path()).collect();
            entries.sort();
            found.extend(entries.into_iter().map(|entry| (*arguments, entry)));
        } else if path.exists() {
            found.push((*arguments, path));
        }
    }
    found
}

#[expect(clippy::print_stdout, reason = "it says what it leaves out")]
fn taken(platform: Platform, least: usize) -> Result<(), Failed> {
    let corpus = corpus();
    if corpus.is_empty() {
        println!("skipped: no corpus is beside this repository");
        return Ok(());
    }
    let place = platform.place(NAMESPACE)?;
    let rhumb = place.rhumb();
    let mut refused = Vec::new();
    for (index, (arguments, file)) in corpus.iter().enumerate() {
        let release = format!("corpus-{index}");
        let folder = tempfile::tempdir()?;
        let imported = Imported::of(&rhumb, arguments, file, folder.path())?;
        let install = imported.install(&release);
        let install: Vec<&str> = install.iter().map(String::as_str).collect();
        let dry = rhumb.run(&[&install[..], &["--dry-run"]].concat());
        if dry.code != Some(0) {
            trial::require(dry.stderr.contains("error: "), &dry.to_string())?;
            refused.push(file.clone());
            continue;
        }
        rhumb.succeed(&install)?;
        let there = names(platform, &release)?;
        for name in &imported.workloads {
            // The name of a job ends in the hash of its content.
            let is_there = there.iter().any(|there| there.starts_with(name.as_str()));
            trial::require(is_there, &format!("{}: no {name} in {there:?}", file.display()))?;
        }
        rhumb.succeed(&["uninstall", &release])?;
        forget_volumes(platform)?;
    }
    let count = corpus.len() - refused.len();
    trial::require(count >= least, &format!("{count} of {} are taken; refused: {refused:?}", corpus.len()))
}

/// The names of the workloads of a release, by the platform's own word.
fn names(platform: Platform, release: &str) -> Result<Vec<String>, Failed> {
    if platform == Platform::Swarm {
        let docker = trial::engine()?.docker();
        let all = docker.lines(&["stack", "services", release, "--format", "{{.Name}}"])?;
        let prefix = format!("{release}_");
        return Ok(all.iter().filter_map(|name| name.strip_prefix(&prefix)).map(str::to_owned).collect());
    }
    let kinds = "deployments,statefulsets,daemonsets,jobs,cronjobs";
    let selector = format!("app.kubernetes.io/instance={release}");
    let found = trial::cluster()?.kubectl().list(NAMESPACE, kinds, &selector)?;
    Ok(found.iter().filter_map(|object| object["metadata"]["name"].as_str()).map(str::to_owned).collect())
}

/// An uninstall keeps volumes, and those of the next release may have the same names in the cluster.
fn forget_volumes(platform: Platform) -> Result<(), Failed> {
    if platform == Platform::Kubernetes {
        let all = ["-n", NAMESPACE, "delete", "persistentvolumeclaims", "--all", "--timeout=30s"];
        trial::cluster()?.kubectl().run(&all)?;
    }
    Ok(())
}

/// Has nothing wait for tasks of images that are not here.
fn without_waits(chart: &Path) -> Result<(), Failed> {
    for entry in chart.join("templates").read_dir()? {
        let path = entry?.path();
        if path.is_dir() {
            continue;
        }
        let mut is_wait = false;
        let text = std::fs::read_to_string(&path)?;
        let kept = text.lines().filter(|line| {
            is_wait = *line == "dependsOn:" || (is_wait && line.trim_start().starts_with("- "));
            !is_wait
        });
        let kept: Vec<&str> = kept.collect();
        std::fs::write(&path, kept.join("\n"))?;
    }
    Ok(())
}

/// A chart that was made.
struct Imported {
    chart: PathBuf,
    workloads: Vec<String>,
    /// Options of an install: secret values, and ports that nobody else has.
    options: Vec<String>,
}

impl Imported {
    fn of(rhumb: &Rhumb, arguments: &[&str], file: &Path, folder: &Path) -> Result<Self, Failed> {
        let chart = folder.join("chart");
        let (file, out) = (file.display().to_string(), chart.display().to_string());
        let report = rhumb.json(&[&["import"], arguments, &[&file, "--out", &out]].concat())?;
        let objects = report["objects"].as_array().into_iter().flatten();
        let documents = objects.filter_map(|object| object["document"].as_str()?.strip_prefix("workload/"));
        let mut workloads: Vec<String> = documents.map(str::to_owned).collect();
        workloads.sort();
        workloads.dedup();
        trial::require(!workloads.is_empty(), &file)?;
        without_waits(&chart)?;
        let secrets = chart.join("secrets.values.yaml");
        let mut options = Vec::new();
        if secrets.exists() {
            options.extend(["-f".to_owned(), secrets.display().to_string()]);
        }
        options.extend(ports(&std::fs::read_to_string(chart.join("values.yaml"))?)?);
        for required in report["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            options.extend(["--set".to_owned(), format!("{required}=x")]);
        }
        Ok(Self { chart, workloads, options })
    }

    fn install(&self, release: &str) -> Vec<String> {
        let chart = self.chart.display().to_string();
        let head = ["install", release, &chart, "--resolve-image", "never"].map(str::to_owned);
        head.into_iter().chain(self.options.clone()).collect()
    }
}

/// Other numbers for the ports of nodes among the values.
fn ports(values: &str) -> Result<Vec<String>, Failed> {
    let all = yaml::parse(values).map_err(|error| format!("{error:?}"))?;
    let mut found = Vec::new();
    for workload in all.iter().filter_map(Node::as_mapping).flatten() {
        for port in workload.value.get("ports").and_then(Node::as_mapping).unwrap_or_default() {
            let number = FIRST_PORT + u16::try_from(found.len() / 2)?;
            found.extend(["--set".to_owned(), format!("{}.ports.{}={number}", workload.key, port.key)]);
        }
    }
    Ok(found)
}
