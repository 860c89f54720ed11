//! What a secret's keys are made of, as demands for material.

use std::collections::BTreeMap;

use rhumb_backend::CheckedApp;
use rhumb_backend::material::Demand;
use rhumb_spec::Diagnostic;
use rhumb_spec::model::{Kind, Secret};
use serde_json::Value;

use super::{Report, network};

/// The demand of each key: given, generated, the private keys that come with certificates, and composed.
pub(super) fn demands(
    checked: &CheckedApp,
    name: &str,
    secret: &Secret,
    report: &mut Report,
) -> Vec<(String, Value)> {
    let made = made(name, secret);
    let mut found: Vec<(String, Value)> =
        made.iter().map(|(key, demand)| (key.clone(), demand.to_value())).collect();
    for key in secret.template.keys() {
        match composed(checked, secret, &made, &mut vec![key]) {
            Ok(demand) => found.push((key.clone(), demand.to_value())),
            Err(what) => {
                let path = format!("{}.template.{key}", Kind::Secret.path(name));
                report.refuse(Diagnostic::error(path, what));
            }
        }
    }
    found
}

/// The demand of one key, where the secret has it.
pub(super) fn demand(checked: &CheckedApp, name: &str, key: &str) -> Option<Value> {
    let secret = checked.app().secrets.get(name).filter(|secret| !secret.external)?;
    let made = made(name, secret);
    if let Some((_, demand)) = made.iter().find(|(found, _)| found == key) {
        return Some(demand.to_value());
    }
    let (key, _) = secret.template.get_key_value(key)?;
    composed(checked, secret, &made, &mut vec![key]).ok().map(|demand| demand.to_value())
}

/// Everything that is not composed, in the order in which it is written.
fn made(name: &str, secret: &Secret) -> Vec<(String, Demand)> {
    let given = secret.data.iter().map(|(key, sealed)| (key.clone(), Demand::Sealed(sealed.id().to_owned())));
    let mut found: Vec<_> = given.collect();
    for (key, how) in &secret.generate {
        let of = format!("{}/{key}", Kind::Secret.path(name));
        found.push((key.clone(), Demand::Generate { of: of.clone(), how: how.clone(), part: None }));
        if let Some(part) = &how.private_key {
            let demand = Demand::Generate { of, how: how.clone(), part: Some(part.clone()) };
            found.push((part.clone(), demand));
        }
    }
    found
}

/// The demand of a composed key; `within` holds the keys on the way to it, itself the last.
fn composed<'a>(
    checked: &CheckedApp,
    secret: &'a Secret,
    made: &[(String, Demand)],
    within: &mut Vec<&'a String>,
) -> Result<Demand, String> {
    let text = within.last().and_then(|key| secret.template.get(*key)).map_or("", String::as_str);
    let mut out = String::with_capacity(text.len());
    let mut keys = BTreeMap::new();
    for piece in pieces(text)? {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Address { workload, port } => {
                let (host, number) = network::address(checked, workload, port)
                    .ok_or_else(|| format!("no workload `{workload}` exposes a port `{port}`"))?;
                out.extend([host, ":", &number.to_string()]);
            }
            Piece::Key(key) => {
                keys.insert(key.to_owned(), sibling(checked, secret, made, within, key)?);
                out.extend(["{", key, "}"]);
            }
        }
    }
    Ok(Demand::Template { text: out, keys })
}

fn sibling<'a>(
    checked: &CheckedApp,
    secret: &'a Secret,
    made: &[(String, Demand)],
    within: &mut Vec<&'a String>,
    key: &str,
) -> Result<Demand, String> {
    if let Some((_, demand)) = made.iter().find(|(found, _)| found == key) {
        return Ok(demand.clone());
    }
    let (key, _) =
        secret.template.get_key_value(key).ok_or_else(|| format!("the secret has no key `{key}`"))?;
    if within.contains(&key) {
        return Err(format!("the template of `{key}` needs itself"));
    }
    within.push(key);
    let demand = composed(checked, secret, made, within);
    within.pop();
    demand
}

/// A part of a secret's template. Doubled braces stay doubled, as a demand's text has them too.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Key(&'a str),
    Address { workload: &'a str, port: &'a str },
}

fn pieces(text: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, tail) = rest.split_at(at);
        found.push(Piece::Text(before));
        if tail.starts_with("{{") || tail.starts_with("}}") {
            found.push(Piece::Text(&tail[..2]));
            rest = &tail[2..];
            continue;
        }
        let end = tail.find('}').filter(|end| *end > 0);
        let end = end.ok_or("a brace stands alone; write `{{` and `}}` for braces that are text")?;
        found.push(placeholder(&tail[1..end])?);
        rest = &tail[end + 1..];
    }
    found.push(Piece::Text(rest));
    Ok(found)
}

fn placeholder(text: &str) -> Result<Piece<'_>, String> {
    let Some(address) = text.strip_prefix("address:") else { return Ok(Piece::Key(text)) };
    let (workload, port) = address
        .split_once(':')
        .ok_or_else(|| format!("`{{{text}}}` is no address; write `{{address:WORKLOAD:PORT}}`"))?;
    Ok(Piece::Address { workload, port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_taken_apart() {
        let found = pieces("{{x}}://{user}@{address:db:pg}/").unwrap();
        let expected = [
            Piece::Text(""),
            Piece::Text("{{"),
            Piece::Text("x"),
            Piece::Text("}}"),
            Piece::Text("://"),
            Piece::Key("user"),
            Piece::Text("@"),
            Piece::Address { workload: "db", port: "pg" },
            Piece::Text("/"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn braces_that_stand_alone_are_refused() {
        for text in ["a{b", "a}b", "{address:db}"] {
            assert!(pieces(text).is_err(), "{text}");
        }
    }
}
