//! The double of Marathon, asked about what it was given.

use serde_json::Value;

use super::marathon::{Read, expectation};
use super::{Case, Proof};
use crate::marathon::{self, Double};

/// Checks what must be read back of a case, and that every call kept to the published types.
pub(super) fn watch(double: &Double, case: &Case, group: &str) -> Result<Proof, String> {
    marathon::require_no_violations(double)?;
    for read in expectation(case.feature).reads {
        check(double, group, read)?;
    }
    Ok(Proof::Double)
}

fn check(double: &Double, group: &str, (object, at, is): &Read) -> Result<(), String> {
    let body = find(double, group, object)?;
    let expected: Value = serde_json::from_str(is).map_err(|error| format!("{is}: {error}"))?;
    let found = body.pointer(at).unwrap_or(&Value::Null);
    let begins = |expected: &str| {
        let start = expected.strip_suffix('*')?;
        Some(found.as_str()?.starts_with(start))
    };
    if *found == expected || expected.as_str().and_then(begins) == Some(true) {
        return Ok(());
    }
    Err(format!("{object} {at} is {found} instead of {expected}; it is {body}"))
}

/// An app or pod of the release's group, or a job of the release.
fn find(double: &Double, group: &str, object: &str) -> Result<Value, String> {
    let (kind, name) = object.split_once('/').ok_or("an object is written kind/name")?;
    let found = match kind {
        "job" => double.job(&format!("{}.{name}", group.trim_start_matches('/').replace('/', "."))),
        _ => double.spec(&format!("{group}/{name}")),
    };
    found.ok_or_else(|| format!("there is no {object}: {}", double.state()))
}
