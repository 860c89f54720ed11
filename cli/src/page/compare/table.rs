//! A comparison for terminals.

use std::fmt::Write as _;

use rhumb_action::{Cell, Comparison, Group, Platform, Remark, Verdict};

use super::words;
use crate::failure::diagnostic_text;
use crate::output::{Paint, rows, table as columns};
use crate::page::text::first_of;

/// How many names stand in a line.
const NAMES: usize = 6;

/// The whole comparison.
pub(crate) fn table(comparison: &Comparison) -> String {
    let chart = &comparison.chart;
    let mut text = format!("{} {}\n{}\n\n", chart.name, chart.version, words::portability(comparison));
    text.push_str(&summary(comparison));
    let groups = comparison.groups();
    if !groups.is_empty() {
        let _ = write!(text, "\n{}", matrix(comparison, &groups));
        text.push_str(
            "\n✓ native  ~ emulated, with a loss  ✗ refused  · not asked for there; then how the mapping was proven:\n",
        );
        for (word, meaning) in words::proofs() {
            let _ = writeln!(text, "  {word}: {meaning}");
        }
    }
    for (index, platform) in comparison.platforms.iter().enumerate() {
        text.push_str(&of_platform(platform, &comparison.remarks(index)));
    }
    text
}

fn summary(comparison: &Comparison) -> String {
    let line = |platform: &Platform| {
        [
            platform.name.clone(),
            words::fit(platform),
            platform.native.to_string(),
            platform.emulated.to_string(),
            platform.refused.to_string(),
            platform.objects.as_ref().map_or_else(|| "?".to_owned(), |objects| objects.len().to_string()),
            platform.cost.as_ref().map_or_else(String::new, words::month),
        ]
    };
    columns(
        ["PLATFORM", "DEPLOYS", "NATIVE", "EMULATED", "REFUSED", "OBJECTS", "A MONTH"],
        comparison.platforms.iter().map(line),
    )
}

fn matrix(comparison: &Comparison, groups: &[Group<'_>]) -> String {
    let mut headings = vec!["FEATURE".to_owned(), "AT".to_owned()];
    headings.extend(comparison.platforms.iter().map(|platform| platform.name.to_uppercase()));
    let line = |group: &Group<'_>| {
        let mut line = vec![words::name(group.feature).to_owned(), first_of(&group.paths, 1)];
        line.extend(group.cells.iter().map(|cell| mark(cell.as_ref())));
        line
    };
    rows(headings, groups.iter().map(line))
}

fn mark(cell: Option<&Cell>) -> String {
    let Some(cell) = cell else { return "·".to_owned() };
    let mark = mark_of(cell.verdict);
    match cell.proof.filter(|_| cell.verdict != Verdict::Refused) {
        Some(proof) => format!("{mark} {}", proof.as_str()),
        None => mark.to_owned(),
    }
}

/// What a platform refuses and loses, what the chart becomes there, and what that costs.
fn of_platform(platform: &Platform, remarks: &[Remark<'_>]) -> String {
    let mut text = format!("\n{}\n", platform.name.to_uppercase());
    for found in &platform.failure {
        text.push_str(&diagnostic_text(found, Paint::plain()));
    }
    for verdict in [Verdict::Refused, Verdict::Emulated] {
        for remark in remarks.iter().filter(|remark| remark.cell.verdict == verdict) {
            let places = first_of(&remark.paths, 2);
            let feature = words::name(remark.feature);
            let text_of_it = words::remark(remark.cell);
            let _ = writeln!(text, "  {} {feature} at {places}\n      {text_of_it}", mark_of(verdict));
        }
    }
    text.push_str(&becomes(platform));
    text.push_str(&cost(platform));
    text
}

const fn mark_of(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Native => "✓",
        Verdict::Emulated => "~",
        Verdict::Refused => "✗",
    }
}

fn becomes(platform: &Platform) -> String {
    if !platform.failure.is_empty() {
        return String::new();
    }
    if platform.objects.is_none() {
        return format!("  becomes: {}\n", words::NO_OBJECTS);
    }
    let without = match platform.leave_out.as_slice() {
        [] => String::new(),
        left_out => format!(", without {}", words::features(left_out)),
    };
    let mut text = format!("  becomes{without}:\n");
    for (kind, names) in words::objects(platform) {
        let _ = writeln!(text, "      {kind}: {}", first_of(&names, NAMES));
    }
    text
}

fn cost(platform: &Platform) -> String {
    let Some(cost) = &platform.cost else { return String::new() };
    let mut text = format!("  costs {} a month. {}\n", words::month(cost), words::of_the_day(cost));
    let lines = columns(
        ["WORKLOAD", "SIZE", "REPLICAS", "ONE, AN HOUR", "ALL, A MONTH"],
        cost.lines.iter().map(|line| words::cost_cells(cost, line)),
    );
    for line in lines.lines() {
        let _ = writeln!(text, "      {line}");
    }
    text
}
