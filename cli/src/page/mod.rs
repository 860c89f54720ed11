//! Results as pages that people show to each other: text for terminals, Markdown, and HTML that needs nothing beside it.

pub(crate) mod compare;
pub(crate) mod evaluate;
pub(crate) mod text;

/// How every page looks: light and dark, wide and on a phone.
const STYLE: &str = include_str!("style.css");
