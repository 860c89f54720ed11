//! What runs pods, as a workload.

use std::collections::BTreeMap;

use rhumb_spec::model::{Concurrency, Cron, IntOrPercent, Job, Kind, Mode, Strategy, Update, Workload};
use rhumb_spec::{Diagnostic, Duration, plain_schedule};
use serde_json::{Map, Value, json};

use super::document::Document;
use super::naming::is_ours;
use super::placement::Selected;
use super::service::Listens;
use super::world::World;
use super::{defaults, labels, pod, volume};
use crate::names;
use rhumb_backend::fields::{Fields, small};

/// The kinds that run pods.
pub(super) const RUNNERS: [&str; 8] = [
    "deployment",
    "statefulset",
    "daemonset",
    "replicaset",
    "replicationcontroller",
    "pod",
    "job",
    "cronjob",
];

/// A workload that was read, while others may still add to it.
pub(super) struct Read {
    pub(super) document: Document,
    pub(super) name: String,
    pub(super) workload: Workload,
    pub(super) listens: Listens,
}

/// The labels of the pods that an object runs.
pub(super) fn pod_labels(document: &Document) -> Map<String, Value> {
    let at = match document.word.as_str() {
        "pod" => "/metadata/labels",
        "cronjob" => "/spec/jobTemplate/spec/template/metadata/labels",
        _ => "/spec/template/metadata/labels",
    };
    document.whole.pointer(at).and_then(Value::as_object).cloned().unwrap_or_default()
}

/// The native kind that a workload becomes again.
pub(super) fn kind_of(mode: Mode) -> &'static str {
    match mode {
        Mode::Replicated => "Deployment",
        Mode::Global => "DaemonSet",
        Mode::Stateful => "StatefulSet",
        Mode::Job => "Job",
        Mode::Cron => "CronJob",
    }
}

/// Reads what runs pods.
pub(super) fn read(
    mut document: Document,
    name: String,
    (selected, governing): (&dyn Selected, &str),
    world: &mut World,
) -> Read {
    let hints = world.port_hints.get(document.id.as_str()).cloned().unwrap_or_default();
    let mode = mode(&document);
    let mut workload = Workload { mode, ..Workload::default() };
    document.take_head();
    rename(&mut document, &name, mode);
    tell_of_replicas(&document, &name, world);
    if document.word == "pod" {
        document.wrap_pod();
    }
    let mut fields = document.fields();
    let mut claims = BTreeMap::new();
    if let Some(mut spec) = fields.below("spec") {
        if mode == Mode::Cron {
            cron(&mut spec, &mut workload);
        }
        claims = volume::templates(&mut spec, world).into_iter().collect();
        replicas(&mut spec, &mut workload, governing);
    }
    let listens = match template_of(&mut fields, mode, &mut workload) {
        Some(mut template) => {
            pod::template(&mut template, &name, &mut workload, &claims, (selected, &hints), world)
        }
        None => Listens::default(),
    };
    own_metadata(&mut fields, &mut workload);
    Read { document, name, workload, listens }
}

fn mode(document: &Document) -> Mode {
    let restart = document.text_at("/spec/restartPolicy");
    match document.word.as_str() {
        "daemonset" => Mode::Global,
        "statefulset" => Mode::Stateful,
        "job" => Mode::Job,
        "cronjob" => Mode::Cron,
        "pod" if matches!(restart, Some("Never" | "OnFailure")) => Mode::Job,
        _ => Mode::Replicated,
    }
}

/// Tells where the name or kind is another now.
fn rename(document: &mut Document, name: &str, mode: Mode) {
    let kind = kind_of(mode);
    if document.kind() != kind {
        let why = format!("a release runs these pods by a {kind}");
        document.fields().lost("kind", 1, &why);
    }
    let own = document.name.clone();
    let is_job = document.word == "job" && own.starts_with(name);
    if own != name && !is_job && !own.is_empty() {
        let why = format!("the workload is called {name}, by which its siblings reach it");
        document.fields().lost("metadata.name", 1, &why);
    }
}

/// Says that the replicas of a stateful set, and with them their claims, are called otherwise.
fn tell_of_replicas(document: &Document, name: &str, world: &mut World) {
    let own = &document.name;
    if document.word == "statefulset" && own != name && !is_ours(&document.whole) {
        let what = format!("its replicas are called {name}-0 and so on here, and no longer {own}-0");
        world.notes.push(
            Diagnostic::warning(document.id.as_str(), what)
                .why("a workload bears the name of the service that leads to it; claims bear the names of replicas")
                .remedy(format!("`name: {own}` in the chart, where replicas are called by name or their data is to stay")),
        );
    }
}

/// The labels and annotations of the object itself. A label that its pods bear with another value stays.
fn own_metadata(fields: &mut Fields<'_>, workload: &mut Workload) {
    let Some(mut metadata) = fields.below("metadata") else { return };
    labels::take_marks(&mut metadata);
    if let Some(mut labels) = metadata.below("labels") {
        for key in labels.keys() {
            let known = workload.labels.get(&key).cloned();
            if known.is_none() || known.as_deref() == labels.text_at(&key) {
                workload.labels.extend(labels.text(&key).map(|value| (key, value)));
            }
        }
    }
    if let Some(mut annotations) = metadata.below("annotations") {
        for key in annotations.keys() {
            workload.annotations.extend(annotations.text(&key).map(|value| (key, value)));
        }
    }
}

/// The template of the pods. That of a scheduled job lies in the template of the job.
fn template_of<'f>(fields: &'f mut Fields<'_>, mode: Mode, workload: &mut Workload) -> Option<Fields<'f>> {
    if mode == Mode::Cron {
        if let Some(mut metadata) = fields.descended(&["spec", "jobTemplate", "metadata"]) {
            metadata.own(&["creationTimestamp"], "the server writes it");
            labels::take_marks(&mut metadata);
            labels::take_same(metadata.below("labels"), &workload.labels);
        }
        if let Some(mut spec) = fields.descended(&["spec", "jobTemplate", "spec"]) {
            workload.job = job(&mut spec);
        }
        return fields.descended(&["spec", "jobTemplate", "spec", "template"]);
    }
    fields.descended(&["spec", "template"])
}

fn replicas(spec: &mut Fields<'_>, workload: &mut Workload, governing: &str) {
    selector(spec);
    match workload.mode {
        Mode::Replicated => {
            workload.replicas = spec.small("replicas");
            workload.update = rolling(spec, "strategy", (&json!("25%"), &json!("25%")));
        }
        Mode::Stateful => {
            workload.replicas = spec.small("replicas");
            let is_governing = |value: &Value| (value == governing).then_some(());
            spec.take("serviceName", is_governing);
            spec.default(
                "updateStrategy",
                &json!({ "type": "RollingUpdate", "rollingUpdate": { "partition": 0 } }),
            );
            workload.update = rolling(spec, "updateStrategy", (&json!(0), &json!(1)));
        }
        Mode::Global => workload.update = rolling(spec, "updateStrategy", (&json!(0), &json!(1))),
        Mode::Job => workload.job = job(spec),
        Mode::Cron => {}
    }
    defaults::workload(spec);
    if matches!(workload.mode, Mode::Replicated | Mode::Stateful | Mode::Global) {
        monitor(spec, workload);
    }
}

/// How long a new replica must be ready before it counts.
fn monitor(spec: &mut Fields<'_>, workload: &mut Workload) {
    let Some(seconds) = spec.take("minReadySeconds", |value| value.as_u64().filter(|seconds| *seconds > 0))
    else {
        return;
    };
    workload.update.get_or_insert_default().monitor = Some(Duration::from_secs(seconds));
    // A deadline of a release's own is longer by the server's usual one.
    spec.take("progressDeadlineSeconds", |value| (value.as_u64() == Some(seconds + 600)).then_some(()));
}

fn selector(spec: &mut Fields<'_>) {
    let is_release = |key: &String| [names::NAME, names::INSTANCE].contains(&key.as_str());
    let is_controller = |key: &String| key.ends_with("controller-uid");
    let labels =
        spec.get("selector").and_then(|selector| selector.get("matchLabels").unwrap_or(selector).as_object());
    let is_own = labels.is_some_and(|labels| labels.keys().all(|key| is_release(key) || is_controller(key)));
    if is_own {
        spec.own(&["selector"], "the release's own selector says the same");
    } else {
        spec.lose("selector", "the release's own selector takes its place, and selectors never change");
    }
}

/// How a new version replaces an old one. The given surge and unavailable replicas are the server's own choice.
fn rolling(spec: &mut Fields<'_>, key: &str, (surge, unavailable): (&Value, &Value)) -> Option<Update> {
    let mut strategy = spec.below(key)?;
    strategy.default("type", &json!("RollingUpdate"));
    let is_live = strategy.ledger().is_live();
    let kind = strategy.take("type", |value| match value.as_str()? {
        "Recreate" => Some(Strategy::Recreate),
        _ => None,
    });
    if strategy.get("type").is_some() {
        return None;
    }
    let mut update = Update { strategy: kind.unwrap_or_default(), ..Update::default() };
    if let Some(mut rolling) = strategy.below("rollingUpdate") {
        rolling.default("partition", &json!(0));
        let is_usual = rolling.get("maxSurge").is_none_or(|value| value == surge)
            && rolling.get("maxUnavailable").is_none_or(|value| value == unavailable);
        if is_usual && is_live {
            rolling.default("maxSurge", surge);
            rolling.default("maxUnavailable", unavailable);
        }
        update.max_surge = rolling.take("maxSurge", count);
        update.max_unavailable = rolling.take("maxUnavailable", count);
    }
    (update != Update::default()).then_some(update)
}

/// A count, or a share in percent.
pub(super) fn count(value: &Value) -> Option<IntOrPercent> {
    serde_json::from_value(value.clone()).ok()
}

/// How a job runs. Where nothing is said, the server tries it seven times.
fn job(spec: &mut Fields<'_>) -> Option<Job> {
    /// Source: Kubernetes API reference, `JobSpec.backoffLimit`.
    const USUAL_RETRIES: u32 = 6;
    selector(spec);
    let retries = spec.small("backoffLimit").unwrap_or(USUAL_RETRIES);
    let job = Job {
        retries: Some(retries).filter(|retries| *retries > 0),
        deadline: spec
            .take("activeDeadlineSeconds", |value| value.as_u64().filter(|n| *n > 0))
            .map(Duration::from_secs),
        parallelism: positive(spec, "parallelism").filter(|count| *count != 1),
        completions: positive(spec, "completions").filter(|count| *count != 1),
    };
    defaults::workload(spec);
    (job != Job::default()).then_some(job)
}

fn positive(spec: &mut Fields<'_>, key: &str) -> Option<u32> {
    spec.take(key, |value| small(value).filter(|count| *count > 0))
}

fn cron(spec: &mut Fields<'_>, workload: &mut Workload) {
    let concurrency = spec.take("concurrencyPolicy", |value| match value.as_str()? {
        "Allow" => Some(Concurrency::Allow),
        "Forbid" => Some(Concurrency::Forbid),
        "Replace" => Some(Concurrency::Replace),
        _ => None,
    });
    let schedule = spec
        .take("schedule", |value| value.as_str().map(|text| plain_schedule(text).to_owned()))
        .unwrap_or_default();
    let time_zone = spec.text("timeZone").filter(|zone| !zone.is_empty());
    workload.cron = Some(Cron { schedule, time_zone, concurrency: concurrency.unwrap_or_default() });
}

/// Ends the reading: what is left becomes a patch of what the workload becomes.
pub(super) fn finish(read: Read, world: &mut World) {
    let Read { document, name, mut workload, .. } = read;
    let path = Kind::Workload.path(&name);
    let kind = kind_of(workload.mode);
    if let Some(patch) = document.finish_with_patch((&path, kind), world) {
        add_patch(&mut workload, kind, patch);
    }
    world.app.workloads.insert(name, workload);
}

/// Adds a patch for one of the kinds that a workload becomes.
pub(super) fn add_patch(workload: &mut Workload, kind: &str, patch: Value) {
    workload.on.entry("kubernetes".to_owned()).or_default().insert(kind.to_owned(), patch);
}
