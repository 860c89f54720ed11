//! Which file each document stands in.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_spec::App;
use rhumb_spec::model::{EnvSource, EnvValue, Kind, MountSource, Workload};

/// Which file each document stands in: that of the one workload that uses it, else one for its kind.
pub(super) struct Places {
    users: BTreeMap<(Kind, String), BTreeSet<String>>,
}

impl Places {
    pub(super) fn of(app: &App) -> Self {
        let mut places = Self { users: BTreeMap::new() };
        for (name, workload) in &app.workloads {
            places.add(Kind::Workload, name, name);
            places.add_uses(name, workload);
        }
        for (name, route) in &app.routes {
            for target in route.paths.values() {
                places.add(Kind::Route, name, &target.workload);
            }
            if let Some(secret) = route.tls.as_ref().and_then(|tls| tls.secret.as_ref()) {
                for target in route.paths.values() {
                    places.add(Kind::Secret, secret, &target.workload);
                }
            }
        }
        places
    }

    fn add(&mut self, kind: Kind, name: &str, user: &str) {
        self.users.entry((kind, name.to_owned())).or_default().insert(user.to_owned());
    }

    fn add_uses(&mut self, name: &str, workload: &Workload) {
        if let Some(secret) = &workload.pull_secret {
            self.add(Kind::Secret, secret, name);
        }
        for network in workload.networks.keys() {
            self.add(Kind::Network, network, name);
        }
        for container in workload.init_containers.values().chain(workload.containers.values()) {
            for from in &container.env_from {
                from.config.iter().for_each(|config| self.add(Kind::Config, config, name));
                from.secret.iter().for_each(|secret| self.add(Kind::Secret, secret, name));
            }
            for value in container.env.values() {
                match value {
                    EnvValue::From(EnvSource::Config { name: config, .. }) => {
                        self.add(Kind::Config, config, name);
                    }
                    EnvValue::From(EnvSource::Secret { name: secret, .. }) => {
                        self.add(Kind::Secret, secret, name);
                    }
                    _ => {}
                }
            }
            for mount in container.mounts.values() {
                match &mount.source {
                    MountSource::Config { name: config, .. } => self.add(Kind::Config, config, name),
                    MountSource::Secret { name: secret, .. } => self.add(Kind::Secret, secret, name),
                    MountSource::Volume { name: volume } => self.add(Kind::Volume, volume, name),
                    _ => {}
                }
            }
        }
    }

    /// The path of the template that a document stands in.
    pub(super) fn of_document(&self, kind: Kind, name: &str) -> String {
        if kind == Kind::Native {
            return format!("templates/native/{name}.yaml");
        }
        let users = self.users.get(&(kind, name.to_owned()));
        match users.and_then(|users| users.first().filter(|_| users.len() == 1)) {
            Some(workload) => format!("templates/{workload}.yaml"),
            None => format!("templates/shared/{}s.yaml", kind.prefix()),
        }
    }
}
