//! What tasks print.

mod frame;
mod line;

use std::collections::HashMap;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use rhumb_backend::{Error, ErrorKind, LogLine, LogQuery, LogStream, Result};
use tokio::sync::{Mutex, mpsc};

use crate::connect::{Call, Engine};
use crate::task::Task;

use frame::Frames;

/// The last lines of a task; none when they cannot be read, as this is asked for when much else went wrong.
pub(crate) async fn tail(
    engine: &Engine,
    task: &str,
    tty: bool,
    lines: u64,
    timeout: Duration,
) -> Vec<String> {
    let call = Call::get("read the task's log", format!("/tasks/{task}/logs"))
        .query("stdout", "true")
        .query("stderr", "true")
        .query("tail", lines.to_string())
        .timeout(timeout);
    let bytes = engine.send(call).await.unwrap_or_else(|error| {
        tracing::debug!(task, %error, "no log");
        Vec::new()
    });
    let mut frames = Frames::new(tty);
    frames.push(&bytes);
    frames.finish().into_iter().map(|(_, bytes)| line::text(&bytes)).collect()
}

/// A service whose log is read.
pub(crate) struct Source {
    /// The workload that it runs.
    pub(crate) workload: String,
    /// What its tasks are called before their number: `web`, `db-0`.
    pub(crate) name: String,
    /// Its id.
    pub(crate) service: String,
    /// Whether its tasks have a terminal.
    pub(crate) tty: bool,
}

/// Sends the lines of services to `lines` as they come; those of a bounded, past stretch in the order of their times.
///
/// # Errors
/// What the engine answers; `Unsupported` where the log driver keeps nothing.
pub(crate) async fn send(
    engine: &Engine,
    sources: &[Source],
    query: &LogQuery,
    lines: mpsc::Sender<LogLine>,
) -> Result<()> {
    if query.follow || query.tail.is_none() {
        return read_all(engine, sources, query, &lines).await;
    }
    let (sender, receiver) = mpsc::channel(64);
    let reading = async {
        let sender = sender;
        read_all(engine, sources, query, &sender).await
    };
    let (read, mut found) = tokio::join!(reading, collect(receiver));
    found.sort_by(|left, right| left.time.cmp(&right.time));
    for line in found {
        if lines.send(line).await.is_err() {
            break;
        }
    }
    read
}

async fn collect(mut receiver: mpsc::Receiver<LogLine>) -> Vec<LogLine> {
    let mut found = Vec::new();
    while let Some(line) = receiver.recv().await {
        found.push(line);
    }
    found
}

async fn read_all(
    engine: &Engine,
    sources: &[Source],
    query: &LogQuery,
    lines: &mpsc::Sender<LogLine>,
) -> Result<()> {
    let names = Names::default();
    let each = sources.iter().map(|source| read(engine, source, query, &names, lines));
    join_all(each).await.into_iter().collect()
}

async fn read(
    engine: &Engine,
    source: &Source,
    query: &LogQuery,
    names: &Names,
    lines: &mpsc::Sender<LogLine>,
) -> Result<()> {
    let mut stream = engine.stream(call(source, query)).await?;
    let mut frames = Frames::new(source.tty);
    loop {
        let next = tokio::select! {
            next = stream.next() => next,
            () = lines.closed() => return Ok(()),
        };
        let Some(bytes) = next else { break };
        frames.push(&bytes.map_err(explain)?);
        pass(engine, source, names, frames.take(), lines).await;
    }
    pass(engine, source, names, frames.finish(), lines).await;
    Ok(())
}

async fn pass(
    engine: &Engine,
    source: &Source,
    names: &Names,
    ready: Vec<(LogStream, Vec<u8>)>,
    lines: &mpsc::Sender<LogLine>,
) {
    for (stream, bytes) in ready {
        let parsed = line::parse(&bytes);
        let task = match &parsed.task {
            Some(task) => names.of(engine, source, task).await,
            None => source.name.clone(),
        };
        let line =
            LogLine { workload: source.workload.clone(), task, time: parsed.time, stream, text: parsed.text };
        if lines.send(line).await.is_err() {
            // Nobody listens any more, which the caller's loop notices as well.
            return;
        }
    }
}

/// The engine does not even begin its answer before there is a line.
const FOREVER: Duration = Duration::from_hours(24 * 365);

fn call(source: &Source, query: &LogQuery) -> Call {
    let call = Call::get("read the service's log", format!("/services/{}/logs", source.service))
        .query("stdout", "true")
        .query("stderr", "true")
        .query("timestamps", "true")
        .query("details", "true")
        .query("follow", if query.follow { "true" } else { "false" })
        .query("tail", query.tail.map_or_else(|| "all".to_owned(), |lines| lines.to_string()));
    let call = if query.follow { call.timeout(FOREVER) } else { call };
    match query.since {
        Some(since) => call.query("since", since.to_string()),
        None => call,
    }
}

fn explain(error: Error) -> Error {
    if !error.message.contains("does not support reading") {
        return error;
    }
    Error { kind: ErrorKind::Unsupported, ..error }
        .remedy("read them where the workload's log driver sends them")
}

/// The names of tasks by their ids, each asked for once.
#[derive(Default)]
struct Names(Mutex<HashMap<String, String>>);

impl Names {
    async fn of(&self, engine: &Engine, source: &Source, task: &str) -> String {
        let mut known = self.0.lock().await;
        if let Some(name) = known.get(task) {
            return name.clone();
        }
        let call = Call::get("read the task", format!("/tasks/{task}"));
        let found = engine.find::<Task>(call).await.ok().flatten();
        let replica = found.as_ref().map_or_else(|| task.to_owned(), Task::replica);
        let name = format!("{}.{replica}", source.name);
        known.insert(task.to_owned(), name.clone());
        name
    }
}
