//! Amounts as the API server writes them, so that what comes back is what was sent.
//!
//! Source: Kubernetes API reference, `Quantity`: no fraction, and the largest unit that leaves a whole number.

use rhumb_spec::MilliCpu;

const UNITS: [&str; 9] = ["n", "u", "m", "", "k", "M", "G", "T", "P"];

/// Processor time: `100m`, `2`, `1500m`.
pub(super) fn cpu(amount: MilliCpu) -> String {
    of_billionths(u128::from(amount.0) * 1_000_000)
}

/// A decimal number such as `0.5` or `1000` as the API server writes it: `500m`, `1k`. None where it is no such number, or finer
/// than a billionth.
pub(super) fn decimal(text: &str) -> Option<String> {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > 9 || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let digits = format!("{whole}{fraction:0<9}");
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().map(of_billionths)
}

fn of_billionths(amount: u128) -> String {
    let (mut amount, mut unit) = (amount, 0);
    if amount == 0 {
        return "0".to_owned();
    }
    while amount.is_multiple_of(1_000) && unit + 1 < UNITS.len() {
        amount /= 1_000;
        unit += 1;
    }
    format!("{amount}{}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_canonical() {
        for (milli, expected) in
            [(0, "0"), (1, "1m"), (100, "100m"), (1_000, "1"), (1_500, "1500m"), (2_000_000, "2k")]
        {
            assert_eq!(cpu(MilliCpu(milli)), expected);
        }
        for (text, expected) in [
            ("10", "10"),
            ("0.5", "500m"),
            (".25", "250m"),
            ("1000", "1k"),
            ("1.50", "1500m"),
            ("0.0001", "100u"),
        ] {
            assert_eq!(decimal(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "1e3", "-1", "+1", "0.0000000001", "x"] {
            assert_eq!(decimal(text), None, "{text}");
        }
    }
}
