//! What runs already becomes a release in place: nothing restarts, and from then on it is a release with history.

mod aws;
mod cluster;
mod stack;

use std::path::Path;

use libtest_mimic::{Failed, Trial};
use rhumb_integration::trial;
use serde_json::Value;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = stack::trials();
    trials.extend(aws::trials());
    trials.extend(cluster::trials());
    trials
}

fn is_empty(differences: &Value) -> Result<(), Failed> {
    let steps = differences["plan"]["steps"].as_array();
    trial::require(steps.is_some_and(Vec::is_empty), &differences.to_string())
}

/// Changes the environment of one workload of the chart.
fn change(chart: &str, from: &str, to: &str, workload: &str) -> Result<(), Failed> {
    for entry in std::fs::read_dir(Path::new(chart).join("templates"))? {
        let path = entry?.path();
        if path.is_file() && path.file_stem().is_some_and(|name| name == workload) {
            let text = std::fs::read_to_string(&path)?;
            trial::require(text.contains(from), &text)?;
            std::fs::write(&path, text.replacen(from, to, 1))?;
            return Ok(());
        }
    }
    Err(format!("the chart has no {workload}").into())
}
