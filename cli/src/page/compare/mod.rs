//! The pages of `rhumb compare`.

mod html;
mod markdown;
mod table;
mod words;

pub(crate) use html::html;
pub(crate) use markdown::markdown;
pub(crate) use table::table;
