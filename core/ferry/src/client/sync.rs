//! Making the destination equal to the source.

use super::copy::{Copier, Tally};
use super::crew::Crew;
use super::plan::Plan;
use super::session::Session;
use super::tree::Tree;
use super::{End, LeftOut, Options, Progress, Report, Stage};
use crate::message::Request;
use crate::{Entry, Kind, Reason, Result, TreePath};

/// Makes the destination equal to the source: what differs is sent, what the source does not have is removed.
///
/// A source that is in use is copied as it is read, and what changed meanwhile is told; once it rests, another call
/// copies the difference. A call that was cut off at any point is simply made again: what came over is not sent again, large
/// files included.
///
/// # Errors
/// `Lost` when an end cannot be reached, after the attempts that the options allow; `Refused` with what a helper could not do,
/// such as a full volume; `Protocol` and `Limit`.
pub async fn sync(source: &End, destination: &End, options: &Options) -> Result<Report> {
    if let Some(watch) = &options.watch {
        watch.tell(Progress { stage: Stage::Listing, files: 0, all_files: 0, bytes: 0, all_bytes: 0 });
    }
    let (have, there) = tokio::try_join!(Tree::list(source, options), Tree::list(destination, options))?;
    let plan = Plan::new(&have, &there, options.trust);
    let report = Report {
        entries: have.entries.len() as u64,
        removed: plan.remove.len() as u64,
        left_out: plan.left_out.clone(),
        ..Report::default()
    };
    drop((have, there));
    let tally = Tally::new(options, report, &plan.files);
    let mut hand = Hand { session: destination.session(options).await?, volume: destination.volume() };
    hand.clear(&plan).await?;
    hand.session.close().await;
    let copier = Copier { source, destination, tally };
    Crew { source, destination, options }.run(&copier, &plan.files).await?;
    let mut hand = Hand { session: destination.session(options).await?, volume: destination.volume() };
    let left_out = hand.finish(&plan, &copier.tally).await?;
    hand.session.close().await;
    let mut report = copier.tally.into_report();
    report.left_out.extend(left_out);
    Ok(report)
}

/// What is done one after the other over one connection.
struct Hand<'a> {
    session: Session,
    volume: &'a str,
}

impl Hand<'_> {
    fn volume(&self) -> String {
        self.volume.to_owned()
    }

    /// Before the files: what is in the way goes, and their folders come.
    async fn clear(&mut self, plan: &Plan) -> Result<()> {
        for path in &plan.remove {
            let request = Request::Remove { volume: self.volume(), path: path.clone() };
            self.session.order(&request, &[]).await?;
        }
        for entry in &plan.directories {
            self.put(entry).await?;
        }
        Ok(())
    }

    /// After the files: what refers to them, and what is known of their folders.
    async fn finish(&mut self, plan: &Plan, tally: &Tally<'_>) -> Result<Vec<LeftOut>> {
        let left_out = self.make(&plan.make).await?;
        for (path, target) in &plan.link {
            self.link(path, target, tally).await?;
        }
        for entry in &plan.set {
            self.set(entry).await?;
        }
        self.session.order(&Request::Sweep { volume: self.volume() }, &[]).await?;
        for entry in &plan.set_directories {
            self.set(entry).await?;
        }
        self.session.order(&Request::Flush { volume: self.volume() }, &[]).await?;
        Ok(left_out)
    }

    /// Devices are made where the helper may.
    async fn make(&mut self, entries: &[Entry]) -> Result<Vec<LeftOut>> {
        let mut left_out = Vec::new();
        for entry in entries {
            let is_device = matches!(entry.kind, Kind::CharacterDevice { .. } | Kind::BlockDevice { .. });
            match self.put(entry).await {
                Err(error) if is_device && error.reason() == Some(Reason::Denied) => {
                    let why = "a device, which the helper at the destination may not make";
                    left_out.push(LeftOut { path: entry.path.clone(), why });
                }
                other => other?,
            }
        }
        Ok(left_out)
    }

    /// The file itself may have gone while it was copied.
    async fn link(&mut self, path: &TreePath, target: &TreePath, tally: &Tally<'_>) -> Result<()> {
        let request = Request::Link { volume: self.volume(), path: path.clone(), target: target.clone() };
        match self.session.order(&request, &[]).await {
            Err(error) if error.reason() == Some(Reason::NotFound) => {
                tally.changed(path);
                Ok(())
            }
            other => other,
        }
    }

    async fn put(&mut self, entry: &Entry) -> Result<()> {
        self.session.order(&Request::Put { volume: self.volume(), entry: entry.clone() }, &[]).await
    }

    async fn set(&mut self, entry: &Entry) -> Result<()> {
        let (path, metadata) = (entry.path.clone(), entry.metadata.clone());
        self.session.order(&Request::Set { volume: self.volume(), path, metadata }, &[]).await
    }
}
