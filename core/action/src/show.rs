//! `rhumb show`: what a chart says of itself.

use std::path::Path;

use rhumb_chart::{Chart, METADATA_FILE, SCHEMA_FILE, VALUES_FILE};
use serde::Serialize;

use crate::{ActionError, ActionResult};

/// A chart's own files.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    /// `Chart.yaml` as it was written.
    pub chart: String,
    /// `values.yaml` as it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<String>,
    /// `values.schema.json` as it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// `README.md` as it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readme: Option<String>,
}

/// What a chart says of itself.
///
/// # Errors
/// Everything that is wrong with the chart.
pub fn show(chart: &Path) -> ActionResult<Shown> {
    let files = rhumb_chart::load_files(chart).map_err(ActionError::Diagnostics)?;
    let text = |name: &str| files.text(name).map(str::to_owned);
    let shown = Shown {
        chart: text(METADATA_FILE).unwrap_or_default(),
        values: text(VALUES_FILE),
        schema: text(SCHEMA_FILE),
        readme: text("README.md"),
    };
    Chart::from_files(files).map_err(ActionError::Diagnostics)?;
    Ok(shown)
}
