//! Variables in the texts of an app: what a person gives at install instead of writing it into each text.

use std::collections::BTreeMap;

/// The variables of an app, and the texts that they stand in. In the app itself every text is whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables {
    /// The variables by their names.
    pub values: BTreeMap<String, Variable>,
    /// The texts that they stand in.
    pub texts: Vec<VariableText>,
}

/// A variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// What stands for it in the app.
    pub value: String,
    /// Why it must be given; none where its value does.
    pub required: Option<String>,
}

/// A text of a workload in which variables stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariableText {
    /// The workload's name.
    pub workload: String,
    /// Where the text is in the workload, as a JSON pointer: `/containers/web/env/LEVEL`.
    pub pointer: String,
    /// The parts of the text, one after another.
    pub pieces: Vec<Piece>,
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text that stays as it is.
    Text(String),
    /// The name of a variable.
    Variable(String),
}
