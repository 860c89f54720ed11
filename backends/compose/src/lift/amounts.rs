//! Sizes, durations and numbers as Compose writes them.

use rhumb_spec::{Bytes, Duration, MilliCpu};
use serde_json::Value;

use super::scalar;

/// A size: `1.5G`, `512mb`, `1024`. Units count in steps of 1024, as Docker counts.
pub(super) fn bytes(value: &Value) -> Option<Bytes> {
    let text = scalar(value)?.trim().to_ascii_lowercase();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = match unit.trim().trim_end_matches('b').trim_end_matches('i') {
        "" => "",
        "k" => "Ki",
        "m" => "Mi",
        "g" => "Gi",
        "t" => "Ti",
        "p" => "Pi",
        _ => return None,
    };
    format!("{number}{unit}").parse().ok()
}

/// Processors: `0.5`, `2`. What is finer than a thousandth counts as one.
pub(super) fn cpus(value: &Value) -> Option<MilliCpu> {
    let text = scalar(value)?;
    if text.ends_with('m') {
        return None;
    }
    if let Ok(found) = text.parse() {
        return Some(found);
    }
    let number: f64 = text.parse().ok().filter(|number: &f64| *number > 0.0 && *number < 1e6)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is between 0 and a billion"
    )]
    let thousandths = (number * 1_000.0).ceil() as u64;
    Some(MilliCpu(thousandths))
}

/// A duration: `1m30s`, `10s`, `500ms`; a bare number counts seconds.
pub(super) fn duration(value: &Value) -> Option<Duration> {
    let text = scalar(value)?;
    let mut rest = text.trim();
    if let Ok(seconds) = rest.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let mut micros: f64 = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        let after = &rest[end..];
        let unit_end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let factor = match &after[..unit_end] {
            "h" => 3_600e6,
            "m" => 60e6,
            "s" => 1e6,
            "ms" => 1e3,
            "us" | "µs" => 1.0,
            "ns" => 1e-3,
            _ => return None,
        };
        micros += number * factor;
        rest = &after[unit_end..];
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is bounded")]
    (micros < 1e18).then(|| Duration::from_millis((micros / 1e3).ceil() as u64))
}

/// A whole number, however it is written.
pub(super) fn whole(value: &Value) -> Option<u32> {
    scalar(value)?.parse().ok()
}

/// A number with a sign, however it is written.
pub(super) fn signed(value: &Value) -> Option<i64> {
    scalar(value)?.parse().ok()
}

/// A share from 0 to 1 as whole percents.
pub(super) fn percent(value: &Value) -> Option<u8> {
    let share: f64 = scalar(value)?.parse().ok().filter(|share| (0.0..=1.0).contains(share))?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and 100")]
    Some((share * 100.0).round() as u8)
}

/// Permission bits, in octal: `0440`, `0o440`, or the number 288 that YAML makes of it.
pub(super) fn octal(text: &str) -> String {
    if let Some(digits) = text.strip_prefix("0o") {
        return format!("0{digits}");
    }
    match text.parse::<u32>() {
        Ok(number) if !text.starts_with('0') => format!("{number:04o}"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn amounts_are_read_as_docker_reads_them() {
        assert_eq!(bytes(&json!("1.5G")), Some(Bytes(1_610_612_736)));
        assert_eq!(bytes(&json!("512mb")), Some(Bytes(512 << 20)));
        assert_eq!(bytes(&json!(1024)), Some(Bytes(1024)));
        assert_eq!(bytes(&json!("1x")), None);
        assert_eq!(duration(&json!("1m30.5s")), Some(Duration::from_millis(90_500)));
        assert_eq!(duration(&json!("5")), Some(Duration::from_secs(5)));
        assert_eq!(duration(&json!("x")), None);
        assert_eq!(cpus(&json!("0.0005")), Some(MilliCpu(1)));
        assert_eq!(percent(&json!("0.25")), Some(25));
    }
}
