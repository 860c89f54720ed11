//! Ends the process when rendering takes too long.
//!
//! Templates cannot be interrupted. Rendering comes before any change, so ending the process there is safe.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::exit::Exit;

/// Watches from when rendering begins until it is over.
#[derive(Clone, Debug)]
pub(crate) struct Watchdog {
    limit: Duration,
    /// Whether the rendering that began last is over.
    is_over: Arc<Mutex<Arc<AtomicBool>>>,
}

impl Watchdog {
    /// How long rendering may take when the user says nothing.
    pub(crate) const LIMIT: Duration = Duration::from_secs(30);

    /// Does not watch yet.
    pub(crate) fn idle(limit: Duration) -> Self {
        Self { limit, is_over: Arc::default() }
    }

    /// Starts to watch at once.
    pub(crate) fn start(limit: Duration) -> Self {
        let watchdog = Self::idle(limit);
        watchdog.rendering();
        watchdog
    }

    /// Rendering begins.
    pub(crate) fn rendering(&self) {
        self.rendered();
        let (limit, seen) = (self.limit, Arc::new(AtomicBool::new(false)));
        *self.is_over.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&seen);
        std::thread::spawn(move || {
            std::thread::sleep(limit);
            if !seen.load(Ordering::SeqCst) {
                give_up(limit);
            }
        });
    }

    /// Rendering is over.
    pub(crate) fn rendered(&self) {
        self.is_over.lock().unwrap_or_else(PoisonError::into_inner).store(true, Ordering::SeqCst);
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
