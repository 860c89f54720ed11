//! What was called how often, and what goes wrong on purpose.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::request::Call;

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Trouble {
    /// The service asks for fewer requests.
    Throttled,
    /// Whoever calls has no right to.
    Denied,
    /// The service breaks before it does anything.
    Internal,
    /// The connection closes before anything is done.
    Reset,
    /// Nothing is done, and no answer comes for so many milliseconds; then the connection closes.
    Silent {
        /// Milliseconds.
        millis: u64,
    },
    /// The call is carried out, and the connection closes before the answer comes.
    AnswerLost,
}

/// Which calls meet a trouble.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// `ecs:CreateService`, `ecs:*`, `*:Create*`, `*`. A star stands for anything.
    pub calls: String,
    /// Which of those calls, counted from 0; none means all.
    #[serde(default)]
    pub at: Option<Vec<u32>>,
    /// What goes wrong.
    pub trouble: Trouble,
}

/// Counts of calls, by `service:Operation`.
#[derive(Debug, Default)]
pub(super) struct Counts(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    counts: BTreeMap<String, u32>,
    now: BTreeMap<String, u32>,
    most: BTreeMap<String, u32>,
    faults: Vec<(Fault, u32)>,
    met: u32,
    latency: Vec<(String, Duration)>,
}

/// A call that is being answered.
pub(super) struct Begun<'a> {
    counts: &'a Counts,
    name: String,
    /// What goes wrong with it.
    pub(super) trouble: Option<Trouble>,
    /// How long it takes at least.
    pub(super) latency: Duration,
}

impl Counts {
    /// Notes that a call begins.
    pub(super) fn begin(&self, call: &Call) -> Begun<'_> {
        let name = call.name();
        self.with(|inner| {
            *inner.counts.entry(name.clone()).or_default() += 1;
            for key in [&name, "*"] {
                let now = inner.now.entry(key.to_owned()).or_default();
                *now += 1;
                let now = *now;
                let most = inner.most.entry(key.to_owned()).or_default();
                *most = now.max(*most);
            }
            let trouble = inner.meet(&name);
            let latency = inner.latency.iter().rev().find(|(calls, _)| matches(calls, &name));
            let latency = latency.map_or(Duration::ZERO, |(_, latency)| *latency);
            Begun { counts: self, name: name.clone(), trouble, latency }
        })
    }

    /// Calls by `service:Operation`.
    pub(super) fn counts(&self) -> BTreeMap<String, u32> {
        self.with(|inner| inner.counts.clone())
    }

    /// Forgets the calls so far.
    pub(super) fn forget(&self) {
        self.with(|inner| {
            inner.counts.clear();
            inner.most.clear();
        });
    }

    /// The most calls that were being answered at once; under `*` of all operations.
    pub(super) fn most_at_once(&self) -> BTreeMap<String, u32> {
        self.with(|inner| inner.most.clone())
    }

    /// Adds a fault.
    pub(super) fn fault(&self, fault: Fault) {
        self.with(|inner| inner.faults.push((fault, 0)));
    }

    /// Ends all faults.
    pub(super) fn heal(&self) {
        self.with(|inner| inner.faults.clear());
    }

    /// How many calls met a fault.
    pub(super) fn met(&self) -> u32 {
        self.with(|inner| inner.met)
    }

    /// Lets calls take so long at least; the last word counts.
    pub(super) fn delay(&self, calls: &str, latency: Duration) {
        self.with(|inner| inner.latency.push((calls.to_owned(), latency)));
    }

    fn with<T>(&self, act: impl FnOnce(&mut Inner) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Inner {
    fn meet(&mut self, name: &str) -> Option<Trouble> {
        let mut trouble = None;
        for (fault, count) in &mut self.faults {
            if !matches(&fault.calls, name) {
                continue;
            }
            let number = *count;
            *count += 1;
            if fault.at.as_ref().is_none_or(|at| at.contains(&number)) {
                trouble = trouble.or(Some(fault.trouble));
            }
        }
        self.met += u32::from(trouble.is_some());
        trouble
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        self.counts.with(|inner| {
            for key in [self.name.as_str(), "*"] {
                if let Some(now) = inner.now.get_mut(key) {
                    *now -= 1;
                }
            }
        });
    }
}

/// Whether a pattern with stars covers a name.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|name| {
            (0..=name.len()).any(|at| name.get(at..).is_some_and(|tail| matches(rest, tail)))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, name, expected) in [
            ("*", "ecs:CreateService", true),
            ("ecs:*", "ecs:CreateService", true),
            ("*:Create*", "ecs:CreateService", true),
            ("*:Create*", "ecs:DescribeServices", false),
            ("ecs:CreateService", "ecs:CreateServices", false),
            ("ssm:*Parameter", "ssm:PutParameter", true),
            ("ssm:*Parameter", "ssm:PutParameters", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
