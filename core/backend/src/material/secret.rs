//! What a secret document demands.

use std::collections::BTreeMap;

use rhumb_spec::Diagnostic;
use rhumb_spec::model::{Kind, Secret};

use super::Demand;

/// The demand of each key of a secret: given, generated, the private keys that come with certificates, composed.
///
/// `address` says where a workload's exposed port is reached, as `host:port`, for `{address:WORKLOAD:PORT}` in a
/// template.
///
/// # Errors
/// Each template with a brace that stands alone, a key that the secret does not have, an address that nobody
/// exposes, or itself in it.
pub fn demands(
    name: &str,
    secret: &Secret,
    address: &dyn Fn(&str, &str) -> Option<String>,
) -> Result<Vec<(String, Demand)>, Vec<Diagnostic>> {
    let templates = Composer { secret, made: made(name, secret), address };
    let mut composed = Vec::new();
    let mut diagnostics = Vec::new();
    for key in secret.template.keys() {
        match templates.compose(&mut vec![key]) {
            Ok(demand) => composed.push((key.clone(), demand)),
            Err(what) => {
                let path = format!("{}.template.{key}", Kind::Secret.path(name));
                diagnostics.push(Diagnostic::error(path, what));
            }
        }
    }
    if diagnostics.is_empty() {
        return Ok(templates.made.into_iter().chain(composed).collect());
    }
    Err(diagnostics)
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

struct Composer<'a> {
    secret: &'a Secret,
    made: Vec<(String, Demand)>,
    address: &'a dyn Fn(&str, &str) -> Option<String>,
}

impl<'a> Composer<'a> {
    /// The demand of the last of these keys; the others are on the way to it.
    fn compose(&self, within: &mut Vec<&'a String>) -> Result<Demand, String> {
        let text = within.last().and_then(|key| self.secret.template.get(*key)).map_or("", String::as_str);
        let mut out = String::with_capacity(text.len());
        let mut keys = BTreeMap::new();
        for piece in pieces(text)? {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Address { workload, port } => {
                    let address = (self.address)(workload, port)
                        .ok_or_else(|| format!("no workload `{workload}` exposes a port `{port}`"))?;
                    out.push_str(&address.replace('{', "{{").replace('}', "}}"));
                }
                Piece::Key(key) => {
                    keys.insert(key.to_owned(), self.sibling(within, key)?);
                    out.extend(["{", key, "}"]);
                }
            }
        }
        Ok(Demand::Template { text: out, keys })
    }

    fn sibling(&self, within: &mut Vec<&'a String>, key: &str) -> Result<Demand, String> {
        if let Some((_, demand)) = self.made.iter().find(|(found, _)| found == key) {
            return Ok(demand.clone());
        }
        let (key, _) = self
            .secret
            .template
            .get_key_value(key)
            .ok_or_else(|| format!("the template names `{key}`, which the secret does not have"))?;
        if within.contains(&key) {
            return Err(format!("the template of `{key}` needs itself"));
        }
        within.push(key);
        let demand = self.compose(within);
        within.pop();
        demand
    }
}

/// A part of a template. Doubled braces stay doubled, as a demand's text has them too.
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
    found.retain(|piece| *piece != Piece::Text(""));
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
    use rhumb_spec::model::{Generate, Sealed};
    use serde_json::json;

    fn check(templates: &[(&str, &str)]) -> Result<serde_json::Value, Vec<String>> {
        let mut secret = Secret::default();
        secret.data.insert("user".to_owned(), Sealed::new("a"));
        secret.generate.insert("password".to_owned(), Generate::default());
        secret.template =
            templates.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect();
        let address =
            |workload: &str, port: &str| (workload == "db" && port == "pg").then(|| "db:5432".to_owned());
        let found = demands("db", &secret, &address)
            .map_err(|found| found.iter().map(|diagnostic| diagnostic.what.clone()).collect::<Vec<_>>())?;
        let key = templates.first().map_or("user", |(key, _)| key);
        let (_, demand) = found.into_iter().find(|(found, _)| found == key).unwrap();
        Ok(serde_json::to_value(demand).unwrap())
    }

    #[test]
    fn templates_name_keys_addresses_and_braces() {
        let found = check(&[("url", "{{x}}://{user}:{password}@{address:db:pg}/")]).unwrap();
        let expected = json!({ "template": {
            "text": "{{x}}://{user}:{password}@db:5432/",
            "keys": {
                "password": { "generate": { "of": "secret/db/password", "how": {} } },
                "user": { "sealed": "a" },
            },
        } });
        assert_eq!(found, expected);
    }

    #[test]
    fn templates_may_name_templates_but_not_themselves() {
        let found = check(&[("url", "{at}/x"), ("at", "{user}@h")]).unwrap();
        assert_eq!(found["template"]["keys"]["at"]["template"]["text"], "{user}@h");
        let refused = check(&[("url", "{at}"), ("at", "{url}")]).unwrap_err();
        assert_eq!(refused, ["the template of `url` needs itself", "the template of `at` needs itself"]);
    }

    #[test]
    fn what_nobody_has_is_refused() {
        for text in ["a{b", "a}b", "{address:db}", "{address:db:http}", "{nobody}"] {
            assert_eq!(check(&[("url", text)]).unwrap_err().len(), 1, "{text}");
        }
    }

    #[test]
    fn a_certificate_brings_its_private_key() {
        let mut secret = Secret::default();
        let how = Generate { private_key: Some("tls.key".to_owned()), ..Generate::default() };
        secret.generate.insert("tls.crt".to_owned(), how);
        let found = demands("web", &secret, &|_, _| None).unwrap();
        let keys: Vec<&str> = found.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["tls.crt", "tls.key"]);
    }
}
