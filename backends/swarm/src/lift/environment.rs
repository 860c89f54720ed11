//! Environment variables.

use indexmap::IndexMap;
use rhumb_backend::Lifted;
use rhumb_spec::model::{EnvSource, EnvValue, SelfField};
use serde_json::Value;

use super::fields::{Fields, TEMPLATE, not_carried};
use super::naming::Names;
use crate::lower::{ORDINAL, unescape, words, wrapper_script};
use crate::names::FileKind;

/// Reads the variables that stand in the service.
pub(super) fn variables(spec: &mut Fields, lifted: &mut Lifted) -> IndexMap<String, EnvValue> {
    let path = spec.at("Env");
    let mut found = IndexMap::new();
    for line in spec.texts("Env") {
        let Some((name, value)) = line.split_once('=') else {
            lifted
                .notes
                .push(not_carried(format!("{path}.{line}"), "it takes the value away that the image gives"));
            continue;
        };
        if value == ORDINAL {
            found.insert(name.to_owned(), EnvValue::From(EnvSource::Own(SelfField::Ordinal)));
            continue;
        }
        if let Some(text) = unescape(value) {
            found.insert(name.to_owned(), EnvValue::Text(text));
        } else {
            lifted.notes.push(not_carried(format!("{path}.{name}"), TEMPLATE));
        }
    }
    found
}

/// Takes a shell that exports secrets off a command, and adds what it exports. The files that it read are taken off
/// the list of secrets.
pub(super) fn unwrap(
    command: Vec<String>,
    (secrets, spec): (&mut Vec<(usize, Value)>, &Fields),
    env: &mut IndexMap<String, EnvValue>,
    names: &Names,
) -> Vec<String> {
    let [shell, flag, script, zero, rest @ ..] = command.as_slice() else { return command };
    if shell != "/bin/sh" || flag != "-c" || zero != "sh" {
        return command;
    }
    let Some(exports) = exports(script) else { return command };
    let mut sources = Vec::new();
    for (name, path) in &exports {
        let Some((_, secret)) = secrets.iter().find(|(_, secret)| target_of(secret) == *path) else {
            return command;
        };
        let native = secret.get("SecretName").and_then(Value::as_str).unwrap_or_default();
        let place = names.file(FileKind::Secret, native);
        sources.push((name.clone(), EnvSource::Secret { name: place.document, key: place.key }));
    }
    secrets.retain(|(index, secret)| {
        let is_exported = exports.iter().any(|(_, path)| target_of(secret) == *path);
        if is_exported {
            spec.reads().mark(format!("{}.{index}", spec.at("Secrets")));
        }
        !is_exported
    });
    env.extend(sources.into_iter().map(|(name, source)| (name, EnvValue::From(source))));
    rest.to_vec()
}

/// The path of a secret's file.
fn target_of(secret: &Value) -> String {
    let target = secret.pointer("/File/Name").and_then(Value::as_str).unwrap_or_default();
    if target.starts_with('/') { target.to_owned() } else { format!("/run/secrets/{target}") }
}

/// The variables and files of a script that [`wrapper_script`] wrote.
fn exports(script: &str) -> Option<Vec<(String, String)>> {
    let mut found = Vec::new();
    let mut rest = script;
    while let Some((name, after)) = rest.split_once("=\"$(cat ") {
        let (path, after) = after.split_once(")\" || exit 1; export ")?;
        let [path] = words(path)?.try_into().ok()?;
        found.push((name.to_owned(), path));
        rest = after.strip_prefix(name)?.strip_prefix("; ")?;
    }
    let pairs: Vec<(&str, &str)> = found.iter().map(|(name, path)| (name.as_str(), path.as_str())).collect();
    (!found.is_empty() && wrapper_script(&pairs) == script).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrappers_are_read_back() {
        let pairs = [("A", "/run/secrets/db.a"), ("B_2", "/run/secrets/it's")];
        let expected: Vec<_> =
            pairs.iter().map(|(name, path)| ((*name).to_owned(), (*path).to_owned())).collect();
        assert_eq!(exports(&wrapper_script(&pairs)), Some(expected));
        assert_eq!(exports("exec \"$@\""), None);
        assert_eq!(exports("A=\"$(cat /x)\" || exit 1; export B; exec \"$@\""), None);
    }
}
