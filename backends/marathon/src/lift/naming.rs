//! What documents of the app are called that objects become.

use std::collections::{BTreeMap, BTreeSet};

use crate::names;

/// The names of documents by what they were called before, for one kind of document.
#[derive(Default)]
pub(super) struct Names {
    documents: BTreeMap<String, String>,
    taken: BTreeSet<String>,
}

impl Names {
    /// Adds a document: it gets the wanted name, or one like it that is free.
    pub(super) fn add(&mut self, native: &str, wanted: &str) -> String {
        if let Some(known) = self.documents.get(native) {
            return known.clone();
        }
        let wanted = document_name(wanted);
        let name = (1..=self.taken.len() + 1)
            .map(|count| if count == 1 { wanted.clone() } else { numbered(&wanted, count) })
            .find(|name| !self.taken.contains(name))
            .unwrap_or(wanted);
        self.taken.insert(name.clone());
        self.documents.insert(native.to_owned(), name.clone());
        name
    }

    /// Every name with what it was called before.
    pub(super) fn pairs(&self) -> Vec<(String, String)> {
        self.documents.iter().map(|(native, name)| (native.clone(), name.clone())).collect()
    }

    /// The document of what was called so.
    pub(super) fn get(&self, native: &str) -> Option<&String> {
        self.documents.get(native)
    }
}

fn numbered(name: &str, count: usize) -> String {
    let end = format!("-{count}");
    let kept: String = name.chars().take(names::SEGMENT_LIMIT - end.len()).collect();
    format!("{}{end}", kept.trim_end_matches('-'))
}

/// A name that a document can have: a DNS label.
pub(super) fn document_name(name: &str) -> String {
    let legal = |character: char| match character {
        'a'..='z' | '0'..='9' => character,
        'A'..='Z' => character.to_ascii_lowercase(),
        _ => '-',
    };
    let name: String = name.chars().map(legal).take(names::SEGMENT_LIMIT).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "unnamed".to_owned() } else { name.to_owned() }
}

/// Whether a port can have this name (RFC 6335).
pub(super) fn is_port_name(name: &str) -> bool {
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

/// The part of an id below a group: `docker/registry` of `/tools/docker/registry` below `/tools`.
pub(super) fn below<'a>(group: &str, id: &'a str) -> &'a str {
    id.strip_prefix(group).unwrap_or(id).trim_start_matches('/')
}

/// The group that all ids lie in.
pub(super) fn home<'a>(ids: impl IntoIterator<Item = &'a str>) -> String {
    let parents = ids.into_iter().map(|id| id.rsplit_once('/').map_or("", |(parent, _)| parent));
    let mut home: Option<Vec<&str>> = None;
    for parent in parents {
        let segments: Vec<&str> = parent.split('/').collect();
        home = Some(match home {
            None => segments,
            Some(home) => {
                let same = home.iter().zip(&segments).take_while(|(one, other)| one == other).count();
                home[..same].to_vec()
            }
        });
    }
    home.unwrap_or_default().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_legal_and_differ() {
        let mut names = Names::default();
        assert_eq!(names.add("/a.b", "a.b"), "a-b");
        assert_eq!(names.add("/a-b", "a-b"), "a-b-2");
        assert_eq!(names.add("/a.b", "a.b"), "a-b");
        assert_eq!(names.add("/__", "__"), "unnamed");
    }

    #[test]
    fn home_is_the_group_that_all_share() {
        for (ids, expected) in [
            (&["/default/shop/web", "/default/shop/db"][..], "/default/shop"),
            (&["/tools/oauth", "/tools/docker/registry"], "/tools"),
            (&["/a/b", "/c/d"], ""),
            (&["/web"], ""),
            (&[], ""),
        ] {
            assert_eq!(home(ids.iter().copied()), expected, "{ids:?}");
        }
        assert_eq!(below("/tools", "/tools/docker/registry"), "docker/registry");
    }
}
