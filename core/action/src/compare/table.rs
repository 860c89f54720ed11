//! Columns put side by side.

use std::collections::BTreeSet;

use rhumb_spec::Diagnostic;

use super::column::{Column, Spot};
use super::{Platform, Portability, Row, Verdict};

/// What is wrong with the chart, when it could be rendered for no platform.
pub(super) fn failed_everywhere(columns: &[Column]) -> Option<Vec<Diagnostic>> {
    let mut failures = columns.iter().map(|column| &column.platform.failure);
    let first = failures.next().filter(|first| !first.is_empty())?.clone();
    failures.all(|failure| !failure.is_empty()).then_some(first)
}

/// One row for each place that any column has.
pub(super) fn join(columns: Vec<Column>) -> (Vec<Platform>, Vec<Row>) {
    let spots: BTreeSet<Spot> = columns.iter().flat_map(|column| column.cells.keys().cloned()).collect();
    let row = |spot: Spot| Row {
        cells: columns.iter().map(|column| column.cells.get(&spot).cloned()).collect(),
        feature: spot.feature,
        path: spot.path,
    };
    let rows = spots.into_iter().map(row).collect();
    (columns.into_iter().map(|column| column.platform).collect(), rows)
}

/// How much of it every platform has. What a platform is not asked for is nothing that it lacks; one for which the chart
/// could not be rendered has nothing.
pub(super) fn portability(platforms: &[Platform], rows: &[Row]) -> Portability {
    if platforms.iter().any(|platform| !platform.failure.is_empty()) {
        return Portability { refused_somewhere: rows.len(), ..Portability::default() };
    }
    let worst = |row: &Row| row.cells.iter().flatten().map(|cell| cell.verdict).max();
    let count =
        |wanted: fn(Verdict) -> bool| rows.iter().filter_map(worst).filter(|one| wanted(*one)).count();
    Portability {
        native_everywhere: count(|verdict| verdict == Verdict::Native),
        done_everywhere: count(|verdict| verdict != Verdict::Refused),
        refused_somewhere: count(|verdict| verdict == Verdict::Refused),
    }
}
