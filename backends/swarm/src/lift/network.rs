//! Networks.

use std::collections::BTreeMap;

use rhumb_backend::{Lifted, Object, Ownership};
use rhumb_spec::model::{Network, NetworkAttachment};
use serde_json::Value;

use super::fields::{Fields, Reads, not_carried, text_pairs};
use super::files::native_name;
use super::naming::Names;
use crate::names;

/// Why options of a network's driver are not carried.
const NO_OPTIONS: &str = "a network of an app has no options of a driver but that it is encrypted";
/// The document of the network that a stack has by itself.
const DEFAULT: &str = "default";

/// Adds every network to the app, but the release's own where nothing is said of it.
pub(super) fn lift(objects: &[Object], names: &Names, reads: &Reads, lifted: &mut Lifted) {
    for object in objects {
        let external = names::external_parts(&object.id);
        if external.map_or(object.id.kind(), |(kind, _)| kind) != "network" {
            continue;
        }
        let is_external = external.is_some() || object.ownership == Ownership::External;
        let target = Value::from(object.id.as_str());
        let Some(document) = names.network(&target).cloned() else { continue };
        let network = if is_external {
            reads.mark(format!("{}.Name", object.id));
            external_network(object, &document)
        } else {
            network(object, reads, lifted)
        };
        if document != DEFAULT || network != Network::default() {
            lifted.app.networks.insert(document, network);
        }
    }
}

fn external_network(object: &Object, document: &str) -> Network {
    let name = object.body.get("Name").and_then(Value::as_str).unwrap_or(document);
    Network { external: true, labels: native_name(name, document), ..Network::default() }
}

fn network(object: &Object, reads: &Reads, lifted: &mut Lifted) -> Network {
    let mut fields = Fields::new(Some(object.body.clone()), object.id.as_str(), reads);
    let is_live = fields.take("Id").is_some();
    fields.take("Name");
    fields.ignore(&["Created", "Scope", "Ingress", "ConfigFrom", "Containers", "Peers", "EnableIPv4"]);
    if let Some(driver) = fields.text("Driver").filter(|driver| driver != "overlay") {
        let why = format!("networks are `overlay` here, and this one is `{driver}`");
        lifted.notes.push(not_carried(fields.at("Driver"), why));
    }
    let labels = text_pairs(fields.take("Labels").as_ref()).filter(|(key, _)| !names::is_mark(key)).collect();
    let mut options = fields.below("Options");
    options.ignore(&["com.docker.network.driver.overlay.vxlanid_list"]);
    let encrypted = options.take("encrypted").is_some();
    options.tell_why(NO_OPTIONS, &mut lifted.notes);
    let network = Network {
        internal: fields.flag("Internal"),
        encrypted,
        attachable: fields.flag("Attachable"),
        subnet: subnet(&mut fields, is_live, lifted),
        external: false,
        labels,
    };
    fields.tell(&mut lifted.notes);
    network
}

/// The address range that was asked for. The engine shows the one that it chose in the same way, so of a network that
/// it shows none is carried.
fn subnet(fields: &mut Fields, is_live: bool, lifted: &mut Lifted) -> Option<String> {
    let path = fields.at("IPAM");
    let config = fields.below("IPAM").list("Config");
    let subnet = config.first()?.get("Subnet")?.as_str()?.to_owned();
    if is_live {
        lifted.notes.push(not_carried(path, format!("the range {subnet} is left to the platform's choice")));
        return None;
    }
    fields.reads().mark(format!("{path}.Config.0.Subnet"));
    Some(subnet)
}

/// The networks that a workload is on; none for the release's own without further names.
pub(super) fn attachments(
    task: &mut Fields,
    (workload, names): (&str, &Names),
    router: Option<&str>,
    lifted: &mut Lifted,
) -> BTreeMap<String, NetworkAttachment> {
    let path = task.at("Networks");
    let mut found = BTreeMap::new();
    for (index, item) in task.list("Networks").into_iter().enumerate() {
        let mut fields = task.item(item, format!("{path}.{index}"));
        let target = fields.take("Target").unwrap_or_default();
        let Some(document) = names.network(&target) else {
            let path = fields.at("");
            let why = "the network is not among the objects";
            lifted.notes.push(not_carried(path.trim_end_matches('.'), why));
            continue;
        };
        let aliases: Vec<String> =
            fields.texts("Aliases").into_iter().filter(|alias| alias != workload).collect();
        fields.tell(&mut lifted.notes);
        let is_routers =
            aliases.is_empty() && router.is_some_and(|router| is_called(lifted, document, router));
        if !is_routers {
            found.insert(document.clone(), NetworkAttachment { aliases });
        }
    }
    let is_own =
        found.len() == 1 && found.get(DEFAULT).is_some_and(|attachment| attachment.aliases.is_empty());
    if is_own {
        return BTreeMap::new();
    }
    if found.contains_key(DEFAULT) {
        lifted.app.networks.entry(DEFAULT.to_owned()).or_default();
    }
    found
}

/// Whether an external network has this name on the swarm.
fn is_called(lifted: &Lifted, document: &str, name: &str) -> bool {
    let network = lifted.app.networks.get(document).filter(|network| network.external);
    network.is_some_and(|network| names::external_name(document, &network.labels) == name)
}
