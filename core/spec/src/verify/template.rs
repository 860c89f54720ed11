//! The rules of text that is composed when a secret is made.

use super::lookup;
use crate::Diagnostic;
use crate::model::{App, Secret};

/// A piece of a template that is not plain text.
enum Piece<'a> {
    /// `{key}` or `{address:workload:port}`, without the braces.
    Placeholder(&'a str),
    /// A brace without its partner.
    LoneBrace,
}

/// The placeholders of a template: `{…}`, where `{{` and `}}` are braces that are text.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let tail = &rest[at..];
        if tail.starts_with("{{") || tail.starts_with("}}") {
            rest = &tail[2..];
            continue;
        }
        let Some(end) = tail.find('}').filter(|end| *end > 0) else {
            pieces.push(Piece::LoneBrace);
            return pieces;
        };
        pieces.push(Piece::Placeholder(&tail[1..end]));
        rest = &tail[end + 1..];
    }
    pieces
}

/// Checks that every placeholder of a template stands for something.
pub(super) fn check(app: &App, secret: &Secret, text: &str, path: &str, found: &mut Vec<Diagnostic>) {
    for piece in pieces(text) {
        match piece {
            Piece::LoneBrace => found.push(
                Diagnostic::error(path, "a brace stands alone")
                    .why("`{key}` stands for the material of a key")
                    .remedy("`{{` and `}}` for braces that are text"),
            ),
            Piece::Placeholder(name) => check_placeholder(app, secret, name, path, found),
        }
    }
}

fn check_placeholder(app: &App, secret: &Secret, name: &str, path: &str, found: &mut Vec<Diagnostic>) {
    if let Some(address) = name.strip_prefix("address:") {
        match address.split_once(':') {
            Some((workload, port)) => lookup::exposed_port(app, workload, port, path, found),
            None => found.push(
                Diagnostic::error(path, format!("`{{{name}}}` names no port"))
                    .remedy(format!("`{{address:{address}:PORT}}`")),
            ),
        }
        return;
    }
    if secret.template.contains_key(name) {
        found.push(
            Diagnostic::error(path, format!("`{{{name}}}` stands for another template"))
                .why("templates are composed of material and not of each other")
                .remedy("the keys that it is composed of"),
        );
    } else if !secret.keys().any(|key| key == name) {
        let keys: Vec<&str> = secret.keys().filter(|key| !secret.template.contains_key(*key)).collect();
        let diagnostic = Diagnostic::error(path, format!("`{{{name}}}` stands for no key of the secret"));
        found.push(lookup::one_of(diagnostic, name, &keys));
    }
}
