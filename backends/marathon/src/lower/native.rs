//! What the user wrote in Marathon's own words: patches of what a workload becomes, and whole documents.

use rhumb_backend::change::{ListKey, ListKeys};
use rhumb_backend::{Object, patch};
use rhumb_spec::Diagnostic;
use rhumb_spec::model::{Kind as Document, Native};
use serde_json::{Map, Value};

use super::{Context, Report, Site};
use crate::kind::Kind;
use crate::names;

/// The name of this platform in `on` and `platform`.
pub(super) const PLATFORM: &str = "marathon";

/// The lists whose items have keys, in apps, pods and jobs.
const LISTS: ListKeys = ListKeys(&[
    ("container.portMappings", ListKey::Field("containerPort")),
    ("container.volumes", ListKey::Field("containerPath")),
    ("portDefinitions", ListKey::Field("name")),
    ("fetch", ListKey::Field("uri")),
    ("dependencies", ListKey::Whole),
    ("containers", ListKey::Field("name")),
    ("containers.*.endpoints", ListKey::Field("name")),
    ("containers.*.volumeMounts", ListKey::Field("mountPath")),
    ("volumes", ListKey::Field("name")),
    ("schedules", ListKey::Field("id")),
    ("run.volumes", ListKey::Field("containerPath")),
]);

/// The word for a kind in `on.marathon` and in `kind` of a document.
fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Pod => "Pod",
        Kind::Job => "Job",
        Kind::Chronos => "ChronosJob",
        Kind::App | Kind::Secret | Kind::Config => "App",
    }
}

/// The document with the user's patch under `on.marathon`; none where the patch is wrong.
pub(super) fn patched(site: &Site<'_>, kind: Kind, mut body: Value, report: &mut Report) -> Option<Value> {
    let Some(patches) = site.workload.on.get(PLATFORM) else { return Some(body) };
    let mut is_good = true;
    for (patched, value) in patches {
        let path = site.at(&format!("on.{PLATFORM}.{patched}"));
        if patched == word(kind) {
            patch::patch(&mut body, value, &LISTS);
        } else {
            report.refuse(
                Diagnostic::error(path, format!("this workload becomes no {patched} on Marathon"))
                    .why("one container is an App or, if a patch asks for it, a Pod; several are a Pod, and what ends is a Job of Metronome")
                    .remedy(format!("`{}`", word(kind))),
            );
            is_good = false;
        }
    }
    is_good.then_some(body)
}

/// The documents that are passed through: an app, a pod or a job in the API's own form, with `kind` beside its fields. The
/// release's marks are added; without an `id` it has the document's name in the release's group.
pub(super) fn objects(context: &Context<'_>, report: &mut Report) -> Vec<Object> {
    let natives = context.app.natives.iter().filter(|(_, native)| native.platform == PLATFORM);
    natives.filter_map(|(name, native)| object(context, name, native, report)).collect()
}

fn object(context: &Context<'_>, name: &str, native: &Native, report: &mut Report) -> Option<Object> {
    let path = format!("{}.manifest", Document::Native.path(name));
    let mut body = native.manifest.as_object().cloned().unwrap_or_default();
    let said = body.shift_remove("kind");
    let kind = match said.as_ref().and_then(Value::as_str) {
        Some("App") => Kind::App,
        Some("Pod") => Kind::Pod,
        Some("Job") => Kind::Job,
        _ => {
            report.refuse(
                Diagnostic::error(format!("{path}.kind"), "it is not a document of Marathon")
                    .why("apps, pods and jobs can be passed through; a secret would be in every record")
                    .remedy("`kind: App`, `Pod` or `Job`, with the fields of the API beside it"),
            );
            return None;
        }
    };
    if let Some(other) =
        context.app.workloads.get(name).filter(|other| super::workload::kind(context, other) == kind)
    {
        let what = format!("the {} {name} is a workload's already", word(kind));
        let names = other.containers.keys().cloned().collect::<Vec<_>>().join(", ");
        report.refuse(
            Diagnostic::error(Document::Native.path(name), what)
                .why(format!("the workload of the containers {names} has that name"))
                .remedy("another name"),
        );
        return None;
    }
    Some(finished(context, (kind, name), body))
}

fn finished(context: &Context<'_>, (kind, name): (Kind, &str), given: Map<String, Value>) -> Object {
    let native = match kind {
        Kind::Job => names::job(context.scope, name),
        _ => names::native(context.scope, name),
    };
    // What lies elsewhere is found again by where it lies.
    let elsewhere =
        given.get("id").and_then(Value::as_str).filter(|id| id.starts_with('/') && **id != native);
    let id = kind.id(elsewhere.unwrap_or(name));
    let mut body = Map::from_iter([("id".to_owned(), Value::from(native))]);
    body.extend(given);
    let mut labels = body.get("labels").and_then(Value::as_object).cloned().unwrap_or_default();
    labels.extend(names::marks(context.scope, &id, Some(name)));
    body.insert("labels".to_owned(), labels.into());
    Object { workload: Some(name.to_owned()), ..Object::new(id, Value::Object(body)) }
}
