//! Times as the servers write them.

use jiff::{SignedDuration, Timestamp};

/// A clock whose times differ from call to call, since a version is a time.
#[derive(Debug)]
pub(super) struct Clock {
    last: Timestamp,
}

impl Clock {
    /// A clock that has told no time yet.
    pub(super) fn new() -> Self {
        Self { last: Timestamp::UNIX_EPOCH }
    }

    /// The time, at least a millisecond after the last one that was told: `2015-09-29T15:59:51.164Z`.
    pub(super) fn tell(&mut self) -> String {
        let after = self.last.saturating_add(SignedDuration::from_millis(1)).unwrap_or(self.last);
        self.last = Timestamp::now().max(after);
        self.last.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
    }

    /// Now, which may be told twice.
    pub(super) fn now() -> String {
        Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
    }
}
