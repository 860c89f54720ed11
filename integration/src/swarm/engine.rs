//! One engine that is the manager of a swarm.

use std::env;

use super::Docker;
use super::script::{Running, Unavailable};

/// An engine that is the manager of a swarm, with the demo images on it.
///
/// `RHUMB_TEST_DOCKER_HOST` names one that runs already, and `RHUMB_TEST_NODE_ADDRESS` where its host-mode ports answer
/// (127.0.0.1); else one is started, and stopped when the value is dropped.
#[derive(Debug)]
pub struct Engine {
    docker: Docker,
    address: String,
    _running: Option<Running>,
}

impl Engine {
    /// The engine that the environment names, or a new one.
    ///
    /// # Errors
    /// When none is named and this machine cannot run one.
    pub fn start() -> Result<Self, Unavailable> {
        match env::var("RHUMB_TEST_DOCKER_HOST") {
            Ok(host) => {
                let address = env::var("RHUMB_TEST_NODE_ADDRESS").unwrap_or_else(|_| "127.0.0.1".to_owned());
                Ok(Self { docker: Docker::new(host), address, _running: None })
            }
            Err(_) => Self::start_own(),
        }
    }

    /// A new engine, whatever the environment names: for tests that break it.
    ///
    /// # Errors
    /// When this machine cannot run one.
    pub fn start_own() -> Result<Self, Unavailable> {
        let running = Running::start(1)?;
        let mut variables = running.variables()?;
        let mut take = |name: &str| {
            variables.remove(name).ok_or_else(|| Unavailable(format!("engine.sh says no {name}")))
        };
        let docker = Docker::new(take("DOCKER_HOST")?);
        let address = take("RHUMB_TEST_NODE_ADDRESS")?;
        Ok(Self { docker, address, _running: Some(running) })
    }

    /// The docker CLI for it.
    pub fn docker(&self) -> &Docker {
        &self.docker
    }

    /// Its `DOCKER_HOST`.
    pub fn host(&self) -> &str {
        self.docker.host()
    }

    /// The address at which its host-mode ports answer.
    pub fn address(&self) -> &str {
        &self.address
    }
}
