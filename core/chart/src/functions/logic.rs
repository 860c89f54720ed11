//! Filters and functions that choose between values.

use semver::Version;
use tera::{Error, Kwargs, State, Tera, TeraResult, Value};

use super::{Filter, check_arguments, refuse_secret, text_of};
use crate::version::VersionRange;

pub(super) const FILTERS: &[Filter] = &[
    Filter::keeping("default", &["value", "boolean"], |value, arguments| {
        let fallback = arguments.must_get::<Value>("value")?;
        let missing = if arguments.get::<bool>("boolean")?.unwrap_or(false) {
            !value.is_truthy()
        } else {
            value.is_undefined() || value.is_none()
        };
        Ok(if missing { fallback } else { value.clone() })
    })
    .accepting_undefined(),
    Filter::keeping("required", &["message"], |value, arguments| {
        if is_empty(value) {
            return Err(message("required", arguments)?);
        }
        Ok(value.clone())
    })
    .accepting_undefined(),
    Filter::keeping("ternary", &["yes", "no"], |value, arguments| {
        arguments.must_get::<Value>(if value.is_truthy() { "yes" } else { "no" })
    }),
    Filter::new("semver_compare", &["range"], |value, arguments| {
        let (version, range) = (text_of("semver_compare", value)?, arguments.must_get::<&str>("range")?);
        let version = Version::parse(version.trim_start_matches('v'))
            .map_err(|error| Error::message(format!("`{version}` is no version: {error}")))?;
        let range = VersionRange::parse(range).map_err(Error::message)?;
        Ok(range.contains(&version).into())
    }),
];

pub(super) fn register(tera: &mut Tera) {
    tera.register_function("coalesce", |arguments: Kwargs, _: &State<'_>| coalesce(&arguments));
    tera.register_function("ternary", |arguments: Kwargs, _: &State<'_>| {
        check_arguments("ternary", &["condition", "yes", "no"], &arguments)?;
        let condition = arguments.must_get::<Value>("condition")?;
        arguments.must_get::<Value>(if condition.is_truthy() { "yes" } else { "no" })
    });
    for name in ["fail", "throw"] {
        tera.register_function(name, move |arguments: Kwargs, _: &State<'_>| {
            check_arguments(name, &["message"], &arguments)?;
            Err::<Value, _>(message(name, &arguments)?)
        });
    }
    tera.register_function("dict", |arguments: Kwargs, _: &State<'_>| {
        let mut map = tera::Map::new();
        for (key, value) in arguments.iter() {
            if value.is_undefined() {
                return Err(Error::message(format!("the argument `{key}` of `dict` is not defined")));
            }
            map.insert(key.clone(), value.clone());
        }
        Ok(Value::from(map))
    });
    tera.register_function("list", |arguments: Kwargs, _: &State<'_>| {
        check_arguments("list", &["items"], &arguments)?;
        Ok::<_, Error>(arguments.get::<Vec<Value>>("items")?.unwrap_or_default())
    });
}

/// The error that an author asks for. It must not tell a secret.
fn message(name: &str, arguments: &Kwargs) -> TeraResult<Error> {
    let message = arguments.must_get::<Value>("message")?;
    refuse_secret(name, &message)?;
    Ok(Error::message(text_of(name, &message)?))
}

/// The first value that is defined and not empty.
fn coalesce(arguments: &Kwargs) -> TeraResult<Value> {
    check_arguments("coalesce", &["values"], arguments)?;
    let values = arguments.must_get::<Vec<Value>>("values")?;
    let found = values.into_iter().find(|value| !is_empty(value));
    found.ok_or_else(|| Error::message("none of the values given to `coalesce` is there"))
}

/// Whether there is nothing: not defined, null, or text without characters.
fn is_empty(value: &Value) -> bool {
    value.is_undefined() || value.is_none() || value.as_str() == Some("")
}
