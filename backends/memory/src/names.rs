//! What objects are called.

use rhumb_backend::{Object, ObjectId, Scope};
use rhumb_spec::model::Kind;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// The kind of ids of things that are there without any release.
pub(crate) const EXTERNAL: &str = "external";

pub(crate) fn id(kind: Kind, name: &str) -> ObjectId {
    ObjectId::new(kind.prefix(), name)
}

/// Of `volume/data`: `external/volume/data`.
pub(crate) fn external(kind: Kind, name: &str) -> ObjectId {
    ObjectId::new(EXTERNAL, &kind.path(name))
}

/// The name on the target: the id below the stack, with the generation at its end; of what is external, its own.
pub(crate) fn native(scope: &Scope, object: &Object) -> String {
    match &object.generation {
        Some(generation) => format!("{}-{generation}", plain_native(scope, &object.id)),
        None => plain_native(scope, &object.id),
    }
}

/// The name on the target of what is not named by its content.
pub(crate) fn plain_native(scope: &Scope, id: &ObjectId) -> String {
    if id.kind() == EXTERNAL {
        return id.name().to_owned();
    }
    format!("{}/{id}", scope.stack())
}

/// The first 40 bits of the SHA-256 of the JSON, in hexadecimal.
pub(crate) fn hash(content: &impl Serialize) -> String {
    // Only maps with keys that are no text fail to serialise, and documents have none.
    let json = serde_json::to_vec(content).unwrap_or_default();
    hex(&Sha256::digest(&json)[..5])
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        text.extend([byte >> 4, byte & 15].map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])));
        text
    })
}
