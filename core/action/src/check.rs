//! `rhumb check`: whether a chart has come to lose on some platform what it did not lose before. Nothing is asked or
//! changed.

use std::collections::BTreeMap;

use rhumb_spec::{Diagnostic, Feature, yaml};
use serde::{Deserialize, Serialize};

use crate::{Comparison, Verdict};

/// The version of the file's form.
const VERSION: u32 = 1;

/// What platforms make of a chart that is less than it asks for: kept in a file, it is what later checks are held to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Baseline {
    /// The version of this form.
    pub version: u32,
    /// The chart's name.
    pub chart: String,
    /// The platforms that were compared.
    pub platforms: Vec<String>,
    /// Every loss and refusal, in the order of platforms, features and places.
    pub shortfalls: Vec<Shortfall>,
}

/// Something that a platform refuses, or does with a loss.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shortfall {
    /// The platform, as the user knows it.
    pub platform: String,
    /// What is asked for; none for a value that the platform does not take.
    #[serde(default)]
    pub feature: Option<Feature>,
    /// Where, the numbers of list items as `*`.
    pub path: String,
    /// Whether it is emulated or refused.
    pub verdict: Verdict,
    /// What is lost or why it is refused.
    pub text: String,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Checked {
    /// What there is now. A check's whole result can be a baseline, too.
    #[serde(flatten)]
    pub now: Baseline,
    /// What was not there before, or was only a loss and is refused now. Without a baseline: what is refused.
    pub new: Vec<Shortfall>,
    /// What was there before and is not any more.
    pub gone: Vec<Shortfall>,
    /// Whether there was a baseline.
    pub has_baseline: bool,
    /// Platforms of which the baseline says nothing.
    pub unknown_platforms: Vec<String>,
    /// Whether the check holds.
    pub holds: bool,
}

/// By what a shortfall is known again; its text may change.
type Key = (String, Option<Feature>, String);

impl Shortfall {
    fn key(&self) -> Key {
        (self.platform.clone(), self.feature, self.path.clone())
    }
}

impl Baseline {
    /// What the platforms make of a chart that is less than it asks for.
    pub fn of(comparison: &Comparison) -> Self {
        let mut shortfalls = Vec::new();
        for (index, platform) in comparison.platforms.iter().enumerate() {
            for found in &platform.failure {
                shortfalls.push(failure(&platform.name, found));
            }
            for row in &comparison.rows {
                let Some(cell) = &row.cells[index] else { continue };
                if cell.verdict != Verdict::Native {
                    let text = cell.why.iter().chain(&cell.losses).cloned().collect::<Vec<_>>().join("; ");
                    let (platform, path) = (platform.name.clone(), normal(&row.path));
                    let verdict = cell.verdict;
                    shortfalls.push(Shortfall { platform, feature: row.feature, path, verdict, text });
                }
            }
        }
        shortfalls.sort();
        shortfalls.dedup_by_key(|shortfall| shortfall.key());
        let platforms = comparison.platforms.iter().map(|platform| platform.name.clone()).collect();
        Self { version: VERSION, chart: comparison.chart.name.clone(), platforms, shortfalls }
    }

    /// Reads a baseline that was written, or the whole result of a check.
    ///
    /// # Errors
    /// What is wrong with it, at its place in `file`.
    pub fn read(text: &str, file: &str) -> Result<Self, Vec<Diagnostic>> {
        let (read, found) = yaml::from_str_typed::<Written>(text, file);
        let wrong = |what: String| {
            let remedy = "a file made by `rhumb check --write-baseline` or `rhumb check -o json`";
            vec![Diagnostic::error("", what).at(file, 1).remedy(remedy)]
        };
        match read {
            Some(written) if found.is_empty() && written.version == VERSION => Ok(written.into()),
            Some(written) if found.is_empty() => {
                Err(wrong(format!("the baseline is of version {}, and {VERSION} is read", written.version)))
            }
            _ if found.is_empty() => Err(wrong("this is no baseline".to_owned())),
            _ => Err(found),
        }
    }

    /// Holds what there is now to a baseline; without one, to having nothing refused.
    pub fn held_to(self, before: Option<&Self>) -> Checked {
        let (new, gone) = match before {
            Some(before) => (worse(&self, before), lost(&self, before)),
            None => (self.refused(), Vec::new()),
        };
        let is_unknown = |name: &&String| before.is_some_and(|before| !before.platforms.contains(name));
        Checked {
            unknown_platforms: self.platforms.iter().filter(is_unknown).cloned().collect(),
            holds: new.is_empty(),
            has_baseline: before.is_some(),
            now: self,
            new,
            gone,
        }
    }

    fn refused(&self) -> Vec<Shortfall> {
        let is_refused = |one: &&Shortfall| one.verdict == Verdict::Refused;
        self.shortfalls.iter().filter(is_refused).cloned().collect()
    }

    fn by_key(&self) -> BTreeMap<Key, &Shortfall> {
        self.shortfalls.iter().map(|one| (one.key(), one)).collect()
    }
}

/// A baseline as it is read: what a check adds to it is passed over.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    version: u32,
    chart: String,
    platforms: Vec<String>,
    shortfalls: Vec<Shortfall>,
}

impl From<Written> for Baseline {
    fn from(Written { version, chart, platforms, shortfalls }: Written) -> Self {
        Self { version, chart, platforms, shortfalls }
    }
}

/// That a chart cannot even be rendered for a platform.
fn failure(platform: &str, found: &Diagnostic) -> Shortfall {
    Shortfall {
        platform: platform.to_owned(),
        feature: None,
        path: normal(&found.path),
        verdict: Verdict::Refused,
        text: found.what.clone(),
    }
}

/// What is there now and was not before, or is worse than it was.
fn worse(now: &Baseline, before: &Baseline) -> Vec<Shortfall> {
    let known = before.by_key();
    let is_worse = |one: &&Shortfall| known.get(&one.key()).is_none_or(|old| one.verdict > old.verdict);
    now.shortfalls.iter().filter(is_worse).cloned().collect()
}

/// What was there before and is not now, on platforms that are looked at now.
fn lost(now: &Baseline, before: &Baseline) -> Vec<Shortfall> {
    let known = now.by_key();
    let is_lost = |one: &&Shortfall| now.platforms.contains(&one.platform) && !known.contains_key(&one.key());
    before.shortfalls.iter().filter(is_lost).cloned().collect()
}

/// A path in which an item that was put into a list before others does not make these new.
fn normal(path: &str) -> String {
    let part = |part: &str| if part.parse::<u32>().is_ok() { "*".to_owned() } else { part.to_owned() };
    path.split('.').map(part).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shortfall(platform: &str, path: &str, verdict: Verdict) -> Shortfall {
        let (platform, path) = (platform.to_owned(), path.to_owned());
        Shortfall { platform, feature: Some(Feature::Env), path, verdict, text: "why".to_owned() }
    }

    fn baseline(platforms: &[&str], shortfalls: &[Shortfall]) -> Baseline {
        Baseline {
            version: VERSION,
            chart: "shop".to_owned(),
            platforms: platforms.iter().map(|name| (*name).to_owned()).collect(),
            shortfalls: shortfalls.to_vec(),
        }
    }

    #[test]
    fn without_a_baseline_only_refusals_fail() {
        let lossy = shortfall("swarm", "a", Verdict::Emulated);
        let refused = shortfall("swarm", "b", Verdict::Refused);
        assert!(baseline(&["swarm"], std::slice::from_ref(&lossy)).held_to(None).holds);
        let checked = baseline(&["swarm"], &[lossy, refused.clone()]).held_to(None);
        assert_eq!((checked.holds, checked.new), (false, vec![refused]));
    }

    #[test]
    fn only_what_is_new_fails() {
        let old = shortfall("swarm", "a", Verdict::Emulated);
        let gone = shortfall("swarm", "b", Verdict::Refused);
        let elsewhere = shortfall("ecs", "b", Verdict::Refused);
        let before = baseline(&["swarm", "ecs"], &[old.clone(), gone.clone(), elsewhere]);
        let checked = baseline(&["swarm"], std::slice::from_ref(&old)).held_to(Some(&before));
        assert_eq!((checked.holds, checked.new, checked.gone), (true, vec![], vec![gone]));
        let new = shortfall("swarm", "c", Verdict::Emulated);
        let checked = baseline(&["swarm"], &[old, new.clone()]).held_to(Some(&before));
        assert_eq!((checked.holds, checked.new), (false, vec![new]));
    }

    #[test]
    fn a_loss_that_is_refused_now_is_new_and_the_reverse_is_not() {
        let (lossy, refused) =
            (shortfall("swarm", "a", Verdict::Emulated), shortfall("swarm", "a", Verdict::Refused));
        let (lossy, refused) = (baseline(&["swarm"], &[lossy]), baseline(&["swarm"], &[refused]));
        assert!(!refused.clone().held_to(Some(&lossy)).holds);
        let checked = lossy.held_to(Some(&refused));
        assert_eq!((checked.holds, checked.gone), (true, vec![]));
    }

    #[test]
    fn what_a_baseline_does_not_know_is_told() {
        let before = baseline(&["swarm"], &[]);
        let checked = baseline(&["ecs", "swarm"], &[]).held_to(Some(&before));
        assert_eq!(checked.unknown_platforms, ["ecs"]);
    }

    #[test]
    fn a_whole_result_is_a_baseline() {
        let now = baseline(&["swarm"], &[shortfall("swarm", "a", Verdict::Refused)]);
        let text = serde_json::to_string(&now.clone().held_to(None)).unwrap();
        assert_eq!(Baseline::read(&text, "base.json").unwrap(), now);
    }

    #[test]
    fn what_is_no_baseline_is_refused() {
        for text in
            ["", "[]", "{", r#"{"version":9,"chart":"a","platforms":[],"shortfalls":[]}"#, "version: 1"]
        {
            assert!(Baseline::read(text, "base.json").is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_of_items_do_not_count() {
        assert_eq!(
            normal("workload/web-1.containers.web.envFrom.12.config"),
            "workload/web-1.containers.web.envFrom.*.config"
        );
    }
}
