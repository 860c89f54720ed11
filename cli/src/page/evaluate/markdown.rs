//! An evaluation in Markdown.

use std::fmt::Write as _;

use rhumb_action::{EvaluatedTarget, Evaluation, Phase};

use super::table::{of, phases_of};
use super::words;
use crate::page::text::markdown as plain;

/// The whole evaluation.
pub(crate) fn markdown(evaluation: &Evaluation) -> String {
    let chart = &evaluation.chart;
    let mut text = format!("# {} {}: measured\n", plain(&chart.name), plain(&chart.version));
    let _ = write!(text, "\n{}\n\n| phase |", words::heading(evaluation));
    for target in &evaluation.targets {
        let _ = write!(text, " {} |", plain(&target.name));
    }
    let _ = writeln!(text, "\n|---|{}", "---|".repeat(evaluation.targets.len()));
    for phase in phases_of(evaluation) {
        let _ = write!(text, "| {phase} |");
        for target in &evaluation.targets {
            let _ = write!(text, " {} |", plain(&words::cell(of(target, phase))));
        }
        text.push('\n');
    }
    text.push_str("\nMedians, with the median deviation and the range.\n");
    for target in &evaluation.targets {
        text.push_str(&of_target(target));
    }
    text.push_str("\n## How it was measured\n\n");
    for phase in Phase::ALL {
        let _ = writeln!(text, "- *{phase}*: {}.", phase.meaning());
    }
    let _ = write!(text, "\n{}\n\n{}\n", words::COUNTED, words::machine(evaluation));
    text
}

fn of_target(target: &EvaluatedTarget) -> String {
    let mut text = format!("\n## {}\n\n", plain(&target.name));
    let _ = writeln!(text, "- platform: {}", plain(&words::about(target)));
    let _ = writeln!(text, "- workload: {}", plain(&words::subject(target)));
    let _ = writeln!(text, "- load: {}", plain(&words::load(target)));
    for phase in &target.phases {
        if let Some(load) = &phase.load {
            let gap = words::time(load.worst_gap.max);
            let _ = writeln!(text, "- requests, {}: {}, worst gap {gap}", phase.phase, words::lost(load));
        }
    }
    for note in words::notes(target) {
        let _ = writeln!(text, "- {}", plain(&note));
    }
    for (phase, failed, why) in words::problems(target) {
        let word = if failed { "failed" } else { "not done" };
        let _ = writeln!(text, "- **{word}**: {phase}: {}", plain(&why));
    }
    text
}
