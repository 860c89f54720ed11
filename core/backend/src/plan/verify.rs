//! What every plan must be, whoever made it.

use std::collections::BTreeSet;

use super::{Action, Plan, Step};
use crate::{ObjectId, Ownership, Until, reference};

impl Plan {
    /// Everything that is wrong with the plan by itself; nothing, when it can be carried out as it stands.
    ///
    /// - A step waits for earlier steps only, for each once.
    /// - An object, or a generation of one, has one step; what is external has none.
    /// - What is made has no native yet; what is changed or removed has one. What is collected has a generation.
    /// - Nobody waits for the readiness of what is removed, and what is awaited is awaited for its readiness.
    /// - What is only awaited is awaited by somebody who writes, or is a job.
    /// - A step waits for the steps that make what its object refers to.
    pub fn verify(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut seen = BTreeSet::new();
        let (made, awaited) = (self.made(), self.awaited());
        for (at, step) in self.steps.iter().enumerate() {
            if !seen.insert((&step.id, &step.object.generation)) {
                faults.push(format!("{} has two steps", step.id));
            }
            let found = self
                .edge_faults(at, step)
                .into_iter()
                .chain(step_faults(step))
                .chain(self.reference_faults(step, &made));
            faults.extend(found.map(|fault| format!("{} ({:?}): {fault}", step.id, step.action)));
            if step.action == Action::Await && step.object.once.is_none() && !awaited.contains(&at) {
                faults.push(format!("{} is awaited by nobody who writes", step.id));
            }
        }
        faults
    }

    fn edge_faults(&self, at: usize, step: &Step) -> Vec<String> {
        let mut faults = Vec::new();
        if !step.after.windows(2).all(|pair| pair[0].step < pair[1].step) {
            faults.push("its edges are not in order, each once".to_owned());
        }
        for after in &step.after {
            let Some(first) = self.steps.get(after.step).filter(|_| after.step < at) else {
                faults.push(format!("it waits for step {}, which is not before it", after.step));
                continue;
            };
            let fits = match first.action {
                Action::Await => after.until == Until::Ready,
                Action::Delete | Action::Collect => after.until == Until::Exists,
                Action::Create | Action::Update | Action::Replace => true,
            };
            if !fits {
                faults
                    .push(format!("it waits until {:?} for {} ({:?})", after.until, first.id, first.action));
            }
        }
        faults
    }

    fn reference_faults(&self, step: &Step, made: &BTreeSet<&ObjectId>) -> Vec<String> {
        if !writes(step) {
            return Vec::new();
        }
        let firsts = step.after.iter().filter_map(|after| self.steps.get(after.step));
        let waits_for: BTreeSet<&ObjectId> = firsts.map(|first| &first.id).collect();
        let targets = reference::targets(&step.object.body).into_iter();
        let missing = targets.filter(|id| *id != step.id && made.contains(id) && !waits_for.contains(id));
        missing.map(|id| format!("it refers to {id} and does not wait for it")).collect()
    }

    fn made(&self) -> BTreeSet<&ObjectId> {
        let makes = |step: &&Step| matches!(step.action, Action::Create | Action::Replace);
        self.steps.iter().filter(makes).map(|step| &step.id).collect()
    }

    fn awaited(&self) -> BTreeSet<usize> {
        let writing = self.steps.iter().filter(|step| step.action != Action::Await);
        writing.flat_map(|step| step.after.iter().map(|after| after.step)).collect()
    }
}

fn writes(step: &Step) -> bool {
    matches!(step.action, Action::Create | Action::Update | Action::Replace)
}

fn step_faults(step: &Step) -> Vec<String> {
    let mut faults = Vec::new();
    let mut fault_if = |is_wrong: bool, text: &str| {
        if is_wrong {
            faults.push(text.to_owned());
        }
    };
    let (has_native, is_made) = (step.native.is_some(), step.action == Action::Create);
    fault_if(step.id != step.object.id, "its object is another");
    fault_if(is_made && has_native, "it makes what is there");
    fault_if(!is_made && !has_native, "it is about what is not there");
    fault_if(step.object.ownership == Ownership::External, "it is about what is external");
    fault_if(
        step.action == Action::Collect && step.object.generation.is_none(),
        "it collects what has no generation",
    );
    fault_if(step.action == Action::Replace && step.reason.is_none(), "it gives no reason");
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Object, StepAfter};
    use serde_json::json;

    fn step(action: Action, id: &str, after: &[(usize, Until)]) -> Step {
        let id = ObjectId::from(id);
        Step {
            id: id.clone(),
            action,
            object: Object::new(id, json!({})),
            native: (action != Action::Create).then(|| "there".to_owned()),
            version: None,
            changes: Vec::new(),
            force: false,
            reason: (action == Action::Replace).then(|| "so".to_owned()),
            after: after.iter().map(|(step, until)| StepAfter { step: *step, until: *until }).collect(),
        }
    }

    fn check(steps: Vec<Step>, expected: &[&str]) {
        assert_eq!(Plan { steps, notes: Vec::new() }.verify(), expected);
    }

    #[test]
    fn good_plans_have_no_faults() {
        let (exists, ready) = (Until::Exists, Until::Ready);
        check(
            vec![
                step(Action::Create, "a/1", &[]),
                step(Action::Await, "a/2", &[(0, ready)]),
                step(Action::Update, "a/3", &[(0, exists), (1, ready)]),
                step(Action::Replace, "a/4", &[]),
                step(Action::Delete, "a/5", &[(2, ready)]),
            ],
            &[],
        );
    }

    #[test]
    fn edges_lead_back_and_wait_for_what_can_come() {
        check(
            vec![
                step(Action::Delete, "a/1", &[(1, Until::Ready)]),
                step(Action::Update, "a/2", &[(0, Until::Ready)]),
                step(Action::Await, "a/3", &[]),
                step(Action::Update, "a/4", &[(2, Until::Exists), (2, Until::Ready)]),
            ],
            &[
                "a/1 (Delete): it waits for step 1, which is not before it",
                "a/2 (Update): it waits until Ready for a/1 (Delete)",
                "a/4 (Update): its edges are not in order, each once",
                "a/4 (Update): it waits until Exists for a/3 (Await)",
            ],
        );
    }

    #[test]
    fn each_object_has_one_step_that_fits_it() {
        let mut external = step(Action::Update, "a/2", &[]);
        external.object.ownership = Ownership::External;
        let mut other = step(Action::Create, "a/3", &[]);
        other.object.id = ObjectId::from("a/4");
        other.native = Some("there".to_owned());
        let mut nowhere = step(Action::Replace, "a/5", &[]);
        (nowhere.native, nowhere.reason) = (None, None);
        check(
            vec![
                step(Action::Update, "a/1", &[]),
                step(Action::Collect, "a/1", &[]),
                external,
                other,
                nowhere,
                step(Action::Await, "a/6", &[]),
            ],
            &[
                "a/1 has two steps",
                "a/1 (Collect): it collects what has no generation",
                "a/2 (Update): it is about what is external",
                "a/3 (Create): its object is another",
                "a/3 (Create): it makes what is there",
                "a/5 (Replace): it is about what is not there",
                "a/5 (Replace): it gives no reason",
                "a/6 is awaited by nobody who writes",
            ],
        );
    }

    #[test]
    fn who_refers_waits() {
        let made = step(Action::Create, "a/1", &[]);
        let mut user = step(Action::Create, "a/2", &[]);
        user.object.body = reference::reference(&made.id, "id");
        check(vec![made, user], &["a/2 (Create): it refers to a/1 and does not wait for it"]);
    }
}
