//! Variables of a service.

use indexmap::IndexMap;
use rhumb_backend::fields::Fields;
use rhumb_spec::Diagnostic;
use rhumb_spec::model::{Container, EnvValue};
use serde_json::Value;

use super::{World, flag, scalar};
use crate::read::{Format, parse_environment};

/// Reads `env_file` and `environment`, which wins.
pub(super) fn lift(
    fields: &mut Fields<'_>,
    (service, container): (&str, &mut Container),
    world: &mut World<'_>,
) {
    let mut all: IndexMap<String, String> = IndexMap::new();
    if let Some(files) = fields.take_whole("env_file") {
        let items = match files {
            Value::Array(items) => items,
            other => vec![other],
        };
        for item in items {
            file(&item, service, &mut all, world);
        }
    }
    if let Some(variables) = fields.take("environment", variables) {
        for (name, value) in variables {
            if let Some(value) = value.or_else(|| world.project.environment.get(&name).cloned()) {
                all.insert(name, value);
                continue;
            }
            let path = format!("service/{service}.environment.{name}");
            let why = "the environment of the import has no such variable";
            fields.lost(&format!("environment.{name}"), 1, why);
            world.warn(path, format!("`{name}` has no value"), "set it in the chart or leave it out");
        }
    }
    told(service, &all, world);
    let (good, bad): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|(name, value)| is_variable(name) && !value.contains('\0'));
    for (name, _) in bad {
        fields.lost(&format!("environment.{name}"), 1, "no process can have a variable of this name");
        world.warn(
            format!("service/{service}.environment"),
            format!("a variable cannot be named `{name}`"),
            "another name",
        );
    }
    container.env = good.into_iter().map(|(name, value)| (name, EnvValue::Text(value))).collect();
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'=')
}

/// A mapping or a list of `NAME=value`; none where the value is passed on.
pub(super) fn variables(value: &Value) -> Option<Vec<(String, Option<String>)>> {
    match value {
        Value::Object(map) => map
            .iter()
            .map(|(name, value)| {
                Some((name.clone(), if value.is_null() { None } else { Some(scalar(value)?) }))
            })
            .collect(),
        Value::Array(items) => {
            let pairs = items.iter().map(|item| {
                let text = scalar(item)?;
                Some(match text.split_once('=') {
                    Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                    None => (text, None),
                })
            });
            pairs.collect()
        }
        _ => None,
    }
}

fn file(item: &Value, service: &str, all: &mut IndexMap<String, String>, world: &mut World<'_>) {
    let of = |key: &str| item.get(key);
    let Some(path) = item.as_str().or_else(|| of("path").and_then(Value::as_str)) else { return };
    let is_required = of("required").and_then(flag).unwrap_or(true);
    let format =
        if of("format").and_then(Value::as_str) == Some("raw") { Format::Raw } else { Format::Compose };
    let whole = match world.project.located(path) {
        Ok(whole) => whole,
        Err(why) => return world.warn(format!("service/{service}.env_file"), why, "the whole path"),
    };
    if !is_required && !world.project.reader.is_file(&whole) {
        return;
    }
    let at = format!("service/{service}.env_file");
    let known = all.clone();
    let environment = &world.project.environment;
    let lookup = |name: &str| environment.get(name).or_else(|| known.get(name)).cloned();
    let text = world.project.reader.read(&whole);
    let text = text.and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned()));
    match text.map(|text| parse_environment(&text, format, &lookup)) {
        Ok(Ok(found)) => all.extend(found),
        Ok(Err((line, what))) => {
            world.notes.push(Diagnostic::error(at, what).at(whole.display().to_string(), line));
        }
        Err(why) => {
            let what = format!("cannot read {}", whole.display());
            world.notes.push(Diagnostic::error(at, what).why(why).remedy("the file, or `required: false`"));
        }
    }
}

/// Says which variables look like secrets.
fn told(service: &str, all: &IndexMap<String, String>, world: &mut World<'_>) {
    let is_secret = |name: &str, value: &str| (names_secret(name) && holds_secret(value)) || is_login(value);
    let found: Vec<&str> =
        all.iter().filter(|(name, value)| is_secret(name, value)).map(|(name, _)| name.as_str()).collect();
    if !found.is_empty() {
        let what =
            format!("the value of {} looks like a secret and is in the chart as text", found.join(", "));
        world.warn(
            format!("service/{service}.environment"),
            what,
            "a Secret, and `{ secret: NAME, key: KEY }` as the value",
        );
    }
}

fn names_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let words = ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "API_KEY", "PRIVATE_KEY"];
    words.iter().any(|word| name.contains(word)) && !name.ends_with("_FILE")
}

/// Whether a value can be a secret: neither nothing, nor a switch, nor the path of a file.
fn holds_secret(value: &str) -> bool {
    let is_switch =
        ["yes", "no", "true", "false", "on", "off", "0", "1"].contains(&&*value.to_ascii_lowercase());
    !value.is_empty() && !is_switch && !value.starts_with('/')
}

/// Whether an address has a password in it: `scheme://user:password@host`.
fn is_login(value: &str) -> bool {
    let authority = value.split_once("://").and_then(|(_, rest)| rest.split('/').next());
    let login = authority.and_then(|authority| authority.rsplit_once('@')).map(|(login, _)| login);
    login.and_then(|login| login.split_once(':')).is_some_and(|(_, password)| !password.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_secret() {
        assert!(names_secret("db_password") && holds_secret("example"));
        assert!(!names_secret("DB_PASSWORD_FILE"));
        assert!(!holds_secret("/run/secrets/db") && !holds_secret("Yes") && !holds_secret(""));
        assert!(is_login("mariadb+pymysql://web:changeme@db:3306/db"));
        assert!(!is_login("http://db:80/a@b") && !is_login("amqp://guest@rabbit") && !is_login("a:b@c"));
    }
}
