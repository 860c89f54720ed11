//! Ids, as Marathon and Metronome take them.

use std::collections::BTreeMap;

use rhumb_backend::Object;
use rhumb_spec::Diagnostic;
use rhumb_spec::model::Kind as Document;
use serde_json::Value;

use super::{Context, Report, Site};
use crate::kind::Kind;
use crate::names;

/// Refuses ids that Marathon does not take, and two objects with one id.
pub(super) fn refuse_wrong(context: &Context<'_>, objects: &[Object], report: &mut Report) {
    let mut taken: BTreeMap<(bool, String), String> = BTreeMap::new();
    for object in objects {
        let Some(kind @ (Kind::App | Kind::Pod | Kind::Job)) = Kind::of(&object.id) else { continue };
        let id = object.body.get("id").and_then(Value::as_str).unwrap_or_default();
        let path = path(context, object);
        if let Some(why) = wrong(kind, id) {
            report.refuse(
                Diagnostic::error(path.clone(), format!("`{id}` is no id of Marathon")).why(why).remedy(
                    "lowercase letters, digits and dashes in the names of namespace, release and workload",
                ),
            );
        }
        // Apps and pods share one tree of ids.
        let key = (kind == Kind::Job, id.to_owned());
        if let Some(other) = taken.get(&key) {
            report.refuse(
                Diagnostic::error(path.clone(), format!("the id `{id}` is that of {other} already"))
                    .why("ids of apps and pods are unique in the cluster")
                    .remedy("another name, or another `id`"),
            );
        }
        taken.insert(key, path);
    }
}

fn path(context: &Context<'_>, object: &Object) -> String {
    let name = object.id.name();
    match context.app.workloads.get_key_value(name) {
        Some((name, workload)) => Site::new(context, name, workload).path,
        None => Document::Native.path(document(context, object)),
    }
}

/// The document that an object was passed through from: by its name, or by the id that the document gives it.
fn document<'a>(context: &'a Context<'_>, object: &'a Object) -> &'a str {
    let natives = &context.app.natives;
    let id = object.body.get("id");
    let by_id = natives.iter().find(|(_, native)| native.manifest.get("id") == id);
    by_id.map_or_else(|| object.id.name(), |(name, _)| name)
}

/// Why an id is wrong.
///
/// Source: Marathon REST API, `PathId`; Metronome REST API, `jobSpec.id`.
fn wrong(kind: Kind, id: &str) -> Option<&'static str> {
    let is_segment = |segment: &str| {
        let is_plain = |character: char| {
            character.is_ascii_lowercase() || character.is_ascii_digit() || matches!(character, '-' | '.')
        };
        let is_good_part = |part: &str| !part.is_empty() && !part.starts_with('-') && !part.ends_with('-');
        segment.chars().all(is_plain) && segment.split('.').all(is_good_part)
    };
    if kind == Kind::Job {
        return (!is_segment(id)).then_some(
            "an id of Metronome has lowercase letters, digits and dashes, in parts with dots between them",
        );
    }
    let Some(rest) = id.strip_prefix('/') else { return Some("an id begins with a slash") };
    let mut segments: Vec<&str> = rest.split('/').collect();
    if segments.iter().any(|segment| !is_segment(segment)) {
        return Some(
            "a segment has lowercase letters, digits, dots and dashes, and begins and ends with a letter or digit",
        );
    }
    segments
        .pop()
        .filter(|last| names::RESERVED.contains(last))
        .map(|_| "its last segment is a word of the API's own: `restart`, `tasks` and `versions` are")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_that_marathon_takes() {
        for good in ["/default/shop/web", "/a.b/c-d/e1", "/a"] {
            assert_eq!(wrong(Kind::App, good), None, "{good}");
        }
        for bad in ["web", "/A", "/a//b", "/a/-b", "/a/b-", "/a_b", "/a/tasks", "/"] {
            assert!(wrong(Kind::App, bad).is_some(), "{bad}");
        }
        assert_eq!(wrong(Kind::Job, "default.shop.night"), None);
        assert!(wrong(Kind::Job, "default..night").is_some());
    }
}
