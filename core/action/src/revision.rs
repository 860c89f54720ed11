//! One revision, from its record's first word to its last.

use rhumb_release::{Head, Outcome, Record, Status, Writer};
use rhumb_spec::Diagnostic;
use tokio::time::Instant;

use crate::adopt;
use crate::carry::{Awaited, Carried, Load, carry};
use crate::deploy::{Course, Order, Prepared, outcome};
use crate::hold::Hold;
use crate::material_check::check_material;
use crate::planning::Planned;
use crate::sealed_values::Secrets;
use crate::{
    ActionError, ActionResult, Context, Deployed, Event, FailedDeployment, Left, OnFailure, TakenBack, Wait,
    take_back,
};

/// The version of rhumb that writes records.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// One revision that is about to be made.
pub(crate) struct Revision<'a> {
    pub(crate) context: &'a Context<'a>,
    pub(crate) order: Order<'a>,
    pub(crate) hold: &'a Hold,
    pub(crate) prepared: Prepared,
    pub(crate) planned: Planned,
    pub(crate) left: Option<Left>,
    pub(crate) started: Instant,
}

impl Revision<'_> {
    /// Records it as pending, carries it out, and records what came of it.
    ///
    /// # Errors
    /// Before the record is written, what keeps it from being written; after that, `Failed`.
    pub(crate) async fn make(self) -> ActionResult<Deployed> {
        check_material(self.context, &self.planned, self.given())
            .map_err(|error| self.prepared.course.advise(self.order.release, error))?;
        let head = self.begin().await?;
        let carried = self.carry().await;
        match carried.failure {
            None => self.commit(head, carried).await,
            Some(_) => Err(self.fail(head, carried).await),
        }
    }

    async fn begin(&self) -> ActionResult<Head> {
        let context = self.context;
        let (now, course) = (context.now(), self.prepared.course);
        let record = Record {
            namespace: context.namespace.to_owned(),
            release: self.order.release.to_owned(),
            revision: self.prepared.known.next_revision(),
            status: course.pending(),
            created: now.clone(),
            updated: now,
            description: format!("{} began", course.noun()),
            writer: writer(context),
            ..self.prepared.wanted.record()
        };
        self.warn();
        context.tell(&Event::Planned { revision: record.revision, steps: self.planned.plan.steps.len() });
        let head = context.releases().create(&record).await?;
        context.tell(&Event::Recorded { revision: head.revision, status: head.status });
        Ok(head)
    }

    /// Tells what the user should know before anything is changed.
    fn warn(&self) {
        let wanted = &self.prepared.wanted;
        for warning in &wanted.warnings {
            self.context.tell(&Event::Warning(warning.clone()));
        }
        let known =
            self.prepared.known.inventory.lender().map(|record| record.losses.as_slice()).unwrap_or_default();
        for loss in wanted.losses.iter().filter(|loss| !known.contains(loss)) {
            self.context.tell(&Event::Loss(loss.clone()));
        }
    }

    async fn carry(&self) -> Carried {
        let (options, wanted) = (self.order.options, &self.prepared.wanted);
        let is_awaited = options.wait == Wait::Ready || options.on_failure == OnFailure::TakeBack;
        let load = Load {
            scope: self.context.scope(self.order.release),
            planned: &self.planned,
            want: &wanted.objects,
            given: self.given(),
            before: self.before(),
            awaited: if is_awaited { Awaited::Everything } else { Awaited::Nothing },
            started: self.started,
            deadline: self.started + options.timeout,
        };
        carry(self.context, self.hold, load).await
    }

    /// The secret values that this run was given.
    fn given(&self) -> Secrets<'_> {
        let wanted = &self.prepared.wanted;
        let carried = wanted.carried.as_deref();
        Secrets { vault: Some(&wanted.vault), values: &wanted.computed, carried }
    }

    /// What is known of objects that this revision leaves as they are.
    fn before(&self) -> Outcome {
        let inventory = &self.prepared.known.inventory;
        Outcome { receipts: inventory.receipts(), done: inventory.done(), failures: Vec::new() }
    }

    async fn commit(self, head: Head, carried: Carried) -> ActionResult<Deployed> {
        let description = self.order.options.description.clone();
        let description = description.unwrap_or_else(|| format!("{} complete", self.prepared.course.noun()));
        let closed = self.close(&head, Status::Deployed, description, &carried.outcome).await;
        let head = closed.map_err(|cause| {
            let why = Some(cause.to_string());
            self.failed(head.revision, Failure { cause, unrecorded: why, taken_back: None })
        })?;
        let mut warnings = self.supersede(&head).await;
        for warning in &warnings {
            self.context.tell(&Event::Warning(warning.clone()));
        }
        let mut deployed = outcome(self.context, self.order, &self.prepared, self.planned.plan, self.left);
        deployed.warnings.append(&mut warnings);
        Ok(Deployed {
            revision: head.revision,
            status: head.status,
            description: head.description,
            updated: head.updated,
            health: carried.health,
            ..deployed
        })
    }

    /// Records how it ended, if the release is still ours.
    async fn close(
        &self,
        head: &Head,
        status: Status,
        text: String,
        outcome: &Outcome,
    ) -> ActionResult<Head> {
        self.hold.verify().await?;
        let mut head = head.clone();
        (head.status, head.description, head.updated) = (status, text, self.context.now());
        let head = self.context.releases().set_outcome(&head, outcome).await?;
        self.context.tell(&Event::Recorded { revision: head.revision, status });
        Ok(head)
    }

    /// Marks earlier revisions as superseded and removes those that are too many. The release is deployed by now, so
    /// what goes wrong here is told and stops nothing.
    async fn supersede(&self, newest: &Head) -> Vec<Diagnostic> {
        let releases = self.context.releases();
        let mut problems = Vec::new();
        for head in self.prepared.known.heads.iter().filter(|head| head.status == Status::Deployed) {
            let superseded =
                releases.set_status(head, Status::Superseded, &head.description, &head.updated).await;
            problems.extend(superseded.err());
        }
        let max = self.order.options.history_max as usize;
        problems.extend(releases.prune(self.hold.lease(), max).await.err());
        let warn = |error: rhumb_backend::Error| {
            Diagnostic::warning(
                "",
                format!("revision {} is deployed, but its history is not in order", newest.revision),
            )
            .why(error.to_string())
            .remedy("nothing: the next upgrade puts it in order")
        };
        problems.into_iter().map(warn).collect()
    }

    /// Records the failure, and takes it back if that was asked for.
    async fn fail(self, head: Head, carried: Carried) -> ActionError {
        let cause = carried.failure.unwrap_or(ActionError::Cancelled);
        let text = format!("{} failed: {}", self.prepared.course.noun(), first_line(&cause));
        let unrecorded = if let ActionError::LostLease { why, .. } = &cause {
            Some(why.clone())
        } else {
            let closed = self.close(&head, Status::Failed, text, &carried.outcome).await;
            closed.err().map(|error| error.to_string())
        };
        let taken_back = take_back::take_back(&self, &cause).await;
        self.failed(head.revision, Failure { cause, unrecorded, taken_back })
    }

    fn failed(&self, revision: u64, failure: Failure) -> ActionError {
        let release = self.order.release;
        let Failure { cause, unrecorded, taken_back } = failure;
        // What this rollback could not bring back, the next one to the same could not either.
        let was_tried = |head: &&Head| self.prepared.course == Course::Rollback(head.revision);
        let deployed = self.prepared.known.deployed().filter(|head| !was_tried(head));
        ActionError::Failed(Box::new(FailedDeployment {
            release: release.to_owned(),
            revision,
            next: match self.prepared.course {
                Course::Adopt => adopt::next(release),
                _ => take_back::next(release, revision, taken_back.as_ref(), deployed),
            },
            cause,
            status: Status::Failed,
            unrecorded,
            taken_back,
        }))
    }
}

/// Why a revision did not come true, and what became of it.
struct Failure {
    cause: ActionError,
    unrecorded: Option<String>,
    taken_back: Option<TakenBack>,
}

fn writer(context: &Context<'_>) -> Writer {
    Writer { version: VERSION.to_owned(), host: context.who.host.clone(), user: context.who.user.clone() }
}

fn first_line(error: &ActionError) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
