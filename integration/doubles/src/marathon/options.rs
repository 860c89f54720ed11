//! What kind of a cluster the double stands for.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// What kind of a cluster the double stands for. The default is a DC/OS with everything there, three agents, and nobody to
/// authenticate.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it listens; port 0 takes any that is free.
    pub listen: SocketAddr,
    /// User and password of HTTP basic authentication; none means that nobody asks.
    pub user: Option<(String, String)>,
    /// The DC/OS token that is asked for: `Authorization: token=…`.
    pub token: Option<String>,
    /// What is there.
    pub parts: BTreeSet<Part>,
    /// The agents.
    pub agents: Vec<Agent>,
    /// How fast time passes.
    pub pace: Pace,
    /// Marathon's version.
    pub version: String,
    /// The network of apps that say `container` and name none.
    pub network: Option<String>,
    /// The folder of Marathon's RAML types, by which requests and answers are checked; none means that nothing is.
    pub types: Option<PathBuf>,
}

/// What may be there or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The DC/OS secret store, and Marathon's feature `secrets`.
    Secrets,
    /// Marathon's feature `external_volumes`.
    ExternalVolumes,
    /// Marathon's feature `gpu_resources`.
    Gpus,
    /// Metronome.
    Metronome,
    /// Chronos.
    Chronos,
}

/// A machine that tasks run on.
#[derive(Clone, Debug)]
pub struct Agent {
    /// The Mesos id: `S1`.
    pub id: String,
    /// The host name.
    pub host: String,
    /// Processors.
    pub cpus: f64,
    /// Memory in MiB.
    pub mem: f64,
    /// Graphics processors.
    pub gpus: f64,
    /// Attributes, by which constraints tell agents apart.
    pub attributes: BTreeMap<String, String>,
}

/// How fast time passes: the double's own delays, and what a second of the platform's timers takes here.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// From the launch of a task until it runs.
    pub start: Duration,
    /// From the start until checks have an answer.
    pub check: Duration,
    /// From the kill until a task is gone.
    pub stop: Duration,
    /// How long a job runs whose fate is not told.
    pub job: Duration,
    /// What one second of backoffs and check intervals takes.
    pub second: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            user: None,
            token: None,
            parts: BTreeSet::from([Part::Secrets, Part::ExternalVolumes, Part::Gpus, Part::Metronome]),
            agents: (1..=3).map(Agent::numbered).collect(),
            pace: Pace::default(),
            version: "1.11.24".to_owned(),
            network: Some("dcos".to_owned()),
            types: None,
        }
    }
}

impl Options {
    /// Whether a part is there.
    pub fn has(&self, part: Part) -> bool {
        self.parts.contains(&part)
    }

    /// Checked by the RAML types of a folder, where it is there.
    #[must_use]
    pub fn checked_by(mut self, folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        self.types = folder.is_dir().then_some(folder);
        self
    }
}

impl Agent {
    /// A large agent with a number.
    pub fn numbered(number: u32) -> Self {
        Self {
            id: format!("8ad0ce2e-0b1f-4a2f-a1f2-0d3a6a3d7c21-S{number}"),
            host: format!("10.0.0.{number}"),
            cpus: 1000.0,
            mem: 1_000_000.0,
            gpus: 8.0,
            attributes: BTreeMap::from([("rack".to_owned(), format!("r{}", number % 2))]),
        }
    }
}

impl Default for Pace {
    fn default() -> Self {
        let moment = Duration::from_millis(30);
        Self { start: moment, check: moment, stop: moment, job: moment, second: Duration::from_millis(20) }
    }
}
