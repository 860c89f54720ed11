//! `rhumb features`.

use std::fmt::Write as _;

use clap::Args;
use rhumb_backend::Support;
use rhumb_spec::Feature;
use serde::Serialize;

use super::Ended;
use crate::exit::Exit;
use crate::output::{emit, table};
use crate::session::Session;

/// Arguments of `rhumb features`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Only this feature
    #[arg(value_name = "FEATURE")]
    feature: Option<Feature>,
}

/// A feature and what a target makes of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    feature: Feature,
    description: &'static str,
    support: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    text: String,
}

/// Lists features with what the target makes of them, by what is usual of its platform.
pub(crate) fn run(session: &Session, arguments: &Arguments) -> Ended {
    let parts = session.parts(true)?;
    let backend = &parts.target.backend;
    let facts = backend.default_facts();
    let wanted = Feature::ALL.iter().filter(|feature| arguments.feature.is_none_or(|only| only == **feature));
    let rows: Vec<Row> = wanted.map(|feature| row(*feature, backend.support(*feature, &facts))).collect();
    emit(session.format(), &rows, || text(&rows, backend.name()))?;
    Ok(Exit::Success)
}

fn row(feature: Feature, support: Support) -> Row {
    let (word, text) = match support {
        Support::Native => ("native", String::new()),
        Support::Emulated { loss } => ("emulated", loss.to_owned()),
        Support::Unsupported { why, instead } => ("refused", format!("{why}; use {instead}")),
    };
    Row { feature, description: feature.description(), support: word, text }
}

fn text(rows: &[Row], backend: &str) -> String {
    if let [row] = rows {
        let mut text = format!("{}: {}\non {backend}: {}\n", row.feature, row.description, row.support);
        if !row.text.is_empty() {
            let _ = writeln!(text, "  {}", row.text);
        }
        return text;
    }
    let heading = format!("ON {}", backend.to_uppercase());
    table(
        ["FEATURE", heading.as_str(), "NOTE"],
        rows.iter().map(|row| [row.feature.to_string(), row.support.to_owned(), row.text.clone()]),
    )
}
