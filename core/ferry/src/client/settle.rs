//! The last copy, of a source that rests.

use super::{Comparison, End, Options, Report, Trust, compare, sync};
use crate::Result;

/// What came of the last copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// What was copied, one report for each call of [`sync`].
    pub reports: Vec<Report>,
    /// What the comparison after it found.
    pub comparison: Comparison,
}

/// Makes the destination equal to a source that rests, and proves it.
///
/// The difference is copied by sizes and times, then everything is compared by content. Programs that write through memory maps may
/// leave a file's time as it was; whatever the comparison finds is copied by content, and compared once more.
///
/// # Errors
/// As [`sync`]. Differences that stay are no error: they are in the comparison.
pub async fn settle(source: &End, destination: &End, options: &Options) -> Result<Settled> {
    let mut reports = vec![sync(source, destination, options).await?];
    let mut comparison = compare(source, destination, options).await?;
    if !comparison.is_equal() {
        let options = Options { trust: Trust::Nothing, ..options.clone() };
        reports.push(sync(source, destination, &options).await?);
        comparison = compare(source, destination, &options).await?;
    }
    Ok(Settled { reports, comparison })
}
