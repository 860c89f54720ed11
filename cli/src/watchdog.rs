//! Ends the process when rendering takes too long.
//!
//! Templates cannot be interrupted. Rendering comes before any change, so ending the process there is safe.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::exit::Exit;

/// Watches until it is told that rendering is over.
#[derive(Clone, Debug)]
pub(crate) struct Watchdog {
    is_over: Arc<AtomicBool>,
}

impl Watchdog {
    /// How long rendering may take when the user says nothing.
    pub(crate) const LIMIT: Duration = Duration::from_secs(30);

    /// Starts to watch.
    pub(crate) fn start(limit: Duration) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&is_over);
        std::thread::spawn(move || {
            std::thread::sleep(limit);
            if !seen.load(Ordering::SeqCst) {
                give_up(limit);
            }
        });
        Self { is_over }
    }

    /// Rendering is over.
    pub(crate) fn rendered(&self) {
        self.is_over.store(true, Ordering::SeqCst);
    }
}

#[expect(clippy::exit, reason = "a template that does not end can be ended in no other way")]
fn give_up(limit: Duration) {
    eprintln!(
        "error: rendering the chart took more than {} s and was given up; nothing was changed\n  \
         why: a template loops for ever, or over far too much\n  \
         use: `rhumb lint` to find it, or more time with RHUMB_RENDER_TIMEOUT=2m",
        limit.as_secs()
    );
    std::process::exit(i32::from(Exit::Invalid.code()));
}
