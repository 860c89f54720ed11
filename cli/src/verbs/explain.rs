//! `rhumb explain`.

use std::fmt::Write as _;

use clap::Args;
use rhumb_action::{ExplainedFeature, ExplainedPlatform, Explanation, FactsFrom, Verdict};

use super::Ended;
use super::compare::CandidateArguments;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Paint, emit};
use crate::session::Session;

/// Arguments of `rhumb explain`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// A feature, as `rhumb features` lists them, or a field as in charts: probes.ready, containers.web.stop.signal,
    /// Route.tls
    #[arg(value_name = "FEATURE|FIELD")]
    asked: String,
    #[command(flatten)]
    targets: CandidateArguments,
}

/// Explains.
pub(crate) fn run(session: &Session, arguments: &Arguments) -> Ended {
    let candidates = session.candidates(&arguments.targets.targets, FactsFrom::Defaults)?;
    let explained = rhumb_action::explain(&candidates, &arguments.asked).map_err(|near| {
        let remedy = near.map_or_else(
            || "a name from `rhumb features`, or a field such as containers.web.probes.ready".to_owned(),
            |near| format!("`{near}`, if that is meant"),
        );
        Failure::usage(format!("no feature or field is called `{}`", arguments.asked.escape_debug()), remedy)
    })?;
    emit(session.format(), &explained, || text(&explained, session.paint()))?;
    Ok(Exit::Success)
}

fn text(explained: &Explanation, paint: Paint) -> String {
    let mut blocks = Vec::new();
    if !explained.fields.is_empty() {
        blocks.push(fields(explained));
    }
    blocks.extend(explained.features.iter().map(|feature| of_feature(feature, paint)));
    blocks.join("\n")
}

fn fields(explained: &Explanation) -> String {
    let mut text = String::new();
    for field in &explained.fields {
        let _ = writeln!(text, "{}\n  {}", field.path, field.description);
        let names: Vec<&str> = field.features.iter().map(|feature| feature.as_str()).collect();
        let _ = match names.as_slice() {
            [] => writeln!(text, "  every platform takes it: no feature stands behind it"),
            names => writeln!(text, "  may ask for: {}", names.join(", ")),
        };
    }
    text
}

fn of_feature(explained: &ExplainedFeature, paint: Paint) -> String {
    let mut text = format!("{}: {}\n", explained.feature, explained.description);
    for platform in &explained.platforms {
        text.push_str(&of_platform(platform, paint));
    }
    let is_refused = explained.platforms.iter().any(|platform| platform.cell.verdict == Verdict::Refused);
    if is_refused && explained.can_be_left_out {
        let _ = writeln!(text, "  where it is refused, --accept-loss {} leaves it out", explained.feature);
    }
    text
}

fn of_platform(platform: &ExplainedPlatform, paint: Paint) -> String {
    let cell = &platform.cell;
    let verdict = match cell.verdict {
        Verdict::Native => paint.good(cell.verdict.as_str()),
        Verdict::Emulated => paint.changed(cell.verdict.as_str()),
        Verdict::Refused => paint.bad(cell.verdict.as_str()),
    };
    let proof = match cell.proof.filter(|_| cell.verdict != Verdict::Refused) {
        Some(proof) => format!(" (proof: {})", proof.as_str()),
        None => String::new(),
    };
    let mut text = format!("  {}: {verdict}{proof}\n", platform.name);
    let mut line = |word: &str, said: &str| {
        if !said.is_empty() {
            let _ = writeln!(text, "    {word}: {said}");
        }
    };
    line("becomes", platform.mapping.becomes);
    cell.losses.iter().for_each(|loss| line("loss", loss));
    line("why", cell.why.as_deref().unwrap_or_default());
    line("use", cell.instead.as_deref().unwrap_or_default());
    platform.mapping.sources.iter().for_each(|source| line("source", source));
    text
}
