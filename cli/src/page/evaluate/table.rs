//! An evaluation for terminals.

use std::fmt::Write as _;

use rhumb_action::{EvaluatedTarget, Evaluation, Phase};

use super::words;
use crate::output::{Paint, rows};

/// The whole evaluation.
pub(crate) fn table(evaluation: &Evaluation, paint: Paint) -> String {
    let chart = &evaluation.chart;
    let mut text = format!("{} {}\n{}\n\n", chart.name, chart.version, words::heading(evaluation));
    text.push_str(&phases(evaluation));
    for target in &evaluation.targets {
        text.push_str(&of_target(target, paint));
    }
    let _ = write!(text, "\n{}\n{}\n", words::brief(evaluation), words::machine(evaluation));
    text
}

fn phases(evaluation: &Evaluation) -> String {
    let mut headings = vec!["PHASE".to_owned()];
    headings.extend(evaluation.targets.iter().map(|target| target.name.to_uppercase()));
    let lines = phases_of(evaluation).map(|phase| {
        let cells = evaluation.targets.iter().map(|target| words::cell(of(target, phase)));
        [phase.title().to_owned()].into_iter().chain(cells).collect()
    });
    rows(headings, lines)
}

/// The phases that some target has, in the order of the script.
pub(super) fn phases_of(evaluation: &Evaluation) -> impl Iterator<Item = Phase> {
    Phase::ALL
        .into_iter()
        .filter(|phase| evaluation.targets.iter().any(|target| of(target, *phase).is_some()))
}

/// A phase on a target.
pub(super) fn of(target: &EvaluatedTarget, phase: Phase) -> Option<&rhumb_action::PhaseSummary> {
    target.phases.iter().find(|summary| summary.phase == phase)
}

fn of_target(target: &EvaluatedTarget, paint: Paint) -> String {
    let mut text = format!("\n{}\n", target.name.to_uppercase());
    let _ = writeln!(text, "  platform: {}", words::about(target));
    let _ = writeln!(text, "  workload: {}", words::subject(target));
    let _ = writeln!(text, "  load:     {}", words::load(target));
    for phase in &target.phases {
        let Some(load) = &phase.load else { continue };
        let p99 = load.p99_milliseconds.map(|p99| format!(", p99 {}", words::time(p99 / 1000.0)));
        let _ = writeln!(
            text,
            "  requests: {}: {}, worst gap {}{}",
            phase.phase,
            words::lost(load),
            words::time(load.worst_gap.max),
            p99.unwrap_or_default()
        );
    }
    for note in words::notes(target) {
        let _ = writeln!(text, "  note:     {note}");
    }
    for (phase, failed, why) in words::problems(target) {
        let word = if failed { paint.bad("failed:  ") } else { "not done:".to_owned() };
        let _ = writeln!(text, "  {word} {phase}: {why}");
    }
    text
}
