//! Several files at one time, each over a connection of its own to each end.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::try_join_all;

use super::session::Session;
use super::{End, Options};
use crate::Result;

/// What is done with each of many things.
pub(super) trait Work: Sync {
    /// One of them.
    type Job: Sync;

    /// Does it. After a lost connection it is done again from the beginning.
    fn run(&self, pair: &mut Pair, job: &Self::Job) -> impl Future<Output = Result<()>> + Send;
}

/// A connection to each end.
pub(super) struct Pair {
    pub(super) source: Session,
    pub(super) destination: Session,
}

/// Whom the crew works for.
#[derive(Clone, Copy)]
pub(super) struct Crew<'a> {
    pub(super) source: &'a End,
    pub(super) destination: &'a End,
    pub(super) options: &'a Options,
}

impl Crew<'_> {
    /// Does the work on every job, and stops at the first error.
    pub(super) async fn run<W: Work>(&self, work: &W, jobs: &[W::Job]) -> Result<()> {
        let next = AtomicUsize::new(0);
        let workers = self.options.workers.clamp(1, 32).min(jobs.len());
        try_join_all((0..workers).map(|_| self.worker(work, jobs, &next))).await.map(drop)
    }

    async fn worker<W: Work>(&self, work: &W, jobs: &[W::Job], next: &AtomicUsize) -> Result<()> {
        let mut pair = None;
        while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            pair = Some(self.persist(work, job, pair).await?);
        }
        if let Some(Pair { source, destination }) = pair {
            source.close().await;
            destination.close().await;
        }
        Ok(())
    }

    /// One job, over the connections that are there or over new ones.
    async fn persist<W: Work>(&self, work: &W, job: &W::Job, pair: Option<Pair>) -> Result<Pair> {
        let mut pair = match pair {
            Some(pair) => pair,
            None => self.pair().await?,
        };
        let mut attempt = 1;
        loop {
            match work.run(&mut pair, job).await {
                Ok(()) => return Ok(pair),
                Err(error) if error.is_lost() && attempt < self.options.attempts => {
                    tokio::time::sleep(self.options.pause * attempt).await;
                    attempt += 1;
                    pair = self.pair().await?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn pair(&self) -> Result<Pair> {
        let source = self.source.session(self.options).await?;
        let destination = self.destination.session(self.options).await?;
        Ok(Pair { source, destination })
    }
}
