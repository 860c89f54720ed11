//! What became of everything that was imported.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rhumb_backend::{Account, Counts, Fate, Gathered, Lifted, ObjectId, Rest};
use rhumb_spec::yaml::Origins;
use rhumb_spec::{Diagnostic, Place};
use serde::Serialize;

/// A chart that was made of what somebody had, and what became of all of it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Imported {
    /// The chart's name.
    pub name: String,
    /// Its folder.
    pub path: PathBuf,
    /// The files in it.
    pub files: Vec<String>,
    /// How many documents of each kind the app has.
    pub documents: std::collections::BTreeMap<&'static str, usize>,
    /// What became of each object.
    pub objects: Vec<ImportedObject>,
    /// How many fields met which fate, of all objects. `fields` is the sum of the others.
    pub counts: Counts,
    /// The values that must be given at every install.
    pub required: Vec<String>,
    /// What a person should look at.
    pub notes: Vec<Diagnostic>,
    /// What is wrong with the chart as it is.
    pub problems: Vec<Diagnostic>,
}

/// What became of one object.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportedObject {
    /// The object.
    pub id: ObjectId,
    /// The document of the app that it is part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// Where it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// How many of its fields met which fate.
    pub counts: Counts,
    /// The fields that are not neutral fields of the app, and why.
    pub rest: Vec<Rest>,
}

pub(super) fn of(
    gathered: &Gathered,
    lifted: &Lifted,
    (name, out, origins): (&str, &Path, &Origins),
    problems: Vec<Diagnostic>,
) -> Imported {
    let objects: Vec<ImportedObject> =
        lifted.accounts.iter().map(|account| object(account, origins)).collect();
    let app = &lifted.app;
    let documents = [
        ("configs", app.configs.len()),
        ("natives", app.natives.len()),
        ("networks", app.networks.len()),
        ("routes", app.routes.len()),
        ("secrets", app.secrets.len()),
        ("volumes", app.volumes.len()),
        ("workloads", app.workloads.len()),
    ];
    // What the accounts say of fields is not said again.
    let is_of_field =
        |note: &&Diagnostic| note.severity == rhumb_spec::Severity::Note && !lifted.accounts.is_empty();
    let notes = gathered.notes.iter().chain(lifted.notes.iter().filter(|note| !is_of_field(note)));
    Imported {
        name: name.to_owned(),
        path: out.to_path_buf(),
        files: Vec::new(),
        required: Vec::new(),
        documents: documents.into_iter().filter(|(_, count)| *count > 0).collect(),
        counts: objects.iter().map(|object| object.counts).sum(),
        objects,
        notes: notes.map(|note| origins.locate(note.clone())).collect(),
        problems,
    }
}

fn object(account: &Account, origins: &Origins) -> ImportedObject {
    ImportedObject {
        id: account.id.clone(),
        document: account.document.clone(),
        place: origins.place(account.id.as_str()),
        counts: account.counts(),
        rest: account.rest.clone(),
    }
}

impl Imported {
    /// The report as a page: `IMPORT.md`.
    pub fn page(&self) -> String {
        let mut page = format!("# What became of what {} was imported from\n\n{}\n", self.name, self.sum());
        page.push_str("\n| object | became | fields | carried | kept | own | lost |\n|---|---|---:|---:|---:|---:|---:|\n");
        for object in &self.objects {
            let Counts { fields, carried, kept, own, lost } = object.counts;
            let became = object.document.as_deref().unwrap_or("–");
            let _ = writeln!(
                page,
                "| {} | {became} | {fields} | {carried} | {kept} | {own} | {lost} |",
                object.id
            );
        }
        for (fate, heading) in [
            (Fate::Lost, "Lost: not in the chart"),
            (Fate::Kept, "Kept for the platform that it comes from only"),
        ] {
            self.list(fate, heading, &mut page);
        }
        for (heading, found) in
            [("To look at", &self.notes), ("Wrong with the chart as it is", &self.problems)]
        {
            if !found.is_empty() {
                let _ = write!(page, "\n## {heading}\n\n");
                for note in found {
                    let _ = writeln!(page, "```text\n{note}\n```");
                }
            }
        }
        page
    }

    /// One line with the counts, which add up.
    pub fn sum(&self) -> String {
        let Counts { fields, carried, kept, own, lost } = self.counts;
        format!(
            "{fields} fields in: {carried} carried, {kept} kept for their own platform only, {own} of the platform's own, {lost} lost."
        )
    }

    fn list(&self, fate: Fate, heading: &str, page: &mut String) {
        let has = |object: &&ImportedObject| object.rest.iter().any(|rest| rest.fate == fate);
        let mut is_first = true;
        for object in self.objects.iter().filter(has) {
            if is_first {
                let _ = write!(page, "\n## {heading}\n");
                is_first = false;
            }
            let place = object.place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
            let _ = write!(page, "\n**{}**{place}\n\n", object.id);
            for rest in object.rest.iter().filter(|rest| rest.fate == fate) {
                let path = if rest.path.is_empty() { "all of it" } else { &rest.path };
                let _ = writeln!(page, "- `{path}`: {}", rest.why);
            }
        }
    }
}
