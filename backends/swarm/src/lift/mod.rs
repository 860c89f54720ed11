//! From the Engine API's documents back to an app.
//!
//! Nothing here needs our own marks: services that `docker stack deploy` or a person made are read in the same way.
//! What an app has no place for is kept as a patch under `on.swarm.Service` or told, field by field, and every field of
//! every object is accounted for.

mod account;
mod container;
mod environment;
mod fields;
mod files;
mod health;
mod mounts;
mod naming;
mod network;
mod placement;
mod ports;
mod rollout;
mod route;
mod service;

use rhumb_backend::{Lifted, Object};

use fields::Reads;
use naming::Names;
use service::Ports;

/// Turns documents of Swarm back into an app, with an account of what became of every field.
///
/// The bodies are those of [`crate::lower::lower`], or what the engine returns for the same. The name of a document is that
/// of its object without the stack's. An app that went through [`crate::lower::lower`] comes back with these differences:
/// - stateful workloads and init containers as the services and jobs that they became;
/// - the one health check as both readiness and liveness;
/// - variables from configs and addresses as text, those from secrets without an exporting shell as `NAME_FILE`;
/// - ports only where they are published, asked by the health check, or led to by a route;
/// - how an update goes as surge or unavailable replicas;
/// - secrets without their material, unless the body still has the demand for it.
pub fn lift(objects: &[Object]) -> Lifted {
    let mut lifted = Lifted::default();
    let names = Names::new(objects);
    let reads = Reads::default();
    files::lift(objects, &names, &reads, &mut lifted);
    network::lift(objects, &names, &reads, &mut lifted);
    let mut unknown = Vec::new();
    for object in objects.iter().filter(|object| object.id.kind() == "service") {
        if service::lift(object, &names, &reads, &mut lifted) == Ports::Unknown {
            unknown.push(object.id.name());
        }
    }
    service::tell_of_ports(&unknown, &mut lifted);
    account::accounts(objects, (&names, &reads), &mut lifted);
    lifted
}

/// The document of a config or secret, and the key in it.
pub(crate) fn file_place_of(object: &Object) -> (String, String) {
    let name = object.body.get("Name").and_then(serde_json::Value::as_str).unwrap_or_default();
    let place = naming::file_place(naming::without_stack(&object.body, name));
    (place.document, place.key)
}

/// The name that an object's document gets, with the key where it is one of several.
pub(crate) fn document_name_of(object: &Object) -> String {
    let name = object.body.get("Name").and_then(serde_json::Value::as_str).unwrap_or_default();
    let own = naming::without_stack(&object.body, name);
    naming::document_name(own)
}
