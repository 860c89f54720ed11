//! What the user wrote in Swarm's own words: patches of a workload's service, and whole documents.

use rhumb_backend::{Object, ObjectId, patch};
use rhumb_spec::Diagnostic;
use rhumb_spec::model::{Kind, Native};
use serde_json::{Map, Value};

use super::{Context, Report, Site};
use crate::change::SERVICE_RULES;
use crate::names;

/// The name of this platform in `on` and `platform`.
const PLATFORM: &str = "swarm";

/// The service with the user's patch under `on.swarm.Service`; none where the patch is wrong.
pub(super) fn patched(site: &Site<'_>, mut body: Value, report: &mut Report) -> Option<Value> {
    let Some(patches) = site.workload.on.get(PLATFORM) else { return Some(body) };
    let mut is_good = true;
    for (kind, value) in patches {
        let path = site.at(&format!("on.{PLATFORM}.{kind}"));
        if kind != "Service" {
            report.refuse(
                Diagnostic::error(path, format!("a workload becomes no {kind} on Swarm")).remedy("`Service`"),
            );
            is_good = false;
        } else if !value.is_object() {
            report.refuse(Diagnostic::error(
                path,
                "a patch of a service is a mapping, in the form of a ServiceSpec",
            ));
            is_good = false;
        } else {
            patch::patch(&mut body, value, &SERVICE_RULES.lists);
        }
    }
    is_good.then_some(body)
}

/// The documents that are passed through: a service, network or config in the Engine API's own form, with `kind`
/// beside its fields. The release's marks are added; without a `Name` it is called `<stack>_<document>`.
pub(super) fn objects(context: &Context<'_>, report: &mut Report) -> Vec<Object> {
    let natives = context.app.natives.iter().filter(|(_, native)| native.platform == PLATFORM);
    natives.filter_map(|(name, native)| object(context, name, native, report)).collect()
}

fn object(context: &Context<'_>, name: &str, native: &Native, report: &mut Report) -> Option<Object> {
    let path = format!("{}.manifest", Kind::Native.path(name));
    let mut body = native.manifest.as_object().cloned().unwrap_or_default();
    let kind = match body.shift_remove("kind").as_ref().and_then(Value::as_str) {
        Some("Service") => "service",
        Some("Network") => "network",
        Some("Config") => "config",
        Some("Secret") => {
            report.refuse(
                Diagnostic::error(path, "a secret cannot be a native document")
                    .why("its data would be in the app and in every record")
                    .remedy("a Secret document"),
            );
            return None;
        }
        _ => {
            report.refuse(Diagnostic::error(format!("{path}.kind"), "it is not a document of Swarm").remedy(
                "`kind: Service`, `Network` or `Config`, with the fields of the Engine API beside it",
            ));
            return None;
        }
    };
    if is_taken(context, kind, name) {
        let what = format!("the {kind} {name} of Swarm is another document's already");
        report.refuse(Diagnostic::error(Kind::Native.path(name), what).remedy("another name"));
        return None;
    }
    Some(finished(context, (kind, name), body))
}

/// Whether another document of the app becomes an object with the same id.
fn is_taken(context: &Context<'_>, kind: &str, name: &str) -> bool {
    match kind {
        "service" => context.app.workloads.contains_key(name),
        "network" => context.app.networks.contains_key(name) || name == super::network::DEFAULT,
        _ => context.app.configs.contains_key(name),
    }
}

fn finished(context: &Context<'_>, (kind, name): (&str, &str), mut body: Map<String, Value>) -> Object {
    let id = ObjectId::new(kind, &if kind == "config" { format!("{name}/native") } else { name.to_owned() });
    let given = body.get("Name").and_then(Value::as_str).map(str::to_owned);
    let mut native_name = given.unwrap_or_else(|| names::service_name(context.scope, name));
    let mut labels = body.get("Labels").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut generation = None;
    if kind == "config" {
        let hash = names::hash(Value::Object(body.clone()).to_string().as_bytes())[..16].to_owned();
        native_name = names::config_name(context.scope, name, "native", &hash);
        labels.insert(names::GENERATION.to_owned(), hash.clone().into());
        generation = Some(hash);
    }
    labels.extend(names::marks(context.scope, &id));
    let workload = (kind == "service").then(|| name.to_owned());
    if let Some(workload) = &workload {
        labels.insert(names::WORKLOAD.to_owned(), workload.clone().into());
    }
    body.insert("Name".to_owned(), native_name.into());
    body.insert("Labels".to_owned(), labels.into());
    Object { generation, workload, ..Object::new(id, Value::Object(body)) }
}
