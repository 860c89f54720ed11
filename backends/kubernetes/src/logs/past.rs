//! Lines of the past, in the order of their times.

use futures_util::future::try_join_all;
use jiff::Timestamp;
use rhumb_backend::{LogLine, LogQuery, Result, Scope};
use tokio::sync::mpsc;

use super::source::{Stretch, read, sources};
use crate::connect::Cluster;
use crate::workloads::find;

/// Sends the lines that there are, those of all sources merged by their times. Only a few of each are held at a time.
///
/// # Errors
/// `NotFound` for a workload that the release does not have; what the API server answers.
pub(super) async fn past(
    cluster: &Cluster,
    scope: &Scope,
    query: &LogQuery,
    lines: &mpsc::Sender<LogLine>,
) -> Result<()> {
    let found = find(cluster, scope, query.workload.as_deref()).await?;
    let stretch = Stretch::of(query);
    let (mut reading, mut receivers) = (Vec::new(), Vec::new());
    for source in found.pods.iter().flat_map(sources) {
        let (sender, receiver) = mpsc::channel(64);
        receivers.push(receiver);
        reading.push(async move { read(cluster, &source, stretch, &sender).await });
    }
    let (read, ()) = tokio::join!(try_join_all(reading), merge(receivers, lines));
    read.map(drop)
}

/// Passes on whichever line is the oldest of those that come next.
async fn merge(mut receivers: Vec<mpsc::Receiver<LogLine>>, lines: &mpsc::Sender<LogLine>) {
    let mut next = Vec::new();
    for receiver in &mut receivers {
        next.push(receiver.recv().await);
    }
    let time = |line: &LogLine| line.time.as_deref().and_then(|time| time.parse::<Timestamp>().ok());
    loop {
        let heads = next.iter().enumerate().filter_map(|(at, line)| Some((at, time(line.as_ref()?))));
        let Some((oldest, _)) = heads.min_by_key(|(_, time)| *time) else { return };
        let following = receivers[oldest].recv().await;
        let line = std::mem::replace(&mut next[oldest], following);
        if let Some(line) = line
            && lines.send(line).await.is_err()
        {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use rhumb_backend::LogStream;

    use super::*;

    #[tokio::test]
    async fn lines_are_merged_by_their_times() {
        let line = |task: &str, second: u32| LogLine {
            workload: "web".to_owned(),
            task: task.to_owned(),
            time: Some(format!("2026-01-01T00:00:{second:02}.5Z")),
            stream: LogStream::Stdout,
            text: String::new(),
        };
        let (mut receivers, mut senders) = (Vec::new(), Vec::new());
        for (task, seconds) in [("a", [1, 4, 5]), ("b", [2, 3, 6])] {
            let (sender, receiver) = mpsc::channel(8);
            for second in seconds {
                sender.send(line(task, second)).await.unwrap();
            }
            receivers.push(receiver);
            senders.push(sender);
        }
        drop(senders);
        let (sender, mut merged) = mpsc::channel(8);
        merge(receivers, &sender).await;
        drop(sender);
        let mut tasks = String::new();
        while let Some(line) = merged.recv().await {
            tasks.push_str(&line.task);
        }
        assert_eq!(tasks, "abbaab");
    }
}
