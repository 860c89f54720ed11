//! The pages of `rhumb evaluate`.

mod csv;
mod html;
mod markdown;
mod table;
mod words;

pub(crate) use csv::csv;
pub(crate) use html::html;
pub(crate) use markdown::markdown;
pub(crate) use table::table;
pub(crate) use words::measured;
