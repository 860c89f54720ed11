//! A value against a type.

use serde_json::Value;

use super::types::{Declared, Need, Property, Types};
use crate::pattern::pattern;

impl Types {
    /// What a type does not take of a value. The type is named as in `app.App` or `app.App[]`.
    pub(in crate::marathon) fn check(&self, name: &str, value: &Value) -> Vec<String> {
        let (library, expression) = name.split_once('.').unwrap_or(("", name));
        let mut found = Vec::new();
        self.expression(library, expression, value, (String::new(), &mut found));
        found
    }

    /// A value against a declaration: an expression, or an object of facets.
    fn declaration(
        &self,
        library: &str,
        declaration: &Value,
        value: &Value,
        (path, found): (String, &mut Vec<String>),
    ) {
        match declaration {
            Value::String(expression) => self.expression(library, expression, value, (path, found)),
            Value::Object(facets) => {
                if let Some(base) = facets.get("type").and_then(Value::as_str) {
                    let is_extended = facets.contains_key("properties");
                    if !is_extended {
                        self.expression(library, base, value, (path.clone(), found));
                    }
                }
                if let Some(properties) =
                    facets.contains_key("properties").then(|| self.properties(library, declaration)).flatten()
                {
                    self.object(&properties, value, (path.clone(), found));
                }
                if let (Some(items), Some(members)) = (facets.get("items"), value.as_array()) {
                    for (index, member) in members.iter().enumerate() {
                        self.declaration(library, items, member, (format!("{path}/{index}"), found));
                    }
                }
                facets_hold(declaration, value, &path, found);
            }
            _ => {}
        }
    }

    fn expression(
        &self,
        library: &str,
        expression: &str,
        value: &Value,
        (path, found): (String, &mut Vec<String>),
    ) {
        let expression = unwrapped(expression);
        let alternatives: Vec<&str> = expression.split('|').map(str::trim).collect();
        if alternatives.len() > 1 {
            let tried = alternatives.iter().map(|alternative| {
                let mut inner = Vec::new();
                self.expression(library, alternative, value, (path.clone(), &mut inner));
                inner
            });
            found.extend(tried.min_by_key(Vec::len).unwrap_or_default());
            return;
        }
        if let Some(of) = expression.strip_suffix("[]") {
            let Some(members) = value.as_array() else {
                found.push(format!("{path}: an array is expected"));
                return;
            };
            for (index, member) in members.iter().enumerate() {
                self.expression(library, of, member, (format!("{path}/{index}"), found));
            }
            return;
        }
        if let Some(is_kind) = builtin(expression, value) {
            if !is_kind {
                found.push(format!("{path}: {expression} is expected"));
            }
            return;
        }
        let Some(declared) = self.find(library, expression) else {
            found.push(format!("{path}: the type {expression} is not known"));
            return;
        };
        let declared: Declared<'_> = self.variant(declared, value).unwrap_or(declared);
        self.declaration(declared.library, declared.declaration, value, (path, found));
    }

    fn object(&self, properties: &[Property<'_>], value: &Value, (path, found): (String, &mut Vec<String>)) {
        let Some(fields) = value.as_object() else {
            found.push(format!("{path}: an object is expected"));
            return;
        };
        for property in properties.iter().filter(|property| property.need == Need::Required) {
            if !fields.contains_key(property.name) {
                found.push(format!("{path}/{}: is missing", property.name));
            }
        }
        for (name, value) in fields {
            let path = format!("{path}/{name}");
            let property = properties.iter().find(|property| takes(property.name, name));
            match property {
                None => found.push(format!("{path}: is no field")),
                // What may be left out may be null as well.
                Some(property) if value.is_null() && property.need == Need::Optional => {}
                Some(property) => {
                    self.declaration(property.library, property.declaration, value, (path, found));
                }
            }
        }
    }
}

/// Whether a property's name or pattern is that of a field.
fn takes(property: &str, field: &str) -> bool {
    match property.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) {
        Some(text) => pattern(text).is_some_and(|held| held.is_match(field)),
        None => property == field,
    }
}

fn unwrapped(expression: &str) -> &str {
    let trimmed = expression.trim();
    trimmed.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).map_or(trimmed, str::trim)
}

/// Whether a value is of a type that RAML itself knows; none for other types.
fn builtin(name: &str, value: &Value) -> Option<bool> {
    Some(match name {
        "string" => value.is_string(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "nil" => value.is_null(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        "datetime" => value.as_str().is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok()),
        "any" => true,
        _ => return None,
    })
}

/// The bounds that a declaration sets.
fn facets_hold(facets: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    if let (Some(allowed), Some(text)) = (facets["enum"].as_array(), value.as_str()) {
        // Marathon reads enumerations in any case.
        let is_known = allowed.iter().filter_map(Value::as_str).any(|known| known.eq_ignore_ascii_case(text));
        if !is_known {
            found.push(format!("{path}: {text} is none of the known values"));
        }
    }
    if let (Some(wanted), Some(text)) = (facets["pattern"].as_str(), value.as_str()) {
        let is_matched = pattern(wanted).is_some_and(|held| held.is_match(text));
        if !is_matched {
            found.push(format!("{path}: {text} does not match {wanted}"));
        }
    }
    for (measure, measured) in measures(value) {
        let bound = |side: &str| facets[format!("{side}{measure}")].as_f64();
        if let Some(least) = bound("min").filter(|least| measured < *least) {
            found.push(format!("{path}: {measured} is below the least, {least}"));
        }
        if let Some(most) = bound("max").filter(|most| measured > *most) {
            found.push(format!("{path}: {measured} is above the most, {most}"));
        }
    }
    if let (true, Some(members)) = (facets["uniqueItems"] == Value::Bool(true), value.as_array()) {
        let is_repeated = members.iter().enumerate().any(|(index, member)| members[..index].contains(member));
        if is_repeated {
            found.push(format!("{path}: a member is there twice"));
        }
    }
}

/// What bounds are about: the end of their names, and how much of it there is.
fn measures(value: &Value) -> Vec<(&'static str, f64)> {
    let number = value.as_f64().map(|number| ("imum", number));
    let length = value.as_str().map(|text| ("Length", as_number(text.chars().count())));
    let size = value.as_array().map(|members| ("Items", as_number(members.len())));
    [number, length, size].into_iter().flatten().collect()
}

#[expect(clippy::cast_precision_loss, reason = "lengths are far below what a double can count")]
fn as_number(length: usize) -> f64 {
    length as f64
}
