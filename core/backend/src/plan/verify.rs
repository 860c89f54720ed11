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
        for (at, step) in self.steps.iter().enumerate() {
            if !seen.insert((&step.id, &step.object.generation)) {
                faults.push(format!("{} has two steps", step.id));
            }
            let found = self
                .edge_faults(at, step)
                .into_iter()
                .chain(step_faults(step))
                .chain(self.reference_faults(step));
            faults.extend(found.map(|fault| format!("{} ({:?}): {fault}", step.id, step.action)));
            if step.action == Action::Await && step.object.once.is_none() && !self.is_awaited(at) {
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

    fn reference_faults(&self, step: &Step) -> Vec<String> {
        if !matches!(step.action, Action::Create | Action::Update | Action::Replace) {
            return Vec::new();
        }
        let waits_for = |id: &ObjectId| {
            step.after.iter().any(|after| self.steps.get(after.step).is_some_and(|first| first.id == *id))
        };
        let is_made = |id: &ObjectId| {
            let makes = |other: &Step| matches!(other.action, Action::Create | Action::Replace);
            self.steps.iter().any(|other| other.id == *id && makes(other))
        };
        let targets = reference::targets(&step.object.body).into_iter();
        let missing = targets.filter(|id| *id != step.id && is_made(id) && !waits_for(id));
        missing.map(|id| format!("it refers to {id} and does not wait for it")).collect()
    }

    fn is_awaited(&self, at: usize) -> bool {
        let waits = |step: &Step| step.after.iter().any(|after| after.step == at);
        self.steps.iter().any(|step| step.action != Action::Await && waits(step))
    }
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
