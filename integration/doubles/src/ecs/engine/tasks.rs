//! The life of tasks.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::effects::Effect;
use super::super::fates::Fate;
use super::super::json::{list, text, text_or_empty};
use super::super::state::{Cluster, Pace, Service, State, Task, TaskStatus, now as seconds};
use super::breaker;

/// Why a task stops.
struct Stop {
    code: &'static str,
    reason: String,
    /// The container that ended, with its exit code and ECS's word on it.
    container: Option<(String, Option<i32>, Option<String>)>,
}

/// Lets the tasks of a cluster go on.
pub(super) fn step(state: &mut State, cluster: &str, now: Instant, effects: &mut Vec<Effect>) {
    let State { clusters, families, pace, .. } = state;
    let Some(cluster) = clusters.get_mut(cluster) else { return };
    let Cluster { name, services, tasks, .. } = cluster;
    for task in tasks.values_mut() {
        if task.status == TaskStatus::Stopped {
            continue;
        }
        let (family, revision) = super::super::state::family_and_revision(&task.definition);
        let at = revision.and_then(|revision| usize::try_from(revision).ok()?.checked_sub(1));
        let definition = families.get(family).zip(at).and_then(|(revisions, at)| revisions.get(at));
        let Some(definition) = definition.map(|definition| &definition.body) else { continue };
        let service = task.service.as_ref().and_then(|(name, _)| services.get_mut(name));
        let mut one = One { cluster: name, task, definition, service, pace, now };
        one.step(effects);
    }
}

struct One<'a> {
    cluster: &'a str,
    task: &'a mut Task,
    definition: &'a Value,
    service: Option<&'a mut Service>,
    pace: &'a Pace,
    now: Instant,
}

impl One<'_> {
    fn step(&mut self, effects: &mut Vec<Effect>) {
        let elapsed = self.now.duration_since(self.task.since);
        match self.task.status {
            TaskStatus::Provisioning | TaskStatus::Pending | TaskStatus::Running if self.task.must_stop => {
                self.begin_stop(effects);
            }
            TaskStatus::Provisioning if elapsed >= self.pace.provisioning => {
                self.enter(TaskStatus::Pending);
                effects.push(Effect::prepare(self.cluster, self.task, self.definition));
            }
            TaskStatus::Pending if elapsed >= self.pace.pending => self.start(effects),
            TaskStatus::Running => self.run(elapsed, effects),
            TaskStatus::Stopping if elapsed >= self.pace.stopping => self.end(),
            _ => {}
        }
    }

    fn enter(&mut self, status: TaskStatus) {
        self.task.status = status;
        self.task.since = self.now;
        let version = self.task.body["version"].as_u64().unwrap_or_default();
        self.task.body["version"] = json!(version + 1);
    }

    fn start(&mut self, effects: &mut Vec<Effect>) {
        let Some(prepared) = &self.task.prepared else { return };
        let problem = match (prepared, &self.task.fate) {
            (Err(why), _) => Some(why.clone()),
            (Ok(()), Fate::CannotPull) => Some(self.cannot_pull()),
            (Ok(()), _) => None,
        };
        if let Some(reason) = problem {
            return self.stop(&Stop { code: "TaskFailedToStart", reason, container: None }, effects);
        }
        for key in ["pullStartedAt", "pullStoppedAt", "startedAt", "connectivityAt"] {
            self.task.body[key] = json!(seconds());
        }
        self.task.body["connectivity"] = json!("CONNECTED");
        self.enter(TaskStatus::Running);
        for container in containers(&mut self.task.body) {
            container["lastStatus"] = json!("RUNNING");
            container["runtimeId"] = json!(uuid::Uuid::now_v7().simple().to_string());
        }
        self.end_the_first();
        effects.push(Effect::logs(self.task, self.definition));
        self.task.is_known = true;
        if let Some(service) = &self.service {
            effects.push(Effect::register(self.task, service));
        }
    }

    fn cannot_pull(&self) -> String {
        let image = list(self.definition, "containerDefinitions")
            .first()
            .map(|container| text_or_empty(container, "image"))
            .unwrap_or_default();
        format!(
            "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref {image}: not found"
        )
    }

    /// Containers that others wait for have ended by the time that the task runs.
    fn end_the_first(&mut self) {
        let all = list(self.definition, "containerDefinitions");
        let ended: Vec<&str> = all
            .iter()
            .flat_map(|container| list(container, "dependsOn"))
            .filter(|dependency| ["SUCCESS", "COMPLETE"].contains(&text_or_empty(dependency, "condition")))
            .map(|dependency| text_or_empty(dependency, "containerName"))
            .collect();
        let failing = match &self.task.fate {
            Fate::Fails { container, .. } => container.clone(),
            _ => None,
        };
        for container in containers(&mut self.task.body) {
            let name = text_or_empty(container, "name").to_owned();
            if ended.contains(&name.as_str()) && failing.as_deref() != Some(&name) {
                container["lastStatus"] = json!("STOPPED");
                container["exitCode"] = json!(0);
            }
        }
    }

    fn run(&mut self, elapsed: Duration, effects: &mut Vec<Effect>) {
        if let Fate::Fails { after, code, reason, container } = &self.task.fate
            && elapsed >= Duration::from_millis(*after)
        {
            let name = container.clone().unwrap_or_else(|| self.first_essential());
            let is_essential = self.is_essential(&name);
            let ended = Some((name.clone(), Some(*code), reason.clone()));
            let stop = if is_essential {
                let reason = "Essential container in task exited".to_owned();
                Stop { code: "EssentialContainerExited", reason, container: ended }
            } else {
                let reason = format!("Container {name} did not exit successfully, and others depend on it");
                Stop { code: "TaskFailedToStart", reason, container: ended }
            };
            return self.stop(&stop, effects);
        }
        if elapsed < self.pace.settling {
            return;
        }
        if self.task.fate == Fate::NeverHealthy
            && let Some(reason) = self.unhealthy()
        {
            return self.stop(&Stop { code: "ServiceSchedulerInitiated", reason, container: None }, effects);
        }
        self.settle();
        let code = match self.task.fate {
            Fate::ExitsWith(code) => Some(code),
            _ if self.service.is_none() => Some(0),
            _ => None,
        };
        if let Some(code) = code
            && elapsed >= self.pace.job
        {
            let ended = Some((self.first_essential(), Some(code), None));
            let reason = "Essential container in task exited".to_owned();
            self.stop(&Stop { code: "EssentialContainerExited", reason, container: ended }, effects);
        }
    }

    /// Notes that the task runs well.
    fn settle(&mut self) {
        if self.task.is_settled {
            return;
        }
        self.task.is_settled = true;
        let checked = |name: &str| {
            let all = list(self.definition, "containerDefinitions");
            all.iter().any(|item| text(item, "name") == Some(name) && item.get("healthCheck").is_some())
        };
        let mut any = false;
        for container in containers(&mut self.task.body) {
            if checked(text_or_empty(container, "name")) {
                container["healthStatus"] = json!("HEALTHY");
                any = true;
            }
        }
        if any {
            self.task.body["healthStatus"] = json!("HEALTHY");
        }
        if let (Some(service), Some((_, deployment))) = (&mut self.service, &self.task.service)
            && matches!(self.task.fate, Fate::Runs)
        {
            breaker::note_success(service, deployment);
        }
    }

    /// Why a task that is never healthy is stopped; none when nothing looks at its health.
    fn unhealthy(&mut self) -> Option<String> {
        let service = self.service.as_mut()?;
        let id = self.task.id.clone();
        let balancer =
            service.body.get("loadBalancers").and_then(Value::as_array).and_then(|all| all.first());
        let group = balancer.map(|balancer| text_or_empty(balancer, "targetGroupArn").to_owned());
        let all = list(self.definition, "containerDefinitions");
        if all.iter().any(|container| container.get("healthCheck").is_some()) {
            self.task.body["healthStatus"] = json!("UNHEALTHY");
            for container in containers(&mut self.task.body) {
                container["healthStatus"] = json!("UNHEALTHY");
            }
            let name = service.name.clone();
            service.event(&format!("(service {name}) (task {id}) failed container health checks."));
            return Some("Task failed container health checks".to_owned());
        }
        let group = group?;
        let name = service.name.clone();
        service.event(&format!(
            "(service {name}) (port 80) is unhealthy in (target-group {group}) due to (reason Health checks failed)."
        ));
        Some(format!("Task failed ELB health checks in (target-group {group})"))
    }

    /// Begins to stop a task that was told to.
    fn begin_stop(&mut self, effects: &mut Vec<Effect>) {
        self.leave(effects);
        for container in containers(&mut self.task.body) {
            if text(container, "lastStatus") == Some("RUNNING") {
                container["exitCode"] = json!(0);
            }
        }
        self.task.body["stoppingAt"] = json!(seconds());
        self.enter(TaskStatus::Stopping);
    }

    /// Stops a task that failed or ended by itself.
    fn stop(&mut self, stop: &Stop, effects: &mut Vec<Effect>) {
        self.leave(effects);
        let has_started = self.task.status == TaskStatus::Running;
        self.task.body["stopCode"] = json!(stop.code);
        self.task.body["stoppedReason"] = json!(stop.reason);
        self.task.body["stoppingAt"] = json!(seconds());
        for container in containers(&mut self.task.body) {
            let name = text_or_empty(container, "name").to_owned();
            match &stop.container {
                Some((ended, code, reason)) if *ended == name => {
                    container["exitCode"] = json!(code);
                    if let Some(reason) = reason {
                        container["reason"] = json!(reason);
                    }
                }
                _ if has_started && container.get("exitCode").is_none() => container["exitCode"] = json!(137),
                _ if !has_started && stop.reason.starts_with("CannotPull") => {
                    container["reason"] = json!(stop.reason);
                }
                _ => {}
            }
        }
        let is_failure = !self.task.is_settled
            || self.task.fate == Fate::NeverHealthy
            || !matches!(self.task.fate, Fate::Runs);
        self.enter(TaskStatus::Stopping);
        if let (Some(service), Some((_, deployment))) = (&mut self.service, &self.task.service)
            && is_failure
        {
            breaker::note_failure(service, deployment, self.pace, self.now);
        }
    }

    fn leave(&mut self, effects: &mut Vec<Effect>) {
        if let Some(service) = &self.service
            && std::mem::take(&mut self.task.is_known)
        {
            effects.push(Effect::deregister(self.task, service));
        }
    }

    fn end(&mut self) {
        self.task.body["stoppedAt"] = json!(seconds());
        self.task.body["executionStoppedAt"] = json!(seconds());
        for container in containers(&mut self.task.body) {
            container["lastStatus"] = json!("STOPPED");
        }
        for attachment in self.task.body["attachments"].as_array_mut().into_iter().flatten() {
            attachment["status"] = json!("DELETED");
        }
        self.enter(TaskStatus::Stopped);
    }

    fn is_essential(&self, name: &str) -> bool {
        let all = list(self.definition, "containerDefinitions");
        let found = all.iter().find(|container| text(container, "name") == Some(name));
        found.is_none_or(|container| container.get("essential") != Some(&json!(false)))
    }

    fn first_essential(&self) -> String {
        let all = list(self.definition, "containerDefinitions");
        let found = all.iter().find(|container| container.get("essential") != Some(&json!(false)));
        found.map(|container| text_or_empty(container, "name").to_owned()).unwrap_or_default()
    }
}

fn containers(body: &mut Value) -> impl Iterator<Item = &mut Value> {
    body.get_mut("containers").and_then(Value::as_array_mut).into_iter().flatten()
}
