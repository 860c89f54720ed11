//! Environment variables.

use indexmap::IndexMap;
use rhumb_spec::Diagnostic;
use rhumb_spec::model::{Container, EnvFrom, EnvSource, EnvValue, SelfField};
use serde_json::{Value, json};

use super::files::HeldSecret;
use super::task::Draft;
use super::{Context, Part, Report, discovery, exists};
use crate::kind::Kind;
use crate::names;

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
    /// A parameter or a key of a secret, as `valueFrom` names it.
    From(String),
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
    let mut found: IndexMap<String, Found> = IndexMap::new();
    for (index, from) in part.container.env_from.iter().enumerate() {
        let path = part.at(&format!("envFrom.{index}"));
        found.extend(whole(context, (from, &path), draft, report));
    }
    for (name, value) in &part.container.env {
        let path = part.at(&format!("env.{name}"));
        let value = match value {
            EnvValue::Text(text) => Some(Found::Plain(text.clone())),
            EnvValue::From(source) => from(context, (source, &path), draft, report),
        };
        if let Some(value) = value {
            found.insert(name.clone(), value);
        }
    }
    let mut environment = Environment::default();
    for (name, value) in found {
        match value {
            Found::Plain(text) => environment.plain.push(json!({ "name": name, "value": text })),
            Found::From(place) => environment.secret.push(json!({ "name": name, "valueFrom": place })),
        }
    }
    environment
}

/// The keys of configs that single variables of a container name.
pub(super) fn config_keys(container: &Container) -> impl Iterator<Item = (&str, &str)> {
    container.env.values().filter_map(|value| match value {
        EnvValue::From(EnvSource::Config { name, key }) => Some((name.as_str(), key.as_str())),
        _ => None,
    })
}

/// `valueFrom` of a key of a secret.
///
/// Source: Amazon ECS developer guide, "Pass Secrets Manager secrets through Amazon ECS environment variables".
pub(super) fn place(held: &HeldSecret, key: &str) -> String {
    format!("{}:{key}::", held.arn)
}

fn from(
    context: &Context<'_>,
    (source, path): (&EnvSource, &str),
    draft: &mut Draft,
    report: &mut Report,
) -> Option<Found> {
    match source {
        EnvSource::Secret { name, key } => secret(context, (name, key), draft),
        EnvSource::Config { name, key } => config(context, (name, key, path), draft, report),
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
    }
}

fn secret(context: &Context<'_>, (name, key): (&str, &str), draft: &mut Draft) -> Option<Found> {
    let held = context.files.secret(name)?;
    draft.uses_secret(name, held);
    Some(Found::From(place(held, key)))
}

/// A variable out of a config is its text; only what exists already is read by ECS itself.
fn config(
    context: &Context<'_>,
    (name, key, path): (&str, &str, &str),
    draft: &mut Draft,
    report: &mut Report,
) -> Option<Found> {
    let held = context.files.config(name)?;
    if held.external {
        draft.wait_for(exists(Kind::Parameter.id(&format!("{name}/{key}"))));
        let parameter = names::external_parameter(name, key);
        return Some(Found::From(names::parameter_arn(context.facts, &parameter)));
    }
    let entry = held.entries.get(key)?;
    let text = String::from_utf8(entry.bytes.clone()).ok();
    if text.is_none() {
        report.refuse(
            Diagnostic::error(path, format!("`{key}` of the config `{name}` is no text"))
                .why("a variable of a task definition is text")
                .remedy("the config mounted as a file"),
        );
    }
    text.map(Found::Plain)
}

fn whole(
    context: &Context<'_>,
    (from, path): (&EnvFrom, &str),
    draft: &mut Draft,
    report: &mut Report,
) -> Vec<(String, Found)> {
    let prefix = from.prefix.as_deref().unwrap_or_default();
    let named = |key: &String| format!("{prefix}{key}");
    let (word, name, keys) = match (&from.config, &from.secret) {
        (Some(name), _) => {
            let keys = context.files.config(name).filter(|held| !held.external).map(|held| &held.keys);
            ("config", name, keys)
        }
        (None, Some(name)) => {
            let keys = context.files.secret(name).filter(|held| !held.external).map(|held| &held.keys);
            ("secret", name, keys)
        }
        (None, None) => return Vec::new(),
    };
    let Some(keys) = keys else {
        report.refuse(
            Diagnostic::error(path, format!("the keys of the {word} `{name}` are not known"))
                .why("it exists already, and a task definition names every variable")
                .remedy("`env` with each key"),
        );
        return Vec::new();
    };
    let mut found = Vec::new();
    for key in keys {
        let value = match word {
            "config" => config(context, (name, key, path), draft, report),
            _ => secret(context, (name, key), draft),
        };
        found.extend(value.map(|value| (named(key), value)));
    }
    found
}
