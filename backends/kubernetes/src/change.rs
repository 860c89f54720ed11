//! What a step on an existing object would do.

use rhumb_backend::{Change, Live, Object};

/// Compares what was wanted last, what is there and what is wanted now.
pub fn change(_last: Option<&Object>, _live: &Live, _want: &Object) -> Change {
    Change::None { kept: Vec::new() }
}
