//! The rules of configs and secrets.

use std::collections::BTreeMap;

use super::{names, template};
use crate::Diagnostic;
use crate::model::{App, Charset, Config, Generate, GenerateKind, Kind, Native, Secret};

/// Checks the configs, the secrets and the native documents of an app.
pub(super) fn check(app: &App, found: &mut Vec<Diagnostic>) {
    for (name, config) in &app.configs {
        check_config(&Kind::Config.path(name), config, found);
    }
    for (name, secret) in &app.secrets {
        check_secret(app, &Kind::Secret.path(name), secret, found);
    }
    for (name, native) in &app.natives {
        check_native(&Kind::Native.path(name), native, found);
    }
}

fn check_config(path: &str, config: &Config, found: &mut Vec<Diagnostic>) {
    for key in config.data.keys() {
        names::key(key, &format!("{path}.data.{key}"), found);
    }
    for (key, text) in &config.binary {
        let path = format!("{path}.binary.{key}");
        names::key(key, &path, found);
        if config.data.contains_key(key) {
            found.push(
                Diagnostic::error(path.as_str(), format!("the key `{key}` is in `data`, too"))
                    .remedy("one of the two"),
            );
        }
        if !is_base64(text) {
            found.push(
                Diagnostic::error(path, "the value is not base64")
                    .remedy("the bytes in base64, or text in `data`"),
            );
        }
    }
    if config.external && (!config.data.is_empty() || !config.binary.is_empty()) {
        found.push(external(path, "config", "`data` and `binary`"));
    }
}

/// Whether a text is base64 with its padding.
fn is_base64(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    text.len().is_multiple_of(4) && text.len() - digits.len() <= 2 && digits.bytes().all(is_digit)
}

fn external(path: &str, word: &str, fields: &str) -> Diagnostic {
    Diagnostic::error(format!("{path}.external"), format!("an external {word} has no content of ours"))
        .why("it exists already and is left as it is")
        .remedy(format!("leave out {fields}, or leave out `external`"))
}

fn check_secret(app: &App, path: &str, secret: &Secret, found: &mut Vec<Diagnostic>) {
    let is_empty = secret.keys().next().is_none();
    if secret.external && !is_empty {
        found.push(external(path, "secret", "`data`, `generate` and `template`"));
    }
    if !secret.external && is_empty {
        found.push(
            Diagnostic::error(path, "the secret has no key")
                .remedy("`data`, `generate` or `template`; `external: true` if the secret exists already"),
        );
    }
    check_keys(path, secret, found);
    for (key, generate) in &secret.generate {
        check_generate(&format!("{path}.generate.{key}"), generate, found);
    }
    for (key, text) in &secret.template {
        template::check(app, secret, text, &format!("{path}.template.{key}"), found);
    }
}

/// Every key has its material from one place.
fn check_keys(path: &str, secret: &Secret, found: &mut Vec<Diagnostic>) {
    let mut firsts: BTreeMap<&str, String> = BTreeMap::new();
    let data = secret.data.keys().map(|key| (key, format!("data.{key}")));
    let generate = secret.generate.keys().map(|key| (key, format!("generate.{key}")));
    let template = secret.template.keys().map(|key| (key, format!("template.{key}")));
    let private = secret.generate.iter().filter_map(|(key, generate)| {
        Some((generate.private_key.as_ref()?, format!("generate.{key}.privateKey")))
    });
    for (key, field) in data.chain(generate).chain(template).chain(private) {
        names::key(key, &format!("{path}.{field}"), found);
        match firsts.get(key.as_str()) {
            Some(first) => found.push(
                Diagnostic::error(format!("{path}.{field}"), format!("the key `{key}` is there twice"))
                    .why(format!("`{first}` makes it, too"))
                    .remedy("another key, or one of the two"),
            ),
            None => {
                firsts.insert(key, field);
            }
        }
    }
}

fn check_generate(path: &str, generate: &Generate, found: &mut Vec<Diagnostic>) {
    let kind = generate.kind;
    let is_certificate = kind == GenerateKind::Certificate;
    let has_length = matches!(kind, GenerateKind::Password | GenerateKind::Key);
    let options = [
        ("length", generate.length.is_some() && !has_length, "`kind: password` and `kind: key`"),
        (
            "charset",
            generate.charset != Charset::default() && kind != GenerateKind::Password,
            "`kind: password`",
        ),
        ("hosts", !generate.hosts.is_empty() && !is_certificate, "`kind: certificate`"),
        ("days", generate.days.is_some() && !is_certificate, "`kind: certificate`"),
        ("privateKey", generate.private_key.is_some() && !is_certificate, "`kind: certificate`"),
    ];
    for (field, _, with) in options.into_iter().filter(|(_, is_wrong, _)| *is_wrong) {
        found.push(
            Diagnostic::error(format!("{path}.{field}"), format!("`{field}` goes with {with} only"))
                .remedy("leave it out"),
        );
    }
    for (field, number) in [("length", generate.length), ("days", generate.days)] {
        if number == Some(0) {
            found.push(
                Diagnostic::error(format!("{path}.{field}"), format!("`{field}` is 0")).remedy("1 or more"),
            );
        }
    }
    if is_certificate && generate.hosts.is_empty() {
        found.push(
            Diagnostic::error(path, "`hosts` is missing")
                .why("a certificate is for host names")
                .remedy("`hosts: [NAME]`"),
        );
    }
    if is_certificate && generate.private_key.is_none() {
        found.push(
            Diagnostic::error(path, "`privateKey` is missing")
                .why("a certificate is of no use without its private key")
                .remedy("`privateKey: KEY` with the key that takes it"),
        );
    }
}

fn check_native(path: &str, native: &Native, found: &mut Vec<Diagnostic>) {
    if native.platform.is_empty() {
        found.push(
            Diagnostic::error(format!("{path}.platform"), "the platform is empty")
                .remedy("the platform that the manifest is for"),
        );
    }
    if !native.manifest.is_object() {
        found.push(
            Diagnostic::error(format!("{path}.manifest"), "the manifest is not a mapping")
                .why("it is one object of the platform"),
        );
    }
}
