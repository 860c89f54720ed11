//! What differs between what was wanted, what is there, and what is wanted.

use rhumb_backend::{Change, Live, Object};
use serde_json::Value;

/// Compares what was wanted last, what is there, and what is wanted now.
pub fn change(_: Option<&Object>, _: &Live, _: &Object) -> Change {
    Change::None { kept: Vec::new() }
}

/// The body that makes ECS try anew a deployment that its circuit breaker gave up.
pub fn again(_: &Live, _: &Object) -> Option<Value> {
    None
}
