//! What is asked of things that run, on a real cluster: the one whose kubeconfig `RHUMB_TEST_KUBECONFIG` names, with the
//! images `rhumb-demo:1` and `rhumb-busybox:1` on its node. Objects are made by kubectl. Without a cluster, each test
//! says that it was skipped.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod failures;
mod interactive;
mod lab;
mod logs;
mod objects;
mod rollouts;
mod runtime;
