//! Names on the swarm, and the labels that mark what is ours.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::{ObjectId, Scope};
use rhumb_spec::App;
use rhumb_spec::model::{EnvSource, EnvValue, MountSource};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// By this label `docker stack` knows what belongs to a stack.
pub const STACK: &str = "com.docker.stack.namespace";
/// Under this label `docker stack` keeps the image as it was written.
pub const STACK_IMAGE: &str = "com.docker.stack.image";
/// What our own labels begin with.
pub const MARK: &str = "rhumb.dev/";
/// The release.
pub const RELEASE: &str = "rhumb.dev/release";
/// The release's namespace.
pub const NAMESPACE: &str = "rhumb.dev/namespace";
/// The logical name of the object.
pub const OBJECT: &str = "rhumb.dev/object";
/// Which content a content-named object has.
pub const GENERATION: &str = "rhumb.dev/generation";
/// What a job runs: the hash by which one run is told from another.
pub const CONTENT: &str = "rhumb.dev/content";
/// The workload that a service runs.
pub const WORKLOAD: &str = "rhumb.dev/workload";

/// Names of services and networks are DNS labels.
///
/// Source: swarmkit, `manager/controlapi/common.go`, `validateAnnotations`.
const DNS_LIMIT: usize = 63;
/// Source: swarmkit, `manager/controlapi/common.go`, `validateConfigOrSecretAnnotations`.
const FILE_LIMIT: usize = 64;
/// The engine takes longer names of volumes, but no file system does.
const VOLUME_LIMIT: usize = 255;
const HASH: usize = 10;

/// Which migration made something that is no release's.
pub const MIGRATION: &str = "rhumb.dev/migration";

/// On an external document, the label with its name on the swarm, where that is no name that a document can have.
pub const NATIVE_NAME: &str = "swarm/name";

/// The name of a workload's service: `<stack>_<workload>`.
pub fn service_name(scope: &Scope, workload: &str) -> String {
    joined(scope, workload, DNS_LIMIT)
}

/// The name of a network: `<stack>_<network>`.
pub fn network_name(scope: &Scope, network: &str) -> String {
    joined(scope, network, DNS_LIMIT)
}

/// The name of a volume: `<stack>_<volume>`.
pub fn volume_name(scope: &Scope, volume: &str) -> String {
    joined(scope, volume, VOLUME_LIMIT)
}

/// The name of a key of a config, with the content that it has: `<stack>_<config>.<key>-<generation>`.
pub fn config_name(scope: &Scope, config: &str, key: &str, generation: &str) -> String {
    content_named(scope, config, key, generation)
}

/// The name of a key of a secret, with the content that it has: `<stack>_<secret>.<key>-<generation>`.
pub fn secret_name(scope: &Scope, secret: &str, key: &str, generation: &str) -> String {
    content_named(scope, secret, key, generation)
}

fn joined(scope: &Scope, name: &str, limit: usize) -> String {
    fit(&format!("{}_{name}", scope.stack()), limit)
}

fn content_named(scope: &Scope, name: &str, key: &str, generation: &str) -> String {
    let generation = generation.get(..HASH).unwrap_or(generation);
    let base = fit(&format!("{}_{name}.{key}", scope.stack()), FILE_LIMIT - 1 - generation.len());
    format!("{base}-{generation}")
}

/// The name as it is where the platform takes it; else with `-` for every character that it does not take, cut to
/// the limit, and ending in a hash of the whole name.
pub(crate) fn fit(name: &str, limit: usize) -> String {
    let is_legal =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.');
    let ends_well = name.ends_with(|character: char| character.is_ascii_alphanumeric());
    if name.len() <= limit && ends_well && name.chars().all(is_legal) {
        return name.to_owned();
    }
    let legal: String =
        name.chars().map(|character| if is_legal(character) { character } else { '-' }).collect();
    let kept = legal.get(..limit - 1 - HASH).unwrap_or(&legal);
    format!("{kept}-{}", &hash(name.as_bytes())[..HASH])
}

/// The SHA-256 of bytes, in lowercase hexadecimal digits.
pub fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        use std::fmt::Write as _;
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The id of something that exists already, by its kind and its name on the swarm: `external/network/web`.
pub fn external_id(kind: &str, name: &str) -> ObjectId {
    ObjectId::new("external", &format!("{kind}/{name}"))
}

/// The kind (`network`, `config`, `secret`) and the name on the swarm of an [`external_id`].
pub fn external_parts(id: &ObjectId) -> Option<(&str, &str)> {
    (id.kind() == "external").then(|| id.name().split_once('/')).flatten()
}

/// The name on the swarm of an external document: its own, or what its label [`NATIVE_NAME`] says.
pub fn external_name<'a>(name: &'a str, labels: &'a BTreeMap<String, String>) -> &'a str {
    labels.get(NATIVE_NAME).map_or(name, String::as_str)
}

/// Everything that the app takes for granted on the swarm and that a manager can be asked for.
///
/// An external network bears its own name. A config or secret of Swarm holds one value, so an external one of which
/// the app uses a single key bears its document's name, and one of which it uses several is `<name>.<key>` each.
/// Volumes are not among them: only their own node knows them.
pub fn externals(app: &App) -> BTreeSet<ObjectId> {
    let networks = app.networks.iter().filter(|(_, network)| network.external);
    let mut ids: BTreeSet<_> = networks
        .map(|(name, network)| external_id("network", external_name(name, &network.labels)))
        .collect();
    for (name, config) in app.configs.iter().filter(|(_, config)| config.external) {
        let keys = keys_in_use(app, FileKind::Config, name);
        let native = external_name(name, &config.labels);
        ids.extend(
            keys.iter().map(|key| external_id("config", &external_file_name(native, key, keys.len()))),
        );
    }
    for (name, secret) in app.secrets.iter().filter(|(_, secret)| secret.external) {
        let keys = keys_in_use(app, FileKind::Secret, name);
        let native = external_name(name, &secret.labels);
        ids.extend(
            keys.iter().map(|key| external_id("secret", &external_file_name(native, key, keys.len()))),
        );
    }
    ids
}

/// The name on the swarm of a key of an external config or secret of which the app uses so many keys.
pub fn external_file_name(name: &str, key: &str, keys: usize) -> String {
    if keys > 1 { format!("{name}.{key}") } else { name.to_owned() }
}

/// What a file comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileKind {
    /// A config.
    Config,
    /// A secret.
    Secret,
}

/// Every key of a config or secret that some container of the app names. One that is mounted as a whole counts as
/// the key that bears the document's name.
pub fn keys_in_use(app: &App, kind: FileKind, name: &str) -> BTreeSet<String> {
    let containers = app
        .workloads
        .values()
        .flat_map(|workload| workload.containers.values().chain(workload.init_containers.values()));
    let mut keys = BTreeSet::new();
    for container in containers {
        for mount in container.mounts.values() {
            match (&mount.source, kind) {
                (MountSource::Config { name: used, key }, FileKind::Config)
                | (MountSource::Secret { name: used, key }, FileKind::Secret)
                    if used == name =>
                {
                    keys.insert(
                        key.clone().or_else(|| mount.sub_path.clone()).unwrap_or_else(|| name.to_owned()),
                    );
                }
                _ => {}
            }
        }
        for value in container.env.values() {
            match (value, kind) {
                (EnvValue::From(EnvSource::Config { name: used, key }), FileKind::Config)
                | (EnvValue::From(EnvSource::Secret { name: used, key }), FileKind::Secret)
                    if used == name =>
                {
                    keys.insert(key.clone());
                }
                _ => {}
            }
        }
    }
    keys
}

/// The labels by which an object is known to be ours, and by which `docker stack` shows it.
///
/// Neither revision nor chart version is among them: every upgrade would touch every object.
pub fn marks(scope: &Scope, id: &ObjectId) -> Map<String, Value> {
    let mut labels = Map::new();
    labels.insert(STACK.to_owned(), scope.stack().into());
    labels.insert(RELEASE.to_owned(), scope.release.clone().into());
    labels.insert(NAMESPACE.to_owned(), scope.namespace.clone().into());
    labels.insert(OBJECT.to_owned(), id.as_str().into());
    labels
}

/// Whether a label is one that we, or `docker stack`, put there, and not the user's.
pub fn is_mark(label: &str) -> bool {
    label.starts_with(MARK) || label == STACK || label == STACK_IMAGE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope() -> Scope {
        Scope::new("default", "shop")
    }

    #[test]
    fn names_join_stack_and_name() {
        assert_eq!(service_name(&scope(), "web"), "shop_web");
        assert_eq!(service_name(&Scope::new("prod", "shop"), "web"), "prod-shop_web");
        assert_eq!(
            config_name(&scope(), "web", "nginx.conf", "0123456789abcdef"),
            "shop_web.nginx.conf-0123456789"
        );
    }

    #[test]
    fn long_names_end_in_a_hash_and_stay_apart() {
        let long = "a-workload-whose-name-is-so-long-that-no-dns-label-can-hold-it";
        let one = service_name(&scope(), &format!("{long}-1"));
        let two = service_name(&scope(), &format!("{long}-2"));
        assert_eq!(one.len(), 63);
        assert!(one.starts_with("shop_a-workload-"));
        assert_ne!(one, two);
        let content = secret_name(&scope(), long, "password", "0123456789abcdef");
        assert_eq!(content.len(), 64);
        assert!(content.ends_with("-0123456789"));
    }

    #[test]
    fn characters_that_the_swarm_refuses_are_replaced() {
        let name = config_name(&scope(), "web", "a b", "0123456789");
        assert!(name.starts_with("shop_web.a-b-"), "{name}");
        assert_ne!(name, config_name(&scope(), "web", "a-b", "0123456789"));
    }
}
