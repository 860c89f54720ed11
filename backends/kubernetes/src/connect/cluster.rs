//! A cluster that is connected to when it is first asked for something.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use kube::Client;
use rhumb_backend::{Error, ErrorKind, Result};
use tokio::sync::{Mutex, OnceCell};

use super::kubeconfig::{self, Chosen};
use super::resource::Served;
use super::{Environment, Settings};
use crate::error::translate;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);

/// A cluster, connected to when it is first asked for something.
///
/// Kubeconfigs are read once. Every call shares one client, which keeps its connections.
pub(crate) struct Cluster {
    settings: Settings,
    environment: Environment,
    chosen: OnceLock<Chosen>,
    client: OnceCell<Client>,
    served: Mutex<Option<Arc<Served>>>,
}

impl Cluster {
    /// Reads nothing and connects to nothing.
    pub(crate) fn new(settings: Settings, environment: Environment) -> Self {
        Self {
            settings,
            environment,
            chosen: OnceLock::new(),
            client: OnceCell::new(),
            served: Mutex::new(None),
        }
    }

    /// The namespace of the context that is meant, where it names one.
    ///
    /// # Errors
    /// `Invalid` when the kubeconfig is wrong.
    pub(crate) fn namespace(&self) -> Result<Option<String>> {
        Ok(self.chosen()?.namespace.clone())
    }

    /// Where the cluster is, and who said so: `https://10.0.0.1:6443 (context prod, from KUBECONFIG)`.
    ///
    /// # Errors
    /// `Invalid` when the kubeconfig is wrong.
    pub(crate) fn endpoint(&self) -> Result<String> {
        let chosen = self.chosen()?;
        let url = chosen.config.cluster_url.to_string();
        Ok(format!("{} ({})", url.trim_end_matches('/'), chosen.source))
    }

    /// The client, made at the first call. Calls through it have no deadline but the one for connecting, and are not
    /// repeated.
    ///
    /// # Errors
    /// `Invalid` when the kubeconfig is wrong; `Unauthenticated` when no credentials can be had.
    pub(crate) async fn client(&self) -> Result<&Client> {
        self.client.get_or_try_init(|| self.connect()).await
    }

    /// What was discovered of the cluster's kinds.
    pub(super) fn served_cache(&self) -> &Mutex<Option<Arc<Served>>> {
        &self.served
    }

    async fn connect(&self) -> Result<Client> {
        install_crypto();
        let mut config = self.chosen()?.config.clone();
        config.connect_timeout = Some(CONNECT);
        // Whoever calls decides what is repeated.
        config.default_retry = false;
        // A program that is asked for credentials may take its time.
        let made = tokio::task::spawn_blocking(move || Client::try_from(config)).await;
        let made = made.map_err(|error| {
            Error::new(ErrorKind::Platform, "connect to the cluster", format!("the work ended: {error}"))
        })?;
        made.map_err(|error| self.place(translate("connect to the cluster", error)))
    }

    /// The error with the cluster's place, where it is about the way to it.
    pub(super) fn place(&self, error: Error) -> Error {
        let is_of_the_way =
            matches!(error.kind, ErrorKind::Unreachable | ErrorKind::Timeout | ErrorKind::Unauthenticated);
        match self.endpoint() {
            Ok(endpoint) if is_of_the_way => self.by_proxy(error.with("cluster", endpoint)),
            _ => error,
        }
    }

    /// The error with the proxy that stands between, without its credentials.
    fn by_proxy(&self, error: Error) -> Error {
        let proxy = self.chosen.get().and_then(|chosen| chosen.config.proxy_url.as_ref());
        match proxy.and_then(|proxy| proxy.authority()) {
            Some(authority) => {
                let host = authority.as_str().rsplit('@').next().unwrap_or_default();
                error.with("by the proxy", host)
            }
            None => error,
        }
    }

    fn chosen(&self) -> Result<&Chosen> {
        if let Some(chosen) = self.chosen.get() {
            return Ok(chosen);
        }
        let chosen = kubeconfig::choose(&self.settings, &self.environment)?;
        Ok(self.chosen.get_or_init(|| chosen))
    }
}

/// Chooses the one cryptography that this program is built with, unless somebody chose before.
fn install_crypto() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another thread may have been faster, with the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Cluster")
            .field("settings", &self.settings)
            .field("environment", &self.environment)
            .finish_non_exhaustive()
    }
}
