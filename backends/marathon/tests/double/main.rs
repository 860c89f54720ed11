//! The backend against a double of Marathon, with Metronome, Chronos and the secret store beside it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod apps;
mod connecting;
mod entries;
mod faults;
mod jobs;
mod lab;
mod locks;
mod pods;
mod records;
mod running;
