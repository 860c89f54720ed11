//! Secret material: how bodies ask for it, and who has it.
//!
//! A body holds `{"$material": …}` where the platform wants secret bytes. The forms are
//! `{"sealed": "<id>"}`, `{"generate": {…}, "of": "secret/db/password"}` and
//! `{"template": "postgres://app:{password}@db/app", "keys": {"password": {…}}}`.

mod secret;

use std::collections::BTreeMap;
use std::fmt;

use rhumb_spec::model::Generate;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Error, ErrorKind, Result};
pub use secret::demands;

/// The key of a demand for material in a body.
pub const KEY: &str = "$material";

/// A demand for secret material.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Demand {
    /// Material that the user gave.
    Sealed(String),
    /// Material that is made once.
    Generate {
        /// The logical name of what is made, so that siblings get the same: `secret/db/password`.
        of: String,
        /// How it is made.
        how: Generate,
        /// Which part is wanted, where several are made together: the sibling key with a certificate's private key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        part: Option<String>,
    },
    /// Text with other material in it. `{key}` stands for an entry of `keys`; `{{` and `}}` for braces.
    Template {
        /// The text.
        text: String,
        /// Material by key.
        keys: BTreeMap<String, Demand>,
    },
}

impl Demand {
    /// The demand as it stands in a body.
    pub fn to_value(&self) -> Value {
        serde_json::json!({ KEY: self })
    }

    /// The demand in a value, if it is one.
    pub fn parse(value: &Value) -> Option<Self> {
        let map = value.as_object().filter(|map| map.len() == 1)?;
        serde_json::from_value(map.get(KEY)?.clone()).ok()
    }
}

/// Secret bytes. They are wiped from memory when dropped and never shown.
pub struct Material(Vec<u8>);

impl Material {
    /// Takes over secret bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes, for the one call that hands them to the platform.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Material {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

impl fmt::Debug for Material {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Material(…)")
    }
}

/// Who has secret material. The action layer holds it for as long as a verb runs.
pub trait Materials: Send + Sync {
    /// Material that the user gave in this run.
    ///
    /// # Errors
    /// `MaterialMissing` when this run was not given it.
    fn sealed(&self, id: &str) -> Result<Material>;

    /// Material that is made now, the same for every demand of one name in this run.
    ///
    /// # Errors
    /// `MaterialMissing` when it was made in an earlier run and cannot be read again.
    fn generated(&self, of: &str, how: &Generate, part: Option<&str>) -> Result<Material>;
}

/// Meets a demand.
///
/// # Errors
/// `MaterialMissing` when some of it is nowhere; `Invalid` when a template names a key that it was not given.
pub fn meet(demand: &Demand, materials: &dyn Materials) -> Result<Material> {
    match demand {
        Demand::Sealed(id) => materials.sealed(id),
        Demand::Generate { of, how, part } => materials.generated(of, how, part.as_deref()),
        Demand::Template { text, keys } => compose(text, keys, materials),
    }
}

fn compose(text: &str, keys: &BTreeMap<String, Demand>, materials: &dyn Materials) -> Result<Material> {
    let invalid = |message: String| Error::new(ErrorKind::Invalid, "compose a secret", message);
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        let tail = &rest[at..];
        if tail.starts_with("{{") || tail.starts_with("}}") {
            bytes.push(tail.as_bytes()[0]);
            rest = &tail[2..];
            continue;
        }
        let end = tail.find('}').filter(|end| *end > 0).ok_or_else(|| {
            invalid("a brace stands alone; write `{{` and `}}` for braces that are text".to_owned())
        })?;
        let key = &tail[1..end];
        let demand =
            keys.get(key).ok_or_else(|| invalid(format!("the template names `{key}`, which is no key")))?;
        bytes.extend_from_slice(meet(demand, materials)?.expose());
        rest = &tail[end + 1..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(Material::new(bytes))
}
