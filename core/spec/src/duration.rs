//! Lengths of time as people write them.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A length of time in whole milliseconds, written `30s`, `5m`, `1h30m`, `500ms`, `2d`.
///
/// The units are `d`, `h`, `m`, `s` and `ms`, each at most once and the longer before the shorter. A number without a
/// unit is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(u64);

/// The units, longest first, with their length in milliseconds.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

const EXPECTED: &str = "a length of time such as `30s`, `5m`, `1h30m`, `500ms` or `2d`";

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// So many milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// So many seconds; the longest duration where that is out of range.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1_000))
    }

    /// Its length in milliseconds.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Its length in seconds, a part of a second left out.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1_000
    }

    /// Its length in seconds, a part of a second counted as a whole one.
    pub const fn as_secs_rounded_up(self) -> u64 {
        self.0.div_ceil(1_000)
    }

    /// Its length in nanoseconds; the greatest number where that is out of range.
    pub fn as_nanos(self) -> i64 {
        i64::try_from(self.0).unwrap_or(i64::MAX).saturating_mul(1_000_000)
    }

    /// Whether it is no time at all.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The standard library's form of it.
    pub const fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0)
    }
}

impl From<Duration> for std::time::Duration {
    fn from(duration: Duration) -> Self {
        duration.to_std()
    }
}

impl From<std::time::Duration> for Duration {
    /// Parts of a millisecond are left out.
    fn from(duration: std::time::Duration) -> Self {
        Self(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }
}

/// Why a text is no [`Duration`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DurationError(String);

impl fmt::Display for DurationError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for DurationError {}

impl DurationError {
    fn malformed(text: &str) -> Self {
        Self(format!("expected {EXPECTED}, found `{text}`"))
    }

    fn no_unit(number: &str) -> Self {
        Self(format!("`{number}` has no unit: write `{number}s` for seconds"))
    }

    fn too_long(text: &str) -> Self {
        Self(format!("`{text}` is longer than can be counted in milliseconds"))
    }
}

impl FromStr for Duration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        let text = text.trim();
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            return Err(DurationError::no_unit(text));
        }
        let mut units = UNITS.iter();
        let mut rest = text;
        let mut total: u64 = 0;
        while !rest.is_empty() {
            let (number, unit, tail) = split_part(rest).ok_or_else(|| DurationError::malformed(text))?;
            let (_, millis) =
                units.find(|(name, _)| *name == unit).ok_or_else(|| DurationError::malformed(text))?;
            let part = Number::parse(number).ok_or_else(|| DurationError::malformed(text))?.times(*millis);
            let part = part.map_err(|fault| fault.describe(text))?;
            total = total.checked_add(part).ok_or_else(|| DurationError::too_long(text))?;
            rest = tail;
        }
        if text.is_empty() { Err(DurationError::malformed(text)) } else { Ok(Self(total)) }
    }
}

/// Splits `30s5ms` into `30`, `s` and `5ms`.
fn split_part(text: &str) -> Option<(&str, &str, &str)> {
    let number_end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, rest) = text.split_at(number_end);
    let unit_end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    let (unit, tail) = rest.split_at(unit_end);
    (!number.is_empty()).then_some((number, unit, tail))
}

/// A decimal number: `1.25` is 1 and 25 / 100.
struct Number {
    whole: Option<u64>,
    part: u64,
    scale: u64,
}

/// Why a number of units is no number of milliseconds.
enum Fault {
    TooFine,
    TooLong,
}

impl Fault {
    fn describe(&self, text: &str) -> DurationError {
        match self {
            Self::TooFine => DurationError(format!("`{text}` is finer than a millisecond")),
            Self::TooLong => DurationError::too_long(text),
        }
    }
}

impl Number {
    /// Reads digits, with at most nine after a point; none if it is no number. Whole digits out of range are kept as none.
    fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let is_digits = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        let is_number = !whole.is_empty() && !text.ends_with('.') && is_digits(whole) && is_digits(fraction);
        if !is_number || fraction.len() > 9 {
            return None;
        }
        let scale = 10_u64.pow(u32::try_from(fraction.len()).ok()?);
        let part = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
        Some(Self { whole: whole.parse().ok(), part, scale })
    }

    fn times(&self, factor: u64) -> Result<u64, Fault> {
        let part = self.part * factor;
        if !part.is_multiple_of(self.scale) {
            return Err(Fault::TooFine);
        }
        let whole = self.whole.and_then(|whole| whole.checked_mul(factor));
        whole.and_then(|whole| whole.checked_add(part / self.scale)).ok_or(Fault::TooLong)
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return formatter.write_str("0s");
        }
        let mut rest = self.0;
        for (name, millis) in UNITS {
            if rest >= millis {
                write!(formatter, "{}{name}", rest / millis)?;
                rest %= millis;
            }
        }
        Ok(())
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DurationVisitor)
    }
}

struct DurationVisitor;

impl Visitor<'_> for DurationVisitor {
    type Value = Duration;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(EXPECTED)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Duration, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Duration, E> {
        Err(E::custom(DurationError::no_unit(&number.to_string())))
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Duration, E> {
        match u64::try_from(number) {
            Ok(number) => self.visit_u64(number),
            Err(_) => Err(E::custom(DurationError::malformed(&number.to_string()))),
        }
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Duration, E> {
        Err(E::custom(DurationError::no_unit(&number.to_string())))
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A length of time: `d`, `h`, `m`, `s` and `ms`, the longer before the shorter.",
            "pattern": r"^(?=.)([0-9.]+d)?([0-9.]+h)?([0-9.]+m)?([0-9.]+s)?([0-9.]+ms)?$",
            "examples": ["30s", "5m", "1h30m", "500ms", "2d"],
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Result<&str, &str>) {
        let got = text.parse::<Duration>().map(|duration| duration.to_string());
        match (&got, expect) {
            (Ok(got), Ok(expect)) => assert_eq!(got, expect, "{text}"),
            (Err(error), Err(expect)) => assert!(error.to_string().contains(expect), "{text}: {error}"),
            _ => panic!("{text}: {got:?}, expected {expect:?}"),
        }
    }

    #[test]
    fn accepts_what_people_write() {
        check("30s", Ok("30s"));
        check("90s", Ok("1m30s"));
        check("5m", Ok("5m"));
        check("1h30m", Ok("1h30m"));
        check("500ms", Ok("500ms"));
        check("1500ms", Ok("1s500ms"));
        check("2d", Ok("2d"));
        check("1.5h", Ok("1h30m"));
        check("0.25s", Ok("250ms"));
        check("0s", Ok("0s"));
    }

    #[test]
    fn refuses_with_a_hint() {
        check("30", Err("write `30s`"));
        check("1.5", Err("write `1.5s`"));
        check("", Err("such as `30s`"));
        check("5 m", Err("such as `30s`"));
        check("30m1h", Err("such as `30s`"));
        check("5m5m", Err("such as `30s`"));
        check("-5s", Err("such as `30s`"));
        check("5y", Err("such as `30s`"));
        check(".5s", Err("such as `30s`"));
        check("0.0001s", Err("finer than a millisecond"));
        check("99999999999999999999d", Err("longer than"));
        check("18446744073709551615s", Err("longer than"));
    }

    #[test]
    fn numbers_are_refused_with_the_unit_to_add() {
        let error = serde_json::from_str::<Duration>("30").unwrap_err().to_string();
        assert!(error.contains("write `30s`"), "{error}");
    }

    #[test]
    fn parts_of_seconds_round_up_on_request() {
        let duration = Duration::from_millis(1_001);
        assert_eq!((duration.as_secs(), duration.as_secs_rounded_up()), (1, 2));
    }

    proptest! {
        #[test]
        fn text_round_trips(millis: u64) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(duration.to_string().parse::<Duration>().unwrap(), duration);
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            let _outcome = text.parse::<Duration>();
        }

        #[test]
        fn any_almost_duration_is_read_or_refused(text in "[0-9.dhms]{0,40}") {
            let _outcome = text.parse::<Duration>();
        }
    }
}
