//! How long something has been so.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// Since when things have been seen as they are.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    since: Mutex<HashMap<(String, String), Instant>>,
}

impl Patience {
    /// One that has seen a thing be so for an hour.
    #[cfg(test)]
    pub(super) fn of_old(uid: &str, what: &str) -> Self {
        let first = Instant::now().checked_sub(Duration::from_hours(1)).unwrap_or_else(Instant::now);
        Self { since: Mutex::new(HashMap::from([((uid.to_owned(), what.to_owned()), first)])) }
    }

    /// Whether a thing has been so for this long: by what was seen here, or, where the cluster gives a time, by that.
    /// Its clock may be ahead of ours, so a time to come says nothing.
    pub(super) fn is_over(&self, uid: &str, what: &str, told: Option<Timestamp>, limit: Duration) -> bool {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        let first = since.entry((uid.to_owned(), what.to_owned())).or_insert_with(Instant::now);
        first.elapsed() >= limit || told.and_then(age).is_some_and(|age| age >= limit)
    }
}

fn age(since: Timestamp) -> Option<Duration> {
    Timestamp::now().duration_since(since).try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_of_the_cluster_may_be_ahead() {
        let limit = Duration::from_millis(20);
        let at = |text: &str| Some(text.parse().unwrap());
        assert!(Patience::default().is_over("p", "Unschedulable", at("2020-01-01T00:00:00Z"), limit));
        let patience = Patience::default();
        assert!(!patience.is_over("p", "Unschedulable", at("2999-01-01T00:00:00Z"), limit));
        assert!(!patience.is_over("p", "Unschedulable", None, limit));
        std::thread::sleep(limit);
        assert!(patience.is_over("p", "Unschedulable", at("2999-01-01T00:00:00Z"), limit));
        assert!(!patience.is_over("p", "ImagePullBackOff", None, limit), "another thing is another time");
    }
}
