//! The neutral application model: what people write, with no word of any platform.
//!
//! The road begins here: documents are parsed into an [`App`], and everything that is wrong with it by itself is
//! found by `verify`. Nothing here does IO, reads a clock, draws random numbers or knows a platform.

mod diagnostic;
mod duration;
mod feature;
mod fields;
pub mod model;
mod parse;
mod quantity;
mod requirements;
mod schema;
mod suggestion;
mod variable;
mod verify;
pub mod yaml;

pub use diagnostic::{Diagnostic, Place, Severity};
pub use duration::{Duration, DurationError};
pub use feature::Feature;
pub use fields::{Field, find_fields};
pub use model::App;
pub use parse::{API_VERSION, Document, Parsed, Source, documents, parse, parse_documents};
pub use quantity::{Bytes, MilliCpu, QuantityError};
pub use requirements::Requirement;
pub use schema::json_schema;
pub use suggestion::suggest;
pub use variable::{Piece, Variable, VariableText, Variables};
pub use verify::{plain_schedule, verify};

/// The name of the newtype struct by which a type asks for a plain scalar as it was written.
///
/// A type whose text may look like another scalar (`1.10`, `yes`) and that may also be a mapping calls
/// `deserialize_newtype_struct` with this name. [`yaml`]'s deserializer then hands over the scalar's own text; any
/// other deserializer calls `visit_newtype_struct`, which goes on with `deserialize_any`.
pub const AS_WRITTEN: &str = "rhumb::AsWritten";
