//! What is exported, deployed by the platforms' own tools.

mod cluster;
mod others;
mod stacks;

use std::path::PathBuf;

use libtest_mimic::Trial;
use rhumb_integration::Rhumb;
use tempfile::TempDir;

pub(crate) fn trials() -> Vec<Trial> {
    [stacks::trials(), cluster::trials(), others::trials()].into_iter().flatten().collect()
}

fn chart(name: &str) -> String {
    format!("{}/../charts/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Exports a chart, and returns the folder.
fn exported(rhumb: &Rhumb, words: &[&str], place: &TempDir) -> Result<PathBuf, String> {
    let out = place.path().join("out");
    let text = out.to_string_lossy().into_owned();
    rhumb.succeed(&[&["export"], words, &[&text]].concat())?;
    Ok(out)
}
