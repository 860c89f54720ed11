//! Progress on standard error: plain lines, and on a terminal a last line that tells what is waited for. With several
//! targets, a line for each of them.

use std::sync::Mutex;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use rhumb_action::{Event, Left, Phase, Progress};
use rhumb_backend::{Action, LogStream, ObjectHealth, State};

use crate::failure::diagnostic_text;
use crate::output::Paint;
use crate::page::evaluate::measured;
use crate::verbs::deploy::losses;
use crate::watchdog::Watchdog;

/// Prints what a verb tells.
#[derive(Debug)]
pub(crate) struct Lines {
    paint: Paint,
    is_quiet: bool,
    bar: ProgressBar,
    last_health: Mutex<String>,
    watchdog: Watchdog,
    /// The target's name in front of each line, where there are several.
    prefix: String,
}

/// The lines of several targets, one below the other; on a terminal they move.
#[derive(Debug)]
pub(crate) struct Board {
    rows: MultiProgress,
    width: usize,
    is_terminal: bool,
}

/// A target's line on the board.
#[derive(Debug)]
pub(crate) struct Row {
    bar: ProgressBar,
    prefix: String,
}

impl Board {
    /// A board for targets of these names.
    pub(crate) fn new(names: &[String], is_terminal: bool) -> Self {
        let width = names.iter().map(|name| name.chars().count()).max().unwrap_or_default();
        Self { rows: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()), width, is_terminal }
    }

    /// The line of a target.
    pub(crate) fn row(&self, name: &str) -> Row {
        let prefix = format!("{name:width$} ", width = self.width);
        if !self.is_terminal {
            return Row { bar: ProgressBar::hidden(), prefix };
        }
        let bar = self.rows.add(ProgressBar::no_length());
        if let Ok(style) = ProgressStyle::with_template("{prefix}{spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_prefix(prefix.clone());
        bar.enable_steady_tick(Duration::from_millis(120));
        Row { bar, prefix }
    }
}

impl Lines {
    /// Prints to standard error; `is_terminal` says whether a moving line may be drawn.
    pub(crate) fn new(paint: Paint, is_quiet: bool, is_terminal: bool, watchdog: Watchdog) -> Self {
        let bar = if is_terminal && !is_quiet {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
                bar.set_style(style);
            }
            bar
        } else {
            ProgressBar::hidden()
        };
        Self { paint, is_quiet, bar, last_health: Mutex::default(), watchdog, prefix: String::new() }
    }

    /// Prints as the row of a board.
    pub(crate) fn on_board(paint: Paint, is_quiet: bool, row: Row, watchdog: Watchdog) -> Self {
        let Row { bar, prefix } = row;
        Self { paint, is_quiet, bar, last_health: Mutex::default(), watchdog, prefix }
    }

    /// Ends the moving line.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn say(&self, line: &str) {
        if self.is_quiet {
            return;
        }
        self.say_always(line);
    }

    fn say_always(&self, line: &str) {
        let prefix = &self.prefix;
        self.bar.suspend(|| line.lines().for_each(|line| eprintln!("{prefix}{line}")));
    }

    /// What is being done: a line, or on a board's moving line its text.
    fn step(&self, line: String) {
        if self.prefix.is_empty() || self.bar.is_hidden() {
            self.say(&line);
        } else {
            self.bar.set_message(line);
        }
    }

    /// The moving line tells what is being measured.
    fn measuring(&self, round: u32, phase: Phase) {
        self.bar.set_message(if round == 0 {
            format!("warm-up: {phase}")
        } else {
            format!("round {round}: {phase}")
        });
    }

    /// On a terminal the moving line tells everything; elsewhere a line is printed when counts change.
    fn wait_line(&self, objects: &[ObjectHealth]) {
        let waiting: Vec<&ObjectHealth> =
            objects.iter().filter(|object| object.state != State::Ready).collect();
        if waiting.is_empty() {
            return;
        }
        if !self.bar.is_hidden() {
            self.bar.set_message(format!("waiting for {}", several(&waiting, long_health)));
            self.bar.enable_steady_tick(Duration::from_millis(120));
            return;
        }
        let line = format!("waiting for {}", several(&waiting, short_health));
        let Ok(mut last) = self.last_health.lock() else { return };
        if *last != line {
            last.clone_from(&line);
            self.say(&line);
        }
    }

    /// Only a terminal is told how far a copy is.
    fn copying(&self, volume: &str, what: &str, (done, all): (u64, u64)) {
        const MIB: u64 = 1 << 20;
        if !self.bar.is_hidden() {
            self.bar.set_message(format!("{what} {volume}: {} of {} MiB", done / MIB, all / MIB));
            self.bar.enable_steady_tick(Duration::from_millis(120));
        }
    }

    fn left(&self, left: &Left) {
        self.say_always(&format!(
            "{}: revision {} was left {} by {}@{} since {}; going on from there",
            self.paint.changed("note"),
            left.revision,
            left.status,
            left.by.user,
            left.by.host,
            left.since,
        ));
    }
}

impl Progress for Lines {
    fn event(&self, event: &Event) {
        match event {
            Event::Loss(loss) => self.say(losses(std::slice::from_ref(loss), self.paint).trim_end()),
            Event::Rendering => self.watchdog.rendering(),
            Event::Rendered => self.watchdog.rendered(),
            Event::Left(left) => self.left(left),
            Event::Warning(diagnostic) => self.say(diagnostic_text(diagnostic, self.paint).trim_end()),
            Event::StepStarted { .. } | Event::Planned { .. } | Event::Recorded { .. } => {}
            Event::StepDone { done, total, id, action, .. } => {
                if *action != Action::Await {
                    self.step(format!("[{done}/{total}] {} {id}", self.action(*action)));
                }
            }
            Event::StepFailed { id, error, .. } => {
                self.say_always(&format!("{} {id}: {error}", self.paint.bad("failed")));
            }
            Event::StepRetried { id, attempt, error, .. } => {
                self.say(&format!("{id}: {error}; trying again ({attempt})"));
            }
            Event::Health { objects } => self.wait_line(objects),
            Event::RollingBack { to, reason } => {
                let goal = to.map_or_else(|| "nothing".to_owned(), |revision| format!("revision {revision}"));
                self.say_always(&format!("{}: {reason}; going back to {goal}", self.paint.bad("failed")));
            }
            Event::Measuring { round, phase } => self.measuring(*round, *phase),
            Event::Measured { round, measurement } => self.say(&measured(*round, measurement)),
            Event::JobStarted { name } => self.say(&format!("running {name}")),
            Event::Doing { what } => self.say(what),
            Event::Copying { volume, what, bytes, all_bytes } => {
                self.copying(volume, what, (*bytes, *all_bytes));
            }
            Event::Log(line) => {
                self.bar.suspend(|| match line.stream {
                    LogStream::Stdout => println!("{}", line.text),
                    LogStream::Stderr => eprintln!("{}", line.text),
                });
            }
        }
    }
}

impl Lines {
    fn action(&self, action: Action) -> String {
        match action {
            Action::Create => self.paint.good("created"),
            Action::Update => self.paint.changed("updated"),
            Action::Replace => self.paint.changed("replaced"),
            Action::Delete => self.paint.bad("removed"),
            Action::Collect => self.paint.dim("collected"),
            Action::Await => "ready".to_owned(),
        }
    }
}

/// The first few, and how many more there are.
fn several(objects: &[&ObjectHealth], text: fn(&ObjectHealth) -> String) -> String {
    const MOST: usize = 6;
    let mut texts: Vec<String> = objects.iter().take(MOST).map(|object| text(object)).collect();
    if objects.len() > MOST {
        texts.push(format!("{} more", objects.len() - MOST));
    }
    texts.join(", ")
}

fn name(object: &ObjectHealth) -> &str {
    object.workload.as_deref().unwrap_or(object.id.as_str())
}

fn short_health(object: &ObjectHealth) -> String {
    if runs_nothing(object) {
        return name(object).to_owned();
    }
    format!("{} ({} of {})", name(object), object.ready, object.wanted)
}

/// Whether it is an object that has no replicas, so that there is nothing to count.
fn runs_nothing(object: &ObjectHealth) -> bool {
    object.workload.is_none() && object.wanted == 0
}

fn long_health(object: &ObjectHealth) -> String {
    if object.message.is_empty() {
        return short_health(object);
    }
    if runs_nothing(object) {
        return format!("{} ({})", name(object), object.message);
    }
    let counts = format!("{} of {}", object.ready, object.wanted);
    if object.message.starts_with(&counts) {
        return format!("{} ({})", name(object), object.message);
    }
    format!("{} ({counts}: {})", name(object), object.message)
}
