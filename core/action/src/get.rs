//! `rhumb get`: what is recorded of a revision.

use rhumb_backend::{Choices, Facts, Loss, Object};
use rhumb_spec::App;
use serde::Serialize;
use serde_json::Value;

use crate::known::find_record;
use crate::{ActionResult, Context, PastRevision};

/// Which revision.
#[derive(Clone, Debug, Default)]
pub struct GetRequest {
    /// The release.
    pub name: String,
    /// The revision; none means the latest.
    pub revision: Option<u64>,
}

/// Everything recorded of a revision. `rhumb get values` shows [`Self::user_values`] or, with `--all`,
/// [`Self::values`]; `get manifest` the objects; and so on. Secret values are their ids (`sealed:…`).
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recorded {
    /// The release.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The revision.
    pub recorded: PastRevision,
    /// What the user gave.
    pub user_values: Value,
    /// What the chart was rendered with.
    pub values: Value,
    /// The neutral app.
    pub app: App,
    /// The platform's documents.
    pub objects: Vec<Object>,
    /// What the chart asked for and did not get as asked.
    pub losses: Vec<Loss>,
    /// The chart's `NOTES.txt`, rendered.
    pub notes: String,
    /// What the target was like.
    pub facts: Facts,
    /// What was chosen once and is kept.
    pub choices: Choices,
}

/// Everything recorded of a revision.
///
/// # Errors
/// `NotFound`, `NoRevision`, and what the storage answers.
pub async fn get(context: &Context<'_>, request: &GetRequest) -> ActionResult<Recorded> {
    let record = find_record(context, &request.name, request.revision).await?;
    Ok(Recorded {
        recorded: PastRevision::from(&record),
        name: record.release,
        namespace: record.namespace,
        user_values: record.values,
        values: record.computed,
        app: record.app,
        objects: record.objects,
        losses: record.losses,
        notes: record.notes,
        facts: record.facts,
        choices: record.choices,
    })
}
