//! Ids of apps, pods and groups: paths of names.
//!
//! Source: Marathon REST API, `PathId`.

/// Names that the last segment of an app's id cannot have, since paths of the API end in them.
const RESERVED: [&str; 3] = ["restart", "tasks", "versions"];

/// The id as a path from the root: a relative one lies in its parent.
pub(super) fn absolute(id: &str, parent: &str) -> String {
    let start = if id.starts_with('/') { String::new() } else { parent.trim_end_matches('/').to_owned() };
    let mut names: Vec<&str> = Vec::new();
    let joined = format!("{start}/{id}");
    for name in joined.split('/').filter(|name| !name.is_empty() && *name != ".") {
        if name == ".." {
            names.pop();
        } else {
            names.push(name);
        }
    }
    format!("/{}", names.join("/"))
}

/// The group that an id lies in; the root's is the root.
pub(super) fn parent(id: &str) -> String {
    match id.rsplit_once('/') {
        None | Some(("", _)) => "/".to_owned(),
        Some((parent, _)) => parent.to_owned(),
    }
}

/// Every group above an id, from the root on.
pub(super) fn ancestors(id: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut at = id.to_owned();
    while at != "/" {
        at = parent(&at);
        found.push(at.clone());
    }
    found.reverse();
    found
}

/// Whether an id lies in a group or in a group of it.
pub(super) fn is_within(id: &str, group: &str) -> bool {
    group == "/" || id.strip_prefix(group).is_some_and(|rest| rest.starts_with('/'))
}

/// What is wrong with an id.
pub(super) fn problems(id: &str) -> Vec<String> {
    let names: Vec<&str> = id.split('/').filter(|name| !name.is_empty()).collect();
    let mut found = Vec::new();
    if names.is_empty() {
        found.push("must not be empty".to_owned());
    }
    if !names.iter().all(|name| is_name(name)) {
        found.push(format!(
            "must fully match regular expression '^(([a-z0-9]|[a-z0-9][a-z0-9\\-]*[a-z0-9])\\.)*([a-z0-9]|[a-z0-9][a-z0-9\\-]*[a-z0-9])|(\\.|\\.\\.)$', and {id} does not"
        ));
    }
    if names.last().is_some_and(|name| RESERVED.contains(name)) {
        found.push("must not end with any of the following: restart, tasks, versions".to_owned());
    }
    found
}

/// Labels of a DNS name, joined by dots.
fn is_name(name: &str) -> bool {
    name.split('.').all(|label| {
        let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !label.is_empty() && label.bytes().all(is_inner) && !label.starts_with('-') && !label.ends_with('-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_ids_lie_in_their_parent() {
        assert_eq!(absolute("web", "/a/b"), "/a/b/web");
        assert_eq!(absolute("../web", "/a/b"), "/a/web");
        assert_eq!(absolute("/web", "/a/b"), "/web");
        assert_eq!(ancestors("/a/b/web"), ["/", "/a", "/a/b"]);
        assert!(is_within("/a/b", "/a") && !is_within("/ab", "/a") && !is_within("/a", "/a"));
    }

    #[test]
    fn names_are_those_of_hosts() {
        for good in ["/a", "/a/b-c/1.2", "/x.y"] {
            assert!(problems(good).is_empty(), "{good}");
        }
        for bad in ["/", "/A", "/a_b", "/-a", "/a-", "/a/restart", "/a..b"] {
            assert!(!problems(bad).is_empty(), "{bad}");
        }
    }
}
