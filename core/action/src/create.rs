//! `rhumb create`: a new chart that lints and installs.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use rhumb_spec::Diagnostic;
use serde::Serialize;

use crate::{ActionError, ActionResult};

/// What to create, and where.
#[derive(Clone, Debug, Default)]
pub struct CreateRequest {
    /// The chart's name.
    pub name: String,
    /// The folder that the chart's own folder goes to.
    pub parent: PathBuf,
}

/// A new chart.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Created {
    /// The chart's folder.
    pub path: PathBuf,
    /// Its files, below that folder.
    pub files: Vec<String>,
}

/// Makes a new chart in a folder of its own name.
///
/// # Errors
/// A name that no chart may have; a folder that is there already or cannot be written.
pub fn create(request: &CreateRequest) -> ActionResult<Created> {
    let files = rhumb_chart::create(&request.name).ok_or_else(|| {
        let found =
            Diagnostic::error("", format!("`{}` is no name for a chart", request.name.escape_debug()));
        ActionError::of(found.remedy("a-z, 0-9 and -, beginning with a letter"))
    })?;
    let path = request.parent.join(&request.name);
    fs::create_dir_all(&request.parent).map_err(|error| ActionError::file(&request.parent, &error))?;
    // Made anew, so that nothing of the user's is ever overwritten.
    fs::create_dir(&path).map_err(|error| ActionError::file(&path, &error))?;
    for (name, content) in files.iter() {
        let file = path.join(name);
        write_new(&file, content).map_err(|error| ActionError::file(&file, &error))?;
    }
    Ok(Created { files: files.iter().map(|(name, _)| name.to_owned()).collect(), path })
}

fn write_new(path: &Path, content: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::OpenOptions::new().write(true).create_new(true).open(path)?.write_all(content)
}
