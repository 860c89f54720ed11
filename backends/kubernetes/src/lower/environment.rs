//! Environment variables.

use rhumb_spec::Diagnostic;
use rhumb_spec::model::{EnvFrom, EnvSource, EnvValue, Mode, SelfField};
use serde_json::{Value, json};

use super::body::Body;
use super::expansion::literal;
use super::files::FileKind;
use super::pod::Pod;
use super::{Context, Part, Report, network};

/// Where a pod of a stateful set has its number.
///
/// Source: Kubernetes documentation, "Stateful Sets", "Pod index label".
pub const POD_INDEX: &str = "metadata.labels['apps.kubernetes.io/pod-index']";

/// What a container's variables become.
pub(super) struct Environment {
    /// `env`.
    pub(super) env: Vec<Value>,
    /// `envFrom`.
    pub(super) whole: Vec<Value>,
}

/// The variables of a container. What they come from is added to what the pod needs.
pub(super) fn environment(
    context: &Context<'_>,
    part: &Part<'_>,
    pod: &mut Pod,
    report: &mut Report,
) -> Environment {
    let mut env = Vec::new();
    for (name, value) in &part.container.env {
        let path = part.at(&format!("env.{name}"));
        let source = match value {
            EnvValue::Text(text) => Some(("value", literal(text).into())),
            EnvValue::From(source) => from(context, part, (source, &path), pod, report),
        };
        if let Some((field, value)) = source {
            let mut body = Body::new();
            body.set("name", name.clone());
            // An empty text is a variable that is there, and a value that the API leaves out.
            if value != Value::String(String::new()) {
                body.set(field, value);
            }
            env.push(body.into_value());
        }
    }
    let whole = part.container.env_from.iter().filter_map(|from| whole(context, from, pod)).collect();
    Environment { env, whole }
}

fn from(
    context: &Context<'_>,
    part: &Part<'_>,
    (source, path): (&EnvSource, &str),
    pod: &mut Pod,
    report: &mut Report,
) -> Option<(&'static str, Value)> {
    let value_from = |value| Some(("valueFrom", value));
    match source {
        EnvSource::Secret { name, key } => {
            let held = context.files.find(FileKind::Secret, name)?;
            pod.uses(held);
            value_from(json!({ "secretKeyRef": { "name": held.name, "key": key } }))
        }
        EnvSource::Config { name, key } => {
            let held = context.files.find(FileKind::ConfigMap, name)?;
            pod.uses(held);
            value_from(json!({ "configMapKeyRef": { "name": held.name, "key": key } }))
        }
        EnvSource::Address { workload, port, format } => {
            let (host, number) = network::address(context.checked, context.scope, workload, port)?;
            let text = format.as_deref().unwrap_or("{host}:{port}");
            let text = text.replace("{host}", &host).replace("{port}", &number.to_string());
            Some(("value", literal(&text).into()))
        }
        EnvSource::Own(SelfField::Ordinal) if part.site.workload.mode == Mode::Stateful => {
            value_from(json!({ "fieldRef": { "fieldPath": POD_INDEX } }))
        }
        EnvSource::Own(SelfField::Ordinal) => {
            report.refuse(
                Diagnostic::error(path, "replicas of a Deployment have no number")
                    .why("its pods are interchangeable, and Kubernetes names them at random")
                    .remedy("`mode: stateful`, whose replicas are numbered"),
            );
            None
        }
    }
}

fn whole(context: &Context<'_>, from: &EnvFrom, pod: &mut Pod) -> Option<Value> {
    let (kind, field, name) = match (&from.config, &from.secret) {
        (Some(name), _) => (FileKind::ConfigMap, "configMapRef", name),
        (None, Some(name)) => (FileKind::Secret, "secretRef", name),
        (None, None) => return None,
    };
    let held = context.files.find(kind, name)?;
    pod.uses(held);
    let mut body = Body::new();
    body.set_filled("prefix", from.prefix.clone().unwrap_or_default());
    body.set(field, json!({ "name": held.name }));
    Some(body.into_value())
}
