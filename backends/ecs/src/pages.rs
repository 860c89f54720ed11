//! Reading answers, and many calls side by side.

use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use rhumb_backend::Result;
use serde_json::Value;

/// How many calls are under way side by side.
const ABREAST: usize = 8;
/// Does something for each item, some side by side, and gives the results in the order of the items.
///
/// # Errors
/// The first that comes.
pub(crate) async fn each<T, R, F>(
    items: impl IntoIterator<Item = T>,
    work: impl FnMut(T) -> F,
) -> Result<Vec<R>>
where
    F: Future<Output = Result<R>>,
{
    side_by_side(items, work).try_collect().await
}

fn side_by_side<T, R, F>(
    items: impl IntoIterator<Item = T>,
    work: impl FnMut(T) -> F,
) -> impl Stream<Item = Result<R>>
where
    F: Future<Output = Result<R>>,
{
    let calls: Vec<F> = items.into_iter().map(work).collect();
    stream::iter(calls).buffered(ABREAST)
}

/// The text of a field.
pub(crate) fn text<'v>(value: &'v Value, field: &str) -> Option<&'v str> {
    value.get(field).and_then(Value::as_str)
}

/// The items of a field.
pub(crate) fn items<'v>(value: &'v Value, field: &str) -> impl Iterator<Item = &'v Value> {
    value.get(field).and_then(Value::as_array).into_iter().flatten()
}
