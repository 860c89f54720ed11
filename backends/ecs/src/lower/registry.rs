//! Credentials of images' registries.

use std::collections::BTreeMap;

use rhumb_backend::{Object, ObjectId};
use serde_json::{Value, json};

use super::body::Body;
use super::tags::Tags;
use super::task::Draft;
use super::{Context, Part, exists, tagged};
use crate::kind::Kind;
use crate::names;
use crate::secret_string;

/// The key of a pull secret, in the form of Docker's `config.json`.
const KEY: &str = ".dockerconfigjson";

/// The credentials of one registry out of a pull secret.
struct Credentials {
    id: ObjectId,
    native: String,
    generation: String,
    string: Value,
}

/// ECS wants a secret with a user and a password for each registry; it is made of the pull secret's one key when it is
/// made.
fn credentials(context: &Context<'_>, secret: &str, image: &str) -> Option<Credentials> {
    let document = context.app.secrets.get(secret).filter(|document| !document.external)?;
    let demands = rhumb_backend::material::demands(secret, document, &|_, _| None).ok()?;
    let (_, config) = demands.into_iter().find(|(key, _)| key == KEY)?;
    let registry = secret_string::registry(image);
    let string = json!({ secret_string::REGISTRY: registry, "config": config.to_value() });
    let generation = names::content_hash(&string);
    let name = format!("{secret}.{}", registry.replace(':', "_"));
    let native = names::secret(context.scope, &name, Some(&generation));
    Some(Credentials { id: Kind::Secret.id(&name), native, generation, string })
}

/// `repositoryCredentials` of a container whose workload has a pull secret. One that exists already has a user and a
/// password, as ECS wants it.
///
/// Source: Amazon ECS developer guide, "Using non-AWS container images in Amazon ECS".
pub(super) fn of_container(context: &Context<'_>, part: &Part<'_>, draft: &mut Draft) -> Option<Value> {
    let secret = part.site.workload.pull_secret.as_deref()?;
    let (id, arn) = if let Some(found) = credentials(context, secret, &part.container.image) {
        (found.id, names::secret_arn(context.facts, &found.native))
    } else {
        let held = context.files.secret(secret)?;
        (held.id.clone(), held.arn.clone())
    };
    draft.wait_for(exists(id));
    Some(json!({ "credentialsParameter": arn }))
}

/// The secrets with the credentials of each registry that workloads with pull secrets name.
pub(super) fn objects(context: &Context<'_>) -> Vec<Object> {
    let mut found: BTreeMap<ObjectId, Object> = BTreeMap::new();
    for workload in context.app.workloads.values() {
        let Some(secret) = workload.pull_secret.as_deref() else { continue };
        for container in workload.init_containers.values().chain(workload.containers.values()) {
            let Some(made) = credentials(context, secret, &container.image) else { continue };
            let mut body = Body::new();
            body.set("Name", made.native).set("SecretString", made.string);
            let tags = Tags::of(context.scope, &made.id).with(names::GENERATION, &made.generation);
            let object = tagged(made.id.clone(), body, &tags);
            found.insert(made.id, Object { generation: Some(made.generation), sensitive: true, ..object });
        }
    }
    found.into_values().collect()
}
