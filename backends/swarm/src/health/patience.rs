//! How long something may be wrong before it counts.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Since when tasks have been seen waiting, by the clock of this process: the engine's may differ.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    since: Mutex<HashMap<String, Instant>>,
}

impl Patience {
    /// Whether a task has been seen to wait for longer than this.
    pub(super) fn is_over(&self, task: &str, limit: Duration) -> bool {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        since.entry(task.to_owned()).or_insert_with(Instant::now).elapsed() >= limit
    }
}
