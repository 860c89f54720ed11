//! The backend against a real engine: a manager of a swarm that `RHUMB_TEST_DOCKER_HOST` names, with the images
//! `rhumb-demo:1`, `rhumb-demo:2` and `rhumb-busybox:1`. Without it, each test says that it was skipped.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod failures;
mod lab;
mod ownership;
mod records;
mod rollouts;
mod runtime;
