//! Configs and secrets: a parameter for each key of a config, one secret for each secret.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rhumb_backend::{CheckedApp, Object, ObjectId, Ownership, material};
use rhumb_spec::Diagnostic;
use rhumb_spec::model::{Config, Kind as Document, Secret};
use serde_json::{Map, Value, json};

use super::body::Body;
use super::tags::{self, Tags};
use super::{Context, Report, discovery, tagged};
use crate::facts::EcsFacts;
use crate::kind::Kind;
use crate::names;

/// The most bytes of a file: in base64 it fills a parameter of SSM's advanced tier.
///
/// Source: Systems Manager user guide, "Managing parameter tiers".
const LIMIT: usize = 6 * 1024;
/// The most characters of a parameter of the standard tier.
const STANDARD_TIER: usize = 4 * 1024;

/// One key of a config.
pub(super) struct Entry {
    pub(super) bytes: Vec<u8>,
    /// The parameter that holds it; none for an empty one, which SSM does not take.
    pub(super) parameter: Option<(ObjectId, String)>,
}

/// A config, as workloads refer to it.
#[derive(Default)]
pub(super) struct HeldConfig {
    pub(super) entries: BTreeMap<String, Entry>,
    /// Its keys in the order written.
    pub(super) keys: Vec<String>,
    pub(super) external: bool,
    /// The hash of what it holds, where no name says it.
    pub(super) checksum: Option<String>,
}

/// A secret, as workloads refer to it.
pub(super) struct HeldSecret {
    pub(super) id: ObjectId,
    /// Its ARN without the random end that Secrets Manager adds, which every call takes as well.
    ///
    /// Source: Secrets Manager API reference, `GetSecretValue`, `SecretId`.
    pub(super) arn: String,
    /// Its keys; none are known of an external one.
    pub(super) keys: Vec<String>,
    pub(super) external: bool,
    pub(super) checksum: Option<String>,
    body: Value,
    generation: Option<String>,
}

/// Every config and secret, by the document's name.
pub(super) struct Files {
    configs: BTreeMap<String, HeldConfig>,
    secrets: BTreeMap<String, HeldSecret>,
}

impl Files {
    pub(super) fn config(&self, name: &str) -> Option<&HeldConfig> {
        self.configs.get(name)
    }

    pub(super) fn secret(&self, name: &str) -> Option<&HeldSecret> {
        self.secrets.get(name)
    }

    /// Finds out what each config and secret holds, and from that the names.
    pub(super) fn of(world: &World<'_>, report: &mut Report) -> Self {
        let app = world.checked.app();
        let configs =
            app.configs.iter().map(|(name, config)| (name.clone(), held(world, name, config, report)));
        let configs = configs.collect();
        let secrets = app.secrets.iter();
        let secrets = secrets.map(|(name, secret)| (name.clone(), kept(world, name, secret, report)));
        Self { configs, secrets: secrets.collect() }
    }
}

/// What is there before configs and secrets are known.
#[derive(Clone, Copy)]
pub(super) struct World<'a> {
    pub(super) checked: &'a CheckedApp,
    pub(super) scope: &'a rhumb_backend::Scope,
    pub(super) facts: &'a EcsFacts,
}

fn held(world: &World<'_>, name: &str, config: &Config, report: &mut Report) -> HeldConfig {
    let path = Document::Config.path(name);
    tags::check(&config.labels, &format!("{path}.labels"), report);
    let text = config.data.iter().map(|(key, text)| (key, "data", text.as_bytes().to_vec()));
    let binary = config.binary.iter();
    let binary = binary.map(|(key, text)| (key, "binary", STANDARD.decode(text).unwrap_or_default()));
    let mut found = HeldConfig { external: config.external, ..HeldConfig::default() };
    let mut all = Map::new();
    for (key, field, bytes) in text.chain(binary) {
        if bytes.len() > LIMIT {
            report.refuse(too_large(&format!("{path}.{field}.{key}"), bytes.len()));
        }
        all.insert(key.clone(), STANDARD.encode(&bytes).into());
        let parameter = (!bytes.is_empty()).then(|| {
            let hash = (!config.stable_name).then(|| names::hash(&bytes));
            (
                Kind::Parameter.id(&format!("{name}/{key}")),
                names::parameter(world.scope, name, key, hash.as_deref()),
            )
        });
        found.keys.push(key.clone());
        found.entries.insert(key.clone(), Entry { bytes, parameter });
    }
    found.checksum = config.stable_name.then(|| names::content_hash(&all.into()));
    found
}

fn too_large(path: &str, bytes: usize) -> Diagnostic {
    Diagnostic::error(
        path,
        format!("a file on ECS holds at most 6 KiB, and this is {} KiB", bytes.div_ceil(1024)),
    )
    .why("it is a parameter of SSM, which takes 8 KB of base64")
    .remedy("several smaller files, a volume that holds the data, or an image with it inside")
}

fn kept(world: &World<'_>, name: &str, secret: &Secret, report: &mut Report) -> HeldSecret {
    let path = Document::Secret.path(name);
    tags::check(&secret.labels, &format!("{path}.labels"), report);
    let id = Kind::Secret.id(name);
    if secret.external {
        return HeldSecret {
            id,
            arn: names::secret_arn(world.facts, name),
            keys: Vec::new(),
            external: true,
            checksum: None,
            body: json!({ "Name": name }),
            generation: None,
        };
    }
    let address = |workload: &str, port: &str| {
        let (host, number) = discovery::address_of(world, workload, port)?;
        Some(format!("{host}:{number}"))
    };
    let demands = material::demands(name, secret, &address).unwrap_or_else(|diagnostics| {
        report.refuse_all(diagnostics);
        Vec::new()
    });
    let string: Map<String, Value> =
        demands.into_iter().map(|(key, demand)| (key, demand.to_value())).collect();
    let string = Value::Object(string);
    let hash = names::content_hash(&string);
    let generation = (!secret.stable_name).then(|| hash.clone());
    let native = names::secret(world.scope, name, generation.as_deref());
    let mut body = Body::new();
    body.set("Name", native.clone()).set("SecretString", string);
    HeldSecret {
        id,
        arn: names::secret_arn(world.facts, &native),
        keys: secret.keys().map(str::to_owned).collect(),
        external: false,
        checksum: secret.stable_name.then_some(hash),
        body: body.into_value(),
        generation,
    }
}

/// Parameters and secrets. A secret's `SecretString` is an object of what each key demands (see
/// [`crate::secret_string`]).
///
/// Source: Systems Manager API reference, `PutParameter`; Secrets Manager API reference, `CreateSecret`.
pub(super) fn objects(context: &Context<'_>) -> Vec<Object> {
    let mut found = Vec::new();
    for (name, held) in &context.files.configs {
        let labels = context.app.configs.get(name).map(|config| &config.labels);
        for key in &held.keys {
            let Some(entry) = held.entries.get(key) else { continue };
            let Some((id, native)) = &entry.parameter else { continue };
            let text = STANDARD.encode(&entry.bytes);
            let tier = if text.len() > STANDARD_TIER { "Advanced" } else { "Standard" };
            let mut body = Body::new();
            body.set("Name", native.clone())
                .set("Value", text.clone())
                .set("Type", "String")
                .set("Tier", tier);
            let generation = held.checksum.is_none().then(|| names::content_hash(&text.into()));
            let tags = content_tags(context, id, generation.as_deref());
            let tags = labels.map_or(tags.clone(), |labels| tags.below(labels));
            found.push(Object { generation, ..tagged(id.clone(), body, &tags) });
        }
    }
    found.extend(external_parameters(context));
    for (name, held) in &context.files.secrets {
        let labels = context.app.secrets.get(name).map(|secret| secret.labels.clone()).unwrap_or_default();
        found.push(secret_object(context, held, &labels));
    }
    found
}

/// Takes out what exists already and is waited for in vain: a patch names another place for everything that was to come
/// out of it.
pub(super) fn drop_replaced(context: &Context<'_>, objects: &mut Vec<Object>) {
    for held in context.files.secrets.values().filter(|held| held.external) {
        let (mut is_replaced, mut is_needed) = (false, false);
        for object in objects.iter_mut().filter(|object| object.after.iter().any(|after| after.id == held.id))
        {
            let body = object.body.to_string();
            // In a body its ARN ends, or a key of the secret follows.
            if ['"', ':'].iter().any(|end| body.contains(&format!("{}{end}", held.arn))) {
                is_needed = true;
            } else {
                is_replaced = true;
                object.after.retain(|after| after.id != held.id);
            }
        }
        if is_replaced && !is_needed {
            objects.retain(|object| object.id != held.id);
        }
    }
}

fn content_tags(context: &Context<'_>, id: &ObjectId, generation: Option<&str>) -> Tags {
    let tags = Tags::of(context.scope, id);
    match generation {
        Some(generation) => tags.with(names::GENERATION, generation),
        None => tags,
    }
}

fn secret_object(context: &Context<'_>, held: &HeldSecret, labels: &BTreeMap<String, String>) -> Object {
    if held.external {
        return Object { ownership: Ownership::External, ..Object::new(held.id.clone(), held.body.clone()) };
    }
    let tags = content_tags(context, &held.id, held.generation.as_deref()).below(labels);
    let object = tagged(held.id.clone(), held.body.clone(), &tags);
    Object { generation: held.generation.clone(), sensitive: true, ..object }
}

/// The parameters of configs that exist already, as far as workloads name their keys.
fn external_parameters(context: &Context<'_>) -> Vec<Object> {
    let mut used: BTreeSet<(&str, &str)> = BTreeSet::new();
    for workload in context.app.workloads.values() {
        for container in workload.containers.values().chain(workload.init_containers.values()) {
            used.extend(super::environment::config_keys(container));
            used.extend(super::mounts::config_keys(container));
        }
    }
    let is_external = |name: &str| context.files.config(name).is_some_and(|held| held.external);
    let used = used.into_iter().filter(|(name, _)| is_external(name));
    used.map(|(name, key)| {
        let body = json!({ "Name": names::external_parameter(name, key) });
        let id = Kind::Parameter.id(&format!("{name}/{key}"));
        Object { ownership: Ownership::External, ..Object::new(id, body) }
    })
    .collect()
}
