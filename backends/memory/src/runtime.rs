//! Replicas and their output, made up from what their workloads ask for.

use async_trait::async_trait;
use rhumb_backend::{
    Error, ErrorKind, Killed, LogLine, LogQuery, LogStream, Receipt, Result, Runtime, Scope, Task, TaskState,
};
use rhumb_spec::model::{Mode, Workload};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::apply::receipt;
use crate::behaviour::{Behaviour, replicas};
use crate::health::{failure, job};
use crate::lift::workload_of;
use crate::state::{State, Stored};
use crate::{MemoryBackend, ports};

/// The one node.
pub(crate) const NODE: &str = "memory";

#[async_trait]
impl Runtime for MemoryBackend {
    async fn tasks(&self, scope: &Scope, workload: Option<&str>) -> Result<Vec<Task>> {
        self.store
            .read(|state| Ok(running(state, scope, workload)?.iter().flat_map(Running::tasks).collect()))?
    }

    async fn logs(&self, scope: &Scope, query: &LogQuery, lines: mpsc::Sender<LogLine>) -> Result<()> {
        let found: Vec<LogLine> = self.store.read(|state| {
            let running = running(state, scope, query.workload.as_deref())?;
            Ok::<_, Error>(running.iter().flat_map(|running| running.lines(query.tail)).collect())
        })??;
        for line in found {
            if lines.send(line).await.is_err() {
                return Ok(());
            }
        }
        if query.follow {
            lines.closed().await;
        }
        Ok(())
    }

    async fn scale(&self, scope: &Scope, workload: &str, replicas: u32) -> Result<Vec<Receipt>> {
        self.store.write(|state| {
            change(state, scope, workload, "scale", |stored, document| {
                if !matches!(document.mode, Mode::Replicated | Mode::Stateful) {
                    let message = "its mode has no number of replicas";
                    return Err(
                        Error::new(ErrorKind::Unsupported, "scale", message).with("workload", workload)
                    );
                }
                if let Value::Object(fields) = &mut stored.object.body {
                    fields.insert("replicas".to_owned(), Value::from(replicas));
                }
                Ok(())
            })
        })
    }

    async fn restart(&self, scope: &Scope, workload: &str) -> Result<Vec<Receipt>> {
        self.store.write(|state| {
            change(state, scope, workload, "restart", |stored, _| {
                stored.rollout += 1;
                stored.asked = 0;
                Ok(())
            })
        })
    }

    async fn kill(&self, _: &Scope, workload: &str) -> Result<Killed> {
        let why = "the memory target keeps documents and runs nothing that could end";
        Err(Error::new(ErrorKind::Unsupported, "end a replica", why)
            .with("workload", workload)
            .remedy("a target that runs containers: `rhumb target add`"))
    }
}

struct Running<'a> {
    stored: &'a Stored,
    name: &'a str,
    document: Workload,
    behaviour: Behaviour,
}

fn running<'a>(state: &'a State, scope: &'a Scope, workload: Option<&str>) -> Result<Vec<Running<'a>>> {
    let of = |(_, stored): (&'a str, &'a Stored)| {
        let name = stored.object.workload.as_deref()?;
        let document = workload_of(&stored.object)?;
        let behaviour = Behaviour::of(&document).unwrap_or_default();
        Some(Running { stored, name, document, behaviour })
    };
    let found: Vec<Running<'_>> = state
        .owned(scope)
        .filter_map(of)
        .filter(|running| workload.is_none_or(|workload| running.name == workload))
        .collect();
    match workload {
        Some(workload) if found.is_empty() => Err(unknown("read", workload)),
        _ => Ok(found),
    }
}

fn unknown(operation: &str, workload: &str) -> Error {
    Error::new(ErrorKind::NotFound, operation, "the release has no such workload").with("workload", workload)
}

fn change(
    state: &mut State,
    scope: &Scope,
    workload: &str,
    operation: &str,
    change: impl FnOnce(&mut Stored, &Workload) -> Result<()>,
) -> Result<Vec<Receipt>> {
    let version = state.next_version();
    let found = state.objects.iter_mut().find(|(_, stored)| {
        stored.owner.as_ref() == Some(scope) && stored.object.workload.as_deref() == Some(workload)
    });
    let (native, stored) = found.ok_or_else(|| unknown(operation, workload))?;
    let document = workload_of(&stored.object).ok_or_else(|| unknown(operation, workload))?;
    change(stored, &document)?;
    stored.version = version;
    Ok(vec![receipt(native, stored)])
}

impl Running<'_> {
    fn names(&self) -> impl Iterator<Item = String> {
        (1..=replicas(&self.document)).map(|slot| format!("{}.{slot}", self.name))
    }

    fn tasks(&self) -> Vec<Task> {
        let is_job = self.stored.object.once.is_some();
        let is_up = !matches!(self.behaviour, Behaviour::Slow(times) if self.stored.asked < times);
        let (state, detail) = match self.behaviour {
            Behaviour::Ready | Behaviour::Slow(_) if is_up && is_job => (TaskState::Complete, "complete"),
            Behaviour::Ready | Behaviour::Slow(_) if is_up => (TaskState::Running, "running"),
            Behaviour::Ready | Behaviour::Slow(_) | Behaviour::NeverReady => {
                (TaskState::Starting, "starting")
            }
            Behaviour::Crash(_) => (TaskState::Failed, "failed"),
            Behaviour::Unpullable => (TaskState::Pending, "rejected"),
            Behaviour::Unschedulable => (TaskState::Pending, "pending"),
        };
        let failure = failure(self.stored, &self.document, self.behaviour);
        let image =
            self.document.containers.values().next().map_or_else(String::new, |main| main.image.clone());
        let task = |name: String| Task {
            workload: self.name.to_owned(),
            id: format!("{}.{}", name, self.stored.rollout),
            name,
            image: image.clone(),
            node: (self.behaviour != Behaviour::Unschedulable).then(|| NODE.to_owned()),
            desired: if is_job && job(self.stored).is_some() {
                TaskState::Complete
            } else {
                TaskState::Running
            },
            state,
            detail: detail.to_owned(),
            since: None,
            error: failure.as_ref().map(|failure| failure.reason.clone()),
            exit_code: failure.as_ref().and_then(|failure| failure.exit_code),
            ports: ports::published(&self.document),
        };
        self.names().map(task).collect()
    }

    fn lines(&self, tail: Option<u64>) -> Vec<LogLine> {
        let mut lines = Vec::new();
        for task in self.names() {
            let of_task = log_lines(&task, &self.document, self.behaviour);
            let tail = tail.and_then(|tail| usize::try_from(tail).ok()).unwrap_or(usize::MAX);
            let skipped = of_task.len().saturating_sub(tail);
            lines.extend(of_task.into_iter().skip(skipped).map(|(stream, text)| LogLine {
                workload: self.name.to_owned(),
                task: task.clone(),
                time: None,
                stream,
                text,
            }));
        }
        lines
    }
}

/// What a replica prints.
pub(crate) fn log_lines(task: &str, workload: &Workload, behaviour: Behaviour) -> Vec<(LogStream, String)> {
    let mut lines = Vec::new();
    if matches!(behaviour, Behaviour::Unpullable | Behaviour::Unschedulable) {
        return lines;
    }
    for container in workload.containers.values() {
        lines.push((LogStream::Stdout, format!("{task}: {} starts", container.image)));
    }
    lines.push(match behaviour {
        Behaviour::Crash(code) => (LogStream::Stderr, format!("{task}: ends with exit code {code}")),
        Behaviour::NeverReady => (LogStream::Stdout, format!("{task}: still starting")),
        _ => (LogStream::Stdout, format!("{task}: ready")),
    });
    lines
}
