//! The user's values: read from where they are, and laid over those of the revision before.

use std::fs;

use rhumb_chart::{SetMode, UserValues};
use rhumb_release::Record;
use rhumb_spec::Diagnostic;
use serde_json::{Map, Value};

use crate::{ActionError, ActionResult, ValueInput, ValueInputs, ValueReuse};

/// The values that a chart is merged with, and which of them count as the user's own.
#[derive(Debug)]
pub(crate) struct Laid {
    /// What the chart is merged with.
    pub(crate) values: UserValues,
    /// The keys that the user gave, now or before; none when all of `values` are.
    pub(crate) own: Option<Map<String, Value>>,
}

impl Laid {
    /// What a record keeps as the user's values, out of the sealed form of everything that was given.
    pub(crate) fn stored(&self, sealed: Value) -> Value {
        match &self.own {
            Some(own) => project(sealed, own),
            None => sealed,
        }
    }
}

/// Reads the user's values. Everything wrong with them is told at once.
///
/// # Errors
/// Files that cannot be read or are no mapping, and expressions that are none. No value is shown.
pub(crate) fn read_values(inputs: &ValueInputs) -> ActionResult<UserValues> {
    let mut values = UserValues::new();
    let mut problems = Vec::new();
    for input in &inputs.0 {
        if let Err(found) = read_input(&mut values, input) {
            problems.extend(found);
        }
    }
    if problems.is_empty() { Ok(values) } else { Err(ActionError::Diagnostics(problems)) }
}

fn read_input(values: &mut UserValues, input: &ValueInput) -> Result<(), Vec<Diagnostic>> {
    match input {
        ValueInput::File(path) => {
            let name = path.display().to_string();
            let text = fs::read_to_string(path).map_err(|error| vec![unreadable(&name, &error)])?;
            values.file(&name, &text)
        }
        ValueInput::Text { name, text } => values.file(name, text),
        ValueInput::Set(expression) => set(values, "--set", expression, SetMode::Typed),
        ValueInput::SetString(expression) => set(values, "--set-string", expression, SetMode::Text),
        ValueInput::SetJson(expression) => set(values, "--set-json", expression, SetMode::Json),
        ValueInput::SetFile(expression) => {
            let read = |path: &str| fs::read_to_string(path).map_err(|error| format!("{path}: {error}"));
            set(values, "--set-file", expression, SetMode::File(&read))
        }
    }
}

fn set(
    values: &mut UserValues,
    option: &str,
    expression: &str,
    mode: SetMode<'_>,
) -> Result<(), Vec<Diagnostic>> {
    values.set(expression, mode).map_err(|error| vec![Diagnostic::error("", format!("{option}: {error}"))])
}

fn unreadable(name: &str, error: &std::io::Error) -> Diagnostic {
    Diagnostic::error("", format!("{name}: {error}")).remedy("the path of a YAML file with values")
}

/// Lays new values over those of the revision before, as Helm does.
pub(crate) fn lay(new: UserValues, reuse: ValueReuse, previous: Option<&Record>) -> Laid {
    let Some(previous) = previous else { return Laid { values: new, own: None } };
    match reuse {
        ValueReuse::Auto if new.reveal().is_empty() => Laid { values: stored(&previous.values), own: None },
        ValueReuse::Auto | ValueReuse::Reset => Laid { values: new, own: None },
        ValueReuse::ResetThenReuse => Laid { values: over(&previous.values, new), own: None },
        ValueReuse::Reuse => {
            let user = over(&previous.values, new);
            let own = user.reveal().clone();
            let mut values = stored(&previous.computed);
            values.layer(user);
            Laid { values, own: Some(own) }
        }
    }
}

/// Values that were given now, over those that a record keeps.
pub(crate) fn over(below: &Value, above: UserValues) -> UserValues {
    let mut values = stored(below);
    values.layer(above);
    values
}

fn stored(values: &Value) -> UserValues {
    UserValues::from_stored(values.as_object().cloned().unwrap_or_default())
}

/// What is left of `full` when only the keys of `shape` are kept.
fn project(full: Value, shape: &Map<String, Value>) -> Value {
    let Value::Object(full) = full else { return full };
    let kept = full.into_iter().filter_map(|(key, value)| match shape.get(&key)? {
        Value::Object(below) if value.is_object() => Some((key, project_below(value, below))),
        _ => Some((key, value)),
    });
    Value::Object(kept.collect())
}

fn project_below(value: Value, shape: &Map<String, Value>) -> Value {
    // A sealed value is an object of its own making, and what it stands for is the user's as a whole.
    let is_sealed = value.as_object().is_some_and(|map| map.keys().all(|key| key.starts_with('$')));
    if is_sealed { value } else { project(value, shape) }
}
