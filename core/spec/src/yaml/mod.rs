//! YAML, read with the place of every value and written so that every reader agrees on it.
//!
//! Reading follows the core schema of YAML 1.2: `yes`, `no`, `on` and `off` are text. A key twice in one mapping is an
//! error, and so are tags outside the core schema. Text from strangers is safe to read: nesting, aliases and the number
//! of values are bounded.
//!
//! [`parse`] gives [`Node`]s, [`value_from_str`] an untyped value, and [`from_node`] a typed one together with everything
//! that is wrong with it.

mod de;
mod error;
mod load;
mod node;
mod older;
mod origins;
mod scalar;
mod typed;
mod write;

pub use error::Error;
pub use load::{parse, parse_tagged};
pub use node::{Entry, Node, NodeKind};
pub use older::octal;
pub(crate) use older::warn_of_older;
pub use origins::Origins;
pub use typed::{Reader, from_node, from_str_typed};
pub use write::{WriteError, to_string};

use serde_json::Value;

/// Reads the one document of a text as an untyped value; null if there is none.
///
/// # Errors
/// As [`parse`], and when there is more than one document.
pub fn value_from_str(text: &str) -> Result<Value, Error> {
    Ok(single_from_str(text)?.map_or(Value::Null, |node| node.to_value()))
}

/// The one document of a text; none if it is empty.
///
/// # Errors
/// As [`parse`], and when there is more than one document.
pub fn single_from_str(text: &str) -> Result<Option<Node>, Error> {
    let mut documents = parse(text)?.into_iter();
    let first = documents.next();
    match documents.next() {
        Some(second) => Err(Error {
            message: "a second document begins here; this text takes one".to_owned(),
            line: second.line,
            column: second.column,
        }),
        None => Ok(first),
    }
}

#[cfg(test)]
mod tests;
