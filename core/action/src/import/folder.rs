//! The chart's folder.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use rhumb_backend::Gathered;
use rhumb_chart::{METADATA_FILE, Written};
use rhumb_spec::{Diagnostic, yaml};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{Existing, Imported};
use crate::{ActionError, ActionResult};

/// The file with the material of secrets, which is no part of the chart.
const SECRETS: &str = "secrets.values.yaml";
/// The report.
const REPORT: &str = "IMPORT.md";
/// Keeps the secrets out of version control.
const GIT_IGNORE: &str = ".gitignore";

/// The text of the file with the material; none where there is none.
pub(super) fn secret_values(
    written: &Written,
    gathered: &Gathered,
) -> ActionResult<Option<Zeroizing<String>>> {
    if written.secrets.is_empty() {
        return Ok(None);
    }
    let mut values = Map::new();
    for (path, id) in &written.secrets {
        let Some(material) = gathered.material.get(id) else { continue };
        // Bytes that are no text were left out before, and told.
        let Ok(text) = std::str::from_utf8(material.expose()) else { continue };
        insert(&mut values, path, text);
    }
    let text = yaml::to_string(&Value::Object(values))
        .map(Zeroizing::new)
        .map_err(|_| ActionError::of(Diagnostic::error("", "the secret values cannot be written as YAML")))?;
    let head = "# Secret values of the import. Keep this file to yourself: `-f secrets.values.yaml`.\n";
    Ok(Some(Zeroizing::new(format!("{head}{}", *text))))
}

fn insert(values: &mut Map<String, Value>, path: &[String], text: &str) {
    match path {
        [] => {}
        [last] => {
            values.insert(last.clone(), text.into());
        }
        [first, rest @ ..] => {
            let below = values.entry(first.clone()).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(below) = below {
                insert(below, rest, text);
            }
        }
    }
}

/// Writes the chart, the secret values and the report.
pub(super) fn write(
    out: &Path,
    written: &Written,
    secrets: Option<Zeroizing<String>>,
    (imported, existing): (&Imported, Existing),
) -> ActionResult<()> {
    prepare(out, existing)?;
    let put = |name: &str, content: &[u8]| {
        let path = out.join(name);
        put(&path, content, 0o644).map_err(|error| ActionError::file(&path, &error))
    };
    for (name, content) in written.files.iter() {
        put(name, content)?;
    }
    put(REPORT, imported.page().as_bytes())?;
    if let Some(secrets) = secrets {
        put(GIT_IGNORE, format!("{SECRETS}\n").as_bytes())?;
        let path = out.join(SECRETS);
        self::put(&path, secrets.as_bytes(), 0o600).map_err(|error| ActionError::file(&path, &error))?;
    }
    Ok(())
}

/// Makes the folder, or makes room in one that has a chart.
fn prepare(out: &Path, existing: Existing) -> ActionResult<()> {
    let fault = |error: std::io::Error| ActionError::file(out, &error);
    fs::create_dir_all(out).map_err(fault)?;
    let is_empty = fs::read_dir(out).map_err(fault)?.next().is_none();
    if is_empty {
        return Ok(());
    }
    let refused =
        |what: String, remedy: &str| Err(ActionError::of(Diagnostic::error("", what).remedy(remedy)));
    if existing == Existing::Keep {
        return refused(
            format!("there is something in {} already", out.display()),
            "another folder, or --force",
        );
    }
    if !out.join(METADATA_FILE).exists() {
        let what = format!("what is in {} is no chart", out.display());
        return refused(what, "another folder: --force takes the place of charts only");
    }
    // A template that stays would be a second document of its name.
    match fs::remove_dir_all(out.join("templates")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(fault(error)),
        _ => Ok(()),
    }
}

/// Writes a file anew, which nobody but those of its mode can read from the first byte on.
fn put(path: &Path, content: &[u8], mode: u32) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    options.open(path)?.write_all(content)
}

/// The files of a folder, below it.
pub(super) fn names(out: &Path) -> Vec<String> {
    fn add(folder: &Path, root: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                add(&path, root, found);
            } else if let Ok(name) = path.strip_prefix(root) {
                found.push(name.display().to_string());
            }
        }
    }
    let mut found = Vec::new();
    add(out, out, &mut found);
    found.sort();
    found
}
