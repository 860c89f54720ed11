//! Amounts, which the server writes in a form of its own.

use serde_json::Value;

/// An amount in billionths; none for what is no amount.
///
/// Source: apimachinery, `pkg/api/resource`, `Quantity`.
pub fn quantity(value: &Value) -> Option<i128> {
    match value {
        Value::Number(number) => number_in_billionths(&number.to_string(), 1_000_000_000),
        Value::String(text) => parse(text),
        _ => None,
    }
}

fn parse(text: &str) -> Option<i128> {
    let digits_end =
        text.find(|sign: char| !(sign.is_ascii_digit() || "+-.".contains(sign))).unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits_end);
    number_in_billionths(number, scale(suffix)?)
}

/// What one of a suffix's units is, in billionths.
fn scale(suffix: &str) -> Option<i128> {
    const UNIT: i128 = 1_000_000_000;
    let binary = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    if let Some(power) = binary.iter().position(|known| *known == suffix) {
        return Some(UNIT << (10 * (power + 1)));
    }
    let decimal = [("n", 1), ("u", 1_000), ("m", 1_000_000), ("", UNIT)];
    if let Some((_, scale)) = decimal.iter().find(|(known, _)| *known == suffix) {
        return Some(*scale);
    }
    let large = ["k", "M", "G", "T", "P", "E"];
    if let Some(power) = large.iter().position(|known| *known == suffix) {
        return Some(UNIT * 1000_i128.pow(u32::try_from(power).ok()? + 1));
    }
    let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    match u32::try_from(exponent) {
        Ok(power) if power <= 18 => Some(UNIT * 10_i128.pow(power)),
        Err(_) if exponent >= -9 => Some(UNIT / 10_i128.pow(exponent.unsigned_abs())),
        _ => None,
    }
}

fn number_in_billionths(number: &str, scale: i128) -> Option<i128> {
    let (sign, number) = match number.strip_prefix('-') {
        Some(number) => (-1, number),
        None => (1, number.strip_prefix('+').unwrap_or(number)),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.len() > 18 {
        return None;
    }
    let digits = format!("{whole}{fraction}").parse::<i128>().ok()?;
    let product = digits.checked_mul(scale)?;
    let divisor = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    // What is finer than a billionth is rounded up, as the server does.
    let rounded = product.div_euclid(divisor) + i128::from(product.rem_euclid(divisor) != 0);
    Some(sign * rounded)
}

/// Whether two values are the same amount in whatever form.
pub(super) fn is_same(wanted: &Value, live: &Value) -> bool {
    quantity(wanted).zip(quantity(live)).is_some_and(|(one, other)| one == other)
}
