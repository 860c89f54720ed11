//! Filters on numbers, for those who do not write `a + b`.

use tera::{Error, Kwargs, Number, TeraResult, Value};

use super::Filter;

pub(super) const FILTERS: &[Filter] = &[
    Filter::new("add", &["n"], |value, arguments| {
        arithmetic("add", value, arguments, i128::checked_add, |a, b| a + b)
    }),
    Filter::new("sub", &["n"], |value, arguments| {
        arithmetic("sub", value, arguments, i128::checked_sub, |a, b| a - b)
    }),
    Filter::new("mul", &["n"], |value, arguments| {
        arithmetic("mul", value, arguments, i128::checked_mul, |a, b| a * b)
    }),
    Filter::new("div", &["n"], |value, arguments| {
        arithmetic("div", value, arguments, i128::checked_div, |a, b| a / b)
    }),
    Filter::new("mod", &["n"], |value, arguments| {
        arithmetic("mod", value, arguments, i128::checked_rem, |a, b| a % b)
    }),
    Filter::new("max", &["n"], |value, arguments| {
        arithmetic("max", value, arguments, |a, b| Some(a.max(b)), f64::max)
    }),
    Filter::new("min", &["n"], |value, arguments| {
        arithmetic("min", value, arguments, |a, b| Some(a.min(b)), f64::min)
    }),
];

/// Whole numbers stay whole; `div` drops what is left over, as in Helm.
fn arithmetic(
    name: &str,
    value: &Value,
    arguments: &Kwargs,
    whole: fn(i128, i128) -> Option<i128>,
    broken: fn(f64, f64) -> f64,
) -> TeraResult<Value> {
    let (a, b) = (number(name, value)?, number(name, &arguments.must_get::<Value>("n")?)?);
    if !a.is_float() && !b.is_float() {
        let result = a.as_integer().zip(b.as_integer()).and_then(|(a, b)| whole(a, b));
        return result
            .map(Value::from)
            .ok_or_else(|| Error::message(format!("`{name}` has no result for these numbers")));
    }
    Ok(broken(a.as_float(), b.as_float()).into())
}

fn number(name: &str, value: &Value) -> TeraResult<Number> {
    value
        .as_number()
        .ok_or_else(|| Error::message(format!("`{name}` takes numbers, and this is a {}", value.name())))
}
