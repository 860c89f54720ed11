//! Marathon, and what is beside it.

use super::{Environment, Settings};

/// Marathon, and what is beside it, connected to when it is first asked for something.
#[derive(Debug)]
pub(crate) struct Server {
    settings: Settings,
    environment: Environment,
}

impl Server {
    /// The server that a target and the environment name.
    pub(crate) fn new(settings: Settings, environment: Environment) -> Self {
        Self { settings, environment }
    }

    /// What the target says.
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }
}
