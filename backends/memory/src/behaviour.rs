//! Trouble on request, so that failing waits can be shown and tested without a server.
//!
//! A workload's annotation or label [`KEY`] says what becomes of its replicas.

use rhumb_spec::model::{Mode, Workload};

/// The annotation or label: `memory.rhumb.dev/behaviour`.
pub const KEY: &str = "memory.rhumb.dev/behaviour";

/// What becomes of the replicas of a workload. The same happens at every run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Behaviour {
    /// They are ready at once; a job succeeds. This is the default, also written `ready`.
    #[default]
    Ready,
    /// They end with this exit code: `crash:137`.
    Crash(i64),
    /// They run and are never ready: `never-ready`.
    NeverReady,
    /// Their image cannot be fetched: `unpullable`.
    Unpullable,
    /// No node takes them: `unschedulable`.
    Unschedulable,
    /// They are ready once their health was asked for this often: `slow:3`.
    Slow(u64),
}

impl Behaviour {
    /// What a workload asks for.
    ///
    /// # Errors
    /// The forms that are known, when it is none of them.
    pub fn of(workload: &Workload) -> Result<Self, String> {
        let text = workload.annotations.get(KEY).or_else(|| workload.labels.get(KEY));
        text.map_or(Ok(Self::default()), |text| Self::parse(text))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let number = |digits: &str| digits.trim().parse::<u32>().ok();
        let known = match text.split_once(':') {
            None => match text.trim() {
                "ready" => Some(Self::Ready),
                "never-ready" => Some(Self::NeverReady),
                "unpullable" => Some(Self::Unpullable),
                "unschedulable" => Some(Self::Unschedulable),
                _ => None,
            },
            Some(("crash", code)) => number(code).map(|code| Self::Crash(i64::from(code))),
            Some(("slow", times)) => number(times).map(|times| Self::Slow(u64::from(times))),
            Some(_) => None,
        };
        known.ok_or_else(|| {
            "`ready`, `crash:CODE`, `never-ready`, `unpullable`, `unschedulable` or `slow:TIMES`".to_owned()
        })
    }
}

/// How many replicas a workload has.
pub(crate) fn replicas(workload: &Workload) -> u32 {
    match workload.mode {
        Mode::Replicated | Mode::Stateful => workload.replicas.unwrap_or(1),
        Mode::Global => 1,
        Mode::Job => workload.job.as_ref().and_then(|job| job.completions).unwrap_or(1),
        Mode::Cron => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<Behaviour, String> {
        let mut workload = Workload::default();
        workload.annotations.insert(KEY.to_owned(), text.to_owned());
        Behaviour::of(&workload)
    }

    #[test]
    fn forms() {
        assert_eq!(Behaviour::of(&Workload::default()), Ok(Behaviour::Ready));
        assert_eq!(check("crash:137"), Ok(Behaviour::Crash(137)));
        assert_eq!(check("slow:3"), Ok(Behaviour::Slow(3)));
        assert_eq!(check("unschedulable"), Ok(Behaviour::Unschedulable));
        assert!(check("crash").is_err());
        assert!(check("crash:-1").is_err());
        assert!(check("unpullable:1").is_err());
    }
}
