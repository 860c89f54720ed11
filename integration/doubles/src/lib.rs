//! Doubles of platforms that cannot be had on a test machine.
//!
//! Each is an HTTP server on the loopback that behaves as its platform's published reference says, with tasks that start,
//! fail and stop as a test tells it. Each is held to its platform's published schema by a client that others wrote.

pub mod ecs;
pub mod marathon;

mod pattern;
mod python;
mod wire;

pub use python::{has_modules, python};
