//! What only a real cluster can show. `RHUMB_TEST_KUBECONFIG` names one; without it nothing here is proven.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod conflicts;
mod failures;
mod lab;
mod objects;
mod records;
