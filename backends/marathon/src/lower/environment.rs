//! Environment variables.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use rhumb_backend::{After, Until};
use rhumb_spec::model::{EnvFrom, EnvSource, EnvValue, Kind as Document, SelfField};
use rhumb_spec::{Diagnostic, Feature};
use serde_json::{Map, Value, json};

use super::files::File;
use super::{Context, Part, Report, Site, network};
use crate::kind::Kind;

/// What a workload uses of the secret store.
#[derive(Default)]
pub(super) struct Used {
    /// `secrets`: where each is in the store.
    pub(super) secrets: Map<String, Value>,
    /// What must be there before.
    pub(super) after: BTreeSet<After>,
}

impl Used {
    /// Notes an entry and returns the name by which the document speaks of it.
    pub(super) fn add(&mut self, file: &File) -> String {
        self.secrets.insert(file.name.clone(), json!({ "source": file.path }));
        self.after.insert(After { id: file.id.clone(), until: Until::Exists });
        file.name.clone()
    }
}

/// A container's variables: text, or `{"secret": NAME}`.
///
/// Source: Marathon REST API, `EnvVarValueOrSecret`.
pub(super) fn variables(
    context: &Context<'_>,
    (site, part): (&Site<'_>, &Part<'_>),
    used: &mut Used,
    report: &mut Report,
) -> Map<String, Value> {
    let mut found: IndexMap<String, Value> = IndexMap::new();
    for (index, from) in part.container.env_from.iter().enumerate() {
        let path = part.at(&format!("envFrom.{index}"));
        for (name, value) in whole(context, from, &path, (used, report)) {
            found.shift_remove(&name);
            found.insert(name, value);
        }
    }
    for (name, value) in &part.container.env {
        let path = part.at(&format!("env.{name}"));
        found.shift_remove(name);
        if let Some(value) = variable(context, value, &path, (used, report)) {
            found.insert(name.clone(), value);
        }
    }
    if site.workload.short_names && !site.engine.is_docker() {
        found.extend(search(context, site, report));
    }
    found.into_iter().collect()
}

/// Bare names of siblings where no option of the Docker Engine can name a search domain.
///
/// Source: resolv.conf(5), `LOCALDOMAIN`.
fn search(context: &Context<'_>, site: &Site<'_>, report: &mut Report) -> Option<(String, Value)> {
    let domain = network::search_domain(context)?;
    let text = "the Universal Container Runtime takes no search domain, so the variable LOCALDOMAIN names it, which \
                only the resolver of glibc reads";
    report.lose(Feature::ShortNames, site.at("shortNames"), text);
    Some((network::SEARCH.to_owned(), domain.into()))
}

fn variable(
    context: &Context<'_>,
    value: &EnvValue,
    path: &str,
    (used, report): (&mut Used, &mut Report),
) -> Option<Value> {
    let source = match value {
        EnvValue::Text(text) => return Some(text.clone().into()),
        EnvValue::From(source) => source,
    };
    match source {
        EnvSource::Config { name, key } => config_text(context, (name, key), path, report),
        EnvSource::Secret { name, key } => {
            let file = context.files.find(Kind::Secret, name, key)?;
            Some(json!({ "secret": used.add(file) }))
        }
        EnvSource::Address { workload, port, format } => {
            let (host, number) = network::address(context, (workload, port), path, report)?;
            let text = format.as_deref().unwrap_or("{host}:{port}");
            Some(text.replace("{host}", &host).replace("{port}", &number.to_string()).into())
        }
        EnvSource::Own(SelfField::Ordinal) => {
            report.refuse(
                Diagnostic::error(path, "only replicas of a stateful workload are numbered")
                    .why("instances of an app are equal; those of a stateful workload are apps of their own")
                    .remedy("`mode: stateful`"),
            );
            None
        }
    }
}

fn config_text(
    context: &Context<'_>,
    (name, key): (&str, &str),
    path: &str,
    report: &mut Report,
) -> Option<Value> {
    let config = context.app.configs.get(name)?;
    let refusal = |why: &str| {
        Diagnostic::error(
            path,
            format!("the key {key} of {} cannot be a variable", Document::Config.path(name)),
        )
        .why(why)
        .remedy("the config mounted as a file")
    };
    if config.external {
        report.refuse(refusal(
            "the text is copied into the app, and that of an external config is not known here",
        ));
    } else if config.binary.contains_key(key) {
        report.refuse(refusal("it is bytes and not text"));
    }
    config.data.get(key).map(|text| text.clone().into())
}

/// Every key of a config or secret as a variable.
fn whole(
    context: &Context<'_>,
    from: &EnvFrom,
    path: &str,
    (used, report): (&mut Used, &mut Report),
) -> Vec<(String, Value)> {
    let prefix = from.prefix.as_deref().unwrap_or("");
    let mut found = Vec::new();
    if let Some(config) = from.config.as_ref().and_then(|name| context.app.configs.get(name)) {
        report.refuse_all(config.external.then(|| keys_unknown(path, "config")));
        let texts = config.data.iter();
        found.extend(texts.map(|(key, text)| (format!("{prefix}{key}"), text.clone().into())));
    }
    if let Some((name, secret)) =
        from.secret.as_ref().and_then(|name| context.app.secrets.get_key_value(name))
    {
        report.refuse_all(secret.external.then(|| keys_unknown(path, "secret")));
        for (key, file) in context.files.of(Kind::Secret, name) {
            found.push((format!("{prefix}{key}"), json!({ "secret": used.add(file) })));
        }
    }
    found
}

fn keys_unknown(path: &str, kind: &str) -> Diagnostic {
    Diagnostic::error(path, format!("the keys of an external {kind} are not known here"))
        .why("an entry of the secret store holds one value under one path")
        .remedy("`env` with each key by name")
}
