//! `rhumb package`: a chart becomes one file.

use std::path::PathBuf;

use rhumb_chart::PackageVersions;
use serde::Serialize;

use crate::{ActionError, ActionResult};

/// What to package, and where to put it.
#[derive(Clone, Debug, Default)]
pub struct PackageRequest {
    /// The chart's folder.
    pub chart: PathBuf,
    /// The folder that the archive goes to.
    pub destination: PathBuf,
    /// The version in place of the chart's own.
    pub version: Option<String>,
    /// The version of what it deploys, in place of the chart's own.
    pub app_version: Option<String>,
}

/// A packaged chart.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Packaged {
    /// The archive: `<destination>/<name>-<version>.tgz`.
    pub path: PathBuf,
    /// The chart's name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// Packages a chart. The same files give the same archive, byte for byte.
///
/// # Errors
/// Everything that is wrong with the chart; an archive that cannot be written.
pub fn package(request: &PackageRequest) -> ActionResult<Packaged> {
    let files = rhumb_chart::load_files(&request.chart).map_err(ActionError::Diagnostics)?;
    let versions =
        PackageVersions { version: request.version.clone(), app_version: request.app_version.clone() };
    let package = rhumb_chart::package(&files, &versions).map_err(ActionError::Diagnostics)?;
    let path = request.destination.join(&package.file_name);
    std::fs::create_dir_all(&request.destination)
        .and_then(|()| std::fs::write(&path, &package.archive))
        .map_err(|error| ActionError::file(&path, &error))?;
    Ok(Packaged { path, name: package.metadata.name, version: package.metadata.version.to_string() })
}
