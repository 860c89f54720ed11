//! `rhumb lint`.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use rhumb_action::{LintRequest, Linted};
use rhumb_spec::Severity;

use super::Ended;
use crate::arguments::ValueArguments;
use crate::exit::Exit;
use crate::failure::diagnostic_text;
use crate::output::emit;
use crate::session::Session;

/// Arguments of `rhumb lint`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The chart: a folder or a .tgz file
    #[arg(value_name = "CHART", default_value = ".")]
    chart: PathBuf,
    #[command(flatten)]
    values: ValueArguments,
    /// Fail on warnings too
    #[arg(long)]
    strict: bool,
}

/// Shows everything that is wrong with a chart.
pub(crate) fn run(session: &Session, arguments: &Arguments) -> Ended {
    let watchdog = session.watchdog()?;
    let request = LintRequest { chart: arguments.chart.clone(), values: Session::values(&arguments.values)? };
    let linted = rhumb_action::lint(&request)?;
    watchdog.rendered();
    emit(session.format(), &linted, || text(session, &linted))?;
    let worst = linted.diagnostics.iter().map(|diagnostic| diagnostic.severity).min();
    let is_bad = match worst {
        Some(Severity::Error) => true,
        Some(Severity::Warning) => arguments.strict,
        _ => false,
    };
    Ok(if is_bad { Exit::Invalid } else { Exit::Success })
}

fn text(session: &Session, linted: &Linted) -> String {
    let mut text = String::new();
    for diagnostic in &linted.diagnostics {
        text.push_str(&diagnostic_text(diagnostic, session.paint()));
    }
    let count =
        |severity| linted.diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let _ = writeln!(text, "{}: {errors} error(s), {warnings} warning(s)", linted.chart);
    text
}
