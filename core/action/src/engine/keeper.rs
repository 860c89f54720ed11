//! The lease's heartbeat.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rhumb_backend::{ErrorKind, Result};
use rhumb_release::Lease;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How long to wait before a sign of life is tried again that failed.
const AGAIN: Duration = Duration::from_secs(1);

/// Tells whether what is being done may go on.
#[async_trait]
pub trait Guard: Send + Sync {
    /// Reads again whether the release is still ours to change.
    ///
    /// # Errors
    /// `Locked` when it is not; what the storage answers.
    async fn verify(&self) -> Result<()>;

    /// Ends when it was found out that the release is not ours any more.
    fn lost(&self) -> &CancellationToken;
}

/// Gives signs of life for a lease, in the background, until it is dropped.
///
/// A storage that does not answer is asked again and again: whether somebody took over meanwhile is known only when it
/// answers, and until then no step passes [`Guard::verify`].
#[derive(Debug)]
pub struct Keeper {
    lease: Arc<Lease>,
    lost: CancellationToken,
    task: JoinHandle<()>,
}

impl Keeper {
    /// Begins. Must be called within a runtime.
    pub fn start(lease: Arc<Lease>) -> Self {
        let lost = CancellationToken::new();
        let task = tokio::spawn(keep(Arc::clone(&lease), lost.clone()));
        Self { lease, lost, task }
    }

    /// The lease.
    pub fn lease(&self) -> &Arc<Lease> {
        &self.lease
    }

    /// Stops, and gives the lease back.
    ///
    /// # Errors
    /// What the storage answers. The lease then ends by itself after its TTL.
    pub async fn give_back(self) -> Result<()> {
        self.task.abort();
        self.lease.release().await
    }

    /// Stops, gives the lease back, and leaves nothing of it where the release is no more.
    ///
    /// # Errors
    /// What the storage answers. The lease then ends by itself after its TTL.
    pub async fn give_back_and_tidy(self) -> Result<()> {
        self.task.abort();
        self.lease.release_and_tidy().await
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[async_trait]
impl Guard for Keeper {
    async fn verify(&self) -> Result<()> {
        let result = self.lease.verify().await;
        if matches!(&result, Err(error) if error.kind == ErrorKind::Locked) {
            self.lost.cancel();
        }
        result
    }

    fn lost(&self) -> &CancellationToken {
        &self.lost
    }
}

async fn keep(lease: Arc<Lease>, lost: CancellationToken) {
    let interval = lease.ttl() / 3;
    let mut pause = interval;
    loop {
        sleep(pause).await;
        pause = match timeout(interval, lease.bump()).await {
            Ok(Ok(())) => interval,
            Ok(Err(error)) if error.kind == ErrorKind::Locked => {
                lost.cancel();
                return;
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, "no sign of life could be given");
                AGAIN.min(interval)
            }
            Err(_) => AGAIN.min(interval),
        };
    }
}
