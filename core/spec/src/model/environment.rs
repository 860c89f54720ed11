//! Environment variables and where their values come from.

use std::fmt;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

/// The value of one environment variable: text, or a reference.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum EnvValue {
    /// The text itself.
    Text(String),
    /// A value known only to the platform.
    From(EnvSource),
}

/// Where a variable's value comes from. Exactly one of `secret`, `config`, `address` and `self` is set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "SourceForm", into = "SourceForm")]
#[schemars(with = "SourceForm")]
pub enum EnvSource {
    /// A key of a secret.
    Secret {
        /// The secret's name.
        name: String,
        /// The key in it.
        key: String,
    },
    /// A key of a config.
    Config {
        /// The config's name.
        name: String,
        /// The key in it.
        key: String,
    },
    /// Where a sibling workload is reached.
    Address {
        /// The workload's name.
        workload: String,
        /// The name of a port that it exposes.
        port: String,
        /// `{host}` and `{port}` are replaced; default `{host}:{port}`.
        format: Option<String>,
    },
    /// A fact about the replica itself.
    Own(SelfField),
}

/// A fact that a replica knows about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum SelfField {
    /// The replica's number, from 0.
    Ordinal,
}

/// The way an [`EnvSource`] is written.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct SourceForm {
    /// The secret that holds the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// The config that holds the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<String>,
    /// The sibling workload whose address is the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// The fact about the replica that is the value.
    #[serde(rename = "self", skip_serializing_if = "Option::is_none")]
    own: Option<SelfField>,
    /// The key in the secret or config.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// The exposed port, with `address`.
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<String>,
    /// The text around `{host}` and `{port}`, with `address`.
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<String>,
}

impl TryFrom<SourceForm> for EnvSource {
    type Error = String;

    fn try_from(form: SourceForm) -> Result<Self, String> {
        let only = |present: &[(&str, bool)]| match present.iter().find(|(_, is_set)| *is_set) {
            Some((field, _)) => Err(format!("`{field}` does not go with this kind of reference")),
            None => Ok(()),
        };
        let (has_key, has_port, has_format) =
            (form.key.is_some(), form.port.is_some(), form.format.is_some());
        match (form.secret, form.config, form.address, form.own) {
            (Some(name), None, None, None) => {
                only(&[("port", has_port), ("format", has_format)])?;
                let key = form.key.ok_or("`key` is missing: which key of the secret?")?;
                Ok(Self::Secret { name, key })
            }
            (None, Some(name), None, None) => {
                only(&[("port", has_port), ("format", has_format)])?;
                let key = form.key.ok_or("`key` is missing: which key of the config?")?;
                Ok(Self::Config { name, key })
            }
            (None, None, Some(workload), None) => {
                only(&[("key", has_key)])?;
                let port = form.port.ok_or("`port` is missing: which exposed port of the workload?")?;
                Ok(Self::Address { workload, port, format: form.format })
            }
            (None, None, None, Some(field)) => {
                only(&[("key", has_key), ("port", has_port), ("format", has_format)])?;
                Ok(Self::Own(field))
            }
            _ => Err("set exactly one of `secret`, `config`, `address` and `self`".to_owned()),
        }
    }
}

impl From<EnvSource> for SourceForm {
    fn from(source: EnvSource) -> Self {
        match source {
            EnvSource::Secret { name, key } => Self { secret: Some(name), key: Some(key), ..Self::default() },
            EnvSource::Config { name, key } => Self { config: Some(name), key: Some(key), ..Self::default() },
            EnvSource::Address { workload, port, format } => {
                Self { address: Some(workload), port: Some(port), format, ..Self::default() }
            }
            EnvSource::Own(field) => Self { own: Some(field), ..Self::default() },
        }
    }
}

impl<'de> Deserialize<'de> for EnvValue {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(crate::AS_WRITTEN, EnvValueVisitor)
    }
}

struct EnvValueVisitor;

impl<'de> Visitor<'de> for EnvValueVisitor {
    type Value = EnvValue;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("text, or a reference such as `{ secret: NAME, key: KEY }`")
    }

    fn visit_newtype_struct<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<EnvValue, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<EnvValue, E> {
        Ok(EnvValue::Text(text.to_owned()))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<EnvValue, E> {
        Ok(EnvValue::Text(value.to_string()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<EnvValue, E> {
        Ok(EnvValue::Text(value.to_string()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<EnvValue, E> {
        Ok(EnvValue::Text(value.to_string()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<EnvValue, E> {
        Ok(EnvValue::Text(value.to_string()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<EnvValue, A::Error> {
        EnvSource::deserialize(MapAccessDeserializer::new(map)).map(EnvValue::From)
    }
}

/// A whole config or secret, each key a variable.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct EnvFrom {
    /// The config whose keys become variables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// The secret whose keys become variables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Text put before each key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
}
