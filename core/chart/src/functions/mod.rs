//! The filters and functions that templates have beyond Tera's own, most of them known from Helm.
//!
//! Every one checks what it gets: a value that is not defined, an argument that it does not have, and a secret value
//! where it would be bent, are errors.

mod bounds;
mod collections;
mod encode;
mod logic;
mod numbers;
mod reference;
mod text;

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Map as JsonMap, Value as Json};
use tera::value::Key;
use tera::{Error, Kwargs, Map, State, Tera, TeraResult, Value};

pub use reference::functions_page;

use crate::sealed::has_token;
use crate::strict;

/// What a filter does with a secret value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Secrets {
    /// The secret comes out as it went in, whole.
    Keep,
    /// The filter would change the text that stands for the secret, and refuses it.
    Refuse,
}

/// What a filter does with a value that is not defined.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Undefined {
    Accept,
    Refuse,
}

/// A filter: its name, its arguments, and what it does.
struct Filter {
    name: &'static str,
    arguments: &'static [&'static str],
    secrets: Secrets,
    undefined: Undefined,
    apply: fn(&Value, &Kwargs) -> TeraResult<Value>,
}

impl Filter {
    /// A filter that changes its input, and therefore refuses secrets.
    const fn new(
        name: &'static str,
        arguments: &'static [&'static str],
        apply: fn(&Value, &Kwargs) -> TeraResult<Value>,
    ) -> Self {
        Self { name, arguments, secrets: Secrets::Refuse, undefined: Undefined::Refuse, apply }
    }

    /// A filter that hands secrets on whole.
    const fn keeping(
        name: &'static str,
        arguments: &'static [&'static str],
        apply: fn(&Value, &Kwargs) -> TeraResult<Value>,
    ) -> Self {
        Self { secrets: Secrets::Keep, ..Self::new(name, arguments, apply) }
    }

    const fn accepting_undefined(self) -> Self {
        Self { undefined: Undefined::Accept, ..self }
    }

    fn check(&self, value: &Value, arguments: &Kwargs) -> TeraResult<()> {
        check_arguments(self.name, self.arguments, arguments)?;
        if value.is_undefined() && self.undefined == Undefined::Refuse {
            return Err(Error::message(format!("the value given to `{}` is not defined", self.name)));
        }
        bounds::size(self.name, value)?;
        if self.secrets == Secrets::Refuse {
            refuse_secret(self.name, value)?;
            for (_, argument) in arguments.iter() {
                refuse_secret(self.name, argument)?;
            }
        }
        Ok(())
    }
}

/// What all `~` of one chart's templates may put together, in bytes.
const MAX_JOINED_BYTES: usize = 512 << 20;

/// Every filter, by what it works on.
const FILTER_TABLES: [&[Filter]; 5] =
    [text::FILTERS, encode::FILTERS, logic::FILTERS, collections::FILTERS, numbers::FILTERS];

/// Registers every filter and the functions that need nothing of the chart.
pub(crate) fn register(tera: &mut Tera) {
    for filter in FILTER_TABLES.into_iter().flatten() {
        tera.register_filter(filter.name, move |value: Value, arguments: Kwargs, _: &State<'_>| {
            filter.check(&value, &arguments)?;
            (filter.apply)(&value, &arguments)
        });
    }
    // Every text that `~` puts together is as long as its operands, and all of them come through here.
    let left = AtomicUsize::new(MAX_JOINED_BYTES);
    let operand = move |value: Value, _: Kwargs, _: &State<'_>| {
        if value.is_undefined() {
            return Err(Error::message(format!("the value given to `{}` is not defined", strict::OPERAND)));
        }
        let size = bounds::size("~", &value)?;
        let spent = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(size));
        spent.map_err(|_| {
            Error::message(format!("`~` puts together more than {} MiB", MAX_JOINED_BYTES >> 20))
        })?;
        Ok(value)
    };
    tera.register_filter(strict::OPERAND, operand);
    tera.register_filter(strict::COMPARED, |value: Value, _: Kwargs, _: &State<'_>| {
        if value.as_str().is_some_and(has_token) {
            return Err(Error::message(
                "a secret value cannot be compared: all that can be asked is whether it is empty, with `\"\"`",
            ));
        }
        Ok(value)
    });
    logic::register(tera);
    collections::register(tera);
}

/// The names of all filters, for suggestions.
pub(crate) fn filter_names() -> impl Iterator<Item = &'static str> {
    FILTER_TABLES.into_iter().flatten().map(|filter| filter.name).chain(BUILT_IN)
}

/// Tera's own filters that are not replaced here.
const BUILT_IN: [&str; 20] = [
    "safe",
    "escape",
    "escape_html",
    "escape_xml",
    "newlines_to_br",
    "pluralize",
    "int",
    "float",
    "abs",
    "round",
    "first",
    "last",
    "nth",
    "join",
    "sort",
    "unique",
    "get",
    "values",
    "keys",
    "pairs",
];

/// The names of all functions, for suggestions.
pub(crate) const FUNCTIONS: [&str; 11] = [
    "include",
    "file",
    "file_base64",
    "glob",
    "dict",
    "list",
    "coalesce",
    "ternary",
    "fail",
    "range",
    "throw",
];

/// Refuses arguments that do not exist, and values in them that are not defined.
pub(crate) fn check_arguments(name: &str, known: &[&str], arguments: &Kwargs) -> TeraResult<()> {
    for (key, value) in arguments.iter() {
        let key = key.as_str().unwrap_or_default();
        if !known.contains(&key) {
            let has = match known {
                [] => "it has none".to_owned(),
                known => format!("it has `{}`", known.join("`, `")),
            };
            return Err(Error::message(format!("`{name}` has no argument `{key}`; {has}")));
        }
        if value.is_undefined() {
            return Err(Error::message(format!("the argument `{key}` of `{name}` is not defined")));
        }
    }
    Ok(())
}

/// Refuses text that stands for a secret.
fn refuse_secret(name: &str, value: &Value) -> TeraResult<()> {
    if value.as_str().is_some_and(has_token) {
        return Err(Error::message(format!(
            "a secret value cannot go through `{name}`: it may only be used, as it is, in the data of a Secret"
        )));
    }
    Ok(())
}

/// Text of a scalar. Maps and lists have none.
fn text_of(name: &str, value: &Value) -> TeraResult<String> {
    if value.is_map() || value.is_array() {
        return Err(Error::message(format!("`{name}` takes text, and this is a {}", value.name())));
    }
    Ok(value.to_string())
}

fn map_of<'v>(name: &str, value: &'v Value) -> TeraResult<&'v Map> {
    value
        .as_map()
        .ok_or_else(|| Error::message(format!("`{name}` takes a map, and this is a {}", value.name())))
}

fn list_of<'v>(name: &str, value: &'v Value) -> TeraResult<&'v [Value]> {
    value
        .as_array()
        .ok_or_else(|| Error::message(format!("`{name}` takes a list, and this is a {}", value.name())))
}

/// A value as JSON.
///
/// # Errors
/// What is not defined, at any depth.
fn to_json(name: &str, value: &Value) -> TeraResult<Json> {
    if value.is_undefined() {
        return Err(Error::message(format!("a value given to `{name}` is not defined")));
    }
    if let Some(map) = value.as_map() {
        let entries = map.iter().map(|(key, value)| Ok((key.to_string(), to_json(name, value)?)));
        return entries.collect::<TeraResult<JsonMap<_, _>>>().map(Json::Object);
    }
    if let Some(items) = value.as_array() {
        return items.iter().map(|item| to_json(name, item)).collect::<TeraResult<_>>().map(Json::Array);
    }
    serde_json::to_value(value).map_err(|error| Error::message(format!("`{name}`: {error}")))
}

/// A value from JSON.
pub(crate) fn from_json(json: &Json) -> Value {
    Value::from_serializable(json)
}

fn key(text: &str) -> Key<'static> {
    Key::from(text.to_owned())
}

#[cfg(test)]
mod tests;
