//! Every verb, on the memory backend.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

mod changes;
mod charts;
mod crashes;
mod jobs;
mod late;
mod races;
mod releases;
mod running;
mod secrets;
mod several;
mod values;
mod world;
