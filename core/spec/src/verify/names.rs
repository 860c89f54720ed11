//! What things may be called.

use crate::Diagnostic;
use crate::model::{App, Kind};

/// The longest name of a document: one label of a DNS name.
const MAX_LABEL: usize = 63;

/// The longest name of a port (RFC 6335).
const MAX_PORT_NAME: usize = 15;

/// The longest key of a config or secret: a file name.
const MAX_KEY: usize = 253;

/// Checks the names of all documents, and the labels and annotations on them.
pub(super) fn check(app: &App, found: &mut Vec<Diagnostic>) {
    for (kind, name) in documents(app) {
        label(&format!("the {} name", kind.prefix()), name, &kind.path(name), found);
    }
    for (name, workload) in &app.workloads {
        let path = Kind::Workload.path(name);
        reserved_labels(workload.labels.keys(), &format!("{path}.labels"), found);
        reserved_labels(workload.annotations.keys(), &format!("{path}.annotations"), found);
    }
    for (kind, name, labels) in labelled(app) {
        reserved_labels(labels.keys(), &format!("{}.labels", kind.path(name)), found);
    }
}

fn documents(app: &App) -> impl Iterator<Item = (Kind, &String)> {
    let of = |kind: Kind| move |name| (kind, name);
    app.workloads
        .keys()
        .map(of(Kind::Workload))
        .chain(app.configs.keys().map(of(Kind::Config)))
        .chain(app.secrets.keys().map(of(Kind::Secret)))
        .chain(app.volumes.keys().map(of(Kind::Volume)))
        .chain(app.networks.keys().map(of(Kind::Network)))
        .chain(app.routes.keys().map(of(Kind::Route)))
        .chain(app.natives.keys().map(of(Kind::Native)))
}

type Labels = std::collections::BTreeMap<String, String>;

fn labelled(app: &App) -> impl Iterator<Item = (Kind, &String, &Labels)> {
    let configs = app.configs.iter().map(|(name, config)| (Kind::Config, name, &config.labels));
    let secrets = app.secrets.iter().map(|(name, secret)| (Kind::Secret, name, &secret.labels));
    let volumes = app.volumes.iter().map(|(name, volume)| (Kind::Volume, name, &volume.labels));
    let networks = app.networks.iter().map(|(name, network)| (Kind::Network, name, &network.labels));
    configs.chain(secrets).chain(volumes).chain(networks)
}

fn reserved_labels<'a>(keys: impl Iterator<Item = &'a String>, path: &str, found: &mut Vec<Diagnostic>) {
    for key in keys {
        if key.is_empty() {
            found.push(Diagnostic::error(path, "a key is empty").remedy("a key such as `example.com/team`"));
        } else if key.starts_with("rhumb.dev/") {
            found.push(
                Diagnostic::error(format!("{path}.{key}"), format!("`{key}` is reserved"))
                    .why("labels that begin with `rhumb.dev/` mark what a release owns")
                    .remedy("another prefix"),
            );
        }
    }
}

/// Checks a name that becomes part of a DNS name.
pub(super) fn label(subject: &str, name: &str, path: &str, found: &mut Vec<Diagnostic>) {
    if is_label(name) {
        return;
    }
    found.push(
        Diagnostic::error(path, format!("{subject} `{name}` is not allowed"))
            .why("names become part of DNS names")
            .remedy(label_remedy(name)),
    );
}

fn label_remedy(name: &str) -> String {
    let rule = "at most 63 of a-z, 0-9 and `-`, beginning and ending with a letter or digit";
    let fixed: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let fixed = fixed.trim_matches('-');
    if is_label(fixed) { format!("`{fixed}`, or {rule}") } else { rule.to_owned() }
}

fn is_label(name: &str) -> bool {
    let is_end =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let bytes = name.as_bytes();
    bytes.len() <= MAX_LABEL
        && is_end(bytes.first())
        && is_end(bytes.last())
        && bytes.iter().all(|byte| is_end(Some(byte)) || *byte == b'-')
}

/// Checks the name of a port: a label with a letter in it, at most 15 characters long.
pub(super) fn port_name(name: &str, path: &str, found: &mut Vec<Diagnostic>) {
    let has_letter = name.bytes().any(|byte| byte.is_ascii_lowercase());
    if is_label(name) && name.len() <= MAX_PORT_NAME && has_letter && !name.contains("--") {
        return;
    }
    found.push(
        Diagnostic::error(path, format!("the port name `{name}` is not allowed"))
            .why("the names of ports follow RFC 6335")
            .remedy("at most 15 of a-z, 0-9 and single `-`, with a letter, such as `http`"),
    );
}

/// Checks a key of a config or secret, which is a file name where it is mounted.
pub(super) fn key(name: &str, path: &str, found: &mut Vec<Diagnostic>) {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let is_file_name = !name.is_empty() && !matches!(name, "." | "..") && !name.starts_with("..");
    if name.len() <= MAX_KEY && is_file_name && name.bytes().all(allowed) {
        return;
    }
    found.push(
        Diagnostic::error(path, format!("the key `{name}` is not allowed"))
            .why("a key is the name of a file where it is mounted")
            .remedy("at most 253 of A-Z, a-z, 0-9, `.`, `-` and `_`"),
    );
}

/// Whether a variable can have this name.
pub(super) fn is_variable(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    !name.is_empty() && !name.as_bytes()[0].is_ascii_digit() && name.bytes().all(allowed)
}

/// Checks a host name, of which the first label may be `*`.
pub(super) fn host(name: &str, path: &str, found: &mut Vec<Diagnostic>) {
    let labels = name.strip_prefix("*.").unwrap_or(name);
    if name.len() <= MAX_KEY && labels.split('.').all(is_label) {
        return;
    }
    found
        .push(Diagnostic::error(path, format!("`{name}` is not a host name")).remedy(
            "labels of a-z, 0-9 and `-` between dots, such as `shop.example.com` or `*.example.com`",
        ));
}
