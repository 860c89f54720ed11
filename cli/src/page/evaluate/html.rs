//! An evaluation as one page for browsers: it needs nothing beside it, and no script.

use rhumb_action::{EvaluatedTarget, Evaluation, LoadSummary, Phase, PhaseSummary, RoundKind, Spread};
use serde_json::{Value, json};
use tera::{Context, Tera};

use super::table::of;
use super::words;
use crate::failure::Failure;
use crate::page::STYLE;

const PAGE: &str = include_str!("page.html");
const PLOTS: &str = include_str!("plots.css");

/// Where a plot begins and how wide it is, in percent: marks at its ends are whole.
const PLOT: (f64, f64) = (2.0, 96.0);

/// The whole page. Whatever platforms and charts say is escaped.
pub(crate) fn html(evaluation: &Evaluation) -> Result<String, Failure> {
    let failed = |error: tera::Error| Failure::general(format!("cannot write the page: {error}"));
    let mut tera = Tera::new();
    tera.add_raw_templates([("style.css", STYLE), ("plots.css", PLOTS), ("page.html", PAGE)])
        .map_err(failed)?;
    let context = Context::from_serialize(&page(evaluation)).map_err(failed)?;
    tera.render("page.html", &context).map_err(failed)
}

fn page(evaluation: &Evaluation) -> Value {
    let phases = Phase::ALL.into_iter().filter_map(|phase| plot(evaluation, phase));
    json!({
        "chart": evaluation.chart,
        "description": evaluation.chart.description,
        "heading": words::heading(evaluation),
        "targets": evaluation.targets.iter().map(target).collect::<Vec<_>>(),
        "phases": phases.collect::<Vec<_>>(),
        "loads": evaluation.targets.iter().flat_map(loads).collect::<Vec<_>>(),
        "raw": evaluation.targets.iter().map(raw).collect::<Vec<_>>(),
        "counted": words::COUNTED,
        "machine": words::machine(evaluation),
        "release": evaluation.release,
    })
}

fn target(target: &EvaluatedTarget) -> Value {
    let problems = words::problems(target);
    let (class, state) = match (problems.iter().any(|(_, failed, _)| *failed), problems.is_empty()) {
        (true, _) => ("bad", "something failed"),
        (false, false) => ("fair", "not everything was done"),
        (false, true) => ("good", "everything was done"),
    };
    let problems = problems.iter().map(|(phase, failed, why)| {
        json!({ "phase": phase, "class": if *failed { "bad" } else { "fair" }, "word": if *failed { "failed" } else { "not done" }, "why": why })
    });
    json!({
        "name": target.name,
        "class": class,
        "state": state,
        "about": words::about(target),
        "subject": words::subject(target),
        "load": words::load(target),
        "notes": words::notes(target),
        "problems": problems.collect::<Vec<_>>(),
    })
}

/// A phase: for each target a strip with a dot for each round, on one scale. None where no target has it.
fn plot(evaluation: &Evaluation, phase: Phase) -> Option<Value> {
    let values = |target: &EvaluatedTarget| -> Vec<(f64, u32)> { values(target, phase) };
    let all: Vec<f64> = evaluation.targets.iter().flat_map(values).map(|(value, _)| value).collect();
    evaluation.targets.iter().find_map(|target| of(target, phase))?;
    let most = scale(all.iter().copied().fold(0.0, f64::max)).unwrap_or(1.0);
    let strips = evaluation.targets.iter().map(|target| strip(target, phase, most));
    let ticks = [0.0, 0.25, 0.5, 0.75, 1.0].map(|share| {
        let text = if share > 0.0 { words::time(most * share) } else { "0".to_owned() };
        json!({ "x": place(share), "text": text })
    });
    Some(json!({
        "title": phase.title(),
        "meaning": phase.meaning(),
        "strips": strips.collect::<Vec<_>>(),
        "ticks": if all.is_empty() { &[][..] } else { &ticks[..] },
    }))
}

/// The seconds of each round, with its number.
fn values(target: &EvaluatedTarget, phase: Phase) -> Vec<(f64, u32)> {
    let of_round = |round: &rhumb_action::Round| {
        let measurement = round.measurements.iter().find(|measurement| measurement.phase == phase)?;
        Some((measurement.outcome.seconds()?, round.number))
    };
    target.rounds.iter().filter_map(of_round).collect()
}

/// The end of the scale: the next of 1, 2, 4 and 8 times a power of ten that no value is above.
fn scale(most: f64) -> Option<f64> {
    if most <= 0.0 {
        return None;
    }
    let power = 10_f64.powf(most.log10().floor());
    [1.0, 2.0, 4.0, 8.0, 10.0].into_iter().map(|step| step * power).find(|end| *end >= most)
}

fn place(share: f64) -> String {
    format!("{:.2}%", PLOT.0 + PLOT.1 * share.clamp(0.0, 1.0))
}

fn strip(target: &EvaluatedTarget, phase: Phase, most: f64) -> Value {
    let summary = of(target, phase);
    let at = |seconds: f64| place(seconds / most);
    let dots: Vec<Value> = values(target, phase)
        .into_iter()
        .map(|(seconds, round)| {
            let is_warm_up = round == 0;
            let title = if is_warm_up { "warm-up".to_owned() } else { format!("round {round}") };
            json!({ "x": at(seconds), "warm_up": is_warm_up, "title": format!("{title}: {}", words::time(seconds)) })
        })
        .collect();
    let spread = summary.and_then(|summary| summary.seconds);
    json!({
        "name": target.name,
        "label": words::cell(summary),
        "is_failed": summary.is_some_and(|summary| summary.failed > 0),
        "dots": dots,
        "range": spread.map(|spread| json!({ "from": at(spread.min), "to": at(spread.max) })),
        "median": spread.map(|spread| at(spread.median)),
    })
}

/// The phases of a target during which requests were sent.
fn loads(target: &EvaluatedTarget) -> Vec<Value> {
    let of = |phase: &PhaseSummary| phase.load.as_ref().map(|load| line(target, phase.phase, load));
    target.phases.iter().filter_map(of).collect()
}

fn line(target: &EvaluatedTarget, phase: Phase, load: &LoadSummary) -> Value {
    #[expect(clippy::cast_precision_loss, reason = "requests are far below 2^52")]
    let share = load.lost as f64 * 100.0 / load.requests.max(1) as f64;
    json!({
        "target": target.name,
        "phase": phase.title(),
        "requests": load.requests,
        "lost": format!("{} ({share:.1} %)", load.lost),
        "class": if load.lost == 0 { "good" } else { "fair" },
        "median_lost": ranged(&load.lost_in_round, |lost| lost.to_string()),
        "gap": ranged(&load.worst_gap, words::time),
        "p99": load.p99_milliseconds.map_or_else(|| "–".to_owned(), |p99| words::time(p99 / 1000.0)),
    })
}

/// A median, with the range where there is one.
fn ranged(spread: &Spread, text: impl Fn(f64) -> String) -> String {
    let median = text(spread.median);
    if spread.count == 1 {
        return median;
    }
    format!("{median} ({} to {})", text(spread.min), text(spread.max))
}

/// Every round of a target.
fn raw(target: &EvaluatedTarget) -> Value {
    let round = |round: &rhumb_action::Round| {
        let cells = Phase::ALL.map(|phase| {
            let found = round.measurements.iter().find(|measurement| measurement.phase == phase);
            let text = found.map_or_else(|| "–".to_owned(), words::short);
            json!({ "label": phase.title(), "text": text })
        });
        let name = match round.kind {
            RoundKind::WarmUp => "warm-up".to_owned(),
            RoundKind::Counted => round.number.to_string(),
        };
        json!({ "name": name, "started": round.started, "cells": cells })
    };
    json!({
        "name": target.name,
        "headings": Phase::ALL.map(Phase::title),
        "rounds": target.rounds.iter().map(round).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_end_at_round_numbers() {
        assert_eq!(scale(0.0), None);
        assert_eq!(scale(0.3), Some(0.4));
        assert_eq!(scale(1.0), Some(1.0));
        assert_eq!(scale(1.01), Some(2.0));
        assert_eq!(scale(63.0), Some(80.0));
        assert_eq!(scale(95.0), Some(100.0));
    }

    #[test]
    fn marks_stay_inside_of_the_plot() {
        assert_eq!([0.0, 0.5, 1.0, 2.0].map(place), ["2.00%", "50.00%", "98.00%", "98.00%"]);
    }
}
