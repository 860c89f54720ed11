//! Which steps may begin.

use rhumb_backend::{Plan, Until};

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
        Self { steps: vec![Progress::Waiting; count], missing, followers, free }
    }

    /// Whether a step may begin.
    pub(super) fn has_free(&self) -> bool {
        !self.free.is_empty()
    }

    /// A step that may begin, which counts as begun.
    pub(super) fn begin(&mut self) -> Option<usize> {
        let index = self.free.pop()?;
        self.steps[index] = Progress::Begun;
        Some(index)
    }

    /// Whether something waits until this step is ready.
    pub(super) fn is_awaited(&self, index: usize) -> bool {
        self.followers[index].iter().any(|(_, until)| *until == Until::Ready)
    }

    pub(super) fn applied(&mut self, index: usize) {
        self.steps[index] = Progress::Applied;
        self.free_followers(index, Until::Exists);
    }

    pub(super) fn ready(&mut self, index: usize) {
        self.steps[index] = Progress::Ready;
        self.free_followers(index, Until::Ready);
    }

    pub(super) fn failed(&mut self, index: usize) {
        self.steps[index] = Progress::Failed;
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
