//! Volumes in folders of this machine, copied over connections that may break and from helpers that may lie.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod broken;
mod copies;
mod hostile;
mod place;
mod random;
mod secure;
