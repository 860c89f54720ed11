//! Names on Marathon, and the labels that mark what is ours.

use rhumb_backend::{ObjectId, Scope};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::kind::Kind;

/// The label with the release's namespace, on everything that is a release's.
pub const NAMESPACE: &str = "rhumb.dev/namespace";
/// The label with the release's name.
pub const RELEASE: &str = "rhumb.dev/release";
/// The label with the logical id.
pub const OBJECT: &str = "rhumb.dev/object";
/// The label with the content's hash, on what is named by its content, and on what a server does not give back whole.
pub const GENERATION: &str = "rhumb.dev/generation";
/// The label with the name of the workload, on what runs.
pub const WORKLOAD: &str = "rhumb.dev/workload";
/// The label with the moment of the last restart, on pods, which Marathon restarts by no call of its own.
pub const RESTARTED: &str = "rhumb.dev/restarted";
/// What the keys of our own labels begin with.
pub(crate) const MARK: &str = "rhumb.dev/";
/// The group under which records lie.
pub const RECORDS: &str = "/rhumb";

/// The longest segment of an id: it becomes a label of a DNS name. Source: Mesos-DNS documentation, naming.
pub const SEGMENT_LIMIT: usize = 63;
/// Hexadecimal digits of the hash in a name that was cut or that is named by its content.
pub const HASH: usize = 10;
/// Names that the last segment of an id must not have. Source: Marathon REST API, `PathId`.
pub const RESERVED: [&str; 3] = ["restart", "tasks", "versions"];

/// The group of a release: `/<namespace>/<release>`.
pub fn group(scope: &Scope) -> String {
    format!("/{}/{}", scope.namespace, scope.release)
}

/// The id of an app or pod: `/<namespace>/<release>/<name>`.
pub fn native(scope: &Scope, name: &str) -> String {
    let name = if RESERVED.contains(&name) {
        format!("{name}-{}", &hash(name.as_bytes())[..HASH])
    } else {
        fit(name, SEGMENT_LIMIT)
    };
    format!("{}/{name}", group(scope))
}

/// The id of a Metronome or Chronos job: `<namespace>.<release>.<name>`.
pub fn job(scope: &Scope, name: &str) -> String {
    format!("{}.{}.{}", scope.namespace, scope.release, fit(name, SEGMENT_LIMIT))
}

/// The path of a secret in the store: `<namespace>/<release>/<name>-<generation>`. A slash in the name (`db/password`)
/// becomes two underscores, and what else the store does not take becomes one.
///
/// Source: DC/OS secrets API, which takes letters, digits, dashes and underscores in a segment.
pub fn secret(scope: &Scope, name: &str, generation: &str) -> String {
    format!("{}{generation}", secret_stem(scope, name))
}

/// What the paths of all generations of a secret begin with.
pub(crate) fn secret_stem(scope: &Scope, name: &str) -> String {
    let name: String = name
        .replace('/', "__")
        .chars()
        .map(
            |letter| if letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_') { letter } else { '_' },
        )
        .collect();
    format!("{}/{}/{name}-", scope.namespace, scope.release)
}

/// The name of an entry of the store by its object's id: that of a secret is `db/password`, that of a config
/// `config/web/nginx.conf`, so that the two never meet.
pub fn entry(id: &ObjectId) -> String {
    if id.kind() == Kind::Config.as_str() { id.to_string() } else { id.name().to_owned() }
}

/// The labels by which an object is known to be a release's.
pub fn marks(scope: &Scope, object: &ObjectId, workload: Option<&str>) -> Map<String, Value> {
    let mut marks = Map::new();
    marks.insert(NAMESPACE.to_owned(), scope.namespace.clone().into());
    marks.insert(RELEASE.to_owned(), scope.release.clone().into());
    marks.insert(OBJECT.to_owned(), object.as_str().into());
    if let Some(workload) = workload {
        marks.insert(WORKLOAD.to_owned(), workload.into());
    }
    marks
}

/// The hash by which content is told apart: hexadecimal digits of the SHA-256 of its JSON.
pub fn content_hash(content: &Value) -> String {
    hash(content.to_string().as_bytes())[..16].to_owned()
}

/// The name as it is where it is no longer than the limit, else cut and ending in a hash of the whole.
pub fn fit(name: &str, limit: usize) -> String {
    if name.len() <= limit {
        return name.to_owned();
    }
    let kept = name.get(..limit - 1 - HASH).unwrap_or(name).trim_end_matches(['-', '.', '_']);
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
