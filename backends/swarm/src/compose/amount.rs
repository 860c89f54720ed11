//! Times, sizes, shares of processors and modes, as people write them in Compose files.

use serde_json::Value;

/// What stands before the mode of a file until the text is written: YAML's own writer has no octal numbers.
pub(super) const OCTAL: &str = "rhumb-octal-";

/// Nanoseconds as `1h30m`, `10s`, `250ms`, `1us`; exactly.
///
/// Source: Go, `time.ParseDuration`.
pub(super) fn duration(value: &Value) -> Option<String> {
    const UNITS: [(&str, u64); 6] = [
        ("h", 3_600_000_000_000),
        ("m", 60_000_000_000),
        ("s", 1_000_000_000),
        ("ms", 1_000_000),
        ("us", 1_000),
        ("ns", 1),
    ];
    let mut left = value.as_u64()?;
    if left == 0 {
        return Some("0s".to_owned());
    }
    let mut text = String::new();
    for (unit, size) in UNITS {
        if left >= size {
            text.extend([&(left / size).to_string(), unit]);
            left %= size;
        }
    }
    Some(text)
}

/// Bytes in the greatest unit of which they are a whole number: `256M`. Units are powers of 1024.
///
/// Source: docker/go-units, `RAMInBytes`.
pub(super) fn bytes(value: &Value) -> Option<String> {
    let bytes = value.as_u64()?;
    let units = [("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10)];
    let unit = units.into_iter().find(|(_, size)| bytes >= *size && bytes % size == 0);
    Some(unit.map_or_else(|| format!("{bytes}B"), |(unit, size)| format!("{}{unit}", bytes / size)))
}

/// Billionths of a processor as a decimal number: `0.25`; exactly.
pub(super) fn processors(value: &Value) -> Option<String> {
    let nanos = value.as_u64()?;
    let (whole, part) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    let text = format!("{whole}.{part:09}");
    Some(text.trim_end_matches('0').trim_end_matches('.').to_owned())
}

/// A file's mode, in a form that becomes an octal number in the text.
pub(super) fn mode(value: &Value) -> Option<String> {
    value.as_u64().map(|mode| format!("{OCTAL}{mode:04o}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_exact() {
        for (nanos, text) in [
            (10_000_000_000_u64, "10s"),
            (90_000_000_000, "1m30s"),
            (3_600_000_000_000, "1h"),
            (1_500_000_000, "1s500ms"),
            (1, "1ns"),
            (0, "0s"),
        ] {
            assert_eq!(duration(&nanos.into()).as_deref(), Some(text));
        }
    }

    #[test]
    fn amounts_are_exact() {
        for (size, text) in
            [(1 << 28, "256M"), (1_u64 << 31, "2G"), (1_048_576_000, "1000M"), (5000, "5000B")]
        {
            assert_eq!(bytes(&size.into()).as_deref(), Some(text));
        }
        for (nanos, text) in
            [(50_000_000, "0.05"), (1_000_000_000, "1"), (2_500_000_000_u64, "2.5"), (1, "0.000000001")]
        {
            assert_eq!(processors(&nanos.into()).as_deref(), Some(text));
        }
        assert_eq!(mode(&292.into()).as_deref(), Some("rhumb-octal-0444"));
    }
}
