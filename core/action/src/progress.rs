//! What a verb tells while it works.

use std::time::Duration;

use rhumb_backend::{Action, LogLine, Loss, ObjectHealth, ObjectId};
use rhumb_release::Status;
use rhumb_spec::Diagnostic;
use serde::Serialize;

use crate::{Left, Measurement, Phase};

/// Who is told what happens while a verb works. Called from the verb's own task: it returns at once.
pub trait Progress: Send + Sync {
    /// Something happened.
    fn event(&self, event: &Event);
}

/// Nobody is told.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn event(&self, _event: &Event) {}
}

/// Something that happened while a verb worked.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", tag = "event")]
pub enum Event {
    /// Another command was found to have been cut short. This one goes on from there.
    Left(Left),
    /// Something that the user should know although nothing stops.
    Warning(Diagnostic),
    /// Something that the chart asks for and does not get as asked. Told before anything is changed, for what earlier
    /// revisions did not lose already.
    Loss(Loss),
    /// Templates are about to be rendered. That cannot be interrupted, but by ending the process.
    Rendering,
    /// Templates have been rendered.
    Rendered,
    /// What will be done is known.
    Planned {
        /// The revision that will be recorded.
        revision: u64,
        /// How many steps it has.
        steps: usize,
    },
    /// A revision's status was recorded.
    Recorded {
        /// The revision.
        revision: u64,
        /// Its status from now on.
        status: Status,
    },
    /// A step began.
    StepStarted {
        /// Its place in the plan, from 0.
        index: usize,
        /// How many there are.
        total: usize,
        /// The object.
        id: ObjectId,
        /// What is done with it.
        action: Action,
    },
    /// A step failed and is tried again.
    StepRetried {
        /// The object.
        id: ObjectId,
        /// Which attempt comes next, from 2.
        attempt: u32,
        /// How long until then.
        delay: Duration,
        /// What went wrong.
        error: String,
    },
    /// A step failed for good.
    StepFailed {
        /// Its place in the plan, from 0.
        index: usize,
        /// How many there are.
        total: usize,
        /// The object.
        id: ObjectId,
        /// What was to be done with it.
        action: Action,
        /// What went wrong.
        error: String,
    },
    /// A step is done.
    StepDone {
        /// Its place in the plan, from 0.
        index: usize,
        /// How many of the plan's steps are done, this one among them. Steps end in any order.
        done: usize,
        /// How many there are.
        total: usize,
        /// The object.
        id: ObjectId,
        /// What was done with it.
        action: Action,
    },
    /// How far rollouts are; told whenever it changes.
    Health {
        /// One entry for each rollout that is waited for.
        objects: Vec<ObjectHealth>,
    },
    /// What was begun is taken back, because it failed.
    RollingBack {
        /// The revision that is gone back to; none means that everything is removed.
        to: Option<u64>,
        /// What failed.
        reason: String,
    },
    /// A test or one-off job begins.
    JobStarted {
        /// Its name.
        name: String,
    },
    /// A phase of an evaluation begins.
    Measuring {
        /// The round; 0 for one that does not count.
        round: u32,
        /// The phase.
        phase: Phase,
    },
    /// A phase of an evaluation was measured.
    Measured {
        /// The round; 0 for one that does not count.
        round: u32,
        /// What was measured.
        measurement: Box<Measurement>,
    },
    /// Something is begun that takes a while.
    Doing {
        /// What, in a few words.
        what: String,
    },
    /// How far the copy of a volume is.
    Copying {
        /// The volume.
        volume: String,
        /// What is being done with it.
        what: &'static str,
        /// Bytes that are done.
        bytes: u64,
        /// Bytes to do.
        all_bytes: u64,
    },
    /// A line that a job printed.
    Log(LogLine),
}
