//! The contract itself.

use std::collections::BTreeSet;
use std::fmt;

use async_trait::async_trait;
use rhumb_spec::{App, Diagnostic, Feature};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Adopt, Billed, Change, CheckedApp, Choices, Export, Facts, Finding, Health, Import, Interactive, Lifted,
    Live, Loss, Mapping, Materials, Migration, Object, ObjectId, Observed, Receipt, Result, Runtime, Scope,
    Step, Support, Volumes, legalize::Pass,
};

/// A platform.
///
/// Methods that are not `async` are pure. One call of an `async` method is one attempt: loops, deadlines and retries
/// belong to the caller, who reads [`crate::Error::retry`].
#[async_trait]
pub trait Backend: fmt::Debug + Send + Sync {
    /// The name that is stored in records. It is never changed.
    fn name(&self) -> &'static str;

    /// What is assumed of a target that is not asked, so that templates and comparisons need no server.
    fn default_facts(&self) -> Facts;

    /// The name under which what these facts describe is proven and told apart: the backend's own name, unless targets of
    /// the backend differ so much that each has a column of its own.
    fn variant(&self, facts: &Facts) -> &'static str {
        let _ = facts;
        self.name()
    }

    /// Asks the target what lowering must know. This is the only IO before an app is lowered.
    ///
    /// # Errors
    /// What the platform answers; never an error for what an app merely cannot have there.
    async fn survey(&self, scope: &Scope, app: &App, survey: &Survey<'_>) -> Result<Facts>;

    /// What the platform makes of a feature. The match behind it is exhaustive.
    fn support(&self, feature: Feature, facts: &Facts) -> Support;

    /// What a feature becomes in the platform's own words, where it has it, and pages that say so. The match behind it is
    /// exhaustive.
    fn mapping(&self, feature: Feature) -> Mapping {
        let _ = feature;
        Mapping::default()
    }

    /// The passes over the app that come before lowering, in order.
    fn passes(&self) -> &'static [Pass];

    /// Turns an app into the platform's documents.
    ///
    /// # Errors
    /// Every value that the platform will not take, at its path in the app.
    fn lower(
        &self,
        app: &CheckedApp,
        scope: &Scope,
        facts: &Facts,
        choices: &Choices,
    ) -> Result<Lowered, Vec<Diagnostic>>;

    /// What of these documents the platform's provider charges for by its size, where it does.
    fn billed(&self, objects: &[Object]) -> Vec<Billed> {
        let _ = objects;
        Vec::new()
    }

    /// Turns documents of the platform back into an app, with a note for each field that it could not carry.
    fn lift(&self, objects: &[Object]) -> Lifted;

    /// Verifies every setting of the target, and says what the platform is and what we may do in a namespace of it.
    ///
    /// # Errors
    /// `Unreachable`, `Unauthenticated`, `Timeout`; `Invalid` when the settings name no place to ask.
    async fn verify(&self, namespace: &str) -> Result<Vec<Finding>> {
        let _ = namespace;
        Ok(Vec::new())
    }

    /// Makes a namespace where the platform has them as things of their own and it is not there.
    ///
    /// # Errors
    /// What the platform answers.
    async fn create_namespace(&self, namespace: &str) -> Result<()> {
        let _ = namespace;
        Ok(())
    }

    /// Looks at these ids and at whatever bears the release's marks.
    ///
    /// # Errors
    /// When the platform as a whole does not answer. A single object that cannot be read is in
    /// [`Observed::unreadable`].
    async fn observe(&self, scope: &Scope, ids: &[ObjectId]) -> Result<Observed>;

    /// Compares what was wanted last, what is there, and what is wanted now. References that can be resolved are
    /// resolved in `last` and `want`. Differences that come of the server's own defaults are none.
    fn change(&self, last: Option<&Object>, live: &Live, want: &Object) -> Change;

    /// The body that makes the platform try anew a rollout that it gave up (see [`Live::GIVEN_UP`]), though nothing else
    /// is wanted; none where nothing does.
    fn again(&self, live: &Live, want: &Object) -> Option<Value> {
        let _ = (live, want);
        None
    }

    /// Names that only one object on the target can have at a time, such as a published port. Who gives one up goes
    /// before who takes it.
    fn claims(&self, object: &Object) -> BTreeSet<String> {
        let _ = object;
        BTreeSet::new()
    }

    /// Is told which rollouts the release's commands have begun, those of other processes too. Where a rollout locks its
    /// objects, a lock of one of these is the release's own.
    fn recall(&self, receipts: &[Receipt]) {
        let _ = receipts;
    }

    /// Whether a rollout locks its objects until it ends, so that every one must be recorded: that of another number of
    /// replicas and that of a restart, too, which no revision begins.
    fn rollouts_lock(&self) -> bool {
        false
    }

    /// How many steps may be under way at one time.
    fn concurrency(&self) -> usize {
        10
    }

    /// Carries out one step whose references are resolved. Repeating it does no harm. A step that only awaits writes
    /// nothing, and its receipt is that of the rollout that is there.
    ///
    /// # Errors
    /// `Conflict` when the object changed since it was read; `MaterialMissing` when a secret's material is nowhere;
    /// else what the platform answers.
    async fn apply(&self, scope: &Scope, step: &Step, materials: &dyn Materials) -> Result<Receipt>;

    /// How far the rollouts of these receipts are.
    async fn health(&self, scope: &Scope, receipts: &[Receipt]) -> Result<Health>;

    /// Sets a rollout going again that failed for nothing but a fault of the platform itself that passes, and tells what the
    /// fault was. None where it failed for any other reason, or has failed in this way too often. It is asked about failed
    /// rollouts, and only by who may write; the receipt stays that of the rollout.
    ///
    /// # Errors
    /// What the platform answers.
    async fn resume(&self, scope: &Scope, receipt: &Receipt) -> Result<Option<String>> {
        let _ = (scope, receipt);
        Ok(None)
    }

    /// Returns once something happened that [`Backend::health`] may tell of, where the platform says so by itself; else
    /// never. It is dropped whenever nobody waits any more, and nothing rests on it: who waits asks for health after a
    /// while in any case.
    async fn changed(&self, scope: &Scope, receipts: &[Receipt]) {
        let _ = (scope, receipts);
        std::future::pending::<()>().await;
    }

    /// What is still on its way out of a release that was removed, and why: of these natives, and of the replicas that
    /// they ran. A platform that removes at once has nothing to tell.
    async fn leaving(&self, scope: &Scope, natives: &[ObjectId]) -> Result<Health> {
        let _ = (scope, natives);
        Ok(Health::new())
    }

    /// What can be asked of things that run, where the platform has it.
    fn runtime(&self) -> Option<&dyn Runtime> {
        None
    }

    /// How to get into things that run, where the platform has it.
    fn interactive(&self) -> Option<&dyn Interactive> {
        None
    }

    /// How to reach the data of volumes, where the platform has it.
    fn volumes(&self) -> Option<&dyn Volumes> {
        None
    }

    /// What it takes for a release to leave the platform or come to it, where it can.
    fn migration(&self) -> Option<&dyn Migration> {
        None
    }

    /// How to read what others made on the platform, where that can be lifted.
    fn import(&self) -> Option<&dyn Import> {
        None
    }

    /// How to take over in place what others made on the platform, where that can be done.
    fn adopt(&self) -> Option<&dyn Adopt> {
        None
    }

    /// How to write objects as files that the platform's own tools take, where there is a way.
    fn export(&self) -> Option<&dyn Export> {
        None
    }
}

/// What a survey is told.
#[derive(Clone, Copy, Debug, Default)]
pub struct Survey<'a> {
    /// Which image tags are resolved to digests.
    pub resolve_image: ResolveImage,
    /// The facts of the revision before.
    pub previous: Option<&'a Facts>,
}

/// Which image tags are resolved to digests, as with `docker stack deploy --resolve-image`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ResolveImage {
    /// Every one.
    #[default]
    Always,
    /// Those that the revision before did not have.
    Changed,
    /// None.
    Never,
}

/// What lowering makes of an app.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lowered {
    /// The platform's documents.
    pub objects: Vec<Object>,
    /// Losses that only lowering can see.
    pub losses: Vec<Loss>,
    /// Every choice, old and new.
    pub choices: Choices,
}
