//! The rules of environment variables.

use super::container::Place;
use super::workload::word;
use super::{lookup, names};
use crate::Diagnostic;
use crate::model::{EnvFrom, EnvSource, EnvValue, Mode, SelfField};

/// Checks the variables of a container.
pub(super) fn check(place: &Place<'_>, found: &mut Vec<Diagnostic>) {
    for (name, value) in &place.container.env {
        let path = || place.at(&format!("env.{name}"));
        if !names::is_variable(name) {
            found.push(
                Diagnostic::error(path(), format!("a variable cannot be named `{name}`"))
                    .remedy("letters, digits, `_`, `.` and `-`, not beginning with a digit"),
            );
        }
        match value {
            EnvValue::Text(text) if text.contains('\0') => {
                found.push(
                    Diagnostic::error(path(), "the text has a NUL character").why("a variable ends there"),
                );
            }
            EnvValue::Text(_) => {}
            EnvValue::From(source) => check_source(place, source, &path(), found),
        }
    }
    for (index, from) in place.container.env_from.iter().enumerate() {
        check_whole(place, from, &place.at(&format!("envFrom[{index}]")), found);
    }
}

fn check_source(place: &Place<'_>, source: &EnvSource, path: &str, found: &mut Vec<Diagnostic>) {
    let app = place.scope.app;
    match source {
        EnvSource::Secret { name, key } => lookup::secret_key(app, name, key, path, found),
        EnvSource::Config { name, key } => {
            lookup::config_key(app, name, key, path, found);
            if app.configs.get(name).is_some_and(|config| config.binary.contains_key(key)) {
                found.push(
                    Diagnostic::error(path, format!("the key `{key}` of the config `{name}` holds bytes"))
                        .why("a variable holds text")
                        .remedy("the key in `data`, or a mount"),
                );
            }
        }
        EnvSource::Address { workload, port, format } => {
            lookup::exposed_port(app, workload, port, path, found);
            if let Some(format) = format
                && !format.contains("{host}")
                && !format.contains("{port}")
            {
                found.push(
                    Diagnostic::warning(
                        format!("{path}.format"),
                        format!("`{format}` does not hold the address"),
                    )
                    .why("`{host}` and `{port}` are replaced, and neither is there")
                    .remedy("`{host}:{port}`"),
                );
            }
        }
        EnvSource::Own(SelfField::Ordinal) => {
            let mode = place.scope.workload.mode;
            if !matches!(mode, Mode::Stateful | Mode::Replicated) {
                found.push(
                    Diagnostic::error(path, format!("replicas have no number with `mode: {}`", word(mode)))
                        .remedy("`mode: stateful` or `mode: replicated`"),
                );
            }
        }
    }
}

fn check_whole(place: &Place<'_>, from: &EnvFrom, path: &str, found: &mut Vec<Diagnostic>) {
    let app = place.scope.app;
    let prefix = from.prefix.as_deref().unwrap_or_default();
    let keys: Vec<&str> = match (&from.config, &from.secret) {
        (Some(name), None) => {
            let config = lookup::config(app, name, &format!("{path}.config"), found);
            config.map(|config| config.data.keys().map(String::as_str).collect()).unwrap_or_default()
        }
        (None, Some(name)) => {
            let secret = lookup::secret(app, name, &format!("{path}.secret"), found);
            secret.map(|secret| secret.keys().collect()).unwrap_or_default()
        }
        _ => {
            found.push(
                Diagnostic::error(path, "set exactly one of `config` and `secret`")
                    .remedy("an entry for each"),
            );
            return;
        }
    };
    for key in keys.into_iter().filter(|key| !names::is_variable(&format!("{prefix}{key}"))) {
        found.push(
            Diagnostic::error(path, format!("a variable cannot be named `{prefix}{key}`"))
                .why("each key becomes a variable")
                .remedy("letters, digits, `_`, `.` and `-`, not beginning with a digit"),
        );
    }
}
