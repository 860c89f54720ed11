//! Which subcharts take part: conditions and tags, as in Helm.

use std::collections::BTreeSet;

use rhumb_spec::Diagnostic;
use serde_json::{Map, Value};

use crate::chart::{Chart, Subchart};
use crate::schema::ValuePath;

/// The subcharts that take part, by the keys that lead to their values.
#[derive(Clone, Debug)]
pub(crate) enum Enabled {
    /// Every one, whatever conditions say.
    All,
    /// Those that conditions and tags leave.
    Some(BTreeSet<ValuePath>),
}

impl Enabled {
    /// Decides by the merged values of all charts.
    ///
    /// Tags are looked up in `tags` of the topmost chart's values: a dependency all of whose known tags are false is
    /// left out. The first path of a condition that leads to a boolean decides over tags.
    pub(crate) fn of(chart: &Chart, values: &Map<String, Value>, warnings: &mut Vec<Diagnostic>) -> Self {
        let mut enabled = BTreeSet::new();
        let tags = values.get("tags").and_then(Value::as_object);
        let values = Value::Object(values.clone());
        decide(chart, Some(&values), tags, &ValuePath::default(), &mut enabled, warnings);
        Self::Some(enabled)
    }

    /// Whether the subchart whose values are at this path takes part.
    pub(crate) fn contains(&self, path: &ValuePath) -> bool {
        match self {
            Self::All => true,
            Self::Some(enabled) => enabled.contains(path),
        }
    }
}

fn decide(
    chart: &Chart,
    values: Option<&Value>,
    tags: Option<&Map<String, Value>>,
    at: &ValuePath,
    enabled: &mut BTreeSet<ValuePath>,
    warnings: &mut Vec<Diagnostic>,
) {
    for subchart in &chart.subcharts {
        let path = at.child(&subchart.key);
        let by_condition = condition(subchart, values, at, warnings);
        if by_condition.unwrap_or_else(|| by_tags(subchart, tags)) {
            let inner = values.and_then(|values| values.get(&subchart.key));
            decide(&subchart.chart, inner, tags, &path, enabled, warnings);
            enabled.insert(path);
        }
    }
}

fn condition(
    subchart: &Subchart,
    values: Option<&Value>,
    at: &ValuePath,
    warnings: &mut Vec<Diagnostic>,
) -> Option<bool> {
    subchart.condition.iter().find_map(|path| {
        let value = path.split('.').try_fold(values?, |value, key| value.get(key))?;
        if value.as_bool().is_none() {
            let at = path.split('.').fold(at.clone(), |at, key| at.child(key));
            warnings.push(
                Diagnostic::warning(at.to_string(), format!("`{at}` is no boolean, and is left aside"))
                    .why(format!("it is the condition of the dependency `{}`", subchart.key))
                    .remedy("true or false"),
            );
        }
        value.as_bool()
    })
}

fn by_tags(subchart: &Subchart, tags: Option<&Map<String, Value>>) -> bool {
    let known: Vec<bool> =
        subchart.tags.iter().filter_map(|tag| tags.and_then(|tags| tags.get(tag))?.as_bool()).collect();
    known.is_empty() || known.contains(&true)
}
