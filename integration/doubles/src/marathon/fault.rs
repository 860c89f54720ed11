//! Faults: answers that do not come, or come wrong.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What goes wrong with calls.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FaultRule {
    /// The method; none means any.
    #[serde(default)]
    pub method: Option<String>,
    /// A part of the path, as `/v2/apps`; an empty one means any. What is posted is at the path and, after a space, its id:
    /// `/v2/apps /default/shop/web`.
    #[serde(default)]
    pub path: String,
    /// How many calls that match pass before the first that fails.
    #[serde(default)]
    pub after: u32,
    /// How many fail; none means all.
    #[serde(default)]
    pub times: Option<u32>,
    /// Of the calls that would fail, only each of so many does; none means each of them.
    #[serde(default)]
    pub every: Option<u32>,
    /// What goes wrong.
    pub fault: Fault,
}

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// It is not carried out, and the answer has this status: 429, 500, 503.
    Status(u16),
    /// It is not carried out, and the connection is cut.
    Reset,
    /// It is not carried out, and no answer comes for this time, in milliseconds; then the connection is cut.
    Timeout(u64),
    /// It is carried out, and the connection is cut before the answer.
    LostAnswer,
    /// It is carried out, and the answer comes this much later, in milliseconds.
    Slow(u64),
}

impl FaultRule {
    /// Every call of a method to paths that hold a part.
    pub fn on(method: &str, path: &str, fault: Fault) -> Self {
        Self {
            method: Some(method.to_owned()),
            path: path.to_owned(),
            after: 0,
            times: None,
            every: None,
            fault,
        }
    }

    /// The first calls only.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// One of so many calls only.
    #[must_use]
    pub fn every(mut self, calls: u32) -> Self {
        self.every = Some(calls);
        self.after = calls - 1;
        self
    }

    /// After some calls that pass.
    #[must_use]
    pub fn after(mut self, calls: u32) -> Self {
        self.after = calls;
        self
    }
}

/// Faults, latency, and what was called.
#[derive(Debug, Default)]
pub(super) struct Faults {
    rules: Vec<FaultRule>,
    /// How long every answer takes at least.
    pub(super) latency: Duration,
    /// Calls by method and path.
    pub(super) counts: BTreeMap<String, u64>,
    under_way: u64,
    /// How many calls went wrong.
    pub(super) met: u64,
    /// The most calls that were under way at one time.
    pub(super) most_at_once: u64,
}

impl Faults {
    /// Adds a rule.
    pub(super) fn add(&mut self, rule: FaultRule) {
        self.rules.push(rule);
    }

    /// Forgets every rule.
    pub(super) fn clear(&mut self) {
        self.rules.clear();
    }

    /// Notes a call that begins at a path as in [`FaultRule::path`], and says what goes wrong with it.
    pub(super) fn begin(&mut self, method: &str, path: &str) -> Option<Fault> {
        let counted = path.split_once(' ').map_or(path, |(path, _)| path);
        *self.counts.entry(format!("{method} {counted}")).or_default() += 1;
        self.under_way += 1;
        self.most_at_once = self.most_at_once.max(self.under_way);
        let matches = |rule: &FaultRule| {
            rule.method.as_deref().is_none_or(|wanted| wanted == method) && path.contains(&rule.path)
        };
        let mut found = None;
        for rule in self.rules.iter_mut().filter(|rule| matches(rule)) {
            if rule.after > 0 {
                rule.after -= 1;
            } else if rule.times != Some(0) && found.is_none() {
                if let Some(times) = &mut rule.times {
                    *times -= 1;
                }
                rule.after = rule.every.map_or(0, |every| every.saturating_sub(1));
                self.met += 1;
                found = Some(rule.fault);
            }
        }
        found
    }

    /// Notes that a call is over.
    pub(super) fn end(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }
}
