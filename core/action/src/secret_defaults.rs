//! Whether a chart brings secret values of its own, which no record may hold.

use rhumb_chart::{Chart, Values};
use serde_json::{Map, Value};

/// Whether the defaults of the chart, or of a chart inside it, hold something that counts as secret.
pub(crate) fn has_secret_default(chart: &Chart, values: &Values) -> bool {
    values.secrets().any(|path| holds(chart, path.parts()))
}

fn holds(chart: &Chart, path: &[String]) -> bool {
    let Some((first, rest)) = path.split_first() else { return false };
    let is_own = find(chart.default_values(), path).is_some_and(is_something);
    is_own
        || chart
            .subcharts()
            .any(|(key, inside)| (key == first && holds(inside, rest)) || holds_global(inside, path))
}

/// A secret under `global` reaches every subchart, so any of them may bring it.
fn holds_global(chart: &Chart, path: &[String]) -> bool {
    path.first().is_some_and(|first| first == "global") && holds(chart, path)
}

fn find<'v>(values: &'v Map<String, Value>, path: &[String]) -> Option<&'v Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(values.get(first)?, |value, part| match value {
        Value::Object(map) => map.get(part),
        Value::Array(items) => items.get(part.parse::<usize>().ok()?),
        _ => None,
    })
}

fn is_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => items.iter().any(is_something),
        Value::Object(map) => map.values().any(is_something),
        Value::Bool(_) | Value::Number(_) => true,
    }
}
