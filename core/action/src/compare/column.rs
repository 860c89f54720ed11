//! What one platform makes of an app.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::{Assessed, Choices, Facts, Loss, Object, Scope, Support, assess, can_omit};
use rhumb_spec::model::Mode;
use rhumb_spec::{App, Diagnostic, Feature};

use super::{BecomesObject, Candidate, Cell, Fit, Platform, Prices, Verdict, rest};
use crate::Proofs;
use crate::road::{self, Built, Written};

/// A place in the table: what is asked for, and where. What no feature stands for comes last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot {
    is_value: bool,
    pub(super) feature: Option<Feature>,
    pub(super) path: String,
}

impl Spot {
    fn of(feature: Feature, path: &str) -> Self {
        Self { is_value: false, feature: Some(feature), path: path.to_owned() }
    }

    fn value(path: &str) -> Self {
        Self { is_value: true, feature: None, path: path.to_owned() }
    }
}

/// One platform's side of the comparison.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) platform: Platform,
    pub(super) cells: BTreeMap<Spot, Cell>,
}

/// What every column is made with.
#[derive(Clone, Copy, Debug)]
pub(super) struct World<'a> {
    pub(super) scope: &'a Scope,
    pub(super) prices: &'a Prices,
    pub(super) proofs: &'a Proofs,
}

impl World<'_> {
    /// The column of a platform for which the chart could be rendered.
    pub(super) fn column(&self, candidate: &Candidate, written: &Written, facts: &Facts) -> Column {
        let backend = candidate.backend.as_ref();
        let app = &written.parsed.app;
        let draft =
            Draft { proofs: self.proofs, variant: backend.variant(facts), cells: BTreeMap::new(), app };
        let assessed = assess(app, backend, facts);
        let accept = refused(&assessed);
        let rules = road::BuildRules { accept: &accept, choices: &Choices::default() };
        let built = road::build(backend, app, self.scope, facts, rules);
        let rest = match &built {
            Ok(_) => None,
            Err(_) => rest::without(app, &rest::refused(&assessed)),
        };
        let rest = rest.and_then(|rest| road::build(backend, &rest, self.scope, facts, rules).ok());
        let (cells, built) = draft.filled(assessed, built);
        let built = built.or(rest);
        let mut platform = self.empty(candidate, facts, &cells);
        if let Some(built) = built {
            platform.cost = self.prices.cost(&platform.variant, backend.billed(&built.objects));
            platform.objects = Some(built.objects.iter().map(becomes).collect());
        }
        Column { platform, cells }
    }

    /// The column of a platform for which the chart could not be rendered.
    pub(super) fn failed(&self, candidate: &Candidate, facts: &Facts, found: Vec<Diagnostic>) -> Column {
        let platform =
            Platform { failure: found, fit: Fit::No, ..self.empty(candidate, facts, &BTreeMap::new()) };
        Column { platform, cells: BTreeMap::new() }
    }

    #[expect(clippy::unused_self, reason = "it belongs to the columns of one comparison")]
    fn empty(&self, candidate: &Candidate, facts: &Facts, cells: &BTreeMap<Spot, Cell>) -> Platform {
        let count = |verdict| cells.values().filter(|cell| cell.verdict == verdict).count();
        Platform {
            name: candidate.name.clone(),
            variant: candidate.backend.variant(facts).to_owned(),
            live: facts.live,
            fit: fit(cells),
            native: count(Verdict::Native),
            emulated: count(Verdict::Emulated),
            refused: count(Verdict::Refused),
            leave_out: leave_out(cells),
            objects: None,
            cost: None,
            failure: Vec::new(),
        }
    }
}

fn refused(assessed: &[Assessed]) -> BTreeSet<Feature> {
    let is_refused = |one: &&Assessed| matches!(one.support, Support::Unsupported { .. });
    assessed.iter().filter(is_refused).map(|one| one.requirement.feature).collect()
}

fn becomes(object: &Object) -> BecomesObject {
    BecomesObject {
        kind: object.id.kind().to_owned(),
        name: object.id.name().to_owned(),
        workload: object.workload.clone(),
    }
}

/// Whether the chart can be deployed there, by what stands in the column.
fn fit(cells: &BTreeMap<Spot, Cell>) -> Fit {
    let of = |(spot, cell): (&Spot, &Cell)| match (cell.verdict, spot.feature) {
        (Verdict::Native, _) => Fit::Native,
        (Verdict::Emulated, _) => Fit::WithLosses,
        (Verdict::Refused, Some(feature)) if can_omit(feature) => Fit::LeavingOut,
        (Verdict::Refused, _) => Fit::No,
    };
    cells.iter().map(of).max().unwrap_or(Fit::Native)
}

fn leave_out(cells: &BTreeMap<Spot, Cell>) -> Vec<Feature> {
    let refused = cells.iter().filter(|(_, cell)| cell.verdict == Verdict::Refused);
    let features: BTreeSet<Feature> = refused.filter_map(|(spot, _)| spot.feature).collect();
    features.into_iter().filter(|feature| can_omit(*feature)).collect()
}

/// Cells on their way.
struct Draft<'a> {
    proofs: &'a Proofs,
    variant: &'static str,
    cells: BTreeMap<Spot, Cell>,
    app: &'a App,
}

impl Draft<'_> {
    /// The cells, and what the app becomes without what is refused, where that can be told.
    fn filled(
        mut self,
        assessed: Vec<Assessed>,
        built: Result<Built, Vec<Diagnostic>>,
    ) -> (BTreeMap<Spot, Cell>, Option<Built>) {
        for one in assessed {
            self.assess(one);
        }
        match built {
            Ok(built) => {
                built.losses.iter().filter(|loss| !loss.accepted).for_each(|loss| self.lose(loss));
                (self.cells, Some(built))
            }
            Err(found) => {
                found.iter().filter(|one| one.is_error()).for_each(|one| self.refuse(one));
                (self.cells, None)
            }
        }
    }

    fn assess(&mut self, Assessed { requirement, support }: Assessed) {
        let proof = self.proofs.get(self.variant, requirement.feature);
        let cell = Cell::of(support, proof);
        self.cells.insert(Spot::of(requirement.feature, &requirement.path), cell);
    }

    fn cell(&self, feature: Feature, verdict: Verdict) -> Cell {
        let proof = self.proofs.get(self.variant, feature);
        Cell { verdict, losses: Vec::new(), why: None, instead: None, proof }
    }

    /// Notes a loss that only the check or lowering told of.
    fn lose(&mut self, loss: &Loss) {
        let path = self.as_asked(&loss.path);
        let fresh = self.cell(loss.feature, Verdict::Emulated);
        let cell = self.cells.entry(Spot::of(loss.feature, &path)).or_insert(fresh);
        if !cell.losses.contains(&loss.text) {
            cell.losses.push(loss.text.clone());
        }
        cell.verdict = cell.verdict.max(Verdict::Emulated);
    }

    /// Notes what the check or lowering would not take. What a feature was refused for stands there already.
    fn refuse(&mut self, found: &Diagnostic) {
        let path = self.as_asked(&found.path);
        let is_known = |(spot, cell): (&Spot, &Cell)| {
            spot.path == path && cell.verdict == Verdict::Refused && cell.why == found.why
        };
        if self.cells.iter().any(is_known) {
            return;
        }
        let why = match &found.why {
            Some(why) => format!("{}: {why}", found.what),
            None => found.what.clone(),
        };
        let cell = Cell {
            verdict: Verdict::Refused,
            losses: Vec::new(),
            why: Some(why),
            instead: found.remedy.clone(),
            proof: None,
        };
        self.cells.insert(Spot::value(&path), cell);
    }

    /// A path in the app as it was written: a replica of a set that a pass made a workload of its own is that set.
    fn as_asked(&self, path: &str) -> String {
        let Some(rest) = path.strip_prefix("workload/") else { return path.to_owned() };
        let (name, below) = rest.split_at(rest.find('.').unwrap_or(rest.len()));
        if self.app.workloads.contains_key(name) {
            return path.to_owned();
        }
        match name.rsplit_once('-') {
            Some((set, number)) if number.parse::<u32>().is_ok() && self.is_set(set) => {
                format!("workload/{set}{below}")
            }
            _ => path.to_owned(),
        }
    }

    fn is_set(&self, name: &str) -> bool {
        self.app.workloads.get(name).is_some_and(|workload| workload.mode == Mode::Stateful)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rhumb_spec::{Requirement, Source, parse};

    const APP: &str = "
kind: Workload
name: db
mode: stateful
containers: { db: { image: db } }
---
kind: Workload
name: web-1
containers: { web: { image: web } }
";

    fn app() -> App {
        parse(&[Source { file: "app.yaml".to_owned(), text: APP.to_owned() }]).unwrap().app
    }

    fn filled(
        assessed: &[(Feature, &str, Support)],
        built: Result<Built, Vec<Diagnostic>>,
    ) -> BTreeMap<Spot, Cell> {
        let (app, proofs) = (app(), Proofs::default());
        let draft = Draft { proofs: &proofs, variant: "double", cells: BTreeMap::new(), app: &app };
        let assessed = assessed.iter().map(|(feature, path, support)| Assessed {
            requirement: Requirement { feature: *feature, path: (*path).to_owned() },
            support: *support,
        });
        draft.filled(assessed.collect(), built).0
    }

    fn loss(feature: Feature, path: &str, text: &str, accepted: bool) -> Loss {
        Loss { feature, path: path.to_owned(), text: text.to_owned(), accepted }
    }

    #[test]
    fn workloads_that_are_refused_as_a_whole_hide_no_others() {
        let mut app = app();
        app.workloads.get_mut("web-1").unwrap().depends_on = vec!["db".to_owned()];
        let support = Support::Unsupported { why: "no", instead: "nothing" };
        let requirement =
            Requirement { feature: Feature::Sidecars, path: "workload/db.containers".to_owned() };
        let refused = rest::refused(&[Assessed { requirement, support }]);
        let rest = rest::without(&app, &refused).unwrap();
        assert_eq!(rest.workloads.keys().collect::<Vec<_>>(), ["web-1"]);
        assert!(rest.workloads["web-1"].depends_on.is_empty());
        assert_eq!(rest::without(&app, &BTreeSet::new()), None);
    }

    #[test]
    fn what_only_lowering_loses_is_told_once_at_the_set() {
        let path = "workload/db.containers";
        let built = Built {
            losses: vec![
                loss(Feature::CpuLimit, "workload/db-0.containers", "rounded", false),
                loss(Feature::CpuLimit, "workload/db-1.containers", "rounded", false),
                loss(Feature::CpuLimit, "workload/web-1.containers", "rounded", false),
                loss(Feature::Env, "workload/db.containers.db.env.A", "expanded", false),
                loss(Feature::Canary, "workload/db.update", "it is left out", true),
            ],
            ..Built::default()
        };
        let asked = (Feature::Env, "workload/db.containers.db.env.A", Support::Native);
        let cells = filled(&[asked], Ok(built));
        assert_eq!(cells.len(), 3);
        assert_eq!(cells[&Spot::of(Feature::CpuLimit, path)].losses, ["rounded"]);
        assert!(cells.contains_key(&Spot::of(Feature::CpuLimit, "workload/web-1.containers")));
        let lossy = &cells[&Spot::of(Feature::Env, asked.1)];
        assert_eq!(
            (lossy.verdict, lossy.losses.as_slice()),
            (Verdict::Emulated, &["expanded".to_owned()][..])
        );
        assert_eq!(fit(&cells), Fit::WithLosses);
    }

    #[test]
    fn a_refusal_is_told_once() {
        let refused = Support::Unsupported { why: "it is one container", instead: "two workloads" };
        let path = "workload/db.containers";
        let said = Diagnostic::error(path, "no sidecars").why("it is one container").remedy("two workloads");
        let cells = filled(&[(Feature::Sidecars, path, refused)], Err(vec![said]));
        assert_eq!(cells.len(), 1);
        assert_eq!((fit(&cells), leave_out(&cells)), (Fit::No, Vec::new()));
        let cells = filled(&[(Feature::Canary, path, refused)], Ok(Built::default()));
        assert_eq!((fit(&cells), leave_out(&cells)), (Fit::LeavingOut, vec![Feature::Canary]));
    }

    #[test]
    fn a_value_that_is_not_taken_is_a_row() {
        let said =
            Diagnostic::error("workload/db-1.containers", "it is too large").why("16 processors at most");
        let cells = filled(&[], Err(vec![said.remedy("less")]));
        let cell = &cells[&Spot::value("workload/db.containers")];
        assert_eq!(cell.why.as_deref(), Some("it is too large: 16 processors at most"));
        assert_eq!((cell.instead.as_deref(), fit(&cells)), (Some("less"), Fit::No));
    }
}
