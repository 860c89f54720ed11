//! References: what a name stands for, and what to say when it stands for nothing.

use crate::Diagnostic;
use crate::model::{App, Config, Kind, Secret, Workload};
use crate::suggestion::suggest;

/// What to say of a name that stands for no document of a kind.
fn missing<'a>(kind: Kind, name: &str, path: &str, names: impl Iterator<Item = &'a String>) -> Diagnostic {
    let word = kind.prefix();
    let diagnostic = Diagnostic::error(path, format!("there is no {word} `{name}`"));
    match suggest(name, names.map(String::as_str)) {
        Some(meant) => diagnostic.remedy(format!("`{meant}`")),
        None if matches!(kind, Kind::Config | Kind::Secret | Kind::Volume | Kind::Network) => diagnostic
            .remedy(format!(
                "a document of kind `{kind}`, with `external: true` if the {word} exists already"
            )),
        None => diagnostic.remedy(format!("a document of kind `{kind}` with this name")),
    }
}

macro_rules! lookup {
    ($name:ident, $field:ident, $kind:ident, $type:ty) => {
        /// The document that a name stands for; tells when there is none.
        pub(super) fn $name<'a>(
            app: &'a App,
            name: &str,
            path: &str,
            found: &mut Vec<Diagnostic>,
        ) -> Option<&'a $type> {
            let document = app.$field.get(name);
            if document.is_none() {
                found.push(missing(Kind::$kind, name, path, app.$field.keys()));
            }
            document
        }
    };
}

lookup!(workload, workloads, Workload, Workload);
lookup!(config, configs, Config, Config);
lookup!(secret, secrets, Secret, Secret);
lookup!(volume, volumes, Volume, crate::model::Volume);
lookup!(network, networks, Network, crate::model::Network);

/// Checks that a secret has a key.
pub(super) fn secret_key(app: &App, name: &str, key: &str, path: &str, found: &mut Vec<Diagnostic>) {
    if let Some(secret) = secret(app, name, path, found)
        && !secret.external
        && !secret.keys().any(|known| known == key)
    {
        found.push(no_key("secret", name, key, path, secret.keys()));
    }
}

/// Checks that a config has a key.
pub(super) fn config_key(app: &App, name: &str, key: &str, path: &str, found: &mut Vec<Diagnostic>) {
    let Some(config) = config(app, name, path, found) else { return };
    if !config.external && !config_keys(config).any(|known| known == key) {
        found.push(no_key("config", name, key, path, config_keys(config)));
    }
}

/// Every key of a config.
pub(super) fn config_keys(config: &Config) -> impl Iterator<Item = &str> {
    config.data.keys().chain(config.binary.keys()).map(String::as_str)
}

fn no_key<'a>(
    word: &str,
    name: &str,
    key: &str,
    path: &str,
    keys: impl Iterator<Item = &'a str>,
) -> Diagnostic {
    let keys: Vec<&str> = keys.collect();
    let diagnostic = Diagnostic::error(path, format!("the {word} `{name}` has no key `{key}`"));
    one_of(diagnostic, key, &keys)
}

/// Checks that a workload exposes a port.
pub(super) fn exposed_port(app: &App, name: &str, port: &str, path: &str, found: &mut Vec<Diagnostic>) {
    let Some(workload) = workload(app, name, path, found) else { return };
    if workload.expose.contains_key(port) {
        return;
    }
    let diagnostic = Diagnostic::error(path, format!("the workload `{name}` exposes no port `{port}`"));
    let declared = workload.containers.values().find_map(|container| container.ports.get(port));
    found.push(match declared {
        Some(declared) => {
            diagnostic.why("a container listens on it, but `expose` does not lead to it").remedy(format!(
                "`expose: {{ {port}: {{ port: {} }} }}` in the workload `{name}`",
                declared.port
            ))
        }
        None => one_of(diagnostic, port, &workload.expose.keys().map(String::as_str).collect::<Vec<_>>()),
    });
}

/// Says which of some names was probably meant, or all of them.
pub(super) fn one_of(diagnostic: Diagnostic, word: &str, names: &[&str]) -> Diagnostic {
    if names.is_empty() {
        return diagnostic.why("it has none at all");
    }
    let all = || names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let remedy = suggest(word, names.iter().copied())
        .map_or_else(|| format!("one of {}", all()), |meant| format!("`{meant}`"));
    diagnostic.remedy(remedy)
}
