//! Values: what a person gives, merged with what charts bring, checked against their schemas.

mod option;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use rhumb_spec::yaml::{Node, NodeKind};
use rhumb_spec::{Diagnostic, Place};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::chart::{Chart, VALUES_FILE, parse_values};
use crate::dependencies::Enabled;
use crate::merge::{self, SEALED_KEY, sealed_id};
use crate::schema::{ValuePath, Violation};
use crate::sealed::{SealedContent, Sealing, Tokens};
use crate::set::{SetError, SetMode, set};
use option::{OptionPaths, option_of};

/// The values that a person gives, in the order in which they are given: later ones win.
///
/// A null deletes the key that a chart brings. `Debug` shows no value.
#[derive(Clone, Default)]
pub struct UserValues {
    values: Map<String, Value>,
    /// The files they came from, the last one first in rank.
    sources: Vec<(String, Arc<Node>)>,
    options: OptionPaths,
}

impl fmt::Debug for UserValues {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.values.keys()).finish()
    }
}

impl UserValues {
    /// No values.
    pub fn new() -> Self {
        Self::default()
    }

    /// The values that a release stored, as [`Values::sealed_json`] wrote them.
    pub fn from_stored(values: Map<String, Value>) -> Self {
        Self { values, ..Self::default() }
    }

    /// Lays the content of a file of values (`-f`) upon them. `name` is how diagnostics name the file.
    ///
    /// # Errors
    /// What is no YAML, or no mapping.
    pub fn file(&mut self, name: &str, text: &str) -> Result<(), Vec<Diagnostic>> {
        if let Some(node) = parse_values(name, text)? {
            if let Value::Object(values) = node.to_value() {
                merge::layer(&mut self.values, values);
            }
            self.sources.push((name.to_owned(), Arc::new(node)));
        }
        Ok(())
    }

    /// Sets what an expression of `--set` or its kin says.
    pub fn set(&mut self, expression: &str, mode: SetMode<'_>) -> Result<(), SetError> {
        self.options.note(expression, mode);
        set(&mut self.values, expression, mode)
    }

    /// Lays other values upon them.
    pub fn layer(&mut self, over: Self) {
        merge::layer(&mut self.values, over.values);
        self.sources.extend(over.sources);
        self.options.extend(over.options);
    }

    /// The values with secrets in them. Handle with care.
    pub fn reveal(&self) -> &Map<String, Value> {
        &self.values
    }
}

/// The values of a chart and its subcharts, merged, checked, and with the secret ones known.
///
/// `Debug` shows no value.
#[derive(Clone)]
pub struct Values {
    user: Map<String, Value>,
    merged: Map<String, Value>,
    secrets: BTreeSet<ValuePath>,
    enabled: Enabled,
    warnings: Vec<Diagnostic>,
}

impl fmt::Debug for Values {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secrets: Vec<String> = self.secrets.iter().map(ToString::to_string).collect();
        formatter.debug_struct("Values").field("secrets", &secrets).finish_non_exhaustive()
    }
}

impl Values {
    /// Whether the subchart at this path of keys takes part.
    pub(crate) fn is_enabled(&self, path: &ValuePath) -> bool {
        self.enabled.contains(path)
    }

    /// What is odd about the values, and stops nothing.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// The values that were given, without what charts bring. Handle with care.
    pub(crate) fn given(&self) -> &Map<String, Value> {
        &self.user
    }

    /// The paths of the secret values.
    pub fn secrets(&self) -> impl Iterator<Item = &ValuePath> {
        self.secrets.iter()
    }

    /// The values that were given, for a release's record: each secret one is `{"$sealed": "<id>"}`.
    ///
    /// What an earlier revision sealed stays as it is.
    pub fn sealed_json(&self, sealing: &Sealing) -> Value {
        self.hidden(&self.user, sealing)
    }

    /// All values, as templates see them, for showing: each secret one is `{"$sealed": "<id>"}`.
    pub fn sealed_merged(&self, sealing: &Sealing) -> Value {
        self.hidden(&self.merged, sealing)
    }

    fn hidden(&self, values: &Map<String, Value>, sealing: &Sealing) -> Value {
        let mut values = Value::Object(values.clone());
        replace_secrets(&mut values, &self.secrets, &mut |path, content| {
            let id = match content {
                SealedContent::Material(material) => sealing.id(path, material.as_bytes()),
                SealedContent::Id(id) => id,
            };
            json!({ SEALED_KEY: id })
        });
        values
    }

    /// All values with a token in the place of each secret one.
    pub(crate) fn with_tokens(&self) -> (Value, Tokens) {
        let mut tokens = Tokens::default();
        let mut values = Value::Object(self.merged.clone());
        replace_secrets(&mut values, &self.secrets, &mut |path, content| {
            Value::String(tokens.seal(path, content))
        });
        (values, tokens)
    }
}

/// Replaces each scalar at or below a secret path, and each that was sealed before.
fn replace_secrets(
    values: &mut Value,
    secrets: &BTreeSet<ValuePath>,
    replace: &mut dyn FnMut(&str, SealedContent) -> Value,
) {
    replace_at(values, &ValuePath::default(), false, secrets, replace);
}

fn replace_at(
    value: &mut Value,
    at: &ValuePath,
    secret: bool,
    secrets: &BTreeSet<ValuePath>,
    replace: &mut dyn FnMut(&str, SealedContent) -> Value,
) {
    let secret = secret || secrets.contains(at);
    if let Some(id) = sealed_id(value) {
        *value = replace(&at.to_string(), SealedContent::Id(id.to_owned()));
        return;
    }
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                replace_at(value, &at.child(key), secret, secrets, replace);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                replace_at(item, &at.child(&index.to_string()), secret, secrets, replace);
            }
        }
        // Nothing is no secret, and templates ask whether something was given.
        Value::Null => {}
        Value::String(text) if text.is_empty() => {}
        scalar if secret => {
            let material = match scalar {
                Value::String(text) => std::mem::take(text),
                ref other => other.to_string(),
            };
            *scalar = replace(&at.to_string(), SealedContent::Material(Zeroizing::new(material)));
        }
        _ => {}
    }
}

impl Chart {
    /// Merges values as Helm does and checks them against the schemas of the chart and its subcharts.
    ///
    /// The chart's defaults come first, then what it sets for its subcharts, then what was given; `global` reaches
    /// every subchart; a null deletes the key that it overrides. Where a schema takes text, a plain scalar of a file
    /// counts as it was written (`1.10`).
    ///
    /// # Errors
    /// Values of a subchart that are no map, and everything that the schemas refuse. Secret values are not shown.
    pub fn values(&self, user: UserValues) -> Result<Values, Vec<Diagnostic>> {
        let (values, problems) = self.merge(user)?;
        if problems.is_empty() { Ok(values) } else { Err(problems) }
    }

    /// Merges values, and says beside them what the schemas refuse.
    ///
    /// # Errors
    /// What cannot be merged.
    pub(crate) fn merge(&self, user: UserValues) -> Result<(Values, Vec<Diagnostic>), Vec<Diagnostic>> {
        let mut problems = Vec::new();
        let UserValues { mut values, sources, options } = user;
        let mut all = coalesce(self, &values, &ValuePath::default(), &Enabled::All, &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        let texts = texts_as_written(self, &all, &sources);
        let mut warnings = Vec::new();
        let enabled = Enabled::of(self, &all, &mut warnings);
        let mut clashes = Vec::new();
        let mut merged = coalesce(self, &values, &ValuePath::default(), &enabled, &mut clashes);
        for map in [&mut values, &mut all, &mut merged] {
            write_texts(map, &texts);
        }
        warnings.extend(clashing(self, &values));
        let secrets = secrets(self, &all);
        let problems = check(self, &merged, &enabled, &secrets, (&sources, &options));
        Ok((Values { user: values, merged, secrets, enabled, warnings }, problems))
    }
}

/// Lays what was given for a chart over its defaults, and likewise in its subcharts.
fn coalesce(
    chart: &Chart,
    over: &Map<String, Value>,
    at: &ValuePath,
    enabled: &Enabled,
    problems: &mut Vec<Diagnostic>,
) -> Map<String, Value> {
    let mut values = over.clone();
    merge::fill(&mut values, &chart.defaults);
    for subchart in &chart.subcharts {
        let path = at.child(&subchart.key);
        if !enabled.contains(&path) {
            continue;
        }
        let mut inner = match values.get(&subchart.key) {
            Some(Value::Object(inner)) => inner.clone(),
            None | Some(Value::Null) => Map::new(),
            Some(_) => {
                problems.push(
                    Diagnostic::error(path.to_string(), format!("`{path}` must be a map"))
                        .why(format!("it holds the values of the subchart `{}`", subchart.key)),
                );
                continue;
            }
        };
        pass_globals(&mut inner, &values);
        let inner = coalesce(&subchart.chart, &inner, &path, enabled, problems);
        values.insert(subchart.key.clone(), Value::Object(inner));
    }
    merge::delete_nulls(&mut values, over);
    values
}

/// Gives a subchart the globals of the chart around it, which win over its own.
fn pass_globals(inner: &mut Map<String, Value>, outer: &Map<String, Value>) {
    let Some(Value::Object(globals)) = outer.get("global") else { return };
    let slot = inner.entry("global").or_insert_with(|| Value::Object(Map::new()));
    if !slot.is_object() {
        *slot = Value::Object(Map::new());
    }
    if let Value::Object(inner) = slot {
        merge::layer(inner, globals.clone());
    }
}

/// Warns where a map meets something that is none.
fn clashing(chart: &Chart, user: &Map<String, Value>) -> Vec<Diagnostic> {
    let clashes = merge::fill(&mut user.clone(), &chart.defaults);
    let warn = |path: String| {
        Diagnostic::warning(
            path.clone(),
            format!(
                "`{path}` is a map in one of the given values and the chart's defaults, and none in the other"
            ),
        )
        .why("the given value replaces the default as a whole")
    };
    clashes.into_iter().map(warn).collect()
}

/// The paths of secret values: what a schema marks, what was sealed before, and every copy of a secret global.
fn secrets(chart: &Chart, values: &Map<String, Value>) -> BTreeSet<ValuePath> {
    let mut secrets = BTreeSet::new();
    let mut globals = BTreeSet::new();
    let mut scopes = Vec::new();
    each_scope(chart, values, &ValuePath::default(), &mut |chart, values, at| {
        scopes.push(at.clone());
        let Some(schema) = &chart.schema else { return };
        for path in schema.secrets(values, at) {
            if let Some(["global", ..]) =
                path.parts().get(at.parts().len()..).map(first_as_str).as_ref().map(|f| &f[..])
            {
                globals.insert(path.parts()[at.parts().len()..].to_vec());
            }
            secrets.insert(path);
        }
    });
    for scope in &scopes {
        for global in &globals {
            secrets.insert(scope.parts().iter().chain(global).cloned().collect());
        }
    }
    sealed_paths(&Value::Object(values.clone()), &ValuePath::default(), &mut secrets);
    secrets
}

fn first_as_str(parts: &[String]) -> Vec<&str> {
    parts.iter().map(String::as_str).collect()
}

fn sealed_paths(value: &Value, at: &ValuePath, found: &mut BTreeSet<ValuePath>) {
    if sealed_id(value).is_some() {
        found.insert(at.clone());
        return;
    }
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| sealed_paths(value, &at.child(key), found)),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                sealed_paths(item, &at.child(&index.to_string()), found);
            }
        }
        _ => {}
    }
}

/// Calls `see` for a chart and all inside it, with the values of each.
fn each_scope(
    chart: &Chart,
    values: &Map<String, Value>,
    at: &ValuePath,
    see: &mut dyn FnMut(&Chart, &Value, &ValuePath),
) {
    see(chart, &Value::Object(values.clone()), at);
    for subchart in &chart.subcharts {
        if let Some(Value::Object(values)) = values.get(&subchart.key) {
            each_scope(&subchart.chart, values, &at.child(&subchart.key), see);
        }
    }
}

fn check(
    chart: &Chart,
    merged: &Map<String, Value>,
    enabled: &Enabled,
    secrets: &BTreeSet<ValuePath>,
    (sources, options): (&[(String, Arc<Node>)], &OptionPaths),
) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    each_scope(chart, merged, &ValuePath::default(), &mut |inner, values, at| {
        let Some(schema) = inner.schema.as_ref().filter(|_| at.parts().is_empty() || enabled.contains(at))
        else {
            return;
        };
        let mut values = values.clone();
        let mut sealed = BTreeSet::new();
        sealed_paths(&values, at, &mut sealed);
        unmark(&mut values);
        for violation in schema.check(&values, at, secrets) {
            // What was sealed before was checked before, and cannot be seen any more.
            if !sealed.iter().any(|sealed| sealed.leads_to(&violation.path)) {
                let given = option_of(&violation, merged, sources, options);
                problems.push(diagnose(violation, given, chart, sources));
            }
        }
    });
    problems
}

/// Puts text where a value was sealed before.
fn unmark(value: &mut Value) {
    if sealed_id(value).is_some() {
        *value = Value::String("sealed".to_owned());
        return;
    }
    match value {
        Value::Object(map) => map.values_mut().for_each(unmark),
        Value::Array(items) => items.iter_mut().for_each(unmark),
        _ => {}
    }
}

fn diagnose(
    violation: Violation,
    given: Option<String>,
    chart: &Chart,
    sources: &[(String, Arc<Node>)],
) -> Diagnostic {
    let mut problem = Diagnostic::error(violation.path.to_string(), violation.what);
    problem.remedy = violation.remedy;
    if let Some(option) = given {
        return problem.why(format!("given with `{option}`; {}", violation.why));
    }
    problem.place = written(chart, sources, &violation.path).map(|(file, node)| Place {
        file,
        line: node.line,
        column: Some(node.column),
    });
    problem.why(violation.why)
}

/// Where a value was written: in the last file that has it, or in the defaults of a chart.
fn written<'n>(
    chart: &'n Chart,
    sources: &'n [(String, Arc<Node>)],
    path: &ValuePath,
) -> Option<(String, &'n Node)> {
    let given =
        sources.iter().rev().find_map(|(file, node)| Some((file.clone(), descend(node, path.parts())?)));
    given.or_else(|| default_of(chart, path.parts()))
}

fn default_of<'n>(chart: &'n Chart, parts: &[String]) -> Option<(String, &'n Node)> {
    let own = chart.defaults_node.as_deref().and_then(|node| descend(node, parts));
    if let Some(node) = own.filter(|_| !parts.is_empty()) {
        return Some((format!("{}{VALUES_FILE}", chart.folder), node));
    }
    let (first, rest) = parts.split_first()?;
    let subchart = chart.subcharts.iter().find(|subchart| subchart.key == *first)?;
    default_of(&subchart.chart, rest)
}

fn descend<'n>(node: &'n Node, parts: &[String]) -> Option<&'n Node> {
    parts.iter().try_fold(node, |node, part| match &node.kind {
        NodeKind::Sequence(items) => items.get(part.parse::<usize>().ok()?),
        _ => node.get(part),
    })
}

/// The text of each plain scalar that looks like something else, where the schema takes text.
fn texts_as_written(
    chart: &Chart,
    values: &Map<String, Value>,
    sources: &[(String, Arc<Node>)],
) -> BTreeMap<ValuePath, String> {
    let mut texts = BTreeMap::new();
    each_scope(chart, values, &ValuePath::default(), &mut |inner, values, at| {
        let Some(schema) = &inner.schema else { return };
        for path in schema.texts(values, at) {
            let value = descend_value(values, &path.parts()[at.parts().len()..]);
            let Some(value) = value.filter(|value| value.is_number() || value.is_boolean()) else { continue };
            let written = written(chart, sources, &path).filter(|(_, node)| node.to_value() == *value);
            if let Some(text) = written.and_then(|(_, node)| node.as_str()) {
                texts.insert(path, text.to_owned());
            }
        }
    });
    texts
}

fn descend_value<'v>(value: &'v Value, parts: &[String]) -> Option<&'v Value> {
    parts.iter().try_fold(value, |value, part| match value {
        Value::Array(items) => items.get(part.parse::<usize>().ok()?),
        other => other.get(part),
    })
}

fn write_texts(values: &mut Map<String, Value>, texts: &BTreeMap<ValuePath, String>) {
    for (path, text) in texts {
        let Some((first, rest)) = path.parts().split_first() else { continue };
        let slot = values.get_mut(first).and_then(|value| {
            rest.iter().try_fold(value, |value, part| match value {
                Value::Array(items) => items.get_mut(part.parse::<usize>().ok()?),
                other => other.get_mut(part),
            })
        });
        if let Some(slot) = slot.filter(|slot| slot.is_number() || slot.is_boolean()) {
            *slot = Value::String(text.clone());
        }
    }
}

#[cfg(test)]
mod tests;
