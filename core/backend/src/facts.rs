//! What only the target knows.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Error, ErrorKind, Result};

/// What only the target knows: versions, what is installed there, nodes, image digests.
///
/// The content is the backend's own; it goes into records and golden files, so it holds nothing secret and nothing
/// that changes from one minute to the next.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// The backend that found them.
    pub backend: String,
    /// Whether a target was asked; otherwise these are what the backend assumes.
    pub live: bool,
    /// The backend's own shape.
    pub data: Value,
}

impl Facts {
    /// Facts of a backend from its own type.
    ///
    /// # Errors
    /// `Corrupt`, when the type does not serialise to JSON.
    pub fn from_data(backend: &str, live: bool, data: &impl Serialize) -> Result<Self> {
        let data = serde_json::to_value(data)
            .map_err(|error| Error::new(ErrorKind::Corrupt, "write facts", error.to_string()))?;
        Ok(Self { backend: backend.to_owned(), live, data })
    }

    /// The facts in the backend's own type.
    ///
    /// # Errors
    /// `Corrupt`, when they are another backend's or of an unknown shape.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_value(self.data.clone()).map_err(|error| {
            Error::new(ErrorKind::Corrupt, "read facts", error.to_string())
                .with("backend", self.backend.clone())
        })
    }
}
