//! What a platform does so that a release can leave it, or come to it.

use std::fmt;

use async_trait::async_trait;
use serde_json::Value;

use crate::material::Demand;
use crate::{Externals, Live, Material, Object, Result, Scope, VolumeUse};

/// What a platform does so that a release can leave it, or come to it.
#[async_trait]
pub trait Migration: Externals {
    /// What becomes of a document so that it runs nothing, and everything else stays. Nothing is asked.
    fn at_rest(&self, object: &Object) -> AtRest;

    /// What of a release still runs, or is on its way out and may still write: a line for each.
    ///
    /// # Errors
    /// What the platform answers.
    async fn running(&self, scope: &Scope) -> Result<Vec<String>>;

    /// What the release's secrets hold, each by the demand that it met. `secrets` are documents as they were wanted, with what is there of
    /// them.
    ///
    /// # Errors
    /// What the platform answers; `NotFound` for a key that is not there any more.
    async fn secrets(&self, scope: &Scope, secrets: &[(&Object, &Live)]) -> Result<Shown>;

    /// Whether a volume is there; none where nobody can tell from here.
    ///
    /// # Errors
    /// What the platform answers.
    async fn has_volume(&self, scope: &Scope, volume: &VolumeUse) -> Result<Option<bool>>;

    /// Removes a volume with its data. One that is not there is removed.
    ///
    /// # Errors
    /// `Conflict`, to be tried again, while somebody has it mounted; what the platform answers.
    async fn remove_volume(&self, scope: &Scope, volume: &VolumeUse) -> Result<Removed>;
}

/// A document of something that is to run nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum AtRest {
    /// It runs nothing.
    Same,
    /// With this body it runs nothing.
    Body(Value),
    /// It has no form in which it runs nothing.
    LeftOut,
}

/// What secrets hold.
pub enum Shown {
    /// The platform shows it.
    Material(Vec<(Demand, Material)>),
    /// The platform shows it in a container only: names of secrets there, each with the demand that it met.
    InContainer(Vec<(String, Demand)>),
}

impl fmt::Debug for Shown {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Material(all) => write!(formatter, "Material({} of them)", all.len()),
            Self::InContainer(all) => formatter.debug_tuple("InContainer").field(all).finish(),
        }
    }
}

/// What became of a volume that was to be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removed {
    /// It is gone.
    Gone,
    /// The platform gives no way to remove it from here: what a person can do.
    Left(String),
}
