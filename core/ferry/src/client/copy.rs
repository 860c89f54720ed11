//! The content of one file.

use std::ops::Range;
use std::sync::Mutex;

use super::crew::{Pair, Work};
use super::plan::{FileCopy, Method};
use super::session::Piece;
use super::{End, Options, Progress, Report, Stage};
use crate::message::{BLOCK, Onto, Reply, Request, WINDOW};
use crate::{Entry, Kind, Reason, Result, TreePath};

/// Copies files.
pub(super) struct Copier<'a> {
    pub(super) source: &'a End,
    pub(super) destination: &'a End,
    pub(super) tally: Tally<'a>,
}

/// What was done so far.
pub(super) struct Tally<'a> {
    options: &'a Options,
    state: Mutex<(Report, Progress)>,
}

impl<'a> Tally<'a> {
    pub(super) fn new(options: &'a Options, report: Report, files: &[FileCopy]) -> Self {
        let all_bytes = files.iter().map(|copy| copy.entry.kind.size()).sum();
        let all_files = files.len() as u64;
        let progress = Progress { stage: Stage::Copying, files: 0, all_files, bytes: 0, all_bytes };
        Self { options, state: Mutex::new((report, progress)) }
    }

    fn note(&self, change: impl FnOnce(&mut Report, &mut Progress)) {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (report, progress) = &mut *state;
        change(report, progress);
        let progress = *progress;
        drop(state);
        if let Some(watch) = &self.options.watch {
            watch.tell(progress);
        }
    }

    pub(super) fn changed(&self, path: &TreePath) {
        self.note(|report, _| report.changed_while_read.push(path.clone()));
    }

    fn sent(&self, bytes: u64) {
        self.note(|report, progress| {
            report.bytes += bytes;
            progress.bytes += bytes;
        });
    }

    fn equal(&self, bytes: u64) {
        self.note(|_, progress| progress.bytes += bytes);
    }

    fn done(&self) {
        self.note(|report, progress| {
            report.files += 1;
            progress.files += 1;
        });
    }

    pub(super) fn into_report(self) -> Report {
        let (mut report, _) = self.state.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        report.changed_while_read.sort();
        report.changed_while_read.dedup();
        report
    }
}

/// A part of a file came, as far as the file reached.
struct Received {
    end: u64,
}

impl Work for Copier<'_> {
    type Job = FileCopy;

    async fn run(&self, pair: &mut Pair, job: &FileCopy) -> Result<()> {
        let copied = match job.method {
            Method::Whole => self.whole(pair, &job.entry).await,
            Method::Staged => self.blocks(pair, &job.entry, Onto::Staged).await,
            Method::Onto => self.blocks(pair, &job.entry, Onto::Existing).await,
        };
        match copied {
            // It went away since it was listed, or is something else now; the destination tells the same of its own.
            Err(error) if error.reason() == Some(Reason::NotFound) => self.tally.changed(&job.entry.path),
            other => other?,
        }
        self.tally.done();
        Ok(())
    }
}

impl Copier<'_> {
    async fn whole(&self, pair: &mut Pair, entry: &Entry) -> Result<()> {
        let (content, before, after) = pair.source.read_whole(self.source.tree(), &entry.path).await?;
        if before != entry.stamp() || after != before {
            self.tally.changed(&entry.path);
        }
        // With the time of the list: should it have changed since, the next copy sees another.
        let mut entry = entry.clone();
        entry.kind = Kind::File { size: content.len() as u64 };
        let volume = self.destination.volume().to_owned();
        pair.destination.order(&Request::Put { volume, entry }, &content).await?;
        self.tally.sent(content.len() as u64);
        Ok(())
    }

    /// Block by block, of which those are sent that the destination does not have already.
    async fn blocks(&self, pair: &mut Pair, entry: &Entry, onto: Onto) -> Result<()> {
        let length = self.begin(pair, &entry.path, onto).await?;
        let (size, mut at) = (entry.kind.size(), 0);
        let mut end = size;
        while at < end {
            let window = at..end.min(at + WINDOW);
            let wanted =
                if at < length { self.differing(pair, entry, &window).await? } else { vec![window.clone()] };
            for range in wanted {
                let received = self.range(pair, entry, &range).await?;
                if received.end < range.end {
                    end = received.end;
                    break;
                }
            }
            pair.destination.order(&Request::Check, &[]).await?;
            at = window.end;
        }
        self.see_whether_it_changed(pair, entry).await?;
        let metadata = entry.metadata.clone();
        pair.destination.order(&Request::Commit { size: end, metadata }, &[]).await
    }

    async fn begin(&self, pair: &mut Pair, path: &TreePath, onto: Onto) -> Result<u64> {
        let volume = self.destination.volume().to_owned();
        match pair.destination.ask(&Request::Begin { volume, path: path.clone(), onto }, &[]).await? {
            Reply::Begun { length } => Ok(length),
            _ => Err(pair.destination.unexpected()),
        }
    }

    /// The parts of a window in which the two ends differ.
    async fn differing(
        &self,
        pair: &mut Pair,
        entry: &Entry,
        window: &Range<u64>,
    ) -> Result<Vec<Range<u64>>> {
        let block = window.start / BLOCK;
        let (theirs, ours) = tokio::try_join!(
            pair.source.digest(self.source.tree(), &entry.path, block),
            pair.destination.digest_begun(block)
        )?;
        let mut wanted: Vec<Range<u64>> = Vec::new();
        for (index, start) in (window.start..window.end).step_by(1 << 20).enumerate() {
            let end = window.end.min(start + BLOCK);
            if theirs.get(index).is_some_and(|digest| ours.get(index) == Some(digest)) {
                self.tally.equal(end - start);
                continue;
            }
            match wanted.last_mut() {
                Some(last) if last.end == start => last.end = end,
                _ => wanted.push(start..end),
            }
        }
        Ok(wanted)
    }

    async fn range(&self, pair: &mut Pair, entry: &Entry, range: &Range<u64>) -> Result<Received> {
        let length = range.end - range.start;
        let mut reading = pair.source.read(self.source.tree(), &entry.path, range.start, length).await?;
        let mut end = range.start;
        loop {
            match pair.source.next(&mut reading).await? {
                Piece::Data(offset, data) => {
                    end = offset + data.len() as u64;
                    pair.destination.tell(&Request::Write { offset }, &data).await?;
                    self.tally.sent(data.len() as u64);
                }
                Piece::Zeros(offset, length) => {
                    end = offset + length;
                    pair.destination.tell(&Request::Zeros { offset, length }, &[]).await?;
                    self.tally.equal(length);
                }
                Piece::End(..) => return Ok(Received { end }),
            }
        }
    }

    async fn see_whether_it_changed(&self, pair: &mut Pair, entry: &Entry) -> Result<()> {
        let mut nothing = pair.source.read(self.source.tree(), &entry.path, 0, 0).await?;
        match pair.source.next(&mut nothing).await? {
            Piece::End(_, stamp) if stamp == entry.stamp() => Ok(()),
            Piece::End(..) => {
                self.tally.changed(&entry.path);
                Ok(())
            }
            _ => Err(pair.source.unexpected()),
        }
    }
}
