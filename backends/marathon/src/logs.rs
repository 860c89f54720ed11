//! What tasks printed, from the sandboxes of Mesos agents.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rhumb_backend::{Error, ErrorKind, LogLine, LogQuery, LogStream, Result, Scope};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::connect::Server;
use crate::document::{items, text};
use crate::kind::Kind;
use crate::runtime::{Running, all_tasks, running};
use crate::sandbox::Agent;

/// How much is read of a file at one time, in bytes. Mesos gives no more than 1 MiB.
const PIECE: u64 = 256 * 1024;
/// How often files are read again.
const POLL: Duration = Duration::from_secs(1);
/// How often tasks are listed again, in reads.
const LISTED: u32 = 5;
/// The last lines of what failed are worth so much time.
const LAST_LINES: Duration = Duration::from_secs(5);
/// So many of them.
const LAST: usize = 10;
/// And so many bytes.
const LAST_BYTES: u64 = 8 * 1024;

/// A file with the output of a task, and how far it was read.
#[derive(Clone, Debug)]
struct Source {
    workload: String,
    task: String,
    agent: String,
    path: String,
    stream: LogStream,
    offset: Option<u64>,
    rest: String,
}

/// A task of Mesos, and where it is.
struct Place {
    workload: String,
    name: String,
    task: String,
    agent: String,
    host: Option<String>,
}

/// Sends the lines of a workload, or of all.
///
/// # Errors
/// `NotFound` for a workload that the release does not have; `Unsupported` for lines since a time, since the files have
/// none; what the agents answer.
pub(crate) async fn logs(
    server: &Server,
    scope: &Scope,
    query: &LogQuery,
    lines: mpsc::Sender<LogLine>,
) -> Result<()> {
    if query.since.is_some() {
        let message = "the files of Mesos' sandboxes do not say when a line was printed";
        return Err(Error::new(ErrorKind::Unsupported, "read the logs", message)
            .remedy("ask for the last lines with `--tail`, or for those from now on with `--follow`"));
    }
    let mut reader =
        Reader { server, query, agents: BTreeMap::new(), sources: Vec::new(), known: BTreeSet::new() };
    reader.list(scope).await?;
    for round in 1_u32.. {
        for index in 0..reader.sources.len() {
            if !reader.drain(index, &lines).await? {
                return Ok(());
            }
        }
        if !query.follow || lines.is_closed() {
            break;
        }
        tokio::select! {
            () = tokio::time::sleep(POLL) => {}
            () = lines.closed() => return Ok(()),
        }
        if round % LISTED == 0
            && let Err(error) = reader.list(scope).await
        {
            tracing::debug!(%error, "tasks are listed again later");
        }
    }
    for source in std::mem::take(&mut reader.sources) {
        if !source.rest.is_empty() && lines.send(source.line(&source.rest)).await.is_err() {
            break;
        }
    }
    Ok(())
}

struct Reader<'a> {
    server: &'a Server,
    query: &'a LogQuery,
    agents: BTreeMap<String, Agent>,
    sources: Vec<Source>,
    known: BTreeSet<String>,
}

impl Reader<'_> {
    /// Takes in tasks that are not known yet.
    async fn list(&mut self, scope: &Scope) -> Result<()> {
        let running = running(self.server, scope, self.query.workload.as_deref()).await?;
        let places: Vec<Place> = running.iter().flat_map(places).collect();
        for place in places {
            if self.known.contains(&place.task) {
                continue;
            }
            // An agent tells of a sandbox only once it has it.
            let agent = Agent::read(self.server, &place.agent, place.host.as_deref()).await?;
            let files = agent.files(&place.task);
            if files.is_empty() {
                continue;
            }
            self.known.insert(place.task.clone());
            self.sources.extend(files.into_iter().map(|file| Source {
                workload: place.workload.clone(),
                task: place.name.clone(),
                agent: place.agent.clone(),
                path: file.path,
                stream: if file.is_error { LogStream::Stderr } else { LogStream::Stdout },
                offset: None,
                rest: String::new(),
            }));
            self.agents.insert(place.agent, agent);
        }
        Ok(())
    }

    /// Sends what a file has more by now. False when nobody listens any more.
    async fn drain(&mut self, index: usize, lines: &mpsc::Sender<LogLine>) -> Result<bool> {
        let source = &mut self.sources[index];
        let Some(agent) = self.agents.get(&source.agent) else { return Ok(true) };
        let mut offset = match (source.offset, self.query.tail) {
            (Some(offset), _) => offset,
            (None, None) => 0,
            (None, Some(count)) => match before(self.server, agent, &source.path, count).await {
                Ok(offset) => offset,
                Err(error) if error.kind == ErrorKind::NotFound => return Ok(true),
                Err(error) => return Err(error),
            },
        };
        loop {
            let (piece, next) = match agent.text(self.server, &source.path, offset, PIECE).await {
                Ok(read) => read,
                // The sandbox is gone, or not there yet.
                Err(error) if error.kind == ErrorKind::NotFound => return Ok(true),
                Err(error) => return Err(error),
            };
            offset = next;
            source.offset = Some(offset);
            if piece.is_empty() {
                return Ok(true);
            }
            source.rest.push_str(&piece);
            while let Some(end) = source.rest.find('\n') {
                let text: String = source.rest.drain(..=end).collect();
                if lines.send(source.line(text.trim_end_matches(['\n', '\r']))).await.is_err() {
                    return Ok(false);
                }
            }
        }
    }
}

impl Source {
    fn line(&self, text: &str) -> LogLine {
        LogLine {
            workload: self.workload.clone(),
            task: self.task.clone(),
            time: None,
            stream: self.stream,
            text: text.to_owned(),
        }
    }
}

/// Where the last so many lines of a file begin, in bytes.
async fn before(server: &Server, agent: &Agent, path: &str, count: u64) -> Result<u64> {
    let length = agent.end(server, path).await?;
    let mut reach = PIECE.min(length);
    loop {
        let from = length - reach;
        let (text, _) = agent.text(server, path, from, reach).await?;
        let found = last_lines_of(&text, count);
        if from == 0 || found > 0 {
            return Ok(from + found as u64);
        }
        reach = (reach * 4).min(length);
    }
}

/// Where the last so many lines of a text begin; 0 when it has no more.
fn last_lines_of(text: &str, count: u64) -> usize {
    if count == 0 {
        return text.len();
    }
    let body = text.strip_suffix('\n').unwrap_or(text);
    let breaks = body.rmatch_indices('\n').map(|(at, _)| at + 1);
    usize::try_from(count - 1).ok().and_then(|count| breaks.into_iter().nth(count)).unwrap_or(0)
}

/// The tasks of Mesos behind what runs.
fn places(running: &Running) -> Vec<Place> {
    let tasks = all_tasks(running);
    let name_of = |id: &str| {
        tasks.iter().find(|task| task.id == id).map_or_else(|| running.name.clone(), |task| task.name.clone())
    };
    let of = |id: &str, task: &str, agent: Option<&str>, host: Option<&str>| {
        Some(Place {
            workload: running.workload.clone(),
            name: name_of(id),
            task: task.to_owned(),
            agent: agent?.to_owned(),
            host: host.map(ToOwned::to_owned),
        })
    };
    match running.kind {
        Kind::Pod => {
            let instance = |instance: &Value| {
                let (id, agent) = (text(instance, "/id")?, text(instance, "/agentId"));
                let host = text(instance, "/agentHostname");
                let containers =
                    items(instance, "/containers").filter_map(|container| text(container, "/containerId"));
                Some(containers.filter_map(|task| of(id, task, agent, host)).collect::<Vec<_>>())
            };
            items(&running.document, "/instances").filter_map(instance).flatten().collect()
        }
        _ => items(&running.document, "/tasks")
            .chain(running.document.get("lastTaskFailure"))
            .filter_map(|task| {
                let id = text(task, "/id").or_else(|| text(task, "/taskId"))?;
                of(id, id, text(task, "/slaveId"), text(task, "/host"))
            })
            .collect(),
    }
}

/// The last lines of a task that failed, as far as they can be had soon: what it printed as errors, else as output.
pub(crate) async fn last_lines(server: &Server, task: &str, agent: Option<&str>) -> Vec<String> {
    let Some(agent) = agent.filter(|_| !task.is_empty()) else { return Vec::new() };
    let read = async {
        let agent = Agent::read(server, agent, None).await?;
        for file in agent.files(task).iter().rev() {
            let Ok(end) = agent.end(server, &file.path).await else { continue };
            let from = end.saturating_sub(LAST_BYTES);
            let (text, _) = agent.text(server, &file.path, from, LAST_BYTES).await?;
            let lines: Vec<String> =
                text.lines().filter(|line| !line.trim().is_empty()).map(ToOwned::to_owned).collect();
            if !lines.is_empty() {
                return Ok(lines[lines.len().saturating_sub(LAST)..].to_vec());
            }
        }
        Ok(Vec::new())
    };
    match tokio::time::timeout(LAST_LINES, read).await {
        Ok(Ok(lines)) => lines,
        Ok(Err(error)) => {
            let error: Error = error;
            tracing::debug!(%error, "the last lines are not read");
            Vec::new()
        }
        Err(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::last_lines_of;

    #[test]
    fn the_last_lines_begin_after_a_break() {
        let text = "a\nbb\nccc\n";
        assert_eq!(&text[last_lines_of(text, 1)..], "ccc\n");
        assert_eq!(&text[last_lines_of(text, 2)..], "bb\nccc\n");
        assert_eq!(&text[last_lines_of(text, 3)..], text);
        assert_eq!(&text[last_lines_of(text, 9)..], text);
        assert_eq!(&text[last_lines_of(text, 0)..], "");
        assert_eq!(&"a\nb"[last_lines_of("a\nb", 1)..], "b");
    }
}
