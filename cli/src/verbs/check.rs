//! `rhumb check`.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use rhumb_action::{Baseline, Checked, Shortfall, Verdict};

use super::Ended;
use super::compare::{ComparedArguments, compared};
use crate::arguments::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Paint, emit, serialised};
use crate::session::Session;

/// Arguments of `rhumb check`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    compared: ComparedArguments,
    /// Fail on what is lost or refused now and was not in this file, instead of on everything that is refused
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Write what is lost and refused now to this file, for --baseline of later checks
    #[arg(long, value_name = "FILE")]
    write_baseline: Option<PathBuf>,
}

/// Checks.
pub(crate) async fn run(session: &Session, arguments: &Arguments) -> Ended {
    let before = arguments.baseline.as_ref().map(read).transpose()?;
    let now = Baseline::of(&compared(session, &arguments.compared).await?);
    if let Some(file) = &arguments.write_baseline {
        std::fs::write(file, serialised(Format::Json, &now)?)
            .map_err(|error| Failure::io("write the baseline", file, &error))?;
    }
    let checked = now.held_to(before.as_ref());
    emit(session.format(), &checked, || text(&checked, session.paint()))?;
    // Who writes a baseline accepts what is in it.
    let is_accepted = arguments.write_baseline.is_some() && !checked.has_baseline;
    Ok(match (checked.holds || is_accepted, checked.has_baseline) {
        (true, _) => Exit::Success,
        (false, true) => Exit::Different,
        (false, false) => Exit::Invalid,
    })
}

fn read(file: &PathBuf) -> Result<Baseline, Failure> {
    let text =
        std::fs::read_to_string(file).map_err(|error| Failure::io("read the baseline", file, &error))?;
    Baseline::read(&text, &file.display().to_string()).map_err(Failure::diagnostics)
}

fn text(checked: &Checked, paint: Paint) -> String {
    let mut text = String::new();
    for shortfall in &checked.new {
        let word = if checked.has_baseline { "new " } else { "" };
        let _ = writeln!(text, "{}", line(&paint.bad(&format!("{word}{}", verdict(shortfall))), shortfall));
    }
    for shortfall in &checked.gone {
        let _ = writeln!(text, "{}", line(&paint.good(&format!("gone {}", verdict(shortfall))), shortfall));
    }
    for platform in &checked.unknown_platforms {
        let _ = writeln!(text, "note: the baseline says nothing of {platform}, so that all of it is new");
    }
    text.push_str(&sum(checked));
    text
}

const fn verdict(shortfall: &Shortfall) -> &'static str {
    match shortfall.verdict {
        Verdict::Refused => "refusal",
        Verdict::Native | Verdict::Emulated => "loss",
    }
}

fn line(word: &str, shortfall: &Shortfall) -> String {
    let feature = shortfall.feature.map_or("a value", |feature| feature.as_str());
    format!("{word}: {}: {feature} at {}\n  {}", shortfall.platform, shortfall.path, shortfall.text)
}

fn sum(checked: &Checked) -> String {
    let now = &checked.now;
    let refused = now.shortfalls.iter().filter(|one| one.verdict == Verdict::Refused).count();
    let lost = now.shortfalls.len() - refused;
    let known = match (checked.has_baseline, checked.new.len(), checked.gone.len()) {
        (false, _, _) => String::new(),
        (true, new, gone) => format!("; since the baseline {new} new, {gone} gone"),
    };
    format!("{} on {}: {refused} refused, {lost} with a loss{known}\n", now.chart, now.platforms.join(", "))
}
