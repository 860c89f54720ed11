//! A platform in a few lines, on which plans are carried out.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{DiffOptions, diff};
use crate::double::Double;
use crate::reference::{self, Outputs};
use crate::{Action, Live, Object, ObjectId, Observed, Plan, Step};

/// Objects by native, each with the body before its last update.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) live: BTreeMap<String, Live>,
    previous: BTreeMap<String, Value>,
    made: usize,
}

pub(super) fn native(object: &Object) -> String {
    match &object.generation {
        Some(generation) => format!("{}@{generation}", object.id),
        None => object.id.to_string(),
    }
}

impl World {
    pub(super) fn observed(&self) -> Observed {
        let holding = |live: &Live| {
            let mut live = live.clone();
            live.holds = self.used(&live.object.body);
            live.holds
                .extend(self.previous.get(&live.native).map(|body| self.used(body)).unwrap_or_default());
            live
        };
        Observed { objects: self.live.values().map(holding).collect(), unreadable: BTreeMap::new() }
    }

    /// The natives that a body names.
    fn used(&self, body: &Value) -> BTreeSet<String> {
        let text = body.to_string();
        let is_named =
            |live: &&Live| live.outputs.values().any(|output| text.contains(&format!("\"{output}\"")));
        self.live.values().filter(is_named).map(|live| live.native.clone()).collect()
    }

    pub(super) fn plan(
        &self,
        last: &[Object],
        want: &[Object],
        options: &DiffOptions,
    ) -> Result<Plan, Vec<String>> {
        let plan = diff(&Double::default(), last, &self.observed(), want, options)
            .map_err(|found| found.iter().map(|found| found.what.clone()).collect::<Vec<_>>())?;
        assert_eq!(plan.verify(), Vec::<String>::new(), "{plan:#?}");
        Ok(plan)
    }

    /// Carries out a plan, and says what a platform would refuse: what refers to nothing, what is removed though in
    /// use.
    pub(super) fn carry_out(&mut self, plan: &Plan) -> Result<(), String> {
        let mut outputs = Outputs::new();
        for step in &plan.steps {
            let native = step.native.clone().unwrap_or_else(|| native(&step.object));
            match step.action {
                Action::Await if self.live.contains_key(&native) => {}
                Action::Await => return Err(format!("{native} is awaited and not there")),
                Action::Delete | Action::Collect => self.remove(&native)?,
                Action::Create | Action::Update | Action::Replace => {
                    let made = self.write(step, native, &outputs)?;
                    outputs.insert(step.id.clone(), made);
                }
            }
        }
        Ok(())
    }

    fn remove(&mut self, native: &str) -> Result<(), String> {
        let user = self
            .live
            .values()
            .find(|live| live.native != native && self.used(&live.object.body).contains(native));
        if let Some(user) = user {
            return Err(format!("{native} is removed and {} uses it", user.native));
        }
        self.live.remove(native);
        self.previous.remove(native);
        Ok(())
    }

    fn write(
        &mut self,
        step: &Step,
        native: String,
        outputs: &Outputs,
    ) -> Result<BTreeMap<String, String>, String> {
        let body = reference::resolve(&step.object.body, outputs);
        if let Some(missing) = reference::targets(&body).first() {
            return Err(format!("{native} refers to {missing}, which is not there"));
        }
        let before = self.live.remove(&native).filter(|_| step.action == Action::Update);
        self.made += 1;
        let made = BTreeMap::from([("id".to_owned(), format!("{native}#{}", self.made))]);
        let live = Live {
            object: Object { body, ..step.object.clone() },
            native: native.clone(),
            version: None,
            outputs: before.as_ref().map_or(made, |before| before.outputs.clone()),
            holds: BTreeSet::new(),
            foreign: None,
        };
        let outputs = live.outputs.clone();
        self.previous.remove(&native);
        if let Some(before) = before {
            self.previous.insert(native.clone(), before.object.body);
        }
        self.live.insert(native, live);
        Ok(outputs)
    }

    /// Plans and carries out, and checks that nothing is left to do.
    pub(super) fn reach(
        &mut self,
        last: &[Object],
        want: &[Object],
        options: &DiffOptions,
    ) -> Result<Vec<String>, Vec<String>> {
        let plan = self.plan(last, want, options)?;
        self.carry_out(&plan).map_err(|why| vec![why, format!("{plan:#?}")])?;
        let again = self.plan(want, want, options)?;
        assert!(again.steps.is_empty(), "after\n{plan:#?}\nthere is still\n{again:#?}");
        Ok(steps(&plan))
    }
}

/// A plan in short: `Create config/web < 0!`, with `!` where readiness is waited for.
pub(super) fn steps(plan: &Plan) -> Vec<String> {
    let edge = |after: &crate::StepAfter| match after.until {
        crate::Until::Exists => after.step.to_string(),
        crate::Until::Ready => format!("{}!", after.step),
    };
    let line = |step: &Step| {
        let after: Vec<String> = step.after.iter().map(edge).collect();
        let after = if after.is_empty() { String::new() } else { format!(" < {}", after.join(" ")) };
        format!("{:?} {}{after}", step.action, native(&step.object))
    };
    plan.steps.iter().map(line).collect()
}

pub(super) fn id(text: &str) -> ObjectId {
    ObjectId::from(text)
}
