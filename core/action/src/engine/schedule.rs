//! Which steps may begin.

use rhumb_backend::{Action, Plan, Step, Until};

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Waiting,
    Begun,
    Applied,
    Ready,
    Failed,
}

/// How far each step of a plan is, and which may begin.
#[derive(Debug)]
pub(super) struct Schedule {
    steps: Vec<Progress>,
    /// How many steps each one still waits for.
    missing: Vec<usize>,
    /// For each step, those that wait for it.
    followers: Vec<Vec<(usize, Until)>>,
    /// Steps that wait for nothing any more, and have not begun; the last is the next.
    free: Vec<usize>,
    /// Whether a step starts something that runs.
    starts: Vec<bool>,
    /// Steps under way that start nothing.
    quiet: usize,
}

impl Schedule {
    pub(super) fn new(plan: &Plan) -> Self {
        let count = plan.steps.len();
        let mut followers = vec![Vec::new(); count];
        let mut missing = vec![0; count];
        for (index, step) in plan.steps.iter().enumerate() {
            for after in &step.after {
                followers[after.step].push((index, after.until));
                missing[index] += 1;
            }
        }
        let free = (0..count).rev().filter(|index| missing[*index] == 0).collect();
        let starts = plan.steps.iter().map(starts).collect();
        Self { steps: vec![Progress::Waiting; count], missing, followers, free, starts, quiet: 0 }
    }

    /// Whether a step may begin.
    pub(super) fn has_free(&self) -> bool {
        self.next().is_some()
    }

    /// A step that may begin, which counts as begun.
    pub(super) fn begin(&mut self) -> Option<usize> {
        let index = self.free.remove(self.next()?);
        self.steps[index] = Progress::Begun;
        self.quiet += usize::from(!self.starts[index]);
        Some(index)
    }

    /// The place among the free steps of the one that is next. What starts something waits for all that can be made
    /// without: a platform that is busy starting things answers slowly.
    fn next(&self) -> Option<usize> {
        let is_quiet = |index: &usize| !self.starts[*index];
        match self.free.iter().rposition(is_quiet) {
            Some(place) => Some(place),
            None => self.free.len().checked_sub(1).filter(|_| self.quiet == 0),
        }
    }

    fn leave(&mut self, index: usize, progress: Progress) {
        if self.steps[index] == Progress::Begun && !self.starts[index] {
            self.quiet -= 1;
        }
        self.steps[index] = progress;
    }

    /// Whether something waits until this step is ready.
    pub(super) fn is_awaited(&self, index: usize) -> bool {
        self.followers[index].iter().any(|(_, until)| *until == Until::Ready)
    }

    pub(super) fn applied(&mut self, index: usize) {
        self.leave(index, Progress::Applied);
        self.free_followers(index, Until::Exists);
    }

    pub(super) fn ready(&mut self, index: usize) {
        self.leave(index, Progress::Ready);
        self.free_followers(index, Until::Ready);
    }

    pub(super) fn failed(&mut self, index: usize) {
        self.leave(index, Progress::Failed);
    }

    /// Steps that never began.
    pub(super) fn unbegun(&self) -> impl Iterator<Item = usize> {
        (0..self.steps.len()).filter(|index| self.steps[*index] == Progress::Waiting)
    }

    fn free_followers(&mut self, index: usize, now: Until) {
        for (follower, until) in &self.followers[index] {
            if *until == now {
                self.missing[*follower] -= 1;
                if self.missing[*follower] == 0 {
                    self.free.push(*follower);
                }
            }
        }
        // The lowest index is the next.
        self.free.sort_unstable_by(|one, other| other.cmp(one));
    }
}

fn starts(step: &Step) -> bool {
    let writes = matches!(step.action, Action::Create | Action::Update | Action::Replace);
    writes && step.object.workload.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rhumb_backend::{Object, ObjectId};
    use serde_json::json;

    fn create(id: &str, workload: Option<&str>) -> Step {
        let id = ObjectId::from(id);
        let object = Object { workload: workload.map(str::to_owned), ..Object::new(id.clone(), json!({})) };
        Step {
            id,
            action: Action::Create,
            object,
            native: None,
            version: None,
            changes: Vec::new(),
            force: false,
            reason: None,
            after: Vec::new(),
        }
    }

    #[test]
    fn what_starts_something_waits_for_all_that_is_made_without() {
        let steps = vec![create("config/a", None), create("service/a", Some("a")), create("network/b", None)];
        let mut schedule = Schedule::new(&Plan { steps, notes: Vec::new() });
        let first = [schedule.begin(), schedule.begin(), schedule.begin()];
        assert_eq!(first, [Some(0), Some(2), None]);
        schedule.applied(0);
        assert!(!schedule.has_free());
        schedule.failed(2);
        assert_eq!(schedule.begin(), Some(1));
        assert_eq!(schedule.begin(), None);
    }
}
