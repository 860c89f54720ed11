//! Filters that turn values into text of some form, and back.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rhumb_spec::yaml;
use sha2::{Digest, Sha256};
use tera::{Error, TeraResult, Value};

use crate::sealed::hex;

use super::{Filter, from_json, text_of, to_json};

pub(super) const FILTERS: &[Filter] = &[
    Filter::keeping("to_yaml", &[], |value, _| {
        let json = to_json("to_yaml", value)?;
        let text = yaml::to_string(&json).map_err(|error| Error::message(format!("`to_yaml`: {error}")))?;
        Ok(text.trim_end_matches('\n').into())
    }),
    Filter::keeping("to_json", &[], |value, _| Ok(to_json("to_json", value)?.to_string().into())),
    Filter::keeping("to_pretty_json", &[], |value, _| {
        Ok(format!("{:#}", to_json("to_pretty_json", value)?).into())
    }),
    Filter::new("from_yaml", &[], |value, _| {
        let parsed = yaml::value_from_str(&text_of("from_yaml", value)?);
        let json = parsed
            .map_err(|error| Error::message(format!("`from_yaml`: this is not valid YAML: {error}")))?;
        Ok(from_json(&json))
    }),
    Filter::new("from_json", &[], |value, _| {
        let parsed: Result<serde_json::Value, _> = serde_json::from_str(&text_of("from_json", value)?);
        let json =
            parsed.map_err(|error| Error::message(format!("`from_json`: this is no JSON: {error}")))?;
        Ok(from_json(&json))
    }),
    Filter::new("b64encode", &[], |value, _| Ok(BASE64_STANDARD.encode(text_of("b64encode", value)?).into())),
    Filter::new("b64decode", &[], |value, _| b64decode(&text_of("b64decode", value)?)),
    Filter::new("sha256", &[], |value, _| Ok(hex(&Sha256::digest(text_of("sha256", value)?)).into())),
    Filter::new("url_encode", &[], |value, _| Ok(url_encoded(&text_of("url_encode", value)?).into())),
];

fn b64decode(text: &str) -> TeraResult<Value> {
    let bytes =
        BASE64_STANDARD.decode(text.trim()).map_err(|_| Error::message("`b64decode`: this is no base64"))?;
    let text =
        String::from_utf8(bytes).map_err(|_| Error::message("`b64decode`: what comes out is no text"))?;
    Ok(text.into())
}

fn url_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => {
                // Writing to a text does not fail.
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}
