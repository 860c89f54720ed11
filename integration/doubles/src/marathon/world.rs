//! The state of the cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use axum::http::StatusCode;
use indexmap::IndexMap;
use serde_json::{Value, json};

use super::chronos::Chronos;
use super::clock::Clock;
use super::deployment::{Changes, Deployment};
use super::events::Events;
use super::fate::Rules;
use super::instance::Instance;
use super::metronome::Metronome;
use super::options::Options;
use super::path_id;
use super::request::Answer;
use super::secrets::Secrets;
use super::spec::Spec;

/// The first service port that is assigned. Source: Marathon command line, `--local_port_min`.
const FIRST_SERVICE_PORT: u64 = 10_000;

/// The state of the cluster: what is wanted, what runs, and what is on its way.
#[derive(Debug)]
pub(super) struct World {
    pub(super) options: Options,
    pub(super) clock: Clock,
    /// Apps and pods as they are wanted.
    pub(super) specs: BTreeMap<String, Arc<Spec>>,
    /// Every version of them.
    pub(super) versions: BTreeMap<String, Vec<Arc<Spec>>>,
    /// Groups, with what they need.
    pub(super) groups: BTreeMap<String, Group>,
    pub(super) instances: IndexMap<String, Instance>,
    pub(super) deployments: IndexMap<String, Deployment>,
    /// The last failure of a task, by app.
    pub(super) failures: BTreeMap<String, Value>,
    /// Instances of pods that ended, by pod.
    pub(super) terminations: BTreeMap<String, Vec<Value>>,
    pub(super) backoffs: BTreeMap<String, Backoff>,
    /// What waits for an offer.
    pub(super) queue: BTreeMap<String, Waiting>,
    /// Persistent volumes by app: ids of one instance's each, and who has them.
    pub(super) volumes: BTreeMap<String, Vec<Reservation>>,
    pub(super) rules: Rules,
    pub(super) events: Events,
    pub(super) metronome: Metronome,
    pub(super) chronos: Chronos,
    pub(super) secrets: Secrets,
}

/// A group.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    /// The groups and apps that it needs.
    pub(super) dependencies: Vec<String>,
    /// Whether its apps use its role.
    pub(super) enforce_role: Option<bool>,
    /// The version of its last change.
    pub(super) version: String,
}

/// How long nothing is launched after failures.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff {
    pub(super) failures: i32,
    pub(super) until: Instant,
}

/// What waits for an offer.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) spec: Arc<Spec>,
    pub(super) count: usize,
    pub(super) since: String,
    pub(super) offers: u64,
    /// Offers declined, by reason.
    pub(super) reasons: BTreeMap<String, u64>,
    pub(super) last_offer_at: Option<String>,
}

/// The persistent volumes of one instance.
#[derive(Clone, Debug)]
pub(super) struct Reservation {
    pub(super) volumes: Vec<String>,
    pub(super) agent: String,
    pub(super) held_by: Option<String>,
}

impl World {
    /// An empty cluster.
    pub(super) fn new(options: Options) -> Self {
        let mut clock = Clock::new();
        let root = Group { version: clock.tell(), ..Group::default() };
        Self {
            options,
            clock,
            specs: BTreeMap::new(),
            versions: BTreeMap::new(),
            groups: BTreeMap::from([("/".to_owned(), root)]),
            instances: IndexMap::new(),
            deployments: IndexMap::new(),
            failures: BTreeMap::new(),
            terminations: BTreeMap::new(),
            backoffs: BTreeMap::new(),
            queue: BTreeMap::new(),
            volumes: BTreeMap::new(),
            rules: Rules::default(),
            events: Events::new(),
            metronome: Metronome::default(),
            chronos: Chronos::default(),
            secrets: Secrets::default(),
        }
    }

    /// Carries out changes as one deployment, unless what they are about is locked.
    ///
    /// A spec whose body is that of now keeps its version; one that differs in instances only is scaled. `restarts` are
    /// replaced though nothing of them changed.
    ///
    /// # Errors
    /// 409 with the deployments that hold the lock, without `force`.
    pub(super) fn deploy(&mut self, change: Change) -> Result<Deployment, Answer> {
        let version = self.clock.tell();
        let (original, target) = self.difference(&change, &version);
        let plan = Deployment::plan(original, target, version);
        self.take_locks(&plan, change.lock)?;
        Ok(self.begin(plan, change.groups))
    }

    /// What of the wanted differs from what is there, with its new version.
    fn difference(&self, change: &Change, version: &str) -> (Changes, Changes) {
        let mut original = Changes::new();
        let mut target = Changes::new();
        for (id, wanted) in &change.wanted {
            let before = self.specs.get(id);
            let next = match (before, wanted) {
                (None, None) => continue,
                (_, None) => None,
                (None, Some(wanted)) => Some(Arc::new(Spec::new(
                    wanted.kind,
                    id.clone(),
                    wanted.body.clone(),
                    version.to_owned(),
                ))),
                (Some(before), Some(wanted)) => {
                    let mut next = wanted.clone();
                    let restarts = change.restarts.contains(id);
                    if before.body == next.body && !restarts {
                        continue;
                    }
                    version.clone_into(&mut next.version);
                    version.clone_into(&mut next.scaled_at);
                    let is_scaling = before.is_scaling_of(&next) && !restarts;
                    next.configured_at =
                        if is_scaling { before.configured_at.clone() } else { version.to_owned() };
                    Some(Arc::new(next))
                }
            };
            original.insert(id.clone(), before.cloned());
            target.insert(id.clone(), next);
        }
        (original, target)
    }

    fn take_locks(&mut self, plan: &Deployment, lock: Lock) -> Result<(), Answer> {
        let holders: Vec<String> = self
            .deployments
            .values()
            .filter(|other| plan.conflicts_with(other))
            .map(|other| other.id.clone())
            .collect();
        if holders.is_empty() {
            return Ok(());
        }
        if lock == Lock::Respect {
            let ids: Vec<Value> = holders.iter().map(|id| json!({ "id": id })).collect();
            return Err(Answer::json(
                StatusCode::CONFLICT,
                json!({
                    "message": "App is locked by one or more deployments. Override with the option '?force=true'. \
                                View details at '/v2/deployments/<DEPLOYMENT_ID>'.",
                    "deployments": ids,
                }),
            ));
        }
        for id in holders {
            self.cancel(&id);
        }
        Ok(())
    }

    /// Ends a deployment that is not finished. What it did stays.
    pub(super) fn cancel(&mut self, id: &str) -> Option<Deployment> {
        let deployment = self.deployments.shift_remove(id)?;
        self.events
            .tell("deployment_failed", json!({ "id": deployment.id, "plan": deployment.plan_shown() }));
        Some(deployment)
    }

    fn begin(&mut self, mut plan: Deployment, groups: BTreeMap<String, Option<Group>>) -> Deployment {
        for (id, wanted) in &plan.target {
            match wanted {
                Some(spec) => {
                    plan.groups.extend(self.make_groups(id, &plan.version));
                    self.specs.insert(id.clone(), Arc::clone(spec));
                    self.versions.entry(id.clone()).or_default().push(Arc::clone(spec));
                    self.backoffs.remove(id);
                }
                None => {
                    self.specs.remove(id);
                }
            }
        }
        for (id, group) in groups {
            match group {
                Some(group) => {
                    plan.groups
                        .extend(self.make_groups(&format!("{}/x", id.trim_end_matches('/')), &plan.version));
                    self.groups.insert(id, Group { version: plan.version.clone(), ..group });
                }
                None => self.groups.retain(|other, _| *other != id && !path_id::is_within(other, &id)),
            }
        }
        let touched: Vec<String> = plan.target.keys().flat_map(|id| path_id::ancestors(id)).collect();
        for id in touched {
            if let Some(group) = self.groups.get_mut(&id) {
                group.version.clone_from(&plan.version);
            }
        }
        self.events.tell("group_change_success", json!({ "groupId": "/", "version": plan.version }));
        if plan.steps.is_empty() {
            self.events.tell("deployment_success", json!({ "id": plan.id, "plan": plan.plan_shown() }));
        } else {
            self.tell_step(&plan, "deployment_info");
            self.deployments.insert(plan.id.clone(), plan.clone());
        }
        plan
    }

    /// Makes the groups above an id that are not there yet, and says which.
    fn make_groups(&mut self, id: &str, version: &str) -> Vec<String> {
        let missing: Vec<String> =
            path_id::ancestors(id).into_iter().filter(|group| !self.groups.contains_key(group)).collect();
        for group in &missing {
            self.groups.insert(group.clone(), Group { version: version.to_owned(), ..Group::default() });
        }
        missing
    }

    /// Tells of a step of a deployment.
    pub(super) fn tell_step(&self, deployment: &Deployment, event: &str) {
        let step = deployment.shown_steps().into_iter().nth(deployment.step);
        let body = json!({ "plan": deployment.plan_shown(), "currentStep": step });
        self.events.tell(event, body);
    }

    /// Takes a deployment back: what it changed is as it was before.
    ///
    /// # Errors
    /// 404, when it does not run.
    pub(super) fn revert(&mut self, id: &str) -> Result<Deployment, Answer> {
        let deployment = self.deployments.get(id).cloned().ok_or_else(|| unknown_deployment(id))?;
        let affected: Vec<String> = deployment.affected().iter().map(|spec| spec.id.clone()).collect();
        let wanted = deployment
            .original
            .iter()
            .filter(|(id, _)| affected.contains(id))
            .map(|(id, before)| (id.clone(), before.as_ref().map(|spec| (**spec).clone())));
        let wanted: BTreeMap<String, Option<Spec>> = wanted.collect();
        let restarts = self.mixed(&wanted);
        let change = Change { wanted, restarts, lock: Lock::Break, groups: BTreeMap::new() };
        let reverted = self.deploy(change)?;
        // Groups that came with it go when nothing is in them.
        for group in deployment.groups.iter().rev() {
            let is_used =
                self.specs.keys().chain(self.groups.keys()).any(|other| path_id::is_within(other, group));
            if !is_used {
                self.groups.remove(group);
            }
        }
        Ok(reverted)
    }

    /// Of these, what is wanted already though instances of another version run: a deployment was cut off.
    fn mixed(&self, wanted: &BTreeMap<String, Option<Spec>>) -> BTreeSet<String> {
        let is_mixed = |spec: &Spec| {
            self.instances.values().any(|instance| {
                instance.spec.id == spec.id && instance.spec.configured_at != spec.configured_at
            })
        };
        wanted.values().flatten().filter(|spec| is_mixed(spec)).map(|spec| spec.id.clone()).collect()
    }

    /// A service port that no app has.
    pub(super) fn free_service_port(&self, taken: &BTreeSet<u64>) -> u64 {
        let used: BTreeSet<u64> = self.specs.values().flat_map(|spec| spec.service_ports()).collect();
        let mut candidates = FIRST_SERVICE_PORT..;
        candidates.find(|port| !used.contains(port) && !taken.contains(port)).unwrap_or(FIRST_SERVICE_PORT)
    }

    /// Ids of deployments that change something.
    pub(super) fn deployments_of(&self, id: &str) -> Vec<Value> {
        let affecting = self.deployments.values().filter(|deployment| deployment.affects(id));
        affecting.map(|deployment| json!({ "id": deployment.id })).collect()
    }

    /// The instances of an app or pod.
    pub(super) fn instances_of<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a Instance> {
        self.instances.values().filter(move |instance| instance.spec.id == id)
    }
}

/// What is to be changed.
#[derive(Debug)]
pub(super) struct Change {
    /// Apps and pods; none means that it goes.
    pub(super) wanted: BTreeMap<String, Option<Spec>>,
    /// What is replaced though nothing of it changes.
    pub(super) restarts: BTreeSet<String>,
    /// Whether locks are respected.
    pub(super) lock: Lock,
    /// Groups; none means that it goes.
    pub(super) groups: BTreeMap<String, Option<Group>>,
}

/// Whether locks are respected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lock {
    /// What is locked is refused.
    Respect,
    /// Deployments that hold a lock are cancelled: `force=true`.
    Break,
}

impl Change {
    /// A change of apps and pods.
    pub(super) fn of(wanted: BTreeMap<String, Option<Spec>>, lock: Lock) -> Self {
        Self { wanted, restarts: BTreeSet::new(), lock, groups: BTreeMap::new() }
    }
}

/// 404 for a deployment that does not run.
pub(super) fn unknown_deployment(id: &str) -> Answer {
    Answer::not_found(format!("DeploymentPlan {id} does not exist"))
}
