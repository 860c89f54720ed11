//! One step.

use std::collections::BTreeMap;

use rhumb_backend::material::{Demand, meet};
use rhumb_backend::{Action, Error, ErrorKind, Materials, Object, Receipt, Result, Scope, Step, reference};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::lift::workload_of;
use crate::observe::natives_used;
use crate::state::{Fingerprint, State, Stored};
use crate::{names, ports};

/// Carries out a step. Doing it again changes nothing.
///
/// # Errors
/// `NotOwned` for what is another's; `Conflict` for what changed since it was read; `NotFound` for an update of what
/// is gone; `Invalid` for references to what is not there; `MaterialMissing`; `Platform` for the removal of what is
/// in use.
pub(crate) fn apply(
    state: &mut State,
    scope: &Scope,
    step: &Step,
    materials: &dyn Materials,
) -> Result<Receipt> {
    let native = step.native.clone().unwrap_or_else(|| names::native(scope, &step.object));
    let work = Work { scope, step, native: &native, materials };
    let result = match step.action {
        Action::Create => work.create(state),
        Action::Update => work.update(state),
        Action::Replace => work.replace(state),
        Action::Delete | Action::Collect => work.remove(state),
        Action::Await => work.look(state),
    };
    result.map_err(|error| error.with("object", native.clone()))
}

struct Work<'a> {
    scope: &'a Scope,
    step: &'a Step,
    native: &'a str,
    materials: &'a dyn Materials,
}

impl Work<'_> {
    fn create(&self, state: &mut State) -> Result<Receipt> {
        match state.objects.get(self.native) {
            Some(there) if there.owner.as_ref() != Some(self.scope) => Err(Error::new(
                ErrorKind::NotOwned,
                "create",
                "it is there already and is not this release's",
            )),
            Some(there) if is_same(&there.object, &self.step.object) => Ok(self.receipt(there)),
            there => {
                let before = there.cloned();
                self.put(state, before)
            }
        }
    }

    fn update(&self, state: &mut State) -> Result<Receipt> {
        let Some(there) = state.objects.get(self.native) else {
            return Err(Error::new(ErrorKind::NotFound, "update", "it is gone"));
        };
        let is_current =
            self.step.version.as_ref().is_none_or(|version| *version == there.version.to_string());
        let is_ours = there.owner.as_ref() == Some(self.scope);
        if is_ours && is_same(&there.object, &self.step.object) && !is_current {
            return Ok(self.receipt(there));
        }
        if !is_current {
            return Err(Error::new(ErrorKind::Conflict, "update", "it changed since it was read"));
        }
        let before = there.clone();
        self.put(state, Some(before))
    }

    fn replace(&self, state: &mut State) -> Result<Receipt> {
        let before = state.objects.remove(self.native);
        // The count goes on, so that nobody takes the old rollout for the new one.
        let rollout = before.map_or(0, |before| before.rollout);
        let receipt = self.put(state, None)?;
        let Some(stored) = state.objects.get_mut(self.native) else { return Ok(receipt) };
        stored.rollout += rollout;
        Ok(self.receipt(stored))
    }

    fn remove(&self, state: &mut State) -> Result<Receipt> {
        let user = state.objects.iter().find(|(native, stored)| {
            *native != self.native && natives_used(&stored.object.body).any(|used| used == self.native)
        });
        if let Some((user, _)) = user.filter(|_| state.objects.contains_key(self.native)) {
            return Err(Error::new(ErrorKind::Platform, "remove", format!("it is in use by {user}")));
        }
        state.objects.remove(self.native);
        Ok(Receipt {
            id: self.step.id.clone(),
            native: self.native.to_owned(),
            workload: None,
            outputs: BTreeMap::new(),
            rollout: json!(null),
        })
    }

    fn look(&self, state: &State) -> Result<Receipt> {
        let stored = state.objects.get(self.native);
        stored
            .map(|stored| self.receipt(stored))
            .ok_or_else(|| Error::new(ErrorKind::NotFound, "read", "it is gone"))
    }

    /// Writes the step's object over what was there before.
    fn put(&self, state: &mut State, before: Option<Stored>) -> Result<Receipt> {
        let object = &self.step.object;
        if let Some(target) = reference::targets(&object.body).first() {
            return Err(Error::new(
                ErrorKind::Invalid,
                "write",
                format!("it refers to {target}, which is not there"),
            ));
        }
        if let Some(missing) = natives_used(&object.body).find(|used| !state.objects.contains_key(*used)) {
            return Err(Error::new(
                ErrorKind::Invalid,
                "write",
                format!("it uses {missing}, which is not there"),
            ));
        }
        if let Some((port, user)) = self.taken_port(state) {
            let message = format!("port {port} is taken by {user}");
            return Err(Error::new(ErrorKind::AlreadyExists, "write", message).remedy("another port"));
        }
        let material = self.material(before.as_ref())?;
        let stored = Stored {
            owner: Some(self.scope.clone()),
            object: object.clone(),
            version: state.next_version(),
            rollout: before.as_ref().map_or(0, |before| before.rollout) + 1,
            asked: 0,
            previous: before.filter(|_| object.workload.is_some()).map(|before| before.object.body),
            rolled_back: None,
            material,
        };
        let receipt = self.receipt(&stored);
        state.objects.insert(self.native.to_owned(), stored);
        Ok(receipt)
    }

    /// A port that the object wants and another workload has, and which.
    fn taken_port(&self, state: &State) -> Option<(String, String)> {
        let claimed = ports::claimed(&workload_of(&self.step.object)?);
        let others = state.objects.iter().filter(|(native, _)| *native != self.native);
        let mut theirs =
            others.filter_map(|(native, other)| Some((native, ports::claimed(&workload_of(&other.object)?))));
        theirs
            .find_map(|(native, ports)| Some((ports.intersection(&claimed).next()?.clone(), native.clone())))
    }

    /// Meets the demand in the body. The same demand as before needs no material.
    fn material(&self, before: Option<&Stored>) -> Result<BTreeMap<String, Fingerprint>> {
        let demand_of = |object: &Object| object.body.get("material").and_then(Demand::parse);
        let Some(demand) = demand_of(&self.step.object) else { return Ok(BTreeMap::new()) };
        if let Some(before) = before.filter(|before| demand_of(&before.object).as_ref() == Some(&demand)) {
            return Ok(before.material.clone());
        }
        let material = meet(&demand, self.materials)?;
        let key = self.step.object.body.get("key").and_then(|key| key.as_str()).unwrap_or_default();
        let fingerprint = Fingerprint {
            sha256: names::hex(&Sha256::digest(material.expose())),
            length: material.expose().len() as u64,
        };
        Ok(BTreeMap::from([(key.to_owned(), fingerprint)]))
    }

    fn receipt(&self, stored: &Stored) -> Receipt {
        receipt(self.native, stored)
    }
}

fn is_same(there: &Object, want: &Object) -> bool {
    there.body == want.body && there.once == want.once
}

/// The receipt of what is there.
pub(crate) fn receipt(native: &str, stored: &Stored) -> Receipt {
    Receipt {
        id: stored.object.id.clone(),
        native: native.to_owned(),
        workload: stored.object.workload.clone(),
        outputs: BTreeMap::from([("name".to_owned(), native.to_owned())]),
        rollout: json!({ "rollout": stored.rollout }),
    }
}
