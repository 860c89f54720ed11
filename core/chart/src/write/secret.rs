//! Secrets, whose material comes from values.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use rhumb_spec::model::Secret;
use rhumb_spec::yaml::{self, WriteError};
use serde_json::{Map, Value};

use super::json;
use super::template::escape;
use super::value::Extracted;

/// The template of a secret. Without its values it must exist already: that an empty one takes the place of the real
/// one is what nobody wants.
pub(super) fn text(
    name: &str,
    secret: &Secret,
    empty: &BTreeSet<String>,
    values: &mut Extracted,
) -> Result<String, WriteError> {
    let mut head = Map::new();
    head.insert("kind".to_owned(), "Secret".into());
    head.insert("name".to_owned(), name.into());
    let mut rest = json(secret);
    rest.shift_remove("data");
    let mut data = String::new();
    let mut missing = Vec::new();
    for (key, sealed) in &secret.data {
        let key_text = yaml::to_string(key)?;
        let value = if empty.contains(sealed.id()) {
            "\"\"".to_owned()
        } else {
            let path = values.secret(name, key, sealed.id()).join(".");
            missing.push(format!("values.{path} == \"\""));
            format!("{{{{ values.{path} | quote }}}}")
        };
        let _ = writeln!(data, "  {}: {value}", escape(key_text.trim_end()));
    }
    let mut text = escape(&yaml::to_string(&Value::Object(head))?);
    let mut content = String::new();
    if !data.is_empty() {
        content.push_str("data:\n");
        content.push_str(&data);
    }
    if !rest.is_empty() {
        content.push_str(&escape(&yaml::to_string(&Value::Object(rest))?));
    }
    if missing.is_empty() {
        text.push_str(&content);
        return Ok(text);
    }
    text.push_str("{%- if ");
    text.push_str(&missing.join(" or "));
    text.push_str(
        " %}\n# Not every value of it is given, so it must exist already.\nexternal: true\n{%- else %}\n",
    );
    text.push_str(&content);
    text.push_str("{%- endif %}\n");
    Ok(text)
}
