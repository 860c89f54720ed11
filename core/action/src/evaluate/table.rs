//! What was measured as the lines of a table, one for each phase of each round, for spreadsheets.

use super::{EvaluatedTarget, Evaluation, Measurement, Outcome, Round, RoundKind};

/// The columns of [`raw_lines`]. Times are seconds where their names do not say otherwise.
pub const COLUMNS: [&str; 20] = [
    "target",
    "platform",
    "round",
    "counted",
    "phase",
    "started",
    "outcome",
    "seconds",
    "load_seconds",
    "requests",
    "answered",
    "lost",
    "timeouts",
    "broken_connections",
    "server_errors",
    "refusals",
    "worst_gap",
    "p50_milliseconds",
    "p99_milliseconds",
    "why",
];

/// Everything that was measured: a line for each phase of each round.
pub fn raw_lines(evaluation: &Evaluation) -> Vec<[String; 20]> {
    let of_target = |target: &EvaluatedTarget| -> Vec<[String; 20]> {
        let rounds = target.rounds.iter();
        rounds
            .flat_map(|round| round.measurements.iter().map(|measurement| line(target, round, measurement)))
            .collect()
    };
    evaluation.targets.iter().flat_map(of_target).collect()
}

fn line(target: &EvaluatedTarget, round: &Round, measurement: &Measurement) -> [String; 20] {
    let load = measurement.load.as_ref();
    let count =
        |value: fn(&super::LoadCount) -> usize| load.map(|load| value(load).to_string()).unwrap_or_default();
    let time = |value: Option<f64>| value.map(|value| format!("{value:.3}")).unwrap_or_default();
    let took = match &measurement.outcome {
        Outcome::Failed { seconds, .. } => Some(*seconds),
        other => other.seconds(),
    };
    [
        target.name.clone(),
        target.platform.clone(),
        round.number.to_string(),
        (round.kind == RoundKind::Counted).to_string(),
        measurement.phase.as_str().to_owned(),
        measurement.started.clone(),
        measurement.outcome.as_str().to_owned(),
        time(took),
        time(load.map(|load| load.seconds)),
        count(|load| load.requests),
        count(|load| load.answered),
        count(|load| load.lost),
        count(|load| load.timeouts),
        count(|load| load.broken_connections),
        count(|load| load.server_errors),
        count(|load| load.refusals),
        time(load.map(|load| load.worst_gap_seconds)),
        time(load.and_then(|load| load.p50_milliseconds)),
        time(load.and_then(|load| load.p99_milliseconds)),
        measurement.outcome.why_not().unwrap_or_default().to_owned(),
    ]
}
