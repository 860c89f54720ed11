//! What a plain scalar means in the core schema of YAML 1.2.

/// The meaning of a plain scalar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scalar<'a> {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`; `yes`, `no`, `on` and `off` are text.
    Bool(bool),
    /// A whole number.
    Unsigned(u64),
    /// A negative whole number.
    Signed(i64),
    /// Any other number.
    Float(f64),
    /// Anything else.
    Text(&'a str),
}

impl<'a> Scalar<'a> {
    /// Reads a plain scalar.
    pub(super) fn of_plain(text: &'a str) -> Self {
        match text.as_bytes().first() {
            None => return Self::Null,
            Some(b'~' | b'n' | b'N' | b't' | b'T' | b'f' | b'F') => return word(text),
            Some(b'0'..=b'9' | b'+' | b'-' | b'.') => {}
            Some(_) => return Self::Text(text),
        }
        radix(text).or_else(|| whole(text)).or_else(|| float(text)).unwrap_or(Self::Text(text))
    }
}

fn word(text: &str) -> Scalar<'_> {
    match text {
        "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "true" | "True" | "TRUE" => Scalar::Bool(true),
        "false" | "False" | "FALSE" => Scalar::Bool(false),
        _ => Scalar::Text(text),
    }
}

/// `0o17` and `0x1F`, which have no sign.
fn radix(text: &str) -> Option<Scalar<'_>> {
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'o', _, ..] => (&text[2..], 8),
        [b'0', b'x', _, ..] => (&text[2..], 16),
        _ => return None,
    };
    // `from_str_radix` takes a sign, the core schema does not.
    if digits.starts_with(['+', '-']) {
        return None;
    }
    u64::from_str_radix(digits, radix).ok().map(Scalar::Unsigned)
}

/// `12`, `+12`, `-12`, `012`, all decimal.
fn whole(text: &str) -> Option<Scalar<'_>> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if text.starts_with('-') {
        return text.parse().ok().map(|number: i64| match u64::try_from(number) {
            Ok(zero) => Scalar::Unsigned(zero),
            Err(_) => Scalar::Signed(number),
        });
    }
    digits.parse().ok().map(Scalar::Unsigned)
}

/// `1.5`, `.5`, `5.`, `1e3`, `.inf`, `-.inf`, `.nan`, and whole numbers that are out of range.
fn float(text: &str) -> Option<Scalar<'_>> {
    match text {
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Some(Scalar::Float(f64::INFINITY)),
        "-.inf" | "-.Inf" | "-.INF" => return Some(Scalar::Float(f64::NEG_INFINITY)),
        ".nan" | ".NaN" | ".NAN" => return Some(Scalar::Float(f64::NAN)),
        _ => {}
    }
    // What Rust reads beyond this (`inf`, `nan`) has letters other than the exponent's.
    let is_number =
        text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
    if !is_number {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite()).map(Scalar::Float)
}

#[cfg(test)]
mod tests {
    use super::Scalar::{Bool, Float, Null, Signed, Text, Unsigned};
    use super::*;

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        let cases = [
            ("", Null),
            ("~", Null),
            ("null", Null),
            ("nUll", Text("nUll")),
            ("true", Bool(true)),
            ("False", Bool(false)),
            ("yes", Text("yes")),
            ("no", Text("no")),
            ("on", Text("on")),
            ("off", Text("off")),
            ("0", Unsigned(0)),
            ("-0", Unsigned(0)),
            ("+12", Unsigned(12)),
            ("012", Unsigned(12)),
            ("-7", Signed(-7)),
            ("0o17", Unsigned(15)),
            ("0x1F", Unsigned(31)),
            ("0x", Text("0x")),
            ("0x+1", Text("0x+1")),
            ("1.10", Float(1.1)),
            (".5", Float(0.5)),
            ("5.", Float(5.0)),
            ("1e3", Float(1000.0)),
            ("18446744073709551615", Unsigned(u64::MAX)),
            ("18446744073709551616", Float(18_446_744_073_709_551_616.0)),
            (".inf", Float(f64::INFINITY)),
            ("inf", Text("inf")),
            ("nan", Text("nan")),
            ("12:30", Text("12:30")),
            ("1_000", Text("1_000")),
            ("1.2.3", Text("1.2.3")),
            ("-", Text("-")),
            (".", Text(".")),
            ("1e99999", Text("1e99999")),
            ("2026-01-02", Text("2026-01-02")),
        ];
        for (text, expect) in cases {
            assert_eq!(Scalar::of_plain(text), expect, "{text}");
        }
        assert!(matches!(Scalar::of_plain(".nan"), Float(number) if number.is_nan()));
    }
}
