//! Variables, as values of the chart.

use std::collections::BTreeMap;

use rhumb_spec::{Piece, Variables};
use serde_json::{Map, Value};

use super::Writer;

/// The paths of the values that variables are, by the variables' names.
pub(super) type Paths = BTreeMap<String, Vec<String>>;

impl Writer<'_> {
    /// Makes room for the values of workloads, and a value of each variable.
    pub(super) fn begin(&mut self) {
        self.draft.app.workloads.keys().for_each(|name| self.values.begin(name));
        for (name, variable) in &self.draft.variables.values {
            let path = self.values.variable(name);
            let is_required = variable.required.is_some();
            let value = if is_required { "" } else { variable.value.as_str() };
            self.values.set(&path, value.into());
            if is_required {
                self.required.push((path.clone(), variable.value.clone()));
            }
            self.paths.insert(name.clone(), path);
        }
    }

    /// Puts the variables into the texts of a workload that has them.
    pub(super) fn with_variables(&mut self, name: &str, fields: Map<String, Value>) -> Map<String, Value> {
        let variables = self.draft.variables;
        let mut whole = Value::Object(fields);
        for text in variables.texts.iter().filter(|text| text.workload == name) {
            let is_same = |place: &&mut Value| place.as_str() == Some(&resolved(&text.pieces, variables));
            let Some(place) = whole.pointer_mut(&text.pointer).filter(is_same) else { continue };
            *place = self.composed(&text.pieces);
        }
        match whole {
            Value::Object(fields) => fields,
            _ => Map::new(),
        }
    }

    /// What stands for a text that is made of pieces.
    pub(super) fn composed(&mut self, pieces: &[Piece]) -> Value {
        let parts: Vec<String> = pieces.iter().map(|piece| self.part(piece)).collect();
        let expression = match parts.as_slice() {
            [one] => format!("{one} | quote"),
            several => format!("({}) | quote", several.join(" ~ ")),
        };
        self.tokens.stand_for(&expression)
    }

    fn part(&self, piece: &Piece) -> String {
        let name = match piece {
            Piece::Text(text) => return Value::from(text.as_str()).to_string(),
            Piece::Variable(name) => name,
        };
        let path = self.paths.get(name).map(|path| path.join(".")).unwrap_or_default();
        let required = self.draft.variables.values.get(name).and_then(|variable| variable.required.as_ref());
        match required {
            Some(message) => format!("(values.{path} | required(message={}))", Value::from(message.as_str())),
            None => format!("values.{path}"),
        }
    }
}

/// The text that pieces are in the app.
fn resolved(pieces: &[Piece], variables: &Variables) -> String {
    let part = |piece: &Piece| match piece {
        Piece::Text(text) => text.clone(),
        Piece::Variable(name) => variables.values.get(name).map(|one| one.value.clone()).unwrap_or_default(),
    };
    pieces.iter().map(part).collect()
}
