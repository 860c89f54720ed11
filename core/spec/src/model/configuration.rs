//! Configs and secrets.

use std::collections::BTreeMap;
use std::fmt;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::is_default;

/// Plain configuration: named pieces of text that workloads read as files or variables.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Config {
    /// Text by key. A key is a file name where the config is mounted.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub data: IndexMap<String, String>,
    /// Bytes by key, in base64.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub binary: IndexMap<String, String>,
    /// Keep the object's name when its content changes; users are rolled by a checksum instead.
    #[serde(skip_serializing_if = "is_default")]
    pub stable_name: bool,
    /// The config exists already and is not ours to make, change or remove.
    #[serde(skip_serializing_if = "is_default")]
    pub external: bool,
    /// Labels for the platform's object.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// Secret configuration. The material itself is never here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Secret {
    /// Sealed material by key. In a chart this is text; it is sealed before anything else sees it.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub data: IndexMap<String, Sealed>,
    /// Material that is made once and kept by upgrades, by key.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub generate: IndexMap<String, Generate>,
    /// Text composed when the secret is made. `{key}` is a sibling key, `{address:workload:port}` a host and port.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub template: IndexMap<String, String>,
    /// Keep the object's name when its content changes; users are rolled by a checksum instead.
    #[serde(skip_serializing_if = "is_default")]
    pub stable_name: bool,
    /// The secret exists already and is not ours to make, change or remove.
    #[serde(skip_serializing_if = "is_default")]
    pub external: bool,
    /// Labels for the platform's object.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

impl Secret {
    /// Every key, wherever its material comes from: data, then generated with the private keys, then templates.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let private_keys = self.generate.values().filter_map(|generate| generate.private_key.as_ref());
        self.data
            .keys()
            .chain(self.generate.keys())
            .chain(private_keys)
            .chain(self.template.keys())
            .map(String::as_str)
    }
}

/// The id of secret material that is kept elsewhere. Equal ids of one release mean equal material.
///
/// Written `sealed:<id>` in documents.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(with = "String")]
pub struct Sealed(String);

impl Sealed {
    /// What a sealed value begins with in a document.
    pub const PREFIX: &'static str = "sealed:";

    /// A sealed value with this id (without the prefix).
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id, without the prefix.
    pub fn id(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Sealed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", Self::PREFIX, self.0)
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Serialize for Sealed {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sealed {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // The text is never shown: what is here by mistake may be the secret itself.
        text.strip_prefix(Self::PREFIX)
            .map(Self::new)
            .ok_or_else(|| serde::de::Error::custom("secret material must be sealed before it is read"))
    }
}

/// How to make one piece of secret material.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Generate {
    /// What is made.
    #[serde(skip_serializing_if = "is_default")]
    pub kind: GenerateKind,
    /// Characters of a password (default 32), or random bytes of a key (default 32).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<u32>,
    /// The characters a password is made of.
    #[serde(skip_serializing_if = "is_default")]
    pub charset: Charset,
    /// Host names and addresses that a certificate is for; the first is its common name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// Days that a certificate is valid (default 3650).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    /// The sibling key that takes a certificate's private key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_key: Option<String>,
    /// Change this text to have the material made anew by the next upgrade.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation: Option<String>,
}

/// What generated material is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum GenerateKind {
    /// Random characters.
    #[default]
    Password,
    /// Random bytes, in base64.
    Key,
    /// A self-signed X.509 certificate in PEM; its private key goes into [`Generate::private_key`].
    Certificate,
    /// A random UUID (version 4).
    Uuid,
}

/// The characters of a generated password.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Charset {
    /// `A-Z a-z 0-9`.
    #[default]
    Alphanumeric,
    /// `0-9 a-f`.
    Hex,
    /// `0-9`.
    Numeric,
    /// `A-Z a-z 0-9` and `!#$%&*+-.:;<=>?@^_~`, which neither a shell's double quotes nor YAML's single quotes break.
    Ascii,
}
