//! How large the values that templates make may become.

use tera::{Error, TeraResult, Value};

/// The longest text that a template may work with, in bytes, and the largest map or list, with what is in it.
const MAX_BYTES: usize = 16 << 20;

/// Deepest nesting of maps and lists in one another.
const MAX_DEPTH: usize = 256;

/// The size of a value, about: the bytes of its text, and one for each value in it.
///
/// # Errors
/// A value that is too large, or too deep, for `name` to work with.
pub(super) fn size(name: &str, value: &Value) -> TeraResult<usize> {
    let mut left = MAX_BYTES;
    if spend(value, &mut left, 0) { Ok(MAX_BYTES - left) } else { Err(too_large(name)) }
}

/// Refuses a text that `name` would make, if it is too long.
pub(super) fn check(name: &str, bytes: usize) -> TeraResult<()> {
    if bytes > MAX_BYTES { Err(too_large(name)) } else { Ok(()) }
}

fn too_large(name: &str) -> Error {
    Error::message(format!(
        "`{name}` has to do with more than {} MiB, or with maps and lists too deep in one another",
        MAX_BYTES >> 20
    ))
}

/// Takes the size of a value from what is left, and stops where nothing is.
fn spend(value: &Value, left: &mut usize, depth: usize) -> bool {
    if depth > MAX_DEPTH {
        return false;
    }
    let bytes = 1 + value.as_str().map_or(0, str::len);
    let Some(rest) = left.checked_sub(bytes) else { return false };
    *left = rest;
    match (value.as_map(), value.as_array()) {
        (Some(map), _) => map.iter().all(|(key, value)| {
            let key = key.as_str().map_or(8, str::len);
            let rest = left.checked_sub(key);
            rest.is_some_and(|rest| {
                *left = rest;
                spend(value, left, depth + 1)
            })
        }),
        (None, Some(items)) => items.iter().all(|item| spend(item, left, depth + 1)),
        (None, None) => true,
    }
}
