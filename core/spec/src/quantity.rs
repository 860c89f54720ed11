//! Amounts of processor time and memory as people write them.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Processor time in thousandths of one processor, written `250m`, `0.5`, `2`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MilliCpu(pub u64);

/// A size in bytes, written `128Mi`, `1.5GB`, `1Gi`, `512M`, `64k`, `1024`.
///
/// `k`, `M`, `G`, `T`, `P` and `E` count in thousands, `Ki`, `Mi`, `Gi`, `Ti`, `Pi` and `Ei` in steps of 1024; a `B` may
/// follow. A part of a byte counts as a whole one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

/// Why a text is no quantity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuantityError(String);

impl fmt::Display for QuantityError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for QuantityError {}

impl QuantityError {
    fn malformed(expected: &str, text: &str) -> Self {
        Self(format!("expected {expected}, found `{text}`"))
    }

    fn too_large(text: &str) -> Self {
        Self(format!("`{text}` is too large"))
    }
}

const CPU_EXPECTED: &str = "processor time such as `250m`, `0.5` or `2`";
const BYTES_EXPECTED: &str = "a size such as `128Mi`, `1.5GB`, `1Gi`, `512M` or `1024`";

/// The units of sizes, largest first, binary before decimal.
const UNITS: [(&str, u64); 12] = [
    ("Ei", 1 << 60),
    ("Pi", 1 << 50),
    ("Ti", 1 << 40),
    ("Gi", 1 << 30),
    ("Mi", 1 << 20),
    ("Ki", 1 << 10),
    ("E", 1_000_000_000_000_000_000),
    ("P", 1_000_000_000_000_000),
    ("T", 1_000_000_000_000),
    ("G", 1_000_000_000),
    ("M", 1_000_000),
    ("k", 1_000),
];

impl MilliCpu {
    /// Whole and partial processors.
    #[expect(clippy::cast_precision_loss, reason = "no machine has 2^52 processors")]
    pub fn as_cpus(self) -> f64 {
        self.0 as f64 / 1_000.0
    }

    /// Billionths of a processor; the greatest number where that is out of range.
    pub fn as_nanos(self) -> i64 {
        i64::try_from(self.0).unwrap_or(i64::MAX).saturating_mul(1_000_000)
    }
}

impl FromStr for MilliCpu {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let text = text.trim();
        let (number, factor) = match text.strip_suffix('m') {
            Some(number) => (number, 1),
            None => (text, 1_000),
        };
        let decimal = Decimal::parse(number).ok_or_else(|| QuantityError::malformed(CPU_EXPECTED, text))?;
        match decimal.times(factor) {
            Some((amount, true)) => Ok(Self(amount)),
            Some((_, false)) => {
                Err(QuantityError(format!("`{text}` is finer than `1m`, a thousandth of a processor")))
            }
            None => Err(QuantityError::too_large(text)),
        }
    }
}

impl fmt::Display for MilliCpu {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_multiple_of(1_000) {
            write!(formatter, "{}", self.0 / 1_000)
        } else {
            write!(formatter, "{}m", self.0)
        }
    }
}

impl Bytes {
    /// The number of bytes.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Mebibytes, a part counted as a whole one.
    pub const fn as_mib_rounded_up(self) -> u64 {
        self.0.div_ceil(1 << 20)
    }

    /// Gibibytes, a part counted as a whole one.
    pub const fn as_gib_rounded_up(self) -> u64 {
        self.0.div_ceil(1 << 30)
    }
}

impl FromStr for Bytes {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let text = text.trim();
        let number_end = number_length(text);
        let (number, unit) = text.split_at(number_end);
        let malformed = || QuantityError::malformed(BYTES_EXPECTED, text);
        let decimal = Decimal::parse(number).ok_or_else(malformed)?;
        let factor = size_of_unit(unit.trim_start()).ok_or_else(malformed)?;
        match decimal.times(factor) {
            Some((amount, true)) => Ok(Self(amount)),
            Some((amount, false)) => Ok(Self(amount.saturating_add(1))),
            None => Err(QuantityError::too_large(text)),
        }
    }
}

fn size_of_unit(unit: &str) -> Option<u64> {
    let short = unit.strip_suffix('B').unwrap_or(unit);
    if short.is_empty() {
        return Some(1);
    }
    let canonical = match short {
        "K" => "k",
        "ki" => "Ki",
        other => other,
    };
    UNITS.iter().find(|(name, _)| *name == canonical).map(|(_, size)| *size)
}

/// The length of the number at the beginning of a text, its exponent included: 3 for `1e3`, 1 for `1E`.
fn number_length(text: &str) -> usize {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let rest = &text[end..];
    let Some(exponent) = rest.strip_prefix(['e', 'E']) else { return end };
    let sign = usize::from(exponent.starts_with(['+', '-']));
    let digits = exponent[sign..].bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 { end } else { end + 1 + sign + digits }
}

impl fmt::Display for Bytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = UNITS.iter().find(|(_, size)| self.0 >= *size && self.0.is_multiple_of(*size));
        match unit {
            Some((name, size)) => write!(formatter, "{}{name}", self.0 / size),
            None => write!(formatter, "{}", self.0),
        }
    }
}

/// `digits` / 10^`scale`, with no sign.
struct Decimal {
    digits: u128,
    scale: i32,
}

impl Decimal {
    /// Reads `12`, `1.5`, `.5`, `1e3`, `1.5e-2`.
    fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i16>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let fraction = fraction.trim_end_matches('0');
        let all_digits = format!("{whole}{fraction}");
        let is_number = mantissa.bytes().any(|byte| byte.is_ascii_digit())
            && all_digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number {
            return None;
        }
        let significant = all_digits.trim_start_matches('0');
        if significant.is_empty() {
            return Some(Self { digits: 0, scale: 0 });
        }
        // Anything with more digits is out of every range here, or far finer than one unit.
        if significant.len() > 36 {
            return None;
        }
        let scale = i32::try_from(fraction.len()).ok()? - i32::from(exponent);
        Some(Self { digits: significant.parse().ok()?, scale })
    }

    /// The whole part of this times `factor`, and whether nothing was left over; none on overflow.
    fn times(&self, factor: u64) -> Option<(u64, bool)> {
        if self.digits == 0 {
            return Some((0, true));
        }
        if self.scale <= 0 {
            let power = 10_u128.checked_pow(self.scale.unsigned_abs())?;
            let product = self.digits.checked_mul(u128::from(factor))?.checked_mul(power)?;
            return Some((u64::try_from(product).ok()?, true));
        }
        let Some(power) = 10_u128.checked_pow(self.scale.unsigned_abs()) else { return Some((0, false)) };
        let (whole, part) = (self.digits / power, self.digits % power);
        let whole = whole.checked_mul(u128::from(factor))?;
        let part = part.checked_mul(u128::from(factor))?;
        let total = whole.checked_add(part / power)?;
        Some((u64::try_from(total).ok()?, part % power == 0))
    }
}

impl Serialize for MilliCpu {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MilliCpu {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(QuantityVisitor { expected: CPU_EXPECTED, read: MilliCpu::from_str })
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(QuantityVisitor { expected: BYTES_EXPECTED, read: Bytes::from_str })
    }
}

/// Reads a quantity from a text or a number.
struct QuantityVisitor<T> {
    expected: &'static str,
    read: fn(&str) -> Result<T, QuantityError>,
}

impl<T> Visitor<'_> for QuantityVisitor<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.expected)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        (self.read)(text).map_err(E::custom)
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }
}

impl JsonSchema for MilliCpu {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "MilliCpu".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Processor time: a number of processors, or thousandths of one with `m`.",
            "anyOf": [
                { "type": "string", "pattern": r"^([0-9]+m|[0-9]*\.?[0-9]+)$" },
                { "type": "number", "minimum": 0 },
            ],
            "examples": ["250m", "0.5", "2"],
        })
    }
}

impl JsonSchema for Bytes {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Bytes".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A size: `Ki`, `Mi`, `Gi`, `Ti` in steps of 1024, `k`, `M`, `G`, `T` in thousands.",
            "anyOf": [
                {
                    "type": "string",
                    "pattern": r"^[0-9]*\.?[0-9]+([eE][+-]?[0-9]+)? ?([kKMGTPE]|[kKMGTPE]i)?B?$",
                },
                { "type": "integer", "minimum": 0 },
            ],
            "examples": ["128Mi", "1.5GB", "1Gi", "512M", "64k", "1024"],
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check<T: FromStr<Err = QuantityError> + fmt::Debug + PartialEq>(text: &str, expect: Result<T, &str>) {
        match (text.parse::<T>(), expect) {
            (Ok(got), Ok(expect)) => assert_eq!(got, expect, "{text}"),
            (Err(error), Err(expect)) => assert!(error.to_string().contains(expect), "{text}: {error}"),
            (got, expect) => panic!("{text}: {got:?}, expected {expect:?}"),
        }
    }

    #[test]
    fn processor_time_is_read() {
        check("250m", Ok(MilliCpu(250)));
        check("0.5", Ok(MilliCpu(500)));
        check(".5", Ok(MilliCpu(500)));
        check("2", Ok(MilliCpu(2_000)));
        check("1.500", Ok(MilliCpu(1_500)));
        check("0", Ok(MilliCpu(0)));
    }

    #[test]
    fn processor_time_is_refused_with_what_is_accepted() {
        check::<MilliCpu>("", Err("`250m`, `0.5` or `2`"));
        check::<MilliCpu>("two", Err("found `two`"));
        check::<MilliCpu>("-1", Err("found `-1`"));
        check::<MilliCpu>("1Mi", Err("found `1Mi`"));
        check::<MilliCpu>("0.0005", Err("finer than `1m`"));
        check::<MilliCpu>("0.5m", Err("finer than `1m`"));
        check::<MilliCpu>("99999999999999999999", Err("too large"));
    }

    #[test]
    fn sizes_are_read() {
        check("128Mi", Ok(Bytes(128 << 20)));
        check("1.5GB", Ok(Bytes(1_500_000_000)));
        check("1Gi", Ok(Bytes(1 << 30)));
        check("1GiB", Ok(Bytes(1 << 30)));
        check("512M", Ok(Bytes(512_000_000)));
        check("64k", Ok(Bytes(64_000)));
        check("64K", Ok(Bytes(64_000)));
        check("1024", Ok(Bytes(1_024)));
        check("1024B", Ok(Bytes(1_024)));
        check("1e3", Ok(Bytes(1_000)));
        check("1E", Ok(Bytes(1_000_000_000_000_000_000)));
        check("1.5 Ki", Ok(Bytes(1_536)));
        check("0.1Ki", Ok(Bytes(103)));
        check("0.5", Ok(Bytes(1)));
    }

    #[test]
    fn sizes_are_refused_with_what_is_accepted() {
        check::<Bytes>("", Err("such as `128Mi`"));
        check::<Bytes>("big", Err("found `big`"));
        check::<Bytes>("128m", Err("found `128m`"));
        check::<Bytes>("-1Mi", Err("found `-1Mi`"));
        check::<Bytes>("1.2.3Mi", Err("found `1.2.3Mi`"));
        check::<Bytes>("16Ei", Err("too large"));
        check::<Bytes>("1e30000", Err("too large"));
        check::<Bytes>("1e99999", Err("found"));
    }

    #[test]
    fn text_is_canonical() {
        assert_eq!(MilliCpu(250).to_string(), "250m");
        assert_eq!(MilliCpu(2_000).to_string(), "2");
        assert_eq!(MilliCpu(1_500).to_string(), "1500m");
        assert_eq!(Bytes(1_024).to_string(), "1Ki");
        assert_eq!(Bytes(1_536 << 20).to_string(), "1536Mi");
        assert_eq!(Bytes(1_500_000_000).to_string(), "1500M");
        assert_eq!(Bytes(1_001).to_string(), "1001");
        assert_eq!(Bytes(0).to_string(), "0");
    }

    #[test]
    fn numbers_are_quantities_too() {
        assert_eq!(serde_json::from_str::<MilliCpu>("0.25").unwrap(), MilliCpu(250));
        assert_eq!(serde_json::from_str::<MilliCpu>("2").unwrap(), MilliCpu(2_000));
        assert_eq!(serde_json::from_str::<Bytes>("1024").unwrap(), Bytes(1_024));
        assert!(serde_json::from_str::<Bytes>("-1").is_err());
        assert!(serde_json::from_str::<Bytes>("true").is_err());
    }

    proptest! {
        #[test]
        fn processor_time_round_trips(amount: u64) {
            prop_assert_eq!(MilliCpu(amount).to_string().parse::<MilliCpu>().unwrap(), MilliCpu(amount));
        }

        #[test]
        fn sizes_round_trip(amount: u64, shift in 0_u32..64) {
            for bytes in [Bytes(amount), Bytes(amount >> shift << shift), Bytes((amount >> 30) * 1_000)] {
                prop_assert_eq!(bytes.to_string().parse::<Bytes>().unwrap(), bytes);
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            let _outcome = (text.parse::<Bytes>(), text.parse::<MilliCpu>());
        }

        #[test]
        fn any_almost_quantity_is_read_or_refused(text in "[0-9.eE+-]{0,40}[kKMGTPEimB]{0,3}") {
            let _outcome = (text.parse::<Bytes>(), text.parse::<MilliCpu>());
        }
    }
}
