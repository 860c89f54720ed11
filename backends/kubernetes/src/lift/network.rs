//! Policies, as networks.

use rhumb_backend::Fate;
use rhumb_spec::model::{Kind, Network};
use serde_json::{Value, json};

use super::document::Document;
use super::labels;
use super::naming::is_ours;
use super::world::World;
use crate::names;

/// Adds the network of a policy that a network becomes; gives back any other.
pub(super) fn lift(mut document: Document, world: &mut World) -> Option<Document> {
    if is_exposure(&document) {
        document.finish_own("a release makes it for what its workloads show", Fate::Own, world);
        return None;
    }
    let Some((name, network)) = read(&document) else { return Some(document) };
    document.take_head();
    let mut fields = document.fields();
    let labels = labels::of_object(&mut fields);
    fields.take_whole("spec");
    world.app.networks.insert(name.clone(), Network { labels, ..network });
    document.finish(Kind::Network.path(&name), world);
    None
}

/// Whether it lets the outside in to what a workload on a network shows.
fn is_exposure(document: &Document) -> bool {
    let selector = document.whole.pointer("/spec/podSelector/matchLabels").and_then(Value::as_object);
    let name = selector.and_then(|labels| labels.get(names::NAME)).and_then(Value::as_str);
    let is_named = |name: &str| document.name == names::fit(&format!("{name}-exposed"), names::NAME_LIMIT);
    is_ours(&document.whole) && name.is_some_and(is_named)
}

/// The network of which a policy lets in the members, who bear its label.
fn read(document: &Document) -> Option<(String, Network)> {
    let spec = document.whole.get("spec")?.as_object()?;
    let pods = spec.get("podSelector")?;
    let selector = pods.get("matchLabels")?.as_object()?;
    let name = selector.keys().find_map(|key| key.strip_prefix(names::NETWORK))?.to_owned();
    let is_member = |key: &String| key.starts_with(names::NETWORK) || key == names::INSTANCE;
    let members = json!({ "podSelector": pods });
    let known = ["podSelector", "policyTypes", "ingress", "egress"];
    let is_plain = selector.keys().all(is_member)
        && super::naming::document_name(&name) == name
        && spec.keys().all(|key| known.contains(&key.as_str()))
        && *spec.get("ingress")? == json!([{ "from": [members] }]);
    let egress = spec.get("egress").and_then(Value::as_array);
    let internal = egress.is_some_and(|rules| rules.first() == Some(&json!({ "to": [members] })));
    let attachable = !selector.contains_key(names::INSTANCE);
    is_plain.then(|| (name, Network { internal, attachable, ..Network::default() }))
}
