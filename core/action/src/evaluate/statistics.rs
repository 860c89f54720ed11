//! Medians and spread.

use serde::Serialize;

/// How values lie: few of them, so nothing is assumed of their distribution.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Spread {
    /// How many there are.
    pub count: usize,
    /// Half of them are not above it.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// The median of the distances from the median.
    pub deviation: f64,
}

impl Spread {
    /// The spread of these values; none where there are none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let sorted = sorted(values);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let middle = median(&sorted)?;
        let distances: Vec<f64> = sorted.iter().map(|value| (value - middle).abs()).collect();
        let deviation = median(&self::sorted(&distances))?;
        Some(Self { count: sorted.len(), median: rounded(middle), min, max, deviation: rounded(deviation) })
    }
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

fn median(sorted: &[f64]) -> Option<f64> {
    let middle = sorted.len() / 2;
    match sorted.len() % 2 {
        _ if sorted.is_empty() => None,
        0 => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
        _ => Some(sorted[middle]),
    }
}

/// The value below which a share of these lies, by nearest rank; none where there are none. `share` is between 0 and 1.
pub(super) fn quantile(values: &[f64], share: f64) -> Option<f64> {
    let sorted = sorted(values);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "it is between 0 and the number of values, which is far below 2^52"
    )]
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

/// To the thousandth: nothing here is measured more finely.
pub(super) fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[f64], expected: Option<(f64, f64, f64, f64)>) {
        let found = Spread::of(values);
        let shown = found.map(|spread| (spread.median, spread.min, spread.max, spread.deviation));
        assert_eq!(shown, expected, "{values:?}");
        assert_eq!(found.map_or(0, |spread| spread.count), values.len());
    }

    #[test]
    fn the_median_of_few_values() {
        check(&[], None);
        check(&[2.5], Some((2.5, 2.5, 2.5, 0.0)));
        check(&[4.0, 1.0], Some((2.5, 1.0, 4.0, 1.5)));
        check(&[3.0, 1.0, 2.0], Some((2.0, 1.0, 3.0, 1.0)));
        // One that is far off moves neither the median nor the deviation much.
        check(&[2.0, 2.1, 1.9, 60.0, 2.0], Some((2.0, 1.9, 60.0, 0.1)));
    }

    #[test]
    fn quantiles_are_values_that_were_measured() {
        let values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(quantile(&values, 0.5), Some(50.0));
        assert_eq!(quantile(&values, 0.99), Some(99.0));
        assert_eq!(quantile(&values, 1.0), Some(100.0));
        assert_eq!(quantile(&[7.0], 0.5), Some(7.0));
        assert_eq!(quantile(&[], 0.5), None);
    }
}
