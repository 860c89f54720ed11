//! A cluster that is connected to when it is first asked for something.

use std::fmt;

use kube::Client;
use rhumb_backend::Result;
use tokio::sync::OnceCell;

use super::{Environment, Settings};
use crate::error::unfinished;

/// A cluster, connected to when it is first asked for something.
pub(crate) struct Cluster {
    settings: Settings,
    environment: Environment,
    client: OnceCell<Client>,
}

impl Cluster {
    /// Reads nothing and connects to nothing.
    pub(crate) fn new(settings: Settings, environment: Environment) -> Self {
        Self { settings, environment, client: OnceCell::new() }
    }

    /// The namespace of the context that is meant, where it names one.
    #[expect(clippy::unused_self, reason = "kubeconfigs are not read yet")]
    pub(crate) fn namespace(&self) -> Result<Option<String>> {
        Ok(None)
    }

    /// The client, made at the first call.
    ///
    /// # Errors
    /// `Invalid` when the kubeconfig is wrong.
    #[expect(dead_code, reason = "nobody connects yet")]
    pub(crate) async fn client(&self) -> Result<&Client> {
        self.client.get_or_try_init(|| async { Err(unfinished("connect")) }).await
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Cluster")
            .field("settings", &self.settings)
            .field("home", &self.environment.home)
            .finish_non_exhaustive()
    }
}
