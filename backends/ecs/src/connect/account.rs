//! An account, and the clients of its services.

use super::{Environment, Settings};

/// An account in a region, connected to when it is first asked for something.
#[derive(Debug)]
pub(crate) struct Account {
    settings: Settings,
    environment: Environment,
}

impl Account {
    /// The account that a target and the environment name.
    pub(crate) fn new(settings: Settings, environment: Environment) -> Self {
        Self { settings, environment }
    }

    /// What the target says.
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }
}
