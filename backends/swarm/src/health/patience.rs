//! How long something has been so.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::task::Task;

/// Since when tasks have been seen in their states.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    since: Mutex<HashMap<(String, String), Instant>>,
}

impl Patience {
    /// Whether a task has been in its state for so long: by the time that the engine gives, or, as its clock may be
    /// ahead of ours, by what was seen here.
    pub(super) fn is_over(&self, task: &Task, limit: Duration) -> bool {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        let seen =
            since.entry((task.id.clone(), task.status.state.clone())).or_insert_with(Instant::now).elapsed();
        seen >= limit || age(&task.status.timestamp).is_some_and(|age| age >= limit)
    }
}

fn age(timestamp: &str) -> Option<Duration> {
    let timestamp: Timestamp = timestamp.parse().ok()?;
    Timestamp::now().duration_since(timestamp).try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(timestamp: &str) -> Task {
        let json = serde_json::json!({ "ID": "t", "Status": { "State": "running", "Timestamp": timestamp } });
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn the_clock_of_the_engine_may_be_ahead() {
        let limit = Duration::from_millis(20);
        assert!(Patience::default().is_over(&running("2020-01-01T00:00:00.1Z"), limit));
        let patience = Patience::default();
        assert!(!patience.is_over(&running("2999-01-01T00:00:00Z"), limit));
        std::thread::sleep(limit);
        assert!(patience.is_over(&running("2999-01-01T00:00:00Z"), limit));
    }
}
