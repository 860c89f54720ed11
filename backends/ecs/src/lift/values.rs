//! Values as people write them: numbers as text, sizes with units.

use rhumb_backend::fields::Fields;
use rhumb_spec::{Bytes, MilliCpu};
use serde_json::Value;

/// The units that ECS divides a processor into.
const UNITS: u64 = 1024;

/// A whole number, which may be written as text.
pub(super) fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64().or_else(|| whole(number.as_f64()?)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked before")]
fn whole(number: f64) -> Option<u64> {
    let is_whole = number.fract() == 0.0 && (0.0..1e15).contains(&number);
    is_whole.then_some(number as u64)
}

/// A whole number that is small, and more than nothing.
pub(super) fn positive(value: &Value) -> Option<u32> {
    number(value).and_then(|number| u32::try_from(number).ok()).filter(|number| *number > 0)
}

/// A whole number that is small.
pub(super) fn small(value: &Value) -> Option<u32> {
    number(value).and_then(|number| u32::try_from(number).ok())
}

/// A port's number.
pub(super) fn port(value: &Value) -> Option<u16> {
    number(value).and_then(|number| u16::try_from(number).ok()).filter(|number| *number > 0)
}

/// A flag, which may be written as text.
pub(super) fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// Plain text: a number or flag that stands where text belongs is what it looks like.
pub(super) fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// A list of plain text.
pub(super) fn plains(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(plain).collect()
}

/// Takes plain text.
pub(super) fn text(fields: &mut Fields<'_>, key: &str) -> Option<String> {
    fields.take(key, |value| plain(value).filter(|text| !text.is_empty()))
}

/// Processor time of ECS's units, a part of a thousandth not counted. It is rarely a unit less than it was.
pub(super) fn cpu(units: u64) -> MilliCpu {
    MilliCpu(units.saturating_mul(1000) / UNITS)
}

/// ECS's units of processor time, a part of one counted as one.
pub(super) fn units(cpu: MilliCpu) -> u64 {
    cpu.0.saturating_mul(UNITS).div_ceil(1000)
}

/// Bytes of MiB.
pub(super) fn mebibytes(count: u64) -> Bytes {
    Bytes(count << 20)
}

/// Units of a task's processor time: `256`, `.25 vCPU`.
///
/// Source: Amazon ECS API reference, `RegisterTaskDefinition.cpu`.
pub(super) fn task_units(value: &Value) -> Option<u64> {
    scaled(value, "vcpu", UNITS)
}

/// MiB of a task: `512`, `0.5 GB`.
///
/// Source: Amazon ECS API reference, `RegisterTaskDefinition.memory`.
pub(super) fn task_mebibytes(value: &Value) -> Option<u64> {
    scaled(value, "gb", 1024)
}

fn scaled(value: &Value, unit: &str, by: u64) -> Option<u64> {
    if let Some(number) = number(value) {
        return Some(number).filter(|number| *number > 0);
    }
    let text = value.as_str()?.trim().to_ascii_lowercase();
    let amount: f64 = text.strip_suffix(unit)?.trim().parse().ok()?;
    #[expect(clippy::cast_precision_loss, reason = "it is 1024")]
    whole((amount * by as f64).round()).filter(|number| *number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn amounts_are_read_as_people_write_them() {
        assert_eq!(task_units(&json!("256")), Some(256));
        assert_eq!(task_units(&json!(".5 vCPU")), Some(512));
        assert_eq!(task_units(&json!("${Cpu}")), None);
        assert_eq!(task_mebibytes(&json!("0.5 GB")), Some(512));
        assert_eq!(task_mebibytes(&json!(2048)), Some(2048));
        assert_eq!(number(&json!(80.0)), Some(80));
        assert_eq!(number(&json!(-1)), None);
        assert_eq!(cpu(128), MilliCpu(125));
        assert_eq!((1..5000).filter(|count| units(cpu(*count)) != *count).count(), 118);
    }
}
