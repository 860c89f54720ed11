//! What documents and ports of the app are called that objects become.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_spec::model::Protocol;

/// The longest name of a document: a DNS label.
const LABEL_LIMIT: usize = 63;

/// The names of documents by those of what they were, for one kind of document.
#[derive(Default)]
pub(crate) struct Names {
    documents: BTreeMap<String, String>,
    taken: BTreeSet<String>,
}

impl Names {
    /// Adds something: its document gets the wanted name, or one like it that is free.
    pub(crate) fn add(&mut self, native: &str, wanted: &str) -> String {
        if let Some(known) = self.documents.get(native) {
            return known.clone();
        }
        let wanted = document_name(wanted);
        let names = (1..=self.taken.len() + 1).map(|count| match count {
            1 => wanted.clone(),
            count => numbered(&wanted, count),
        });
        let name = names.into_iter().find(|name| !self.taken.contains(name)).unwrap_or(wanted.clone());
        self.taken.insert(name.clone());
        self.documents.insert(native.to_owned(), name.clone());
        name
    }
}

fn numbered(name: &str, count: usize) -> String {
    let end = format!("-{count}");
    let kept: String = name.chars().take(LABEL_LIMIT - end.len()).collect();
    format!("{}{end}", kept.trim_end_matches('-'))
}

/// A name that a document can have: a DNS label. `cartsDB` becomes `carts-db`.
pub(crate) fn document_name(name: &str) -> String {
    let mut found = String::new();
    let mut before = '-';
    for character in name.chars() {
        let begins_word =
            character.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit());
        if begins_word {
            found.push('-');
        }
        found.push(if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { '-' });
        before = character;
    }
    let found: String = found.trim_matches('-').chars().take(LABEL_LIMIT).collect();
    let found = found.trim_matches('-');
    if found.is_empty() { "unnamed".to_owned() } else { found.to_owned() }
}

/// The names of a workload's ports, of which no two containers may share one.
#[derive(Default)]
pub(super) struct PortNames {
    used: BTreeSet<String>,
    numbers: BTreeSet<(u16, Protocol)>,
}

impl PortNames {
    /// A name for a port of a container: its own, else one of its number. None for a port that is there already.
    pub(super) fn add(&mut self, own: Option<&str>, number: u16, protocol: Protocol) -> Option<String> {
        if !self.numbers.insert((number, protocol)) {
            return None;
        }
        let known = match (number, protocol) {
            (80 | 8080, Protocol::Tcp) => "http".to_owned(),
            (443 | 8443, Protocol::Tcp) => "https".to_owned(),
            (53, _) => "dns".to_owned(),
            (number, _) => format!("port-{number}"),
        };
        let end = match protocol {
            Protocol::Tcp => format!("-{number}"),
            Protocol::Udp => "-udp".to_owned(),
            Protocol::Sctp => "-sctp".to_owned(),
        };
        let wanted = own.map(document_name).filter(|name| is_port_name(name)).unwrap_or(known);
        let kept: String = wanted.chars().take(15 - end.len()).collect();
        let second = format!("{}{end}", kept.trim_end_matches('-'));
        let names = [wanted, second, format!("port-{number}"), format!("p{number}{end}")];
        let name = names.into_iter().find(|name| is_port_name(name) && !self.used.contains(name));
        let name = name.unwrap_or_else(|| format!("p{}-{number}", self.used.len()));
        self.used.insert(name.clone());
        Some(name)
    }
}

/// Whether a port can have this name (RFC 6335).
fn is_port_name(name: &str) -> bool {
    let has_letter = name.bytes().any(|byte| byte.is_ascii_lowercase());
    let is_legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=15).contains(&name.len())
        && has_letter
        && name.bytes().all(is_legal)
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.contains("--")
}

/// Whether a variable can have this name.
pub(super) fn is_variable(name: &str) -> bool {
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    !name.is_empty() && !name.as_bytes()[0].is_ascii_digit() && name.bytes().all(is_legal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_legal_and_differ() {
        let mut names = Names::default();
        assert_eq!(names.add("CartsDBTask", "CartsDBTask"), "carts-dbtask");
        assert_eq!(names.add("web_1", "web_1"), "web-1");
        assert_eq!(names.add("web-1", "web-1"), "web-1-2");
        assert_eq!(names.add("__", "__"), "unnamed");
        assert_eq!(names.add("x", &"x".repeat(80)).len(), LABEL_LIMIT);
    }

    #[test]
    fn ports_have_names_of_their_own() {
        let mut names = PortNames::default();
        assert_eq!(names.add(None, 80, Protocol::Tcp).as_deref(), Some("http"));
        assert_eq!(names.add(None, 8080, Protocol::Tcp).as_deref(), Some("http-8080"));
        assert_eq!(names.add(None, 80, Protocol::Tcp), None);
        assert_eq!(names.add(Some("nginx_80"), 81, Protocol::Udp).as_deref(), Some("nginx-80"));
        assert_eq!(
            names.add(Some("a-very-long-name-for-a-port"), 9, Protocol::Tcp).as_deref(),
            Some("port-9")
        );
    }
}
