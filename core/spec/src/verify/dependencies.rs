//! The rules of `dependsOn`: known workloads, and no cycle. Addresses are no dependencies.

use std::collections::{BTreeMap, BTreeSet};

use super::lookup;
use crate::Diagnostic;
use crate::model::{App, Kind};

/// Checks what the workloads of an app wait for.
pub(super) fn check(app: &App, found: &mut Vec<Diagnostic>) {
    for (name, workload) in &app.workloads {
        let mut seen = BTreeSet::new();
        for (index, other) in workload.depends_on.iter().enumerate() {
            let path = format!("{}.dependsOn[{index}]", Kind::Workload.path(name));
            if other == name {
                found.push(
                    Diagnostic::error(path, format!("`{name}` waits for itself")).remedy("leave it out"),
                );
                continue;
            }
            if !seen.insert(other) {
                found.push(
                    Diagnostic::warning(path.as_str(), format!("`{other}` is there twice")).remedy("it once"),
                );
            }
            lookup::workload(app, other, &path, found);
        }
    }
    for cycle in cycles(app) {
        found.push(describe(app, &cycle));
    }
}

fn describe(app: &App, cycle: &[&str]) -> Diagnostic {
    let [first, second, ..] = cycle else { return Diagnostic::error("", "workloads wait for each other") };
    let index = app.workloads[*first].depends_on.iter().position(|name| name == second).unwrap_or_default();
    let path = format!("{}.dependsOn[{index}]", Kind::Workload.path(first));
    Diagnostic::error(path, format!("workloads wait for each other: {} → {first}", cycle.join(" → ")))
        .why("none of them could ever start")
        .remedy("an address where the other is only talked to: addresses give no order")
}

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    /// On the way from the start.
    Open,
    /// Every way from here was walked.
    Done,
}

/// The cycles that a walk in depth meets, each from its first name in the alphabet, none twice.
fn cycles(app: &App) -> Vec<Vec<&str>> {
    let mut marks: BTreeMap<&str, Mark> = BTreeMap::new();
    let mut cycles = BTreeSet::new();
    for start in app.workloads.keys() {
        if !marks.contains_key(start.as_str()) {
            walk(app, start, &mut marks, &mut cycles);
        }
    }
    cycles.into_iter().collect()
}

fn walk<'a>(
    app: &'a App,
    start: &'a str,
    marks: &mut BTreeMap<&'a str, Mark>,
    cycles: &mut BTreeSet<Vec<&'a str>>,
) {
    // A stack of our own: a chain of thousands would exhaust the thread's.
    let mut way: Vec<(&str, usize)> = vec![(start, 0)];
    marks.insert(start, Mark::Open);
    while let Some((name, next)) = way.last_mut() {
        let Some(other) = app.workloads[*name].depends_on.get(*next) else {
            marks.insert(name, Mark::Done);
            way.pop();
            continue;
        };
        *next += 1;
        let is_self = other == name;
        match (marks.get(other.as_str()), app.workloads.get_key_value(other)) {
            (_, None) | (Some(Mark::Done), _) => {}
            (Some(Mark::Open), _) if is_self => {}
            (Some(Mark::Open), _) => {
                let from = way.iter().position(|(name, _)| name == other).unwrap_or_default();
                cycles.insert(from_smallest(way[from..].iter().map(|(name, _)| *name).collect()));
            }
            (None, Some((other, _))) => {
                marks.insert(other, Mark::Open);
                way.push((other, 0));
            }
        }
    }
}

fn from_smallest(mut cycle: Vec<&str>) -> Vec<&str> {
    let smallest = cycle.iter().enumerate().min_by_key(|(_, name)| **name).map_or(0, |(index, _)| index);
    cycle.rotate_left(smallest);
    cycle
}
