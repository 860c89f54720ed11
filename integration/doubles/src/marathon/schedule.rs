//! What passes with time: tasks start, are checked, fail and stop, and deployments go on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::agents;
use super::clock::Clock;
use super::deployment::{Action, Deployment, Restart, Verb, uuid_text};
use super::fate::Fate;
use super::instance::{Ending, Instance, Phase};
use super::spec::{Kind, Spec};
use super::world::{Backoff, Reservation, Waiting, World};

impl World {
    /// Lets time pass.
    pub(super) fn advance(&mut self, now: Instant) {
        let ids: Vec<String> = self.instances.keys().cloned().collect();
        for id in ids {
            self.advance_instance(&id, now);
        }
        let ids: Vec<String> = self.deployments.keys().cloned().collect();
        for id in ids {
            if let Some(deployment) = self.deployments.shift_remove(&id) {
                self.advance_deployment(deployment, now);
            }
        }
        self.keep_counts(now);
        let pace = self.options.pace;
        self.metronome.advance(now, &pace, &mut self.rules);
    }

    fn advance_instance(&mut self, id: &str, now: Instant) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        let pace = self.options.pace;
        let age = instance.age(now);
        match instance.phase {
            Phase::Staging if age >= pace.start => match instance.fate.clone() {
                Fate::NeverStarts => {}
                Fate::CannotStart { message } => self.end(id, &Ending::unstartable(&message), now),
                _ => {
                    instance.phase = Phase::Running;
                    instance.since = now;
                    instance.started_at = Some(Clock::now());
                    self.tell_status(id, "TASK_RUNNING", "");
                }
            },
            Phase::Running => {
                if let Some((_, code)) = instance.fate.end().filter(|(after, _)| age >= *after) {
                    self.end(id, &Ending::exited(code), now);
                } else {
                    self.check(id, age, now);
                }
            }
            Phase::Killing if age >= pace.stop && instance.fate != Fate::NeverStops => {
                self.tell_status(id, "TASK_KILLED", "Command terminated with signal Terminated");
                self.remove(id);
            }
            Phase::Staging | Phase::Killing => {}
        }
    }

    /// Answers of checks, some time after the start.
    fn check(&mut self, id: &str, age: Duration, now: Instant) {
        let pace = self.options.pace;
        let Some(instance) = self.instances.get_mut(id) else { return };
        if age < pace.check {
            return;
        }
        if let Some((interval, most)) = instance.spec.health_check() {
            let passes = instance.fate != Fate::NeverHealthy;
            let changed = instance.healthy != Some(passes);
            instance.healthy = Some(passes);
            let failures = u32::try_from(most.saturating_mul(interval)).unwrap_or(u32::MAX);
            let patience = pace.check + pace.second * failures;
            let is_over = !passes && most > 0 && age >= patience;
            if changed {
                let body = json!({ "appId": instance.spec.id, "instanceId": instance.id, "taskId": instance.task_id(),
                                   "version": instance.spec.version, "alive": passes });
                self.events.tell("health_status_changed_event", body);
            }
            if is_over {
                self.end(id, &Ending::unhealthy(), now);
                return;
            }
        }
        if let Some(instance) = self.instances.get_mut(id) {
            instance.ready = instance.spec.readiness_check().map(|_| instance.fate != Fate::NeverReady);
        }
    }

    /// A task ended though nobody asked for it.
    fn end(&mut self, id: &str, ending: &Ending, now: Instant) {
        self.tell_status(id, ending.state, &ending.message);
        let Some(instance) = self.remove(id) else { return };
        let spec = Arc::clone(&instance.spec);
        if spec.kind == Kind::Pod {
            self.note_termination(&instance, ending);
        } else {
            let failure = json!({
                "appId": spec.id, "host": instance.agent.host, "message": ending.message, "state": ending.state,
                "taskId": instance.task_id(), "timestamp": Clock::now(), "version": spec.version,
                "slaveId": instance.agent.id,
            });
            self.failures.insert(spec.id.clone(), failure);
        }
        let failures = self.backoffs.get(&spec.id).map_or(0, |backoff| backoff.failures) + 1;
        let (first, factor, most) = spec.backoff();
        let seconds = (first * factor.powi(failures - 1)).min(most);
        let until = now + self.options.pace.second.mul_f64(seconds);
        self.backoffs.insert(spec.id.clone(), Backoff { failures, until });
    }

    fn note_termination(&mut self, instance: &Instance, ending: &Ending) {
        let containers: Vec<Value> = instance
            .spec
            .containers()
            .map(|container| {
                let name = container["name"].as_str().unwrap_or_default();
                let mut termination = json!({ "message": ending.message });
                if let Some(code) = ending.code {
                    termination["exitCode"] = json!(code);
                }
                json!({ "containerId": format!("{}.{name}", instance.id), "lastKnownState": ending.state,
                        "termination": termination })
            })
            .collect();
        let history = self.terminations.entry(instance.spec.id.clone()).or_default();
        history.insert(
            0,
            json!({
                "instanceID": instance.id, "startedAt": instance.started_at.as_ref().unwrap_or(&instance.staged_at),
                "terminatedAt": Clock::now(), "message": ending.message, "containers": containers,
            }),
        );
        history.truncate(5);
    }

    /// Takes an instance out; its volumes wait for the next one.
    fn remove(&mut self, id: &str) -> Option<Instance> {
        let instance = self.instances.shift_remove(id)?;
        for reservation in self.volumes.get_mut(&instance.spec.id).into_iter().flatten() {
            if reservation.held_by.as_deref() == Some(id) {
                reservation.held_by = None;
            }
        }
        Some(instance)
    }

    fn tell_status(&self, id: &str, state: &str, message: &str) {
        let Some(instance) = self.instances.get(id) else { return };
        let body = json!({
            "slaveId": instance.agent.id, "taskId": instance.task_id(), "taskStatus": state, "message": message,
            "appId": instance.spec.id, "host": instance.agent.host, "ports": instance.host_ports,
            "ipAddresses": [{ "ipAddress": instance.address, "protocol": "IPv4" }], "version": instance.spec.version,
        });
        self.events.tell("status_update_event", body);
    }

    fn advance_deployment(&mut self, mut deployment: Deployment, now: Instant) {
        let Some(mut step) = deployment.steps.get(deployment.step).cloned() else { return };
        let mut is_done = true;
        for action in &mut step {
            is_done &= self.advance_action(action, now);
        }
        deployment.steps[deployment.step] = step;
        if !is_done {
            self.deployments.insert(deployment.id.clone(), deployment);
            return;
        }
        self.tell_step(&deployment, "deployment_step_success");
        deployment.step += 1;
        if deployment.step < deployment.steps.len() {
            self.tell_step(&deployment, "deployment_info");
            self.deployments.insert(deployment.id.clone(), deployment);
        } else {
            let body = json!({ "id": deployment.id, "plan": deployment.plan_shown() });
            self.events.tell("deployment_success", body);
        }
    }

    /// Goes on with a part of a step; whether it is done.
    fn advance_action(&mut self, action: &mut Action, now: Instant) -> bool {
        let spec = Arc::clone(&action.spec);
        match action.verb {
            Verb::Start => true,
            Verb::Stop => self.stop(&spec),
            Verb::Scale => self.scale(&spec, now),
            Verb::Restart => {
                let restart = action.restart.get_or_insert_with(|| self.begin_restart(&spec));
                self.restart(&spec, restart, now)
            }
        }
    }

    fn stop(&mut self, spec: &Arc<Spec>) -> bool {
        let mut is_gone = true;
        for instance in self.instances.values_mut().filter(|instance| instance.spec.id == spec.id) {
            instance.kill();
            is_gone = false;
        }
        if is_gone {
            self.queue.remove(&spec.id);
            self.failures.remove(&spec.id);
            self.terminations.remove(&spec.id);
            self.backoffs.remove(&spec.id);
            self.versions.remove(&spec.id);
            self.volumes.remove(&spec.id);
            self.events.tell("app_terminated_event", json!({ "appId": spec.id }));
        }
        is_gone
    }

    fn scale(&mut self, spec: &Arc<Spec>, now: Instant) -> bool {
        self.keep_count(spec, now);
        let wanted = spec.instances();
        let all: Vec<&Instance> = self.instances_of(&spec.id).collect();
        // Instances of older versions that run for long are counted, and need not be looked at again.
        let ready = all.iter().filter(|instance| {
            instance.is_ready() || (instance.is_active() && instance.spec.configured_at != spec.configured_at)
        });
        ready.count() >= wanted && all.len() == wanted
    }

    fn begin_restart(&mut self, spec: &Arc<Spec>) -> Restart {
        let (mut old, mut running) = (Vec::new(), 0);
        for instance in
            self.instances.values().filter(|instance| instance.spec.id == spec.id && instance.is_active())
        {
            running += 1;
            if instance.spec.version != spec.version {
                old.push(instance.id.clone());
            }
        }
        let (mut restart, at_once) = Restart::begin(spec, old, running);
        for _ in 0..at_once {
            self.kill_next(&mut restart);
        }
        restart
    }

    fn kill_next(&mut self, restart: &mut Restart) {
        while let Some(id) = restart.to_kill.pop_front() {
            if let Some(instance) = self.instances.get_mut(&id) {
                instance.kill();
                return;
            }
        }
    }

    fn restart(&mut self, spec: &Arc<Spec>, restart: &mut Restart, now: Instant) -> bool {
        let (mut old, mut started, mut ready) = (0, 0, Vec::new());
        for instance in self.instances.values().filter(|instance| instance.spec.id == spec.id) {
            if instance.spec.version != spec.version {
                old += 1;
            } else if instance.is_active() {
                started += 1;
                if instance.is_ready() {
                    ready.push(instance.id.clone());
                }
            }
        }
        let wanted = spec.instances();
        for id in &ready {
            if restart.counted.insert(id.clone()) {
                self.kill_next(restart);
            }
        }
        if ready.len() >= wanted {
            while !restart.to_kill.is_empty() {
                self.kill_next(restart);
            }
        }
        let missing = wanted.saturating_sub(started);
        let free = restart.capacity.saturating_sub(old + started);
        self.launch(spec, missing.min(free), now);
        old == 0 && ready.len() >= wanted
    }

    /// Outside of deployments, as many instances as are wanted are kept.
    fn keep_counts(&mut self, now: Instant) {
        let idle: Vec<Arc<Spec>> = self
            .specs
            .values()
            .filter(|spec| !self.deployments.values().any(|deployment| deployment.affects(&spec.id)))
            .map(Arc::clone)
            .collect();
        for spec in idle {
            self.keep_count(&spec, now);
        }
    }

    fn keep_count(&mut self, spec: &Arc<Spec>, now: Instant) {
        let mut active: Vec<(bool, String)> = self
            .instances_of(&spec.id)
            .filter(|instance| instance.is_active())
            .map(|instance| (instance.spec.version == spec.version, instance.id.clone()))
            .collect();
        // Those of older versions go first, then the youngest, unless the oldest are to.
        active.sort_by_key(|(is_current, _)| *is_current);
        if spec.body["killSelection"] != json!("OLDEST_FIRST") {
            let current = active.partition_point(|(is_current, _)| !is_current);
            active[current..].reverse();
        }
        let surplus = active.len().saturating_sub(spec.instances());
        for (_, id) in active.iter().take(surplus) {
            if let Some(instance) = self.instances.get_mut(id) {
                instance.kill();
            }
        }
        self.launch(spec, spec.instances().saturating_sub(active.len()), now);
    }

    /// Launches instances where offers fit; the rest waits in the queue.
    fn launch(&mut self, spec: &Arc<Spec>, count: usize, now: Instant) {
        let mut left = count;
        let is_held = self.backoffs.get(&spec.id).is_some_and(|backoff| backoff.until > now);
        let mut declined = BTreeMap::new();
        while left > 0 && !is_held {
            match self.offer(spec) {
                Ok(()) => left -= 1,
                Err(reasons) => {
                    declined = reasons;
                    break;
                }
            }
        }
        if left == 0 {
            self.queue.remove(&spec.id);
            return;
        }
        let agents = self.options.agents.len() as u64;
        let entry = self.queue.entry(spec.id.clone()).or_insert_with(|| Waiting {
            spec: Arc::clone(spec),
            count: left,
            since: Clock::now(),
            offers: 0,
            reasons: BTreeMap::new(),
            last_offer_at: None,
        });
        entry.spec = Arc::clone(spec);
        entry.count = left;
        if !declined.is_empty() {
            entry.offers += agents;
            entry.last_offer_at = Some(Clock::now());
            for (reason, count) in declined {
                *entry.reasons.entry(reason).or_default() += count;
            }
        }
    }

    /// Launches one instance, or says why no offer fits.
    fn offer(&mut self, spec: &Arc<Spec>) -> Result<(), BTreeMap<String, u64>> {
        let agents = self.options.agents.clone();
        if let Some(reason) = self.rules.unplaceable(&spec.subject()) {
            return Err(BTreeMap::from([(reason, agents.len() as u64)]));
        }
        let there: Vec<&Instance> = self.instances.values().collect();
        let reserved =
            self.volumes.get(&spec.id).into_iter().flatten().find(|one| one.held_by.is_none()).cloned();
        let candidates: Vec<_> = agents
            .iter()
            .filter(|agent| reserved.as_ref().is_none_or(|reservation| reservation.agent == agent.id))
            .cloned()
            .collect();
        let (agent, ports) = agents::place(spec, &candidates, &there).map_err(|declined| {
            declined.into_iter().map(|(reason, count)| (reason.to_owned(), count)).collect::<BTreeMap<_, _>>()
        })?;
        let fate = match self.missing_secret(spec) {
            Some(path) => {
                Fate::CannotStart { message: format!("Failed to resolve secret '{path}': it does not exist") }
            }
            None => self.rules.fate(&spec.subject()),
        };
        let mut instance = Instance::launch(spec, agent, fate, Clock::now());
        instance.host_ports = ports;
        self.reserve(&mut instance);
        let id = instance.id.clone();
        self.instances.insert(id.clone(), instance);
        self.tell_status(&id, "TASK_STAGING", "");
        Ok(())
    }

    /// A secret that something needs and that the store does not have.
    fn missing_secret(&self, spec: &Spec) -> Option<String> {
        let sources = spec.body["secrets"].as_object().into_iter().flatten();
        let mut paths = sources.filter_map(|(_, secret)| secret["source"].as_str());
        paths.find(|path| self.secrets.value(path.trim_start_matches('/')).is_none()).map(str::to_owned)
    }

    /// Gives an instance the volumes of one that is gone, or new ones.
    fn reserve(&mut self, instance: &mut Instance) {
        let paths = instance.spec.resident_volumes();
        if paths.is_empty() {
            return;
        }
        let reservations = self.volumes.entry(instance.spec.id.clone()).or_default();
        let free =
            reservations.iter_mut().find(|one| one.held_by.is_none() && one.agent == instance.agent.id);
        if let Some(reservation) = free {
            reservation.held_by = Some(instance.id.clone());
            instance.volumes.clone_from(&reservation.volumes);
            return;
        }
        instance.volumes = paths.iter().map(|_| uuid_text()).collect();
        reservations.push(Reservation {
            volumes: instance.volumes.clone(),
            agent: instance.agent.id.clone(),
            held_by: Some(instance.id.clone()),
        });
    }
}
