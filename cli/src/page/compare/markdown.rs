//! A comparison in Markdown.

use std::fmt::Write as _;

use rhumb_action::{Cell, Comparison, Cost, Group, Platform};

use super::words;
use crate::page::text::{first_of, markdown as plain};

/// The whole comparison.
pub(crate) fn markdown(comparison: &Comparison) -> String {
    let chart = &comparison.chart;
    let mut text =
        format!("# {} {}: what each platform makes of it\n", plain(&chart.name), plain(&chart.version));
    if let Some(description) = &chart.description {
        let _ = write!(text, "\n{}\n", plain(description));
    }
    let _ = write!(text, "\n{}\n\n", words::portability(comparison));
    text.push_str(&summary(comparison));
    text.push_str(&matrix(comparison, &comparison.groups()));
    text.push_str("\nHow a mapping was proven:\n\n");
    for (word, meaning) in words::proofs() {
        let _ = writeln!(text, "- *{word}*: {meaning}.");
    }
    for platform in &comparison.platforms {
        text.push_str(&of_platform(platform));
    }
    text
}

fn summary(comparison: &Comparison) -> String {
    let mut text =
        "| platform | deploys | native | emulated | refused | objects | a month |\n|---|---|---|---|---|---|---|\n"
            .to_owned();
    for platform in &comparison.platforms {
        let objects =
            platform.objects.as_ref().map_or_else(|| "?".to_owned(), |objects| objects.len().to_string());
        let month = platform.cost.as_ref().map(words::month).unwrap_or_default();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {objects} | {month} |",
            plain(&platform.name),
            words::fit(platform),
            platform.native,
            platform.emulated,
            platform.refused
        );
    }
    text
}

fn matrix(comparison: &Comparison, groups: &[Group<'_>]) -> String {
    let mut text = "\n## Feature by feature\n\n| feature | at |".to_owned();
    for platform in &comparison.platforms {
        let _ = write!(text, " {} |", plain(&platform.name));
    }
    let _ = writeln!(text, "\n|---|---|{}", "---|".repeat(comparison.platforms.len()));
    for group in groups {
        let places = plain(&first_of(&group.paths, 3));
        let _ = write!(text, "| {} | {places} |", plain(words::name(group.feature)));
        for cell in group.cells {
            let _ = write!(text, " {} |", cell.as_ref().map_or_else(|| "–".to_owned(), cell_text));
        }
        text.push('\n');
    }
    text
}

fn cell_text(cell: &Cell) -> String {
    let proof = cell.proof.map_or_else(String::new, |proof| format!(" ({})", proof.as_str()));
    let remark = words::remark(cell);
    let remark = if remark.is_empty() { remark } else { format!(": {}", plain(&remark)) };
    format!("**{}**{proof}{remark}", cell.verdict.as_str())
}

fn of_platform(platform: &Platform) -> String {
    let mut text = format!("\n## On {}\n\n", plain(&platform.name));
    for found in &platform.failure {
        let _ = writeln!(text, "- {}", plain(&found.to_string()));
    }
    if !platform.failure.is_empty() {
        return text;
    }
    if !platform.leave_out.is_empty() {
        let accept = words::features(&platform.leave_out).replace(", ", ",");
        let _ = writeln!(text, "Deployed with `--accept-loss {accept}`, which leaves these out.\n");
    }
    if platform.objects.is_none() {
        let _ = writeln!(text, "What it becomes {}.", words::NO_OBJECTS);
    }
    for (kind, names) in words::objects(platform) {
        let _ = writeln!(text, "- {}: {}", plain(kind), plain(&names.join(", ")));
    }
    text.push_str(&platform.cost.as_ref().map(costs).unwrap_or_default());
    text
}

fn costs(cost: &Cost) -> String {
    let mut text = format!(
        "\n{} a month. {}\n\n| workload | size | replicas | one, an hour | all, a month |\n|---|---|---|---|---|\n",
        words::month(cost),
        plain(&words::of_the_day(cost))
    );
    for line in &cost.lines {
        let _ = writeln!(text, "| {} |", words::cost_cells(cost, line).map(|cell| plain(&cell)).join(" | "));
    }
    if !cost.sources.is_empty() {
        text.push_str("\nPrices read at:\n\n");
    }
    for source in &cost.sources {
        let _ = writeln!(text, "- {}: <{}>", plain(&source.what), source.url.replace(['<', '>', '\n'], ""));
    }
    text
}
