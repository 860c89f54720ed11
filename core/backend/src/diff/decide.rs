//! What is done with each wanted object.

use std::collections::BTreeMap;

use rhumb_spec::Diagnostic;
use serde_json::Value;

use super::draft::Draft;
use super::graph::Graph;
use super::scene::Scene;
use crate::material::Demand;
use crate::reference::{self, Outputs};
use crate::{Action, Cause, Change, FieldChange, Live, Note, Object, ObjectId, Ownership, Step};

/// Decides about each wanted object, what is referred to before who refers to it.
pub(super) fn decide(scene: &Scene<'_>, draft: &mut Draft) -> Vec<Diagnostic> {
    let order = match reference_order(scene) {
        Ok(order) => order,
        Err(circle) => return circle,
    };
    let mut decider = Decider {
        scene,
        draft,
        known: scene.outputs(&scene.want),
        known_last: scene.outputs(&scene.last),
        diagnostics: Vec::new(),
    };
    for want in order {
        decider.object(want);
    }
    decider.diagnostics
}

fn reference_order<'a>(scene: &Scene<'a>) -> Result<Vec<&'a Object>, Vec<Diagnostic>> {
    let objects: Vec<&Object> = scene.want.values().copied().collect();
    let places: BTreeMap<&ObjectId, usize> =
        objects.iter().enumerate().map(|(at, object)| (&object.id, at)).collect();
    let mut graph = Graph::new(objects.len());
    for (at, object) in objects.iter().enumerate() {
        for target in reference::targets(&object.body) {
            if let Some(target) = places.get(&target) {
                graph.add(*target, at);
            }
        }
    }
    let order = graph.sorted(|at| at).map_err(|circle| {
        let names: Vec<&str> = circle.iter().map(|at| objects[*at].id.as_str()).collect();
        let what = format!("these objects refer to each other in a circle: {}", names.join(" → "));
        vec![Diagnostic::error(names.first().copied().unwrap_or_default(), what)]
    })?;
    Ok(order.into_iter().map(|at| objects[at]).collect())
}

struct Decider<'s, 'a> {
    scene: &'s Scene<'a>,
    draft: &'s mut Draft,
    known: Outputs,
    known_last: Outputs,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Decider<'_, 'a> {
    fn object(&mut self, want: &'a Object) {
        match self.scene.live_of(want) {
            _ if want.ownership == Ownership::External => self.external(want),
            None if self.scene.is_done(want) => {}
            None => self.create(want),
            Some(live) if live.foreign.is_some() && !self.scene.options.take_ownership => {
                self.diagnostics.push(not_ours(live));
            }
            Some(_) if self.scene.is_done(want) => {}
            Some(live) if want.once.is_some() && is_same_job(live, want) => self.same_job(live, want),
            Some(live) if want.generation.is_some() && live.foreign.is_none() => {}
            Some(live) => self.compare(live, want),
        }
    }

    fn external(&mut self, want: &'a Object) {
        if self.scene.generations(&want.id).next().is_none() {
            let missing = Diagnostic::error(want.id.as_str(), format!("{} is not there", want.id))
                .why("it is external: the release refers to it and does not make it")
                .remedy(format!("make {} first, or leave out `external: true`", want.id.name()));
            self.diagnostics.push(missing);
        }
    }

    fn create(&mut self, want: &'a Object) {
        let was_there = self.scene.last.get(&want.id).is_some_and(|last| {
            !self.scene.options.unfinished
                && last.generation == want.generation
                && last.once == want.once
                && last.ownership != Ownership::External
        });
        if was_there {
            let new = if is_generated(&want.body) { ", with new generated values" } else { "" };
            let text =
                format!("it is gone, though nobody removed it through a release; it is made again{new}");
            self.draft.notes.push(Note { id: want.id.clone(), text });
        }
        let mut step = step(&self.resolved(want), Action::Create, None);
        step.force = self.scene.options.force;
        self.draft.push(step);
    }

    /// A job that is there with the wanted content and of which the record does not say that it succeeded.
    fn same_job(&mut self, live: &'a Live, want: &'a Object) {
        match live.outputs.get(Live::JOB).map(String::as_str) {
            Some(Live::JOB_SUCCEEDED) => {}
            Some(Live::JOB_FAILED) => {
                let mut step = step(&self.resolved(want), Action::Replace, Some(live));
                step.reason = Some("the job failed the last time; it runs again".to_owned());
                self.replace(step);
            }
            _ => self.draft.push(step(want, Action::Await, Some(live))),
        }
    }

    fn compare(&mut self, live: &'a Live, want: &'a Object) {
        let resolved = self.resolved(want);
        let last = match (live.foreign.is_some(), self.scene.last.get(&want.id)) {
            (true, _) => Some(live.object.clone()),
            (false, Some(last)) if last.generation == want.generation => {
                Some(Object { body: reference::resolve(&last.body, &self.known_last), ..(*last).clone() })
            }
            _ => None,
        };
        let force = self.scene.options.force || live.foreign.is_some();
        match self.scene.backend.change(last.as_ref(), live, &resolved) {
            Change::None { kept } => {
                self.note_kept(want, &kept);
                self.try_anew(live, &resolved);
            }
            Change::Update { body, changes, kept } => {
                self.note_kept(want, &kept);
                let mut step = step(want, Action::Update, Some(live));
                step.object.body = body;
                step.changes = changes;
                step.force = force;
                self.draft.push(step);
            }
            Change::Replace { why, outage, changes } => {
                if want.once.is_none() && !self.scene.options.replace.contains(&want.id) {
                    self.diagnostics.push(needs_replace(&want.id, &why, &outage));
                    return;
                }
                let mut step = step(&resolved, Action::Replace, Some(live));
                step.force = force;
                step.changes = changes;
                step.reason = Some(format!("{why}; {outage}"));
                self.replace(step);
            }
        }
    }

    /// What is as wanted is written again where the platform gave it up before the last revision was whole.
    fn try_anew(&mut self, live: &'a Live, want: &Object) {
        let given_up = live.outputs.get(Live::GIVEN_UP).filter(|_| self.scene.options.unfinished);
        let Some(why) = given_up else { return };
        if let Some(body) = self.scene.backend.again(live, want) {
            let mut step = step(want, Action::Update, Some(live));
            step.object.body = body;
            step.reason = Some(format!("it is tried anew: {why}"));
            self.draft.push(step);
        }
    }

    /// The object with every reference resolved to what is there and stays.
    fn resolved(&self, want: &Object) -> Object {
        Object { body: reference::resolve(&want.body, &self.known), ..want.clone() }
    }

    /// What is made anew has other outputs, so nobody may be compared or written with the old ones.
    fn replace(&mut self, step: Step) {
        self.known.remove(&step.id);
        self.draft.push(step);
    }

    fn note_kept(&mut self, want: &Object, kept: &[FieldChange]) {
        for field in kept.iter().filter(|field| field.cause == Cause::Kept) {
            let text = format!(
                "{} stays at {}, as somebody set it (the chart says {})",
                field.path,
                shown(field.from.as_ref()),
                shown(field.to.as_ref())
            );
            self.draft.notes.push(Note { id: want.id.clone(), text });
        }
    }
}

/// Whether a job's object holds the wanted content: by its name, or by what the backend read off it.
fn is_same_job(live: &Live, want: &Object) -> bool {
    want.generation.is_some() || live.object.once == want.once
}

pub(super) fn step(object: &Object, action: Action, live: Option<&Live>) -> Step {
    Step {
        id: object.id.clone(),
        action,
        object: object.clone(),
        native: live.map(|live| live.native.clone()),
        version: live.and_then(|live| live.version.clone()),
        changes: Vec::new(),
        force: false,
        reason: None,
        after: Vec::new(),
    }
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn not_ours(live: &Live) -> Diagnostic {
    let id = &live.object.id;
    let whose = live.foreign.as_deref().unwrap_or_default();
    // Where the platform's ids are no names, people know the thing by its name.
    let name = live.outputs.get("name").unwrap_or(&live.native);
    Diagnostic::error(id.as_str(), format!("{name} is there already and is not this release's"))
        .why(whose)
        .remedy("another name, or --take-ownership to make it this release's")
}

fn needs_replace(id: &ObjectId, why: &str, outage: &str) -> Diagnostic {
    Diagnostic::error(id.as_str(), format!("{id} cannot be changed in place"))
        .why(format!("{why}; made anew: {outage}"))
        .remedy(format!("--replace {id} to have it removed and made anew"))
}

/// Whether some of a body is material that is made when the object is.
fn is_generated(body: &Value) -> bool {
    if let Some(demand) = Demand::parse(body) {
        return asks_for_generated(&demand);
    }
    match body {
        Value::Array(items) => items.iter().any(is_generated),
        Value::Object(map) => map.values().any(is_generated),
        _ => false,
    }
}

fn asks_for_generated(demand: &Demand) -> bool {
    match demand {
        Demand::Sealed(_) => false,
        Demand::Generate { .. } => true,
        Demand::Template { keys, .. } => keys.values().any(asks_for_generated),
    }
}
