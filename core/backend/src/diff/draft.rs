//! A plan in the making: steps and edges in no order yet.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_spec::Diagnostic;

use super::graph::Graph;
use crate::{Action, Note, ObjectId, Plan, Step, StepAfter, Until};

#[derive(Default)]
pub(super) struct Draft {
    pub(super) steps: Vec<Step>,
    pub(super) notes: Vec<Note>,
    /// The step of each wanted object that has one.
    wanted: BTreeMap<ObjectId, usize>,
    edges: BTreeMap<(usize, usize), Until>,
}

impl Draft {
    /// Adds the step of a wanted object.
    pub(super) fn push(&mut self, step: Step) {
        self.wanted.insert(step.id.clone(), self.steps.len());
        self.steps.push(step);
    }

    /// Adds the removal of something that is not wanted.
    pub(super) fn push_removal(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// The step of a wanted object.
    pub(super) fn wanted(&self, id: &ObjectId) -> Option<usize> {
        self.wanted.get(id).copied()
    }

    /// What is done with a wanted object.
    pub(super) fn action(&self, id: &ObjectId) -> Option<Action> {
        self.wanted(id).map(|at| self.steps[at].action)
    }

    pub(super) fn is_removal(&self, at: usize) -> bool {
        matches!(self.steps[at].action, Action::Delete | Action::Collect)
    }

    /// Lets a step wait for another. Nothing that is removed gets ready, and an await is only for readiness.
    pub(super) fn edge(&mut self, first: usize, then: usize, until: Until) {
        if first == then {
            return;
        }
        let until = match self.steps[first].action {
            Action::Delete | Action::Collect => Until::Exists,
            Action::Await => Until::Ready,
            Action::Create | Action::Update | Action::Replace => until,
        };
        let edge = self.edges.entry((first, then)).or_insert(until);
        *edge = until.max(*edge);
    }

    /// Lets a step wait for another for comfort's sake: not where that would close a circle.
    pub(super) fn soft_edges(&mut self, wishes: Vec<(usize, usize, Until)>) {
        let all: BTreeSet<(usize, usize)> = wishes.iter().map(|(first, then, _)| (*first, *then)).collect();
        let mut graph = self.graph();
        for (first, then) in &all {
            graph.add(*first, *then);
        }
        if graph.sorted(|at| at).is_ok() {
            for (first, then, until) in wishes {
                self.edge(first, then, until);
            }
            return;
        }
        let mut graph = self.graph();
        for (first, then, until) in wishes {
            if !graph.reaches(then, first) {
                graph.add(first, then);
                self.edge(first, then, until);
            }
        }
    }

    fn graph(&self) -> Graph {
        let mut graph = Graph::new(self.steps.len());
        for (first, then) in self.edges.keys() {
            graph.add(*first, *then);
        }
        graph
    }

    /// Sorts the steps.
    ///
    /// # Errors
    /// A diagnostic that names the circle, when steps wait for each other.
    pub(super) fn into_plan(mut self) -> Result<Plan, Vec<Diagnostic>> {
        let rank = |at: usize| {
            let step = &self.steps[at];
            let runs = step.object.workload.is_some();
            (self.is_removal(at), runs, step.id.clone(), step.object.generation.clone())
        };
        let order = self.graph().sorted(rank).map_err(|circle| vec![self.circle(&circle)])?;
        let mut place = vec![0; order.len()];
        for (to, from) in order.iter().enumerate() {
            place[*from] = to;
        }
        let mut steps: Vec<Option<Step>> = self.steps.drain(..).map(Some).collect();
        let mut sorted: Vec<Step> = order.iter().filter_map(|from| steps[*from].take()).collect();
        for ((first, then), until) in self.edges {
            sorted[place[then]].after.push(StepAfter { step: place[first], until });
        }
        for step in &mut sorted {
            step.after.sort_unstable();
        }
        self.notes.sort_by(|a, b| (&a.id, &a.text).cmp(&(&b.id, &b.text)));
        self.notes.dedup();
        Ok(Plan { steps: sorted, notes: self.notes })
    }

    fn circle(&self, circle: &[usize]) -> Diagnostic {
        let names: Vec<&str> = circle.iter().map(|at| self.steps[*at].id.as_str()).collect();
        Diagnostic::error(
            names.first().copied().unwrap_or_default(),
            format!("these objects wait for each other: {}", names.join(" → ")),
        )
        .remedy("a `dependsOn` less, or two releases one after the other")
    }
}
