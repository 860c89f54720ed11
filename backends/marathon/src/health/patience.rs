//! How long what looks like a failure is given the benefit of the doubt.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// What was seen of tasks that failed, between one look and the next.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    failed: Mutex<HashMap<String, BTreeSet<String>>>,
    since: Mutex<HashMap<(String, &'static str), Instant>>,
}

impl Patience {
    /// How many tasks of a rollout were seen to fail, with these.
    pub(super) fn failures<'t>(&self, rollout: &str, tasks: impl IntoIterator<Item = &'t str>) -> usize {
        let mut failed = lock(&self.failed);
        let seen = failed.entry(rollout.to_owned()).or_default();
        seen.extend(tasks.into_iter().map(ToOwned::to_owned));
        seen.len()
    }

    /// Whether something has been so for so long, as was seen here or as the server's clock says.
    pub(super) fn has_lasted(
        &self,
        rollout: &str,
        what: &'static str,
        since: Option<&str>,
        limit: Duration,
    ) -> bool {
        let mut known = lock(&self.since);
        let seen = known.entry((rollout.to_owned(), what)).or_insert_with(Instant::now).elapsed();
        seen >= limit || since.and_then(age).is_some_and(|age| age >= limit)
    }

    /// What was seen of an app or a pod counts no more: it is tried anew.
    pub(crate) fn anew(&self, native: &str) {
        let is_of = |rollout: &str| rollout.rsplit_once('@').is_some_and(|(id, _)| id == native);
        lock(&self.failed).retain(|rollout, _| !is_of(rollout));
        lock(&self.since).retain(|(rollout, _), _| !is_of(rollout));
    }

    /// Something is so no more.
    pub(super) fn ends(&self, rollout: &str, what: &'static str) {
        lock(&self.since).remove(&(rollout.to_owned(), what));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn age(moment: &str) -> Option<Duration> {
    Timestamp::now().duration_since(moment.parse().ok()?).try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_counts_once() {
        let patience = Patience::default();
        assert_eq!(patience.failures("a", ["1"]), 1);
        assert_eq!(patience.failures("a", ["1", "2"]), 2);
        assert_eq!(patience.failures("b", []), 0);
        assert_eq!(patience.failures("a", []), 2);
    }

    #[test]
    fn what_is_tried_anew_is_given_the_benefit_of_the_doubt_again() {
        let patience = Patience::default();
        assert_eq!(patience.failures("/shop/web@1", ["1", "2"]), 2);
        assert_eq!(patience.failures("/shop/web-2@1", ["1"]), 1);
        patience.anew("/shop/web");
        assert_eq!(patience.failures("/shop/web@1", ["3"]), 1);
        assert_eq!(patience.failures("/shop/web-2@1", []), 1);
    }

    #[test]
    fn the_clock_of_the_server_may_be_ahead() {
        let (patience, limit) = (Patience::default(), Duration::from_millis(20));
        assert!(patience.has_lasted("a", "x", Some("2020-01-01T00:00:00Z"), limit));
        assert!(!patience.has_lasted("b", "x", Some("2999-01-01T00:00:00Z"), limit));
        std::thread::sleep(limit);
        assert!(patience.has_lasted("b", "x", Some("2999-01-01T00:00:00Z"), limit));
        patience.ends("b", "x");
        assert!(!patience.has_lasted("b", "x", None, limit));
    }
}
