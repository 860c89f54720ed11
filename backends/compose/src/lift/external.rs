//! What exists already, under a name of its own.

use std::collections::BTreeMap;

use rhumb_backend::fields::Fields;
use rhumb_spec::yaml::Node;

use super::{World, document_name, flag, scalar, value};

/// On an external document, the label with its name on the swarm, where that is no name that a document can have.
const SWARM_NAME: &str = "swarm/name";

/// The name of an entry's document: what an external one is called where it is, if a document can be called so.
pub(super) fn named((section, name, node): (&'static str, &str, &Node), world: &mut World<'_>) -> String {
    let there = there(node).filter(|there| document_name(there) == *there);
    world.named_as((section, name), there.as_deref().unwrap_or(name))
}

/// What an external entry is called where it is, if it says so.
fn there(node: &Node) -> Option<String> {
    let entry = value(node);
    let external = entry.get("external")?;
    let inner = external.get("name").and_then(scalar);
    inner.or_else(|| entry.get("name").and_then(scalar).filter(|_| flag(external) == Some(true)))
}

/// Reads `external` in its two forms, and the name that it has there: the labels of its document. None is no external
/// one.
pub(super) fn lift(
    fields: &mut Fields<'_>,
    (kind, name, document): (&str, &str, &str),
    world: &mut World<'_>,
) -> Option<BTreeMap<String, String>> {
    let inner = fields.get("external").and_then(|external| external.get("name")).and_then(scalar);
    let is_external = inner.is_some() || fields.get("external").and_then(flag).unwrap_or(false);
    fields.take_whole("external");
    if !is_external {
        return None;
    }
    let there = inner.or_else(|| fields.take("name", scalar)).unwrap_or_else(|| name.to_owned());
    if there == document {
        return Some(BTreeMap::new());
    }
    let what = format!(
        "the {kind} that exists is called `{there}`: on Swarm it is found, elsewhere `{document}` is asked for"
    );
    world.warn(format!("{kind}/{name}"), what, &format!("make `{document}` on other platforms"));
    Some(BTreeMap::from([(SWARM_NAME.to_owned(), there)]))
}
