//! A comparison as one page for browsers: it needs nothing beside it, and no script.

use rhumb_action::{Cell, Comparison, Cost, Fit, Group, Platform, Verdict};
use serde::Serialize;
use serde_json::{Value, json};
use tera::{Context, Tera};

use super::words;
use crate::failure::Failure;
use crate::page::STYLE;
use crate::page::text::{count, first_of};

const PAGE: &str = include_str!("page.html");

/// So many columns fit beside each other on a desk.
const FITTING: usize = 6;
/// More names of objects than these are folded.
const NAMES: usize = 8;

/// The whole page. Whatever the chart says is escaped.
pub(crate) fn html(comparison: &Comparison) -> Result<String, Failure> {
    let failed = |error: tera::Error| Failure::general(format!("cannot write the page: {error}"));
    let mut tera = Tera::new();
    tera.add_raw_templates([("style.css", STYLE), ("page.html", PAGE)]).map_err(failed)?;
    let context = Context::from_serialize(&page(comparison)).map_err(failed)?;
    tera.render("page.html", &context).map_err(failed)
}

fn page(comparison: &Comparison) -> Value {
    json!({
        "chart": comparison.chart,
        "description": comparison.chart.description,
        "portability": words::portability(comparison),
        "platforms": comparison.platforms.iter().map(platform).collect::<Vec<_>>(),
        "groups": comparison.groups().iter().map(|group| row(comparison, group)).collect::<Vec<_>>(),
        "is_wide": comparison.platforms.len() > FITTING,
        "proofs": words::proofs()
            .map(|(word, meaning)| json!({ "word": word, "meaning": meaning }))
            .collect::<Vec<_>>(),
        "release": comparison.release,
        "namespace": comparison.namespace,
        "version": env!("CARGO_PKG_VERSION"),
    })
}

const fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Native => "good",
        Verdict::Emulated => "fair",
        Verdict::Refused => "bad",
    }
}

fn platform(platform: &Platform) -> Value {
    let class = match platform.fit {
        Fit::Native => "good",
        Fit::WithLosses | Fit::LeavingOut => "fair",
        Fit::No => "bad",
    };
    let is_unknown = platform.objects.is_none() && platform.failure.is_empty();
    let accept = words::features(&platform.leave_out).replace(", ", ",");
    json!({
        "name": platform.name,
        "title": words::title(&platform.variant),
        "class": class,
        "fit": words::fit(platform),
        "bar": bar(platform),
        "native": platform.native,
        "emulated": platform.emulated,
        "refused": platform.refused,
        "objects": platform.objects.as_ref().map_or_else(|| "?".to_owned(), |found| found.len().to_string()),
        "live": platform.live,
        "month": platform.cost.as_ref().map(words::month),
        "failures": platform.failure.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "unknown": is_unknown.then_some(format!("It {}.", words::NO_OBJECTS)),
        "accept": (!accept.is_empty()).then_some(accept),
        "kinds": kinds(platform),
        "cost": platform.cost.as_ref().map(cost),
    })
}

/// The shares of what is native, emulated and refused.
fn bar(platform: &Platform) -> Vec<Value> {
    let all = (platform.native + platform.emulated + platform.refused).max(1);
    [("good", platform.native), ("fair", platform.emulated), ("bad", platform.refused)]
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(class, count)| json!({ "class": class, "percent": (count * 100).div_ceil(all) }))
        .collect()
}

fn kinds(platform: &Platform) -> Vec<Value> {
    let kind = |(kind, names): (&str, Vec<&str>)| {
        json!({
            "kind": kind,
            "count": names.len(),
            "is_long": names.len() > NAMES,
            "first": first_of(&names, 3),
            "names": names.join(", "),
        })
    };
    words::objects(platform).into_iter().map(kind).collect()
}

fn cost(cost: &Cost) -> Value {
    let headings = ["workload", "size of one", "replicas", "one, an hour", "all, a month"];
    let line = |line| {
        let [name, cells @ ..] = words::cost_cells(cost, line);
        let labelled = headings[1..].iter().zip(cells);
        let cells: Vec<Value> =
            labelled.map(|(label, text)| json!({ "label": label, "text": text })).collect();
        json!({ "name": name, "cells": cells })
    };
    let source = |source: &rhumb_action::PriceSource| {
        // Prices may be anybody's file, and an address may be no page.
        let is_link = source.url.starts_with("https://") || source.url.starts_with("http://");
        json!({ "what": source.what, "url": source.url, "is_link": is_link })
    };
    json!({
        "of_the_day": words::of_the_day(cost),
        "headings": headings,
        "lines": cost.lines.iter().map(line).collect::<Vec<_>>(),
        "sources": cost.sources.iter().map(source).collect::<Vec<_>>(),
    })
}

/// A line of the matrix.
#[derive(Serialize)]
struct Line<'a> {
    feature: &'static str,
    description: Option<&'static str>,
    /// Each in the pieces between which a line may break.
    paths: Vec<Vec<&'a str>>,
    others: Option<String>,
    class: &'static str,
    cells: Vec<Value>,
}

fn row(comparison: &Comparison, group: &Group<'_>) -> Value {
    let is_several = group.paths.len() > 1;
    let line = Line {
        feature: words::name(group.feature),
        description: group.feature.map(rhumb_spec::Feature::description),
        paths: group.paths.iter().map(|path| path.split_inclusive(['.', '/']).collect()).collect(),
        others: is_several.then(|| count(group.paths.len(), "place", "places")),
        class: row_class(group.cells),
        cells: comparison
            .platforms
            .iter()
            .zip(group.cells)
            .map(|(platform, found)| cell(&platform.name, found.as_ref()))
            .collect(),
    };
    serde_json::to_value(line).unwrap_or_default()
}

/// Whether a row is of interest when only losses, or only differences, are shown.
fn row_class(cells: &[Option<Cell>]) -> &'static str {
    let verdicts: Vec<Verdict> = cells.iter().flatten().map(|cell| cell.verdict).collect();
    let is_same = verdicts.windows(2).all(|pair| pair[0] == pair[1]) && verdicts.len() == cells.len();
    match (is_same, verdicts.iter().all(|verdict| *verdict == Verdict::Native)) {
        (true, true) => "all-good all-same",
        (true, false) => "all-same",
        (false, true) => "all-good",
        (false, false) => "",
    }
}

fn cell(platform: &str, cell: Option<&Cell>) -> Value {
    let Some(cell) = cell else { return json!({ "platform": platform, "verdict": null }) };
    let proof = cell.proof.filter(|_| cell.verdict != Verdict::Refused);
    json!({
        "platform": platform,
        "verdict": cell.verdict.as_str(),
        "class": class(cell.verdict),
        "proof": proof.map(rhumb_action::Proof::as_str),
        "remarks": remarks(cell),
    })
}

/// What is lost, why it is refused and what to use instead, each in pieces that are code or not.
fn remarks(cell: &Cell) -> Vec<Value> {
    let remark = |is_use: bool| move |text: &String| json!({ "is_use": is_use, "pieces": pieces(text) });
    let said = cell.losses.iter().chain(&cell.why).map(remark(false));
    said.chain(cell.instead.iter().map(remark(true))).collect()
}

/// Text taken apart at its backticks: what stands between two of them is code.
fn pieces(text: &str) -> Vec<Value> {
    let parts: Vec<&str> = text.split('`').collect();
    // Without its partner the last backtick is one.
    if parts.len().is_multiple_of(2) {
        return vec![json!({ "is_code": false, "text": text })];
    }
    let piece = |(index, text): (usize, &str)| json!({ "is_code": index % 2 == 1, "text": text });
    parts.into_iter().enumerate().map(piece).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_between_backticks_is_code() {
        let shown = |text: &str| -> Vec<(bool, String)> {
            let one = |piece: &Value| (piece["is_code"] == true, piece["text"].as_str().unwrap().to_owned());
            pieces(text).iter().map(one).collect()
        };
        let expected = [(false, "use ".to_owned()), (true, "a: b".to_owned()), (false, " now".to_owned())];
        assert_eq!(shown("use `a: b` now"), expected);
        assert_eq!(shown("a ` b"), [(false, "a ` b".to_owned())]);
        assert_eq!(shown("plain"), [(false, "plain".to_owned())]);
    }
}
