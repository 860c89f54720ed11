//! A phase over all rounds that count.

use serde::Serialize;

use super::statistics::Spread;
use super::{LoadCount, Measurement, Outcome, Phase, Round, RoundKind};

/// A phase over all rounds that count.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PhaseSummary {
    /// Which one.
    pub phase: Phase,
    /// Seconds, of the rounds in which it was done.
    pub seconds: Option<Spread>,
    /// In how many rounds it failed.
    pub failed: usize,
    /// In how many rounds the platform, or this target, could not do it.
    pub not_possible: usize,
    /// Why it was not done, each reason once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_done: Vec<String>,
    /// What became of the requests meanwhile, in the rounds in which it was done or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load: Option<LoadSummary>,
}

/// What became of the requests of a phase, over all rounds that count.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadSummary {
    /// Requests that were sent.
    pub requests: usize,
    /// Those that were lost.
    pub lost: usize,
    /// Requests that were lost, round by round.
    pub lost_in_round: Spread,
    /// The longest time without an answer, in seconds, round by round.
    pub worst_gap: Spread,
    /// The median of the rounds' 99th percentiles of answer times, in milliseconds; none where nothing was answered.
    pub p99_milliseconds: Option<f64>,
}

/// The phases of these rounds, in the order of the script; those that no round has are left out.
pub(super) fn summaries(rounds: &[Round]) -> Vec<PhaseSummary> {
    let counted: Vec<&Measurement> = rounds
        .iter()
        .filter(|round| round.kind == RoundKind::Counted)
        .flat_map(|round| &round.measurements)
        .collect();
    let of = |phase| {
        let found: Vec<&Measurement> =
            counted.iter().filter(|measurement| measurement.phase == phase).copied().collect();
        (!found.is_empty()).then(|| summary(phase, &found))
    };
    Phase::ALL.into_iter().filter_map(of).collect()
}

fn summary(phase: Phase, measurements: &[&Measurement]) -> PhaseSummary {
    let seconds: Vec<f64> =
        measurements.iter().filter_map(|measurement| measurement.outcome.seconds()).collect();
    let number = |is: fn(&Outcome) -> bool| measurements.iter().filter(|one| is(&one.outcome)).count();
    let mut not_done: Vec<String> = Vec::new();
    for why in measurements.iter().filter_map(|measurement| measurement.outcome.why_not()) {
        if !not_done.iter().any(|known| known == why) {
            not_done.push(why.to_owned());
        }
    }
    // A phase that failed has lost what it has lost; one that was cut short could have lost more.
    let is_whole = |measurement: &&&Measurement| {
        matches!(measurement.outcome, Outcome::Done { .. } | Outcome::Failed { .. })
    };
    let loads: Vec<&LoadCount> =
        measurements.iter().filter(is_whole).filter_map(|measurement| measurement.load.as_ref()).collect();
    PhaseSummary {
        phase,
        seconds: Spread::of(&seconds),
        failed: number(|outcome| matches!(outcome, Outcome::Failed { .. })),
        not_possible: number(|outcome| matches!(outcome, Outcome::NotPossible { .. })),
        not_done,
        load: load(&loads),
    }
}

fn load(loads: &[&LoadCount]) -> Option<LoadSummary> {
    let of =
        |value: fn(&LoadCount) -> f64| Spread::of(&loads.iter().map(|load| value(load)).collect::<Vec<_>>());
    let slow: Vec<f64> = loads.iter().filter_map(|load| load.p99_milliseconds).collect();
    #[expect(clippy::cast_precision_loss, reason = "requests are far below 2^52")]
    let lost_in_round = of(|load| load.lost as f64)?;
    Some(LoadSummary {
        requests: loads.iter().map(|load| load.requests).sum(),
        lost: loads.iter().map(|load| load.lost).sum(),
        lost_in_round,
        worst_gap: of(|load| load.worst_gap_seconds)?,
        p99_milliseconds: Spread::of(&slow).map(|spread| spread.median),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(phase: Phase, outcome: Outcome, load: Option<LoadCount>) -> Measurement {
        Measurement { phase, started: String::new(), outcome, load, notes: Vec::new() }
    }

    fn round(number: u32, kind: RoundKind, measurements: Vec<Measurement>) -> Round {
        let (started, ended) = (String::new(), String::new());
        Round { number, kind, started, ended, way: None, no_load: None, measurements }
    }

    fn done(seconds: f64) -> Outcome {
        Outcome::Done { seconds }
    }

    #[test]
    fn only_rounds_that_count_and_were_done_are_in_a_median() {
        let failed = Outcome::Failed { seconds: 9.0, error: "no".to_owned() };
        let lost = LoadCount { requests: 100, lost: 3, worst_gap_seconds: 0.5, ..LoadCount::default() };
        let none = LoadCount { requests: 50, worst_gap_seconds: 0.1, ..LoadCount::default() };
        let broken = Outcome::Failed { seconds: 3.0, error: "x".to_owned() };
        let cut = Outcome::Skipped { why: "interrupted".to_owned() };
        let half = LoadCount { requests: 20, lost: 20, ..LoadCount::default() };
        let rounds = [
            round(0, RoundKind::WarmUp, vec![measured(Phase::Install, done(60.0), None)]),
            round(
                1,
                RoundKind::Counted,
                vec![
                    measured(Phase::Install, done(2.0), None),
                    measured(Phase::Update, done(5.0), Some(lost)),
                ],
            ),
            round(
                2,
                RoundKind::Counted,
                vec![measured(Phase::Install, failed, None), measured(Phase::Update, broken, Some(none))],
            ),
            round(3, RoundKind::Counted, vec![measured(Phase::Update, cut, Some(half))]),
        ];
        let found = summaries(&rounds);
        assert_eq!(found.iter().map(|one| one.phase).collect::<Vec<_>>(), [Phase::Install, Phase::Update]);
        assert_eq!(found[0].seconds.map(|spread| (spread.count, spread.max)), Some((1, 2.0)));
        assert_eq!((found[0].failed, found[0].not_done.as_slice()), (1, &["no".to_owned()][..]));
        let load = found[1].load.as_ref().unwrap();
        assert_eq!((load.requests, load.lost, load.worst_gap.max), (150, 3, 0.5));
        assert_eq!((found[1].failed, load.lost_in_round.median), (1, 1.5));
    }
}
