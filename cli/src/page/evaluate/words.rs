//! What every page of an evaluation says in the same words.

use rhumb_action::{
    EvaluatedTarget, Evaluation, LoadCount, LoadSummary, Measurement, Order, Outcome, Phase, PhaseSummary,
    Spread,
};

use crate::page::text::count;

/// What is to be known of the numbers, short enough for a terminal.
pub(super) fn brief(evaluation: &Evaluation) -> String {
    format!(
        "Times are medians, with the median deviation (±) and the range. A request is lost when it is not answered within \
         {}, is refused or breaks off, or is answered with an error.",
        time(evaluation.request_timeout)
    )
}

/// What is not to be read out of these numbers without knowing it.
pub(super) const COUNTED: &str = "Each request has a connection of its own and is sent when it is due, whether or not \
     earlier ones were answered; none is sent twice. Lost is what is not wholly answered in time, what is refused or \
     breaks off, every answer of 500 and above, and answers of 400 to 499 where there were none before. Requests are \
     sent from half a second before a phase begins until a second and a half after it is done. The worst gap is the \
     longest time between two requests that were answered; none is shorter than the time between two requests.";

/// A time, with three digits that say something.
pub(super) fn time(seconds: f64) -> String {
    match seconds {
        _ if seconds < 0.9995 => format!("{:.0} ms", seconds * 1000.0),
        _ if seconds < 9.995 => format!("{seconds:.2} s"),
        _ if seconds < 99.95 => format!("{seconds:.1} s"),
        _ => format!("{seconds:.0} s"),
    }
}

/// A median with its spread: `2.31 s ±40 ms (2.20 s to 2.54 s)`.
pub(super) fn spread(spread: &Spread) -> String {
    if spread.count == 1 {
        return time(spread.median);
    }
    format!("{} ±{} ({})", time(spread.median), time(spread.deviation), range(spread))
}

/// From the least to the greatest.
pub(super) fn range(spread: &Spread) -> String {
    format!("{} to {}", time(spread.min), time(spread.max))
}

/// What became of requests: `12 of 610 lost`.
pub(super) fn lost(load: &LoadSummary) -> String {
    format!("{} of {} lost", load.lost, load.requests)
}

/// A phase on a target, in a few words.
pub(super) fn cell(phase: Option<&PhaseSummary>) -> String {
    let Some(phase) = phase else { return "–".to_owned() };
    let mut parts: Vec<String> = phase.seconds.iter().map(spread).collect();
    if phase.failed > 0 {
        parts.push(format!("failed in {}", count(phase.failed, "round", "rounds")));
    }
    parts.extend(phase.load.as_ref().map(lost));
    match (parts.is_empty(), phase.not_possible) {
        (true, 0) => "not measured".to_owned(),
        (true, _) => "not possible here".to_owned(),
        (false, _) => parts.join(", "),
    }
}

/// A phase of one round, in a few words.
pub(super) fn short(measurement: &Measurement) -> String {
    let what = match &measurement.outcome {
        Outcome::Done { seconds } => time(*seconds),
        Outcome::Failed { seconds, .. } => format!("failed after {}", time(*seconds)),
        Outcome::NotPossible { .. } => "not possible here".to_owned(),
        Outcome::Skipped { .. } => "not measured".to_owned(),
    };
    let lost = measurement.load.as_ref().map(|load| format!(", {} lost", load.lost)).unwrap_or_default();
    what + &lost
}

/// A phase of one round, as it is told while others go on.
pub(crate) fn measured(round: u32, measurement: &Measurement) -> String {
    let round = if round == 0 { "warm-up".to_owned() } else { format!("round {round}") };
    let what = match &measurement.outcome {
        Outcome::Done { seconds } => time(*seconds),
        Outcome::Failed { seconds, error } => format!("failed after {}: {error}", time(*seconds)),
        Outcome::NotPossible { why } => format!("not possible here: {why}"),
        Outcome::Skipped { why } => format!("not measured: {why}"),
    };
    let lost = measurement.load.as_ref().map(requests).unwrap_or_default();
    format!("{round}: {}: {what}{lost}", measurement.phase)
}

fn requests(load: &LoadCount) -> String {
    format!(", {} of {} requests lost, worst gap {}", load.lost, load.requests, time(load.worst_gap_seconds))
}

/// What was evaluated, in a sentence.
pub(super) fn heading(evaluation: &Evaluation) -> String {
    let order = match evaluation.order {
        _ if evaluation.targets.len() == 1 => "",
        Order::InTurn => ", one after the other",
        Order::AtOnce => ", at once",
    };
    let targets = count(evaluation.targets.len(), "target", "targets");
    let rounds = count(evaluation.rounds as usize, "round", "rounds");
    format!("Measured in {rounds} on {targets}{order}, {}.", period(&evaluation.started, &evaluation.ended))
}

/// From one moment to another, both in RFC 3339 and of UTC; the day once, where it is the same.
fn period(from: &str, to: &str) -> String {
    let plain = |moment: &str| moment.trim_end_matches('Z').replacen('T', " ", 1);
    let (from, to) = (plain(from), plain(to));
    let end = match (from.split_once(' '), to.split_once(' ')) {
        (Some((first, _)), Some((last, time))) if first == last => time,
        _ => &to,
    };
    format!("{from} to {end} UTC")
}

/// The machine that measured.
pub(super) fn machine(evaluation: &Evaluation) -> String {
    let machine = &evaluation.machine;
    format!(
        "Measured by rhumb {} on a machine with {} ({}).",
        machine.version,
        count(machine.cores, "core", "cores"),
        machine.system
    )
}

/// What a target is: its platform, and what that says of itself.
pub(super) fn about(target: &EvaluatedTarget) -> String {
    let told = target.about.iter().map(|(what, text)| format!("{what} {text}"));
    let all: Vec<String> = [target.platform.clone()].into_iter().chain(told).collect();
    all.join(", ")
}

/// Which workload was looked at.
pub(super) fn subject(target: &EvaluatedTarget) -> String {
    target.subject.as_ref().map_or_else(
        || "none".to_owned(),
        |subject| {
            let own = count(subject.replicas as usize, "replica", "replicas");
            let is_scaled = target.phases.iter().any(|phase| phase.phase == Phase::ScaleUp);
            let more =
                if is_scaled { format!(", scaled up to {}", subject.scaled_to) } else { String::new() };
            format!("{}, {own}{more}", subject.workload)
        },
    )
}

/// Where requests went, or why none were sent; each answer once.
pub(super) fn load(target: &EvaluatedTarget) -> String {
    let mut texts: Vec<String> = Vec::new();
    for round in &target.rounds {
        let text = match (&round.way, &round.no_load) {
            (Some(way), _) => format!("{} requests/s to {} ({})", way.rate, way.url, way.via),
            (None, Some(why)) => format!("none: {why}"),
            (None, None) => continue,
        };
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    if texts.is_empty() { "none".to_owned() } else { texts.join("; ") }
}

/// Everything on a target that was not done: the phases, whether they failed, and the reason, each once.
pub(super) fn problems(target: &EvaluatedTarget) -> Vec<(String, bool, String)> {
    let mut problems: Vec<(String, bool, String)> = Vec::new();
    for phase in &target.phases {
        let (title, is_failed) = (phase.phase.title(), phase.failed > 0);
        for why in &phase.not_done {
            match problems.iter_mut().find(|known| (known.1, &known.2) == (is_failed, why)) {
                Some((titles, ..)) => *titles = format!("{titles}, {title}"),
                None => problems.push((title.to_owned(), is_failed, why.clone())),
            }
        }
    }
    problems
}

/// What else is to be known, each note once.
pub(super) fn notes(target: &EvaluatedTarget) -> Vec<String> {
    let mut notes: Vec<String> = Vec::new();
    for measurement in target.rounds.iter().flat_map(|round| &round.measurements) {
        for note in &measurement.notes {
            // A replica has another name in each round.
            let note = note.split_once(": ").map_or(note.as_str(), |(_, rest)| rest);
            let text = format!("{}: {note}", measurement.phase);
            if !notes.contains(&text) {
                notes.push(text);
            }
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits() {
        let shown = [0.0, 0.0124, 0.9994, 1.0, 2.345, 9.996, 42.0, 123.4].map(time);
        assert_eq!(shown, ["0 ms", "12 ms", "999 ms", "1.00 s", "2.35 s", "10.0 s", "42.0 s", "123 s"]);
    }

    #[test]
    fn a_day_is_told_once() {
        let check = |to: &str, told: &str| assert_eq!(period("2026-11-28T23:59:01Z", to), told);
        check("2026-11-28T23:59:30Z", "2026-11-28 23:59:01 to 23:59:30 UTC");
        check("2026-11-29T00:00:30Z", "2026-11-28 23:59:01 to 2026-11-29 00:00:30 UTC");
    }

    #[test]
    fn a_single_value_has_no_spread() {
        let one = Spread { count: 1, median: 2.0, min: 2.0, max: 2.0, deviation: 0.0 };
        assert_eq!(spread(&one), "2.00 s");
        let few = Spread { count: 3, median: 2.0, min: 1.5, max: 3.0, deviation: 0.5 };
        assert_eq!(spread(&few), "2.00 s ±500 ms (1.50 s to 3.00 s)");
    }
}
