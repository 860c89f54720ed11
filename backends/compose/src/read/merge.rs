//! One document over another.
//!
//! Source: the Compose specification, "Merge and override".

use rhumb_spec::yaml::{Entry, Node, NodeKind};

use super::{entries_mut, entry, null_node, text_node};

/// The tags that say how a value takes the place of another.
pub(super) const TAGS: [&str; 2] = ["!reset", "!override"];

/// How a field of a service is merged where it is no plain mapping or list.
enum Rule {
    /// The later takes the place.
    Replace,
    /// A list of `KEY=VALUE` is a mapping.
    Pairs,
    /// A list of names is a mapping of names.
    Names,
    /// Lists of which one item takes the place of another with the same key.
    By(fn(&Node) -> Option<String>),
}

fn rule(path: &[&str]) -> Option<Rule> {
    let found = match path {
        ["services", _, rest @ ..] => match rest {
            ["command" | "entrypoint"] | ["healthcheck", "test"] => Rule::Replace,
            ["environment" | "labels" | "sysctls" | "annotations" | "extra_hosts"]
            | ["build", "args" | "labels"]
            | ["deploy", "labels"] => Rule::Pairs,
            ["depends_on" | "networks"] => Rule::Names,
            ["volumes"] => Rule::By(volume_key),
            ["configs" | "secrets"] => Rule::By(grant_key),
            [
                "cap_add" | "cap_drop" | "expose" | "dns" | "dns_search" | "dns_opt" | "devices" | "tmpfs"
                | "env_file" | "group_add" | "profiles" | "security_opt" | "links" | "external_links"
                | "ports",
            ] => Rule::By(whole),
            _ => return None,
        },
        [_, _, "labels"] => Rule::Pairs,
        _ => return None,
    };
    Some(found)
}

/// Merges `over` into `base`, which stand at a path.
pub(super) fn merge(base: &mut Node, over: Node, path: &mut Vec<String>) {
    let steps: Vec<&str> = path.iter().map(String::as_str).collect();
    let found = rule(&steps);
    let over = match &found {
        Some(Rule::Pairs) => pairs(over),
        Some(Rule::Names) => names(over),
        Some(Rule::By(_)) => listed(over),
        _ => over,
    };
    match &found {
        Some(Rule::Replace) => return *base = over,
        Some(Rule::Pairs) => *base = pairs(std::mem::replace(base, null_node(&over))),
        Some(Rule::Names) => *base = names(std::mem::replace(base, null_node(&over))),
        Some(Rule::By(_)) => *base = listed(std::mem::replace(base, null_node(&over))),
        None => {}
    }
    let by = match found {
        Some(Rule::By(by)) => Some(by),
        _ => None,
    };
    match (&mut base.kind, over.kind) {
        (NodeKind::Mapping(base), NodeKind::Mapping(entries)) => mappings(base, entries, path),
        (NodeKind::Sequence(base), NodeKind::Sequence(items)) => lists(base, items, by),
        (_, kind) => {
            let is_nothing = matches!(&kind, NodeKind::Scalar { text, plain: true } if text.is_empty());
            let is_plain = !matches!(base.kind, NodeKind::Scalar { .. });
            if !(is_nothing && is_plain) {
                *base = Node { line: over.line, column: over.column, kind };
            }
        }
    }
}

fn mappings(base: &mut Vec<Entry>, over: Vec<Entry>, path: &mut Vec<String>) {
    for mut new in over {
        let at = base.iter().position(|old| old.key == new.key);
        if let Some((tag, value)) = tagged(&new.value) {
            let value = value.clone();
            match (tag, at) {
                ("!reset", Some(at)) => {
                    base.remove(at);
                }
                ("!reset", None) => {}
                (_, Some(at)) => base[at].value = value,
                (_, None) => {
                    new.value = value;
                    base.push(new);
                }
            }
            continue;
        }
        match at {
            Some(at) => {
                path.push(new.key.to_string());
                merge(&mut base[at].value, new.value, path);
                path.pop();
            }
            None => base.push(new),
        }
    }
}

fn lists(base: &mut Vec<Node>, over: Vec<Node>, by: Option<fn(&Node) -> Option<String>>) {
    let Some(by) = by else { return base.extend(over) };
    for item in over {
        let key = by(&item);
        let same = base.iter().position(|old| key.is_some() && by(old) == key);
        match same {
            Some(at) => base[at] = item,
            None => base.push(item),
        }
    }
}

/// The tag and the value of a node that has one.
fn tagged(node: &Node) -> Option<(&str, &Node)> {
    let [only] = node.as_mapping()? else { return None };
    TAGS.contains(&&*only.key).then_some((&*only.key, &only.value))
}

/// Takes out tags that nothing was merged into.
pub(super) fn settle(node: &mut Node) {
    if let Some((tag, value)) = tagged(node).map(|(tag, value)| (tag.to_owned(), value.clone())) {
        *node = if tag == "!reset" { null_node(&value) } else { value };
    }
    match &mut node.kind {
        NodeKind::Mapping(entries) => {
            entries.retain(|entry| tagged(&entry.value).is_none_or(|(tag, _)| tag != "!reset"));
            for entry in entries {
                settle(&mut entry.value);
            }
        }
        NodeKind::Sequence(items) => items.iter_mut().for_each(settle),
        NodeKind::Scalar { .. } => {}
    }
}

/// A list of `KEY=VALUE` as a mapping.
fn pairs(mut node: Node) -> Node {
    let Some(items) = node.as_sequence() else { return node };
    let mut entries: Vec<Entry> = Vec::new();
    for item in items {
        let Some(text) = item.as_str() else { continue };
        let new = match text.split_once(['=']).or_else(|| text.split_once(": ")) {
            Some((key, value)) => entry(key, text_node(value, item)),
            None => entry(text, null_node(item)),
        };
        entries.retain(|old| old.key != new.key);
        entries.push(new);
    }
    node.kind = NodeKind::Mapping(entries);
    node
}

/// A list of names as a mapping of nothing.
fn names(mut node: Node) -> Node {
    let Some(items) = node.as_sequence() else { return node };
    let mut entries: Vec<Entry> = Vec::new();
    for item in items {
        if let Some(name) = item.as_str()
            && !entries.iter().any(|old| &*old.key == name)
        {
            entries.push(entry(name, null_node(item)));
        }
    }
    node.kind = NodeKind::Mapping(entries);
    node
}

/// One text as a list of it.
fn listed(node: Node) -> Node {
    if node.as_str().is_none() {
        return node;
    }
    let (line, column) = (node.line, node.column);
    Node { line, column, kind: NodeKind::Sequence(vec![node]) }
}

#[expect(clippy::unnecessary_wraps, reason = "other keys may be missing")]
fn whole(node: &Node) -> Option<String> {
    Some(node.to_value().to_string())
}

fn grant_key(node: &Node) -> Option<String> {
    let of = |key: &str| node.get(key).and_then(Node::as_str);
    node.as_str().or_else(|| of("target")).or_else(|| of("source")).map(str::to_owned)
}

fn volume_key(node: &Node) -> Option<String> {
    match node.as_str() {
        Some(text) => Some(super::volume::target(text).to_owned()),
        None => node.get("target").and_then(Node::as_str).map(str::to_owned),
    }
}

/// Adds the entries of a section that are not there; gives the names of those that are.
pub(super) fn add_section(base: &mut Node, name: &str, section: &Node) -> Vec<String> {
    let Some(root) = entries_mut(base) else { return Vec::new() };
    let at = root.iter().position(|entry| &*entry.key == name).unwrap_or_else(|| {
        let empty = Node { kind: NodeKind::Mapping(Vec::new()), line: section.line, column: section.column };
        root.push(entry(name, empty));
        root.len() - 1
    });
    if root[at].value.is_null() {
        root[at].value.kind = NodeKind::Mapping(Vec::new());
    }
    let Some(there) = entries_mut(&mut root[at].value) else { return Vec::new() };
    let mut twice = Vec::new();
    for new in section.as_mapping().unwrap_or_default() {
        match there.iter().find(|old| old.key == new.key) {
            Some(old) if old.value.to_value() == new.value.to_value() => {}
            Some(_) => twice.push(new.key.to_string()),
            None => there.push(new.clone()),
        }
    }
    twice
}
