//! What earlier runs have made, and what can be made anew.
//!
//! Material that was generated is on the platform and nowhere else. Several objects may hold the same: a password, and
//! an address that it is part of. When a run ends between making one and the other, nobody can make the other any more,
//! unless nothing uses the first yet: then both are made anew. So that this is so, whoever uses one of them is made
//! after all of them.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::material::Demand;
use rhumb_backend::{Action, Live, Object, ObjectId, Observed, Plan, Step, StepAfter, Until, reference};
use rhumb_spec::model::Generate;
use serde_json::Value;

use super::executor::Given;

/// What one piece of made material is known by: another way of making it makes another one.
pub(super) fn made_name(of: &str, how: &Generate) -> String {
    format!("{of} {}", serde_json::to_string(how).unwrap_or_default())
}

/// The names of material that is on the platform and in use, or of which it is not known that nothing uses it.
pub(super) fn names_in_use(last: &[Object], observed: &Observed) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for object in last {
        if let Some(live) = live_of(object, observed)
            && !is_idle(live, observed)
        {
            names.extend(names_of(object));
        }
    }
    names
}

/// The plan, so that what shares generated material is made in one run: what is there and idle is made anew with what is
/// missing, and users of one wait for all. Steps keep their places; new ones come last.
pub(super) fn share(given: &Given<'_>) -> Plan {
    let (mut plan, observed) = (given.plan.clone(), given.observed);
    let groups = groups(given.want);
    if groups.is_empty() {
        return plan;
    }
    let in_use = names_in_use(given.last, observed);
    let mut makers: BTreeMap<ObjectId, usize> = BTreeMap::new();
    for (index, step) in plan.steps.iter().enumerate() {
        if matches!(step.action, Action::Create | Action::Replace) {
            makers.insert(step.id.clone(), index);
        }
    }
    for (name, members) in &groups {
        let is_made = members.iter().any(|member| makers.contains_key(&member.id));
        let others = members.iter().filter(|member| !makers.contains_key(&member.id));
        let stranded: Vec<Step> = others.filter_map(|member| anew(member, observed)).collect();
        if !is_made || in_use.contains(name) {
            continue;
        }
        for step in stranded {
            makers.insert(step.id.clone(), plan.steps.len());
            plan.steps.push(step);
        }
    }
    for step in 0..plan.steps.len() {
        wait_for_groups(&mut plan, step, &groups, &makers);
    }
    plan
}

/// Objects that hold the same generated material, two or more, by its name.
fn groups(want: &[Object]) -> BTreeMap<String, Vec<&Object>> {
    let mut groups: BTreeMap<String, Vec<&Object>> = BTreeMap::new();
    for object in want {
        for name in names_of(object) {
            groups.entry(name).or_default().push(object);
        }
    }
    groups.retain(|_, members| members.len() > 1);
    groups
}

/// The step that makes an object anew which is there and which nothing uses.
fn anew(object: &Object, observed: &Observed) -> Option<Step> {
    let live = live_of(object, observed).filter(|live| is_idle(live, observed))?;
    Some(Step {
        id: object.id.clone(),
        action: Action::Replace,
        object: object.clone(),
        native: Some(live.native.clone()),
        version: live.version.clone(),
        changes: Vec::new(),
        force: false,
        reason: Some("it shares generated material with what an earlier command did not get to".to_owned()),
        after: Vec::new(),
    })
}

/// Lets a step that refers to one member of a group wait for every member that is made.
fn wait_for_groups(
    plan: &mut Plan,
    step: usize,
    groups: &BTreeMap<String, Vec<&Object>>,
    makers: &BTreeMap<ObjectId, usize>,
) {
    if matches!(plan.steps[step].action, Action::Delete | Action::Collect | Action::Await) {
        return;
    }
    let targets: BTreeSet<ObjectId> = reference::targets(&plan.steps[step].object.body).into_iter().collect();
    let used = groups.values().filter(|members| members.iter().any(|member| targets.contains(&member.id)));
    let mut wanted = BTreeSet::new();
    for maker in used.flatten().filter_map(|member| makers.get(&member.id)) {
        // A maker that waits for others might wait for this very step.
        let is_free = *maker != step && plan.steps[*maker].after.is_empty();
        let is_known = plan.steps[step].after.iter().any(|after| after.step == *maker);
        if !is_known && (is_free || targets.contains(&plan.steps[*maker].id)) {
            wanted.insert(*maker);
        }
    }
    let waits = wanted.into_iter().map(|step| StepAfter { step, until: Until::Exists });
    plan.steps[step].after.extend(waits);
}

fn live_of<'o>(object: &Object, observed: &'o Observed) -> Option<&'o Live> {
    observed.find(&object.id, object.generation.as_deref())
}

/// Whether nothing there uses an object. What others use is known of objects that are named by their content.
fn is_idle(live: &Live, observed: &Observed) -> bool {
    live.object.generation.is_some()
        && live.foreign.is_none()
        && !observed.objects.iter().any(|other| other.holds.contains(&live.native))
}

/// The names of what an object's body has generated.
fn names_of(object: &Object) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    collect(&object.body, &mut names);
    names
}

fn collect(value: &Value, names: &mut BTreeSet<String>) {
    if let Some(demand) = Demand::parse(value) {
        return collect_demand(&demand, names);
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, names)),
        Value::Object(map) => map.values().for_each(|item| collect(item, names)),
        _ => {}
    }
}

fn collect_demand(demand: &Demand, names: &mut BTreeSet<String>) {
    match demand {
        Demand::Sealed(_) => {}
        Demand::Generate { of, how, .. } => {
            names.insert(made_name(of, how));
        }
        Demand::Template { keys, .. } => keys.values().for_each(|demand| collect_demand(demand, names)),
    }
}
