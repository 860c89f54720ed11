//! `rhumb lint`: everything that is wrong with a chart, at once.

use std::path::PathBuf;

use rhumb_backend::Scope;
use rhumb_chart::{Limits, METADATA_FILE, Metadata, ReleaseInfo, Sealing, Surroundings};
use rhumb_spec::Diagnostic;
use serde::Serialize;

use crate::user_values::read_values;
use crate::{ActionResult, ValueInputs, road};

/// What to look at.
#[derive(Clone, Debug, Default)]
pub struct LintRequest {
    /// The chart: a folder or a `.tgz`.
    pub chart: PathBuf,
    /// Values to try it with, over its own.
    pub values: ValueInputs,
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Linted {
    /// The chart's name; empty when it could not be read.
    pub chart: String,
    /// Every finding, errors first.
    pub diagnostics: Vec<Diagnostic>,
}

/// Looks for everything that is wrong with a chart, as it would be on a platform that has every feature.
///
/// # Errors
/// Values that cannot be read. What is wrong with the chart is in the outcome.
pub fn lint(request: &LintRequest) -> ActionResult<Linted> {
    let user = read_values(&request.values)?;
    let files = match rhumb_chart::load_files(&request.chart) {
        Ok(files) => files,
        Err(diagnostics) => return Ok(Linted { chart: String::new(), diagnostics }),
    };
    let named = files.text(METADATA_FILE).map(|text| Metadata::parse(METADATA_FILE, text));
    let chart = named.and_then(Result::ok).map(|metadata| metadata.name).unwrap_or_default();
    let around = Surroundings {
        release: ReleaseInfo::install("release", Scope::DEFAULT_NAMESPACE),
        platform: road::ideal_platform(),
        sealing: Sealing::Placeholder,
        limits: Limits::default(),
    };
    Ok(Linted { chart, diagnostics: rhumb_chart::lint(&files, user, &around) })
}
