//! Deployments: what is changed, in which steps, and how far that is.
//!
//! Source: Marathon REST API, `/v2/deployments`, and its documentation of application deployments.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::spec::{Kind, Spec};

/// What is wanted of some apps and pods: none means that it goes.
pub(super) type Changes = BTreeMap<String, Option<Arc<Spec>>>;

/// A change that is under way.
#[derive(Clone, Debug)]
pub(super) struct Deployment {
    /// The id.
    pub(super) id: String,
    /// When it began: the version that it makes.
    pub(super) version: String,
    /// What was there before.
    pub(super) original: Changes,
    /// What is wanted.
    pub(super) target: Changes,
    /// Groups that came to be with it.
    pub(super) groups: Vec<String>,
    /// The steps.
    pub(super) steps: Vec<Vec<Action>>,
    /// The step that is under way, from 0.
    pub(super) step: usize,
}

/// A part of a step.
#[derive(Clone, Debug)]
pub(super) struct Action {
    /// What is done.
    pub(super) verb: Verb,
    /// What it is done to.
    pub(super) spec: Arc<Spec>,
    /// How far a restart is.
    pub(super) restart: Option<Restart>,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    /// It becomes known.
    Start,
    /// All of it goes.
    Stop,
    /// The number of instances changes.
    Scale,
    /// Every instance is replaced.
    Restart,
}

/// How far a restart is.
#[derive(Clone, Debug)]
pub(super) struct Restart {
    /// Old instances that are yet to be killed.
    pub(super) to_kill: VecDeque<String>,
    /// How many instances may be there at one time.
    pub(super) capacity: usize,
    /// New instances for which an old one was killed.
    pub(super) counted: BTreeSet<String>,
}

impl Deployment {
    /// The way from what was there to what is wanted.
    pub(super) fn plan(original: Changes, target: Changes, version: String) -> Self {
        let mut stop = Vec::new();
        let mut start = Vec::new();
        let mut levels: BTreeMap<usize, Vec<Action>> = BTreeMap::new();
        for (id, wanted) in &target {
            let before = original.get(id).and_then(Option::as_ref);
            match (before, wanted) {
                (Some(before), None) => stop.push(Action::new(Verb::Stop, before)),
                (None, Some(wanted)) => {
                    start.push(Action::new(Verb::Start, wanted));
                    let scale = Action::new(Verb::Scale, wanted);
                    levels.entry(level(id, &target)).or_default().push(scale);
                }
                (Some(before), Some(wanted)) => {
                    let is_config = before.configured_at != wanted.configured_at;
                    let verb = if is_config { Verb::Restart } else { Verb::Scale };
                    levels.entry(level(id, &target)).or_default().push(Action::new(verb, wanted));
                }
                (None, None) => {}
            }
        }
        let steps = [stop, start].into_iter().chain(levels.into_values()).filter(|step| !step.is_empty());
        Self {
            id: uuid_text(),
            version,
            steps: steps.collect(),
            original,
            target,
            groups: Vec::new(),
            step: 0,
        }
    }

    /// Whether it changes this app or pod.
    pub(super) fn affects(&self, id: &str) -> bool {
        self.steps.iter().flatten().any(|action| action.spec.id == id)
    }

    /// Whether two deployments cannot run at one time.
    pub(super) fn conflicts_with(&self, other: &Self) -> bool {
        self.affected().iter().any(|spec| other.affects(&spec.id))
    }

    /// The apps and pods that it changes.
    pub(super) fn affected(&self) -> Vec<&Arc<Spec>> {
        let mut seen = BTreeSet::new();
        let specs = self.steps.iter().flatten().map(|action| &action.spec);
        specs.filter(|spec| seen.insert(spec.id.clone())).collect()
    }

    fn affected_ids(&self, kind: Kind) -> Vec<&str> {
        self.affected().into_iter().filter(|spec| spec.kind == kind).map(|spec| spec.id.as_str()).collect()
    }

    /// The steps as the API shows them.
    pub(super) fn shown_steps(&self) -> Vec<Value> {
        let actions = |step: &Vec<Action>| step.iter().map(Action::shown).collect::<Vec<_>>();
        self.steps.iter().map(|step| json!({ "actions": actions(step) })).collect()
    }

    /// It as `/v2/deployments` lists it; `readiness` has the answers of an app's readiness checks.
    pub(super) fn shown(&self, readiness: impl Fn(&str) -> Vec<Value>) -> Value {
        let current = self.steps.get(self.step).into_iter().flatten().map(|action| {
            let mut shown = action.shown();
            shown["readinessCheckResults"] = json!(readiness(&action.spec.id));
            shown
        });
        json!({
            "id": self.id, "version": self.version, "affectedApps": self.affected_ids(Kind::App),
            "affectedPods": self.affected_ids(Kind::Pod), "steps": self.shown_steps(),
            "currentActions": current.collect::<Vec<_>>(), "currentStep": self.step + 1, "totalSteps": self.steps.len(),
        })
    }

    /// It as events tell of it.
    pub(super) fn plan_shown(&self) -> Value {
        let group = |specs: &Changes| {
            let of = |kind: Kind| {
                specs
                    .values()
                    .flatten()
                    .filter(|spec| spec.kind == kind)
                    .map(|spec| spec.shown())
                    .collect::<Vec<_>>()
            };
            json!({ "id": "/", "apps": of(Kind::App), "pods": of(Kind::Pod), "groups": [], "dependencies": [],
                    "version": self.version })
        };
        json!({ "id": self.id, "original": group(&self.original), "target": group(&self.target),
                "steps": self.shown_steps(), "version": self.version })
    }
}

/// How many others of the plan must be there first, one after another.
fn level(id: &str, target: &Changes) -> usize {
    fn walk(id: &str, target: &Changes, above: &mut Vec<String>) -> usize {
        if above.iter().any(|seen| seen == id) {
            return 0;
        }
        above.push(id.to_owned());
        let spec = target.get(id).and_then(Option::as_ref);
        let needs = spec.map(|spec| spec.dependencies()).unwrap_or_default();
        let within = |need: &String| {
            let inner = |other: &&String| *other == need || super::path_id::is_within(other, need);
            target.keys().filter(inner).cloned().collect::<Vec<_>>()
        };
        let deepest = needs.iter().flat_map(within).map(|need| walk(&need, target, above) + 1).max();
        above.pop();
        deepest.unwrap_or(0)
    }
    walk(id, target, &mut Vec::new())
}

/// A new id.
pub(super) fn uuid_text() -> String {
    Uuid::now_v7().to_string()
}

impl Action {
    fn new(verb: Verb, spec: &Arc<Spec>) -> Self {
        Self { verb, spec: Arc::clone(spec), restart: None }
    }

    fn shown(&self) -> Value {
        let (noun, key) = match self.spec.kind {
            Kind::App => ("Application", "app"),
            Kind::Pod => ("Pod", "pod"),
        };
        let verb = match self.verb {
            Verb::Start => "Start",
            Verb::Stop => "Stop",
            Verb::Scale => "Scale",
            Verb::Restart => "Restart",
        };
        json!({ "action": format!("{verb}{noun}"), key: self.spec.id })
    }
}

impl Restart {
    /// How an update replaces instances: how many go at once, and how many may be there at one time.
    pub(super) fn begin(spec: &Spec, old: Vec<String>, running: usize) -> (Self, usize) {
        let (healthy, over) = spec.upgrade();
        let least = share(spec.instances(), healthy, f64::ceil);
        let mut capacity = share(spec.instances(), 1.0 + over, f64::floor);
        let mut at_once = running.saturating_sub(least);
        if least == capacity && capacity <= running {
            if spec.resident_volumes().is_empty() {
                capacity += 1;
            } else {
                at_once = running - least + 1;
            }
        }
        (Self { to_kill: old.into(), capacity, counted: BTreeSet::new() }, at_once)
    }
}

/// A share of a number of instances.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "numbers of instances are small and not negative"
)]
fn share(instances: usize, factor: f64, round: impl Fn(f64) -> f64) -> usize {
    round(instances as f64 * factor) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(upgrade: &Value, volumes: &Value, expect: (usize, usize)) {
        let body = json!({ "instances": 4, "upgradeStrategy": upgrade, "container": { "volumes": volumes } });
        let spec = Spec::new(Kind::App, "/a".to_owned(), body, "v".to_owned());
        let (restart, at_once) = Restart::begin(&spec, Vec::new(), 4);
        assert_eq!((restart.capacity, at_once), expect);
    }

    #[test]
    fn capacity_follows_the_strategy() {
        let upgrade =
            |least: f64, over: f64| json!({ "minimumHealthCapacity": least, "maximumOverCapacity": over });
        let none = json!([]);
        check(&upgrade(1.0, 1.0), &none, (8, 0));
        check(&upgrade(0.5, 0.0), &none, (4, 2));
        check(&upgrade(1.0, 0.0), &none, (5, 0));
        check(&upgrade(0.0, 0.0), &none, (4, 4));
        check(&upgrade(1.0, 0.0), &json!([{ "containerPath": "d", "persistent": {} }]), (4, 1));
    }
}
