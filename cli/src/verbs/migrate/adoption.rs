//! A source that is no release yet: its chart, which the adoption takes.

use std::path::PathBuf;

use rhumb_action::migrate::{Foreign, State};
use rhumb_action::{ActionError, ChartInputs, Existing, ValueInput, ValueInputs};
use tempfile::TempDir;

use super::arguments::Move;
use crate::failure::Failure;
use crate::session::{Parts, Session};
use crate::verbs::foreign::{Meant, scratch, secret_values};

/// What becomes of a chart that is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chart {
    /// It goes again, unless the user said where it goes.
    Shown,
    /// It stays: later upgrades take it.
    Kept,
}

/// What is to be adopted, and a folder that goes with it. Nothing where the user does not say so, and where the migration is under way, so
/// that its source is a release.
pub(super) async fn foreign(
    session: &Session,
    source: &Parts,
    (arguments, state): (&Move, Option<&State>),
    keep: Chart,
) -> Result<Option<(Foreign, Option<TempDir>)>, Failure> {
    let adoption = &arguments.adoption;
    if !adoption.adopt || state.is_some_and(|state| !state.stage.is_over()) {
        return Ok(None);
    }
    let meant = Meant {
        name: &arguments.which.release,
        stack: adoption.stack.as_deref(),
        selector: adoption.selector.as_deref(),
        services: &[],
    };
    let query = meant.query(source)?;
    if let Some(chart) = &arguments.chart {
        return Ok(Some((Foreign { inputs: inputs(chart.clone()), query }, None)));
    }
    let out = adoption.out.clone().unwrap_or_else(|| PathBuf::from(meant.name));
    if out.join("Chart.yaml").is_file() {
        session.say(&format!("taking the chart {} that is there", out.display()));
        return Ok(Some((Foreign { inputs: inputs(out), query }, None)));
    }
    let is_shown = keep == Chart::Shown && adoption.out.is_none();
    let folder = is_shown.then(scratch).transpose()?;
    let out = folder.as_ref().map_or(out, |folder| folder.path().join(meant.name));
    let made = meant.import(source, &query, (out, Existing::Keep)).await?.path;
    if folder.is_none() {
        session.say(&format!("made the chart {} of what runs", made.display()));
    }
    Ok(Some((Foreign { inputs: inputs(made), query }, folder)))
}

fn inputs(chart: PathBuf) -> ChartInputs {
    let values = secret_values(&chart).map(ValueInput::File);
    ChartInputs { values: ValueInputs(values.into_iter().collect()), chart, ..ChartInputs::default() }
}

/// The failure of a migration whose source may be no release yet.
pub(super) fn failed(error: ActionError, arguments: &Move) -> Failure {
    let is_hinted = matches!(error, ActionError::NotFound { .. }) && !arguments.adoption.adopt;
    let failure = Failure::from(error);
    if !is_hinted {
        return failure;
    }
    failure.advise("--adopt, where it runs there and is no release yet: a stack of that name, or what is in the namespace")
}
