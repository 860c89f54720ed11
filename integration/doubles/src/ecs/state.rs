//! What the double remembers of one account's ECS.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::error::{Answer, ApiError};
use super::fates::{Fate, Rule};
use super::json::text;

/// How fast things happen.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How long a task is PROVISIONING.
    pub provisioning: Duration,
    /// How long it is PENDING.
    pub pending: Duration,
    /// How long a running task is watched before it counts as started, and before its health check says something.
    pub settling: Duration,
    /// How long a job's containers run.
    pub job: Duration,
    /// How long a task takes to stop.
    pub stopping: Duration,
    /// How long a service without tasks is DRAINING at least.
    pub draining: Duration,
    /// How long a service waits after a failed task, at first; each further failure doubles it, up to eight times.
    pub retry: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        let millis = Duration::from_millis;
        Self {
            provisioning: millis(20),
            pending: millis(40),
            settling: millis(60),
            job: millis(80),
            stopping: millis(40),
            draining: millis(300),
            retry: millis(50),
        }
    }
}

/// One account's ECS.
#[derive(Debug)]
pub(super) struct State {
    pub(super) account: String,
    pub(super) region: String,
    pub(super) pace: Pace,
    pub(super) clusters: IndexMap<String, Cluster>,
    /// The revisions of a family, the first at 0.
    pub(super) families: BTreeMap<String, Vec<Definition>>,
    /// Deregistered ones that were deleted stay as numbers only.
    pub(super) settings: BTreeMap<String, String>,
    pub(super) rules: Vec<Rule>,
    serial: u64,
}

/// A cluster.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) is_active: bool,
    /// As in `Cluster`, but for the counts.
    pub(super) body: Map<String, Value>,
    pub(super) tags: Vec<Value>,
    pub(super) services: IndexMap<String, Service>,
    pub(super) tasks: IndexMap<String, Task>,
    pub(super) instances: Vec<Instance>,
    /// Tasks that a client token has started, with the request.
    pub(super) runs: BTreeMap<String, (Value, Vec<String>)>,
}

/// A container instance.
#[derive(Clone, Debug)]
pub(super) struct Instance {
    pub(super) arn: String,
    pub(super) ec2: String,
    pub(super) tags: Vec<Value>,
}

/// A revision of a task definition.
#[derive(Clone, Debug)]
pub(super) struct Definition {
    /// As in `TaskDefinition`.
    pub(super) body: Value,
    pub(super) tags: Vec<Value>,
    pub(super) is_deleted: bool,
}

/// Where a service is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ServiceStatus {
    Active,
    Draining,
    Inactive,
}

/// A service.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) status: ServiceStatus,
    pub(super) since: Instant,
    pub(super) desired: u64,
    /// The members of `Service` that a request gave or that ECS fills in.
    pub(super) body: Map<String, Value>,
    /// The request that made it, with its client token.
    pub(super) request: Value,
    /// The newest first.
    pub(super) deployments: Vec<Deployment>,
    /// The last deployment that was completed.
    pub(super) good: Option<Deployment>,
    /// The newest first.
    pub(super) events: VecDeque<Value>,
    pub(super) tags: Vec<Value>,
    /// No task is started before.
    pub(super) not_before: Instant,
    pub(super) is_steady: bool,
}

/// How a deployment fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rollout {
    InProgress,
    Completed,
    Failed,
}

/// A deployment of a service.
#[derive(Clone, Debug)]
pub(super) struct Deployment {
    pub(super) id: String,
    /// `taskDefinition`, `launchType`, `networkConfiguration` … as in `Deployment`.
    pub(super) body: Map<String, Value>,
    pub(super) rollout: Rollout,
    pub(super) reason: String,
    pub(super) failed: u32,
    pub(super) created: f64,
    pub(super) updated: f64,
}

/// Where a task is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TaskStatus {
    Provisioning,
    Pending,
    Running,
    Stopping,
    Stopped,
}

/// A task.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) id: String,
    pub(super) arn: String,
    /// Its service and the deployment's id; none of what `RunTask` started.
    pub(super) service: Option<(String, String)>,
    pub(super) definition: String,
    pub(super) status: TaskStatus,
    pub(super) since: Instant,
    pub(super) must_stop: bool,
    pub(super) fate: Fate,
    pub(super) logs: Vec<String>,
    /// Whether logs, secrets and configuration were found; none while that is being asked.
    pub(super) prepared: Option<Result<(), String>>,
    /// Whether it has run long enough, and well enough, to count.
    pub(super) is_settled: bool,
    /// What is registered for it elsewhere is gone again.
    pub(super) is_known: bool,
    pub(super) address: String,
    /// As in `Task`, with the containers.
    pub(super) body: Value,
    pub(super) tags: Vec<Value>,
}

impl State {
    pub(super) fn new(account: &str, region: &str, pace: Pace) -> Self {
        Self {
            account: account.to_owned(),
            region: region.to_owned(),
            pace,
            clusters: IndexMap::new(),
            families: BTreeMap::new(),
            settings: BTreeMap::new(),
            rules: Vec::new(),
            serial: 0,
        }
    }

    /// An ARN of ECS.
    pub(super) fn arn(&self, resource: &str) -> String {
        format!("arn:aws:ecs:{}:{}:{resource}", self.region, self.account)
    }

    /// The next number.
    pub(super) fn next(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// The cluster that a request names by its name or ARN; none named means `default`.
    pub(super) fn cluster(&mut self, input: &Value) -> Answer<&mut Cluster> {
        let name = text(input, "cluster").unwrap_or("default");
        let name = name.rsplit('/').next().unwrap_or(name);
        let found = self.clusters.get_mut(name);
        found
            .filter(|cluster| cluster.is_active)
            .ok_or_else(|| ApiError::new("ClusterNotFoundException", "Cluster not found."))
    }

    /// The definition that a text names: `family`, `family:3` or an ARN.
    pub(super) fn definition(&self, named: &str) -> Option<&Definition> {
        let (family, revision) = family_and_revision(named);
        let revisions = self.families.get(family)?;
        match revision {
            Some(revision) => revisions
                .get(usize::try_from(revision).ok()?.checked_sub(1)?)
                .filter(|found| !found.is_deleted),
            None => revisions.iter().rev().find(|definition| definition.is_active()),
        }
    }
}

impl Definition {
    pub(super) fn arn(&self) -> &str {
        text(&self.body, "taskDefinitionArn").unwrap_or_default()
    }

    pub(super) fn is_active(&self) -> bool {
        !self.is_deleted && text(&self.body, "status") == Some("ACTIVE")
    }
}

impl Cluster {
    /// A service by its name or ARN.
    pub(super) fn service(&mut self, named: &str) -> Option<&mut Service> {
        self.services.get_mut(named.rsplit('/').next().unwrap_or(named))
    }

    /// A task by its id or ARN.
    pub(super) fn task(&mut self, named: &str) -> Option<&mut Task> {
        self.tasks.get_mut(named.rsplit('/').next().unwrap_or(named))
    }

    /// The tasks of a service that are not stopped.
    pub(super) fn tasks_of<'a>(&'a self, service: &'a str) -> impl Iterator<Item = &'a Task> {
        self.tasks.values().filter(move |task| {
            task.status != TaskStatus::Stopped
                && task.service.as_ref().is_some_and(|(name, _)| name == service)
        })
    }
}

impl Service {
    /// Notes an event, unless it is the newest already.
    pub(super) fn event(&mut self, message: &str) {
        if self.events.front().is_some_and(|event| text(event, "message") == Some(message)) {
            return;
        }
        let id = uuid::Uuid::now_v7().to_string();
        self.events.push_front(json!({ "id": id, "createdAt": now(), "message": message }));
        self.events.truncate(100);
    }

    /// A percentage of the deployment configuration.
    pub(super) fn percent(&self, key: &str) -> Option<u64> {
        self.body.get("deploymentConfiguration")?.get(key)?.as_u64()
    }

    pub(super) fn is_daemon(&self) -> bool {
        self.body.get("schedulingStrategy").and_then(Value::as_str) == Some("DAEMON")
    }
}

impl Task {
    /// Whether it counts towards the tasks that its service wants.
    pub(super) fn is_live(&self) -> bool {
        !self.must_stop && self.status < TaskStatus::Stopping
    }
}

impl TaskStatus {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Provisioning => "PROVISIONING",
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Stopping => "STOPPING",
            Self::Stopped => "STOPPED",
        }
    }
}

impl ServiceStatus {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Draining => "DRAINING",
            Self::Inactive => "INACTIVE",
        }
    }
}

impl Rollout {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
        }
    }
}

/// Splits `family:3` or an ARN that ends so.
pub(super) fn family_and_revision(named: &str) -> (&str, Option<u64>) {
    let short = named.rsplit('/').next().unwrap_or(named);
    match short.split_once(':') {
        Some((family, revision)) => (family, revision.parse().ok()),
        None => (short, None),
    }
}

/// Seconds since 1970, as the API has times.
#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 are exact in 53 bits")]
pub(super) fn now() -> f64 {
    jiff::Timestamp::now().as_millisecond() as f64 / 1000.0
}
