//! What is printed when a verb fails, and with which exit code it ends.

use std::fmt::Write as _;
use std::path::Path;

use rhumb_action::{ActionError, FailedDeployment, TakenBack};
use rhumb_backend::{Error, ErrorKind, ObjectHealth};
use rhumb_spec::{Diagnostic, Severity};

use crate::exit::Exit;
use crate::output::Paint;

/// Why the command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) exit: Exit,
    blocks: Vec<Block>,
}

/// One thing that is said: what, and below it further lines, each with a word that begins it.
#[derive(Debug)]
struct Block {
    severity: Severity,
    what: String,
    lines: Vec<(&'static str, String)>,
}

impl Block {
    fn error(what: impl Into<String>) -> Self {
        Self { severity: Severity::Error, what: what.into(), lines: Vec::new() }
    }

    fn note(what: impl Into<String>) -> Self {
        Self { severity: Severity::Note, what: what.into(), lines: Vec::new() }
    }

    fn line(mut self, word: &'static str, text: impl Into<String>) -> Self {
        self.lines.push((word, text.into()));
        self
    }

    fn remedy(self, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.line("use", text),
            None => self,
        }
    }
}

impl Failure {
    /// A failure of no other kind.
    pub(crate) fn general(what: impl Into<String>) -> Self {
        Self { exit: Exit::Failure, blocks: vec![Block::error(what)] }
    }

    /// Something is wrong with how the command was called.
    pub(crate) fn usage(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, blocks: vec![Block::error(what).line("use", remedy)] }
    }

    /// The same, with something else that the user can do.
    pub(crate) fn advise(mut self, text: &str) -> Self {
        if let Some(first) = self.blocks.first_mut() {
            first.lines.push(("use", text.to_owned()));
        }
        self
    }

    /// The same, and what else is to be known.
    pub(crate) fn note(mut self, text: impl Into<String>) -> Self {
        self.blocks.push(Block::note(text));
        self
    }

    /// A file could not be read or written.
    pub(crate) fn io(doing: &str, path: &Path, error: &std::io::Error) -> Self {
        Self::general(format!("cannot {doing}: {}: {error}", path.display()))
    }

    /// What a user wrote is wrong.
    pub(crate) fn diagnostics(diagnostics: Vec<Diagnostic>) -> Self {
        Self { exit: Exit::Invalid, blocks: diagnostics.into_iter().map(diagnostic_block).collect() }
    }

    /// The whole text, with a line's end.
    pub(crate) fn text(&self, paint: Paint) -> String {
        let mut text = String::new();
        for block in &self.blocks {
            let word = paint.severity(block.severity);
            let _ = writeln!(text, "{word}: {}", block.what);
            for (word, line) in &block.lines {
                let _ = match *word {
                    "-->" => writeln!(text, "  {} {line}", paint.dim("-->")),
                    "|" => writeln!(text, "    {} {line}", paint.dim("|")),
                    word if line.is_empty() => writeln!(text, "  {}", paint.dim(&format!("{word}:"))),
                    word => writeln!(text, "  {} {line}", paint.dim(&format!("{word}:"))),
                };
            }
        }
        text
    }
}

/// A diagnostic as it is printed among other output.
pub(crate) fn diagnostic_text(diagnostic: &Diagnostic, paint: Paint) -> String {
    Failure { exit: Exit::Invalid, blocks: vec![diagnostic_block(diagnostic.clone())] }.text(paint)
}

fn diagnostic_block(diagnostic: Diagnostic) -> Block {
    let mut block = Block { severity: diagnostic.severity, what: diagnostic.what, lines: Vec::new() };
    match (diagnostic.path.is_empty(), diagnostic.place) {
        (true, None) => {}
        (true, Some(place)) => block = block.line("-->", place.to_string()),
        (false, None) => block = block.line("-->", diagnostic.path),
        (false, Some(place)) => block = block.line("-->", format!("{} ({place})", diagnostic.path)),
    }
    if let Some(why) = diagnostic.why {
        block = block.line("why", why);
    }
    block.remedy(diagnostic.remedy.as_deref())
}

impl From<ActionError> for Failure {
    fn from(error: ActionError) -> Self {
        Self { exit: exit_of(&error), blocks: blocks_of(error) }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::from(ActionError::Backend(error))
    }
}

fn exit_of(error: &ActionError) -> Exit {
    match (error, exit_of_root(error.root())) {
        // A deployment that failed was begun, and `Invalid` says that nothing was changed.
        (ActionError::Failed(_), Exit::Invalid) => Exit::Failure,
        (_, exit) => exit,
    }
}

fn exit_of_root(root: &ActionError) -> Exit {
    match root {
        ActionError::Diagnostics(_) => Exit::Invalid,
        ActionError::Backend(error) => exit_of_kind(error.kind),
        ActionError::Busy { .. } | ActionError::LostLease { .. } | ActionError::AlreadyExists { .. } => {
            Exit::Busy
        }
        ActionError::NotFound { .. } | ActionError::NoRevision { .. } | ActionError::NothingBefore { .. } => {
            Exit::NotFound
        }
        ActionError::WaitFailed(_) | ActionError::TimedOut { .. } | ActionError::JobFailed { .. } => {
            Exit::NotReady
        }
        ActionError::Cancelled => Exit::Interrupted,
        _ => Exit::Failure,
    }
}

/// The exit code of a platform's error.
pub(crate) fn exit_of_kind(kind: ErrorKind) -> Exit {
    match kind {
        ErrorKind::NotFound => Exit::NotFound,
        ErrorKind::Locked | ErrorKind::NotOwned | ErrorKind::AlreadyExists | ErrorKind::Conflict => {
            Exit::Busy
        }
        ErrorKind::Unreachable | ErrorKind::Unauthenticated | ErrorKind::Forbidden | ErrorKind::Timeout => {
            Exit::Unreachable
        }
        ErrorKind::Invalid | ErrorKind::MaterialMissing | ErrorKind::LimitExceeded => Exit::Invalid,
        ErrorKind::Cancelled => Exit::Interrupted,
        _ => Exit::Failure,
    }
}

fn blocks_of(error: ActionError) -> Vec<Block> {
    match error {
        ActionError::Diagnostics(diagnostics) => diagnostics.into_iter().map(diagnostic_block).collect(),
        ActionError::Backend(error) => vec![backend_block(&error)],
        ActionError::Busy { .. } => vec![Block::error(error.to_string()).line(
            "use",
            "wait until it ends; if it died on another machine, its hold ends by itself in half a minute",
        )],
        ActionError::NotFound { ref nearest, .. } => {
            let remedy = match nearest.as_slice() {
                [] => "`rhumb list` to see what is there, or `--namespace` and `--target` to look elsewhere"
                    .to_owned(),
                names => format!("one of: {}", names.join(", ")),
            };
            vec![Block::error(error.to_string()).line("use", remedy)]
        }
        ActionError::NothingBefore { ref release, revision, status, .. } => {
            let was = if status.is_pending() { "was left" } else { "is" };
            vec![
                Block::error(error.to_string()).line("why", format!("revision {revision} {was} {status}")).line(
                    "use",
                    format!("`rhumb upgrade {release} CHART` to go on from there, or `rhumb uninstall {release}`"),
                ),
            ]
        }
        ActionError::WaitFailed(objects) => objects.iter().map(health_block).collect(),
        ActionError::TimedOut { after, waiting } => {
            let mut first = Block::error(format!("not ready after {} s", after.as_secs()));
            if waiting.iter().all(|health| health.failure.is_none()) {
                first = first.line(
                    "use",
                    "more time with --timeout, or see what it waits for with `rhumb ps` and `rhumb logs`",
                );
            }
            std::iter::once(first).chain(waiting.iter().map(health_block)).collect()
        }
        ActionError::Failed(failed) => failed_blocks(*failed),
        other => vec![Block::error(other.to_string())],
    }
}

fn backend_block(error: &Error) -> Block {
    Block::error(error.to_string()).remedy(error.remedy.as_deref())
}

fn health_block(health: &ObjectHealth) -> Block {
    let name = health.workload.as_deref().unwrap_or(health.id.as_str());
    let counts = match (&health.workload, health.wanted) {
        (None, 0) => String::new(),
        _ => format!(": {} of {}", health.ready, health.wanted),
    };
    let mut block = Block::error(format!("{name} is not ready{counts}"));
    let Some(failure) = &health.failure else {
        return if health.message.is_empty() { block } else { block.line("why", health.message.clone()) };
    };
    let told = failure.reason.contains("exit code");
    let exit =
        failure.exit_code.filter(|_| !told).map(|code| format!(", exit code {code}")).unwrap_or_default();
    let node = failure.node.as_deref().map(|node| format!(" on {node}")).unwrap_or_default();
    let task = match failure.task.as_str() {
        "" => String::new(),
        task => format!("{task}{node}: "),
    };
    block = block.line("why", format!("{task}{}{exit}", failure.reason));
    if !failure.logs.is_empty() {
        block = block.line("its last lines", "");
        for line in &failure.logs {
            block = block.line("|", line.clone());
        }
    }
    block.remedy(failure.remedy.as_deref())
}

fn failed_blocks(failed: FailedDeployment) -> Vec<Block> {
    let recorded = recorded_block(&failed);
    let mut blocks = blocks_of(failed.cause);
    let note = match failed.taken_back {
        None => recorded.line("use", failed.next),
        Some(TakenBack::RolledBack(deployed)) => Block::note(format!(
            "{} is back to what it was, as revision {}",
            failed.release, deployed.revision
        )),
        Some(TakenBack::Removed) => Block::note(format!(
            "{} was removed, because no revision of it was ever deployed",
            failed.release
        )),
        Some(TakenBack::Failed(error)) => {
            blocks.push(Block::error("taking it back failed too"));
            blocks.extend(blocks_of(*error));
            recorded.line("use", failed.next)
        }
    };
    blocks.push(note);
    blocks
}

/// What the records say of a deployment that failed.
fn recorded_block(failed: &FailedDeployment) -> Block {
    let revision = format!("revision {} of {}", failed.revision, failed.release);
    match &failed.unrecorded {
        None => Block::note(format!("{revision} is recorded as {}", failed.status)),
        Some(why) => {
            let block = Block::note(format!(
                "{revision} stays recorded as unfinished; the next command settles that"
            ));
            if *why == failed.cause.to_string() { block } else { block.line("why", why.clone()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use rhumb_backend::{ObjectId, State};

    use super::*;

    fn timed_out(failure: Option<rhumb_backend::Failure>) -> String {
        let waiting = ObjectHealth {
            id: ObjectId::new("workload", "web"),
            workload: Some("web".to_owned()),
            state: State::Progressing,
            ready: 0,
            wanted: 1,
            message: "starting".to_owned(),
            failure,
        };
        let error =
            ActionError::TimedOut { after: std::time::Duration::from_secs(5), waiting: vec![waiting] };
        Failure::from(error).text(Paint::plain())
    }

    #[test]
    fn time_that_ran_out_is_told_with_the_remedy_that_is_known() {
        assert!(timed_out(None).contains("more time with --timeout"));
        let text = timed_out(Some(rhumb_backend::Failure {
            reason: "no suitable node".to_owned(),
            remedy: Some("a node with more memory".to_owned()),
            ..rhumb_backend::Failure::default()
        }));
        assert!(text.contains("use: a node with more memory"), "{text}");
        assert!(!text.contains("--timeout"), "{text}");
    }
}
