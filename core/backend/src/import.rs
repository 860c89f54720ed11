//! Reading what people have already, as objects that can be lifted.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use rhumb_spec::Diagnostic;
use serde_json::Value;

use crate::{Material, Object, Result};

/// Reading what people have already, whoever made it.
#[async_trait]
pub trait Import: Send + Sync {
    /// Turns documents, as people keep them in files, into objects. What is no document of the platform is told, at a
    /// path that begins with the document's number: `3.kind`. An error keeps all from being imported.
    ///
    /// A document that lists others stands for those.
    fn gather(&self, documents: Vec<Value>) -> Gathered;

    /// Reads what somebody made in a namespace. What the platform itself makes and removes again is left out, and so are
    /// the records of releases.
    ///
    /// # Errors
    /// What the platform answers; `Invalid` for a selector that it does not take.
    async fn collect(&self, query: &ImportQuery) -> Result<Gathered>;
}

/// What is read of a platform.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportQuery {
    /// The namespace.
    pub namespace: String,
    /// Which of its objects, in the platform's own words; none means all.
    pub selector: Option<String>,
    /// Which of its services, by the names that the platform has for them; empty means all.
    pub services: Vec<String>,
}

/// Objects to lift, and the secret material that was in them.
#[derive(Default)]
pub struct Gathered {
    /// Where each object was among the documents; empty where they come from the platform.
    pub origins: Vec<Origin>,
    /// The objects. In the place of secret material there are demands for it (see [`crate::material`]).
    pub objects: Vec<Object>,
    /// The material by the id that the demands name.
    pub material: BTreeMap<String, Material>,
    /// What was left out, and why.
    pub notes: Vec<Diagnostic>,
}

impl fmt::Debug for Gathered {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Gathered")
            .field("objects", &self.objects.len())
            .field("material", &self.material.len())
            .field("notes", &self.notes)
            .finish_non_exhaustive()
    }
}

/// Where an object was among documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The document, from 0.
    pub document: usize,
    /// Where it is in that document, where it is not all of it: keys of mappings and indices of lists.
    pub at: Vec<String>,
}
