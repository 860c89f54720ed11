//! What becomes of tasks, as tests tell it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What becomes of tasks that match. Of several rules the last one counts.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Rule {
    /// The id of the app, pod or job; none means any.
    pub id: Option<String>,
    /// A part of the name of one of its images.
    pub image: Option<String>,
    /// A part of its command line.
    pub command: Option<String>,
    /// What becomes of it.
    pub fate: Fate,
    /// For how many tasks the rule counts; none means for ever.
    pub times: Option<u32>,
}

/// What becomes of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Fate {
    /// An app's task runs for ever, and a job's ends well soon.
    #[default]
    Runs,
    /// It ends by itself, well or with another code than 0.
    Exits {
        /// How long it runs.
        after_ms: u64,
        /// The exit code.
        code: i32,
    },
    /// It never runs: its image cannot be had, its command is not there.
    CannotStart {
        /// What the agent says.
        message: String,
    },
    /// It stays in staging.
    NeverStarts,
    /// It runs, and its health checks fail.
    NeverHealthy,
    /// It runs, and its readiness check fails.
    NeverReady,
    /// No offer fits, for this reason: `InsufficientMemory`.
    Unplaceable {
        /// Mesos' reason.
        reason: String,
    },
    /// It never goes when it is killed.
    NeverStops,
}

impl Rule {
    /// What becomes of every task of an app, pod or job.
    pub fn of(id: impl Into<String>, fate: Fate) -> Self {
        Self { id: Some(id.into()), fate, ..Self::default() }
    }

    /// For the first tasks only.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    fn matches(&self, subject: &Subject<'_>) -> bool {
        let is_id = self.id.as_deref().is_none_or(|id| id == subject.id);
        let is_image =
            self.image.as_deref().is_none_or(|part| subject.images.iter().any(|image| image.contains(part)));
        let is_command = self.command.as_deref().is_none_or(|part| subject.command.contains(part));
        is_id && is_image && is_command && self.times != Some(0)
    }
}

/// What rules look at.
#[derive(Debug)]
pub(super) struct Subject<'a> {
    pub(super) id: &'a str,
    pub(super) images: Vec<String>,
    pub(super) command: String,
}

/// The rules, in the order in which they were told.
#[derive(Debug, Default)]
pub(super) struct Rules(Vec<Rule>);

impl Rules {
    /// Adds a rule.
    pub(super) fn tell(&mut self, rule: Rule) {
        self.0.push(rule);
    }

    /// Forgets every rule.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }

    /// Why no offer fits a task that is not there yet.
    pub(super) fn unplaceable(&self, subject: &Subject<'_>) -> Option<String> {
        match self.0.iter().rev().find(|rule| rule.matches(subject)).map(|rule| &rule.fate) {
            Some(Fate::Unplaceable { reason }) => Some(reason.clone()),
            _ => None,
        }
    }

    /// What becomes of a task that is launched now.
    pub(super) fn fate(&mut self, subject: &Subject<'_>) -> Fate {
        let Some(rule) = self.0.iter_mut().rev().find(|rule| rule.matches(subject)) else {
            return Fate::Runs;
        };
        if let Some(times) = &mut rule.times {
            *times -= 1;
        }
        rule.fate.clone()
    }
}

impl Fate {
    /// It ends with this code after a moment.
    pub fn exits(code: i32) -> Self {
        Self::Exits { after_ms: 20, code }
    }

    /// How long it runs and how it ends, if it ends by itself.
    pub(super) fn end(&self) -> Option<(Duration, i32)> {
        match self {
            Self::Exits { after_ms, code } => Some((Duration::from_millis(*after_ms), *code)),
            _ => None,
        }
    }
}
