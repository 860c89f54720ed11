//! Environment variables.

use indexmap::IndexMap;
use rhumb_spec::Diagnostic;
use rhumb_spec::model::{EnvSource, EnvValue, SelfField};
use serde_json::{Value, json};

use super::task::Draft;
use super::{Context, Part, Report, discovery};

/// What a container's variables become.
#[derive(Default)]
pub(super) struct Environment {
    /// `environment`.
    pub(super) plain: Vec<Value>,
    /// `secrets`.
    pub(super) secret: Vec<Value>,
}

/// Where a variable's value is.
enum Found {
    Plain(String),
}

/// The variables of a container. What they come from is added to what the task needs.
///
/// Source: Amazon ECS API reference, `KeyValuePair` and `Secret`.
pub(super) fn environment(
    context: &Context<'_>,
    part: &Part<'_>,
    draft: &mut Draft,
    report: &mut Report,
) -> Environment {
    let _ = &draft;
    let mut found: IndexMap<String, Found> = IndexMap::new();
    for (name, value) in &part.container.env {
        let path = part.at(&format!("env.{name}"));
        let value = match value {
            EnvValue::Text(text) => Some(Found::Plain(text.clone())),
            EnvValue::From(source) => from(context, (source, &path), report),
        };
        if let Some(value) = value {
            found.insert(name.clone(), value);
        }
    }
    let mut environment = Environment::default();
    for (name, value) in found {
        match value {
            Found::Plain(text) => environment.plain.push(json!({ "name": name, "value": text })),
        }
    }
    environment
}

fn from(context: &Context<'_>, (source, path): (&EnvSource, &str), report: &mut Report) -> Option<Found> {
    match source {
        EnvSource::Address { workload, port, format } => {
            let (host, number) = discovery::address(context, workload, port)?;
            let text = format.as_deref().unwrap_or("{host}:{port}");
            Some(Found::Plain(text.replace("{host}", &host).replace("{port}", &number.to_string())))
        }
        EnvSource::Own(SelfField::Ordinal) => {
            report.refuse(
                Diagnostic::error(path, "tasks of a service have no number")
                    .why("they are interchangeable, and ECS names them at random")
                    .remedy("`mode: stateful`, whose replicas are numbered"),
            );
            None
        }
        EnvSource::Config { .. } | EnvSource::Secret { .. } => None,
    }
}
