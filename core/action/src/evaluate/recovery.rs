//! Looking at replicas until there are as many as there should be.

use std::time::Duration;

use rhumb_backend::{Retry, Task, TaskState};
use tokio::time::Instant;

use crate::{ActionError, ActionResult, Context};
use rhumb_backend::{Runtime, Scope};

/// Time between two looks, which is how finely a recovery is measured.
const LOOK: Duration = Duration::from_millis(200);

/// Replicas that are looked at.
#[derive(Clone, Copy)]
pub(super) struct Replicas<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) runtime: &'a dyn Runtime,
    pub(super) scope: &'a Scope,
    pub(super) workload: &'a str,
    pub(super) deadline: Instant,
}

impl Replicas<'_> {
    /// How many run, and are meant to.
    pub(super) async fn running(&self) -> ActionResult<usize> {
        let tasks = self.runtime.tasks(self.scope, Some(self.workload)).await?;
        Ok(tasks.iter().filter(|task| runs(task)).count())
    }

    /// Looks until exactly so many run and none of them is `without`.
    ///
    /// # Errors
    /// `TimedOut` at the deadline; `Cancelled`; what the platform answers.
    pub(super) async fn until(&self, wanted: usize, without: Option<&str>) -> ActionResult<()> {
        let started = Instant::now();
        loop {
            match self.runtime.tasks(self.scope, Some(self.workload)).await {
                Ok(tasks) if is_whole(&tasks, wanted, without) => return Ok(()),
                Err(error) if error.retry != Retry::Same => return Err(error.into()),
                Ok(_) | Err(_) => {}
            }
            if Instant::now() >= self.deadline {
                return Err(ActionError::TimedOut { after: started.elapsed(), waiting: Vec::new() });
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = self.context.cancel.cancelled() => return Err(ActionError::Cancelled),
            }
        }
    }
}

fn runs(task: &Task) -> bool {
    task.state == TaskState::Running && task.desired == TaskState::Running
}

fn is_whole(tasks: &[Task], wanted: usize, without: Option<&str>) -> bool {
    let running: Vec<&Task> = tasks.iter().filter(|task| runs(task)).collect();
    running.len() == wanted && running.iter().all(|task| Some(task.id.as_str()) != without)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(id: &str, state: TaskState, desired: TaskState) -> Task {
        Task {
            workload: "web".to_owned(),
            id: id.to_owned(),
            name: id.to_owned(),
            image: String::new(),
            node: None,
            desired,
            state,
            detail: String::new(),
            since: None,
            error: None,
            exit_code: None,
            ports: Vec::new(),
        }
    }

    #[test]
    fn one_that_was_ended_must_be_replaced() {
        use TaskState::{Running, Shutdown, Starting};
        let before = [task("a", Running, Running), task("b", Running, Running)];
        assert!(is_whole(&before, 2, None));
        // The platform has not noticed yet.
        assert!(!is_whole(&before, 2, Some("a")));
        let on_its_way = [task("c", Starting, Running), task("b", Running, Running)];
        assert!(!is_whole(&on_its_way, 2, Some("a")));
        let leaving = [task("a", Running, Shutdown), task("b", Running, Running)];
        assert!(!is_whole(&leaving, 2, Some("a")));
        let after = [task("c", Running, Running), task("b", Running, Running), task("a", Shutdown, Shutdown)];
        assert!(is_whole(&after, 2, Some("a")));
        assert!(!is_whole(&after, 1, None), "more than wanted is not whole either");
    }
}
