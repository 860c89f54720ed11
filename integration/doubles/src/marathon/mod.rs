//! A double of Marathon, with Metronome, Chronos, the secret store and what is read of Mesos beside it.
//!
//! It keeps to the published REST API: definitions get their defaults and versions, changes are deployments that lock what
//! they are about, tasks start, are checked, fail and stop as [`Rule`]s tell, and a deployment whose tasks fail never
//! ends by itself. [`Double::violations`] tells what of requests and answers the published types do not take.

mod agents;
mod app_shape;
mod chronos;
mod clock;
mod control;
mod deployment;
mod events;
mod fate;
mod fault;
mod instance;
mod job_shape;
mod metronome;
mod options;
mod path_id;
mod pod_shape;
mod raml;
mod request;
mod routes;
mod schedule;
mod secrets;
mod server;
mod spec;
mod validate;
mod world;

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use serde_json::Value;

pub use fate::{Fate, Rule};
pub use fault::{Fault, FaultRule};
pub use options::{Agent, Options, Pace, Part};

use server::Running;

/// Marathon's published types, for documents that are sent to no server.
#[derive(Debug)]
pub struct Schema(raml::Types);

impl Schema {
    /// Reads the RAML libraries of a folder.
    ///
    /// # Errors
    /// When a file cannot be read or is no YAML.
    pub fn read(folder: &std::path::Path) -> io::Result<Self> {
        raml::Types::read(folder).map(Self)
    }

    /// What a type does not take of a document. The type is named with its library, as in `app.App`.
    pub fn violations(&self, name: &str, document: &Value) -> Vec<String> {
        self.0.check(name, document)
    }
}

/// A running double. It stops when it is dropped.
#[derive(Debug)]
pub struct Double {
    running: Running,
}

impl Double {
    /// Starts a double.
    ///
    /// # Errors
    /// When the address is taken, or the folder of types cannot be read.
    pub fn start(options: Options) -> io::Result<Self> {
        Ok(Self { running: server::start(options)? })
    }

    /// Where it listens: `http://127.0.0.1:40123`. Metronome, Chronos and the secret store answer there too.
    pub fn url(&self) -> String {
        format!("http://{}", self.running.address)
    }

    /// Tells what becomes of tasks. Of several rules that match, the last one counts.
    pub fn tell(&self, rule: Rule) {
        self.running.shared.world().rules.tell(rule);
    }

    /// Forgets every rule.
    pub fn forget_rules(&self) {
        self.running.shared.world().rules.forget();
    }

    /// Makes calls fail.
    pub fn fail(&self, rule: FaultRule) {
        self.running.shared.faults().add(rule);
    }

    /// Makes no call fail any more.
    pub fn heal(&self) {
        self.running.shared.faults().clear();
    }

    /// How many calls went wrong as they were told to.
    pub fn met(&self) -> u64 {
        self.running.shared.faults().met
    }

    /// Carries out a call as somebody else would make it: the status and the body.
    pub fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        server::call(&self.running.shared, method, path, body)
    }

    /// Makes every answer take at least this long.
    pub fn delay(&self, latency: Duration) {
        self.running.shared.faults().latency = latency;
    }

    /// How often each method and path was called: `PUT /v2/apps/default/shop/web`.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.running.shared.faults().counts.clone()
    }

    /// Counts from nothing again.
    pub fn reset_counts(&self) {
        let mut faults = self.running.shared.faults();
        faults.counts.clear();
        faults.most_at_once = 0;
    }

    /// The most calls that were under way at one time.
    pub fn most_at_once(&self) -> u64 {
        self.running.shared.faults().most_at_once
    }

    /// What of requests and answers the published types do not take.
    pub fn violations(&self) -> Vec<String> {
        self.running.shared.violations()
    }

    /// The names of what there is: `specs`, `groups`, `instances`, `deployments`, `jobs`, `chronos`, `secrets`, `volumes`.
    pub fn state(&self) -> Value {
        control::state(&self.running.shared)
    }

    /// The definition of an app or a pod.
    pub fn spec(&self, id: &str) -> Option<Value> {
        self.running.shared.world().specs.get(id).map(|spec| spec.shown())
    }

    /// A job of Metronome, with its schedules and its history.
    pub fn job(&self, id: &str) -> Option<Value> {
        self.running.shared.world().metronome.whole(id)
    }

    /// Puts a secret into the store, as somebody else would.
    pub fn provide(&self, path: &str, value: &str) {
        self.running.shared.world().secrets.put(path, value);
    }

    /// The value of a secret of the store.
    pub fn secret(&self, path: &str) -> Option<Value> {
        self.running.shared.world().secrets.value(path).cloned()
    }

    /// Starts what a job's schedules are for, as their hour would; how many runs that were.
    pub fn strike(&self, job: &str) -> Option<usize> {
        self.running.shared.world().metronome.strike(job)
    }
}
