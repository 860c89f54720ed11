//! Tasks of apps and instances of pods.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uuid::Uuid;

use super::fate::Fate;
use super::options::Agent;
use super::spec::{Kind, Spec, list};

/// A running copy of an app or a pod.
#[derive(Clone, Debug)]
pub(super) struct Instance {
    /// Its id: `default_shop_web.instance-…`.
    pub(super) id: String,
    /// What it runs.
    pub(super) spec: Arc<Spec>,
    /// Where it runs.
    pub(super) agent: Agent,
    /// Its ports on the agent.
    pub(super) host_ports: Vec<u16>,
    /// Its address on a container network.
    pub(super) address: String,
    /// Ids of its persistent volumes.
    pub(super) volumes: Vec<String>,
    /// How far it is.
    pub(super) phase: Phase,
    /// What becomes of it.
    pub(super) fate: Fate,
    /// Since when it is in its phase.
    pub(super) since: Instant,
    /// When it was launched.
    pub(super) staged_at: String,
    /// When it began to run.
    pub(super) started_at: Option<String>,
    /// What its health check said last.
    pub(super) healthy: Option<bool>,
    /// What its readiness check said last.
    pub(super) ready: Option<bool>,
}

/// How far an instance is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Launched.
    Staging,
    /// Its processes run.
    Running,
    /// It was told to stop.
    Killing,
}

/// How a task ended.
#[derive(Clone, Debug)]
pub(super) struct Ending {
    /// Mesos' state: `TASK_FAILED`.
    pub(super) state: &'static str,
    /// What the agent says.
    pub(super) message: String,
    /// The exit code, where a process ran.
    pub(super) code: Option<i32>,
}

impl Instance {
    /// A new instance of something.
    pub(super) fn launch(spec: &Arc<Spec>, agent: Agent, fate: Fate, staged_at: String) -> Self {
        let name = spec.id.trim_start_matches('/').replace('/', "_");
        let unique = Uuid::now_v7();
        let bytes = unique.as_bytes();
        Self {
            id: format!("{name}.instance-{unique}"),
            spec: Arc::clone(spec),
            address: format!("9.0.{}.{}", bytes[14], bytes[15]),
            agent,
            host_ports: Vec::new(),
            volumes: Vec::new(),
            phase: Phase::Staging,
            fate,
            since: Instant::now(),
            staged_at,
            started_at: None,
            healthy: None,
            ready: None,
        }
    }

    /// Whether it is there and not on its way out.
    pub(super) fn is_active(&self) -> bool {
        self.phase != Phase::Killing
    }

    /// Whether it runs and passes whatever is checked.
    pub(super) fn is_ready(&self) -> bool {
        let passes = |checked: bool, said: Option<bool>| !checked || said == Some(true);
        self.phase == Phase::Running
            && passes(self.spec.health_check().is_some(), self.healthy)
            && passes(self.spec.readiness_check().is_some(), self.ready)
    }

    /// Tells it to stop.
    pub(super) fn kill(&mut self) {
        if self.is_active() {
            self.phase = Phase::Killing;
            self.since = Instant::now();
        }
    }

    /// For how long it has been in its phase.
    pub(super) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }

    /// The id of its task, or of the first one of a pod.
    pub(super) fn task_id(&self) -> String {
        match self.spec.kind {
            Kind::App => format!("{}._app.1", self.id),
            Kind::Pod => {
                let first =
                    self.spec.containers().next().map_or("ct", |ct| ct["name"].as_str().unwrap_or("ct"));
                format!("{}.{first}.1", self.id)
            }
        }
    }

    /// Mesos' state of its task.
    pub(super) fn mesos_state(&self) -> &'static str {
        match self.phase {
            Phase::Staging => "TASK_STAGING",
            Phase::Running => "TASK_RUNNING",
            Phase::Killing => "TASK_KILLING",
        }
    }

    /// Its task as the API shows it.
    pub(super) fn task(&self) -> Value {
        let address = if self.spec.is_on_host_network() { &self.agent.host } else { &self.address };
        let mut task = json!({
            "appId": self.spec.id,
            "healthCheckResults": self.health_results(),
            "host": self.agent.host,
            "id": self.task_id(),
            "ipAddresses": [{ "ipAddress": address, "protocol": "IPv4" }],
            "ports": self.host_ports,
            "servicePorts": self.spec.service_ports(),
            "slaveId": self.agent.id,
            "state": self.mesos_state(),
            "stagedAt": self.staged_at,
            "version": self.spec.version,
            "localVolumes": self.local_volumes(),
            "region": "aws/eu-west-1",
            "zone": "aws/eu-west-1a",
            "role": "*",
        });
        if let Some(started) = &self.started_at {
            task["startedAt"] = json!(started);
        }
        task
    }

    fn health_results(&self) -> Vec<Value> {
        let Some(alive) = self.healthy else { return Vec::new() };
        let at = self.started_at.clone().unwrap_or_default();
        let mut result =
            json!({ "alive": alive, "consecutiveFailures": u32::from(!alive), "instanceId": self.id });
        if alive {
            result["firstSuccess"] = json!(at);
            result["lastSuccess"] = json!(at);
        } else {
            result["lastFailure"] = json!(at);
            result["lastFailureCause"] = json!("AskTimeoutException: no answer");
        }
        vec![result]
    }

    fn local_volumes(&self) -> Vec<Value> {
        let paths = self.spec.resident_volumes();
        paths
            .iter()
            .zip(&self.volumes)
            .map(|(path, uuid)| {
                let name = self.spec.id.trim_start_matches('/').replace('/', "_");
                json!({
                    "runSpecId": self.spec.id, "containerPath": path, "uuid": uuid,
                    "persistenceId": format!("{name}#{path}#{uuid}"),
                })
            })
            .collect()
    }

    /// The answer of its readiness check, once there was one.
    pub(super) fn readiness(&self) -> Option<Value> {
        let check = self.spec.readiness_check()?;
        let ready = self.ready?;
        let mut result = json!({ "name": check["name"], "taskId": self.id, "ready": ready });
        if check["preserveLastResponse"] == json!(true) {
            let status = if ready { 200 } else { 503 };
            result["lastResponse"] = json!({ "status": status, "contentType": "text/plain", "body": "" });
        }
        Some(result)
    }

    /// An instance of a pod as the API shows it.
    pub(super) fn pod_instance(&self, now: &str) -> Value {
        let since = self.started_at.as_ref().unwrap_or(&self.staged_at);
        let status = match self.phase {
            Phase::Staging => "STAGING",
            Phase::Running if self.is_ready() => "STABLE",
            Phase::Running => "DEGRADED",
            Phase::Killing => "TERMINAL",
        };
        let (cpus, mem, _) = self.spec.resources();
        let containers: Vec<Value> =
            self.spec.containers().map(|container| self.pod_container(container, now)).collect();
        json!({
            "id": self.id, "status": status, "statusSince": since, "agentHostname": self.agent.host,
            "agentId": self.agent.id, "agentRegion": "aws/eu-west-1", "agentZone": "aws/eu-west-1a",
            "resources": { "cpus": cpus, "mem": mem, "disk": 10, "gpus": 0 },
            "networks": [{ "addresses": [self.address] }], "containers": containers,
            "specReference": format!("/v2/pods{}::versions/{}", self.spec.id, self.spec.version),
            "localVolumes": self.local_volumes(), "lastUpdated": now, "lastChanged": since, "role": "*",
        })
    }

    fn pod_container(&self, container: &Value, now: &str) -> Value {
        let since = self.started_at.as_ref().unwrap_or(&self.staged_at);
        let endpoints: Vec<Value> = list(&container["endpoints"])
            .map(|endpoint| {
                let mut shown = json!({ "name": endpoint["name"] });
                if let (true, Some(port)) = (endpoint.get("hostPort").is_some(), self.host_ports.first()) {
                    shown["allocatedHostPort"] = json!(port);
                }
                if let Some(healthy) = self.healthy.filter(|_| container.get("healthCheck").is_some()) {
                    shown["healthy"] = json!(healthy);
                }
                shown
            })
            .collect();
        let name = container["name"].as_str().unwrap_or("ct");
        json!({
            "name": name, "status": self.mesos_state(), "statusSince": since, "conditions": [],
            "containerId": format!("{}.{name}", self.id), "endpoints": endpoints, "resources": container["resources"],
            "lastUpdated": now, "lastChanged": since,
        })
    }
}

impl Ending {
    /// A process that ended by itself.
    pub(super) fn exited(code: i32) -> Self {
        let state = if code == 0 { "TASK_FINISHED" } else { "TASK_FAILED" };
        Self { state, message: format!("Container exited with status {code}"), code: Some(code) }
    }

    /// A container that could not be made.
    pub(super) fn unstartable(message: &str) -> Self {
        Self { state: "TASK_FAILED", message: message.to_owned(), code: None }
    }

    /// A task that its health check had killed.
    pub(super) fn unhealthy() -> Self {
        let message = "Task was killed since health check failed. Reason: AskTimeoutException: no answer";
        Self { state: "TASK_KILLED", message: message.to_owned(), code: None }
    }
}
