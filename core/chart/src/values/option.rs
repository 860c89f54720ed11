//! Which values were given on the command line, with which option.

use std::collections::BTreeMap;
use std::sync::Arc;

use rhumb_spec::yaml::Node;
use serde_json::{Map, Value};

use super::{descend, descend_value};
use crate::schema::{ValuePath, Violation};
use crate::set::{SetMode, set};

/// The paths that options have set, each with the option. No value is kept.
#[derive(Clone, Default)]
pub(super) struct OptionPaths(BTreeMap<ValuePath, &'static str>);

impl OptionPaths {
    /// Notes what an expression sets.
    pub(super) fn note(&mut self, expression: &str, mode: SetMode<'_>) {
        let nothing = |_: &str| Ok(String::new());
        let (option, mode) = match mode {
            SetMode::Typed => ("--set", SetMode::Typed),
            SetMode::Text => ("--set-string", SetMode::Text),
            SetMode::File(_) => ("--set-file", SetMode::File(&nothing)),
            SetMode::Json => ("--set-json", SetMode::Json),
        };
        let mut alone = Map::new();
        // What is wrong with the expression is told where it is applied.
        if set(&mut alone, expression, mode).is_ok() {
            self.leaves(&Value::Object(alone), &ValuePath::default(), option);
        }
    }

    pub(super) fn extend(&mut self, over: Self) {
        self.0.extend(over.0);
    }

    /// The option that set the value at a path, or a value that it is part of: `--set a.b=…`.
    pub(super) fn of(&self, path: &ValuePath) -> Option<String> {
        let (set, option) = self.0.iter().find(|(set, _)| set.leads_to(path))?;
        Some(format!("{option} {set}=…"))
    }

    fn leaves(&mut self, value: &Value, at: &ValuePath, option: &'static str) {
        match value {
            Value::Object(map) if !map.is_empty() => {
                map.iter().for_each(|(key, value)| self.leaves(value, &at.child(key), option));
            }
            Value::Array(items) if !items.is_empty() => {
                for (index, item) in items.iter().enumerate().filter(|(_, item)| !item.is_null()) {
                    self.leaves(item, &at.child(&index.to_string()), option);
                }
            }
            _ => {
                self.0.insert(at.clone(), option);
            }
        }
    }
}

/// The option of the command line that gave what is at fault, unless a file gave the same.
pub(super) fn option_of(
    violation: &Violation,
    merged: &Map<String, Value>,
    sources: &[(String, Arc<Node>)],
    options: &OptionPaths,
) -> Option<String> {
    let merged = Value::Object(merged.clone());
    let from_file = |path: &ValuePath| {
        let value = descend_value(&merged, path.parts());
        sources.iter().any(|(_, node)| descend(node, path.parts()).map(Node::to_value).as_ref() == value)
    };
    let unexpected = violation.unexpected.iter().map(|key| violation.path.child(key));
    let found = unexpected.chain([violation.path.clone()]).find_map(|path| Some((options.of(&path)?, path)));
    found.filter(|(_, path)| !from_file(path)).map(|(option, _)| option)
}
