//! `rhumb show`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use rhumb_action::Shown;

use super::Ended;
use crate::exit::Exit;
use crate::output::emit;
use crate::session::Session;

/// Arguments of `rhumb show`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// What to show
    #[arg(value_enum, value_name = "WHAT")]
    what: What,
    /// The chart: a folder or a .tgz file
    #[arg(value_name = "CHART")]
    chart: PathBuf,
}

/// What of a chart is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// Chart.yaml.
    Chart,
    /// values.yaml.
    Values,
    /// values.schema.json.
    Schema,
    /// README.md.
    Readme,
    /// All of them.
    All,
}

/// Shows what a chart says of itself.
pub(crate) fn run(session: &Session, arguments: &Arguments) -> Ended {
    let shown = rhumb_action::show(&arguments.chart)?;
    emit(session.format(), &shown, || text(&shown, arguments.what))?;
    Ok(Exit::Success)
}

fn text(shown: &Shown, what: What) -> String {
    let is_wanted = |part: What| what == part || what == What::All;
    let parts = [
        is_wanted(What::Chart).then(|| shown.chart.clone()),
        shown.values.clone().filter(|_| is_wanted(What::Values)),
        shown.schema.clone().filter(|_| is_wanted(What::Schema)),
        shown.readme.clone().filter(|_| is_wanted(What::Readme)),
    ];
    let texts: Vec<String> =
        parts.into_iter().flatten().map(|part| part.trim_end().to_owned() + "\n").collect();
    texts.join("---\n")
}
