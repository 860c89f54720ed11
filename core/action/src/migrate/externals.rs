//! Configs and secrets that are not the release's: what is at both sides, and what becomes of it.

use std::collections::BTreeMap;

use rhumb_backend::{Entries, Extent, External, Held, Material};
use rhumb_spec::{App, Diagnostic};
use serde::Serialize;

use super::sides::{At, Sides, migration};
use crate::engine::insist;
use crate::{ActionError, ActionResult};

/// A config or secret that is not the release's, and what becomes of it at the destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MovingExternal {
    /// The document of the app: `secret/db`.
    pub document: String,
    /// What it is at the source: several things where that platform keeps each key by itself.
    pub from: Vec<String>,
    /// Its name at the destination.
    pub to: String,
    /// What becomes of it.
    #[serde(flatten)]
    pub fate: ExternalFate,
}

/// What becomes of a config or secret that is not the release's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "fate")]
pub enum ExternalFate {
    /// There is none at the destination; the migration makes it.
    Copied,
    /// It is at the destination already and holds the same.
    Equal,
    /// It is at the destination already; what it holds is compared when the migration starts.
    ComparedLater,
    /// It is at the destination already and holds something else, which stops a start.
    Other,
    /// It is at the destination already and stays, whatever it holds: the user said so.
    Kept,
    /// It is at the destination already and stays; nobody can tell whether it holds the same.
    Unknown {
        /// Why.
        why: String,
    },
    /// There is none at the destination and it cannot be copied, which stops a start.
    Unreadable {
        /// Why.
        why: String,
    },
}

/// Something external, and what is there of it.
#[derive(Debug)]
struct Found {
    external: External,
    held: Held,
}

/// Everything external at both sides.
#[derive(Debug, Default)]
pub(super) struct Outside {
    here: Vec<Found>,
    there: Vec<Found>,
}

/// What a document holds at the source.
enum Source {
    /// This.
    Known(Entries),
    /// These keys, which are read when the migration starts.
    Later(Vec<String>),
    /// Nobody can tell.
    Nothing(String),
}

impl Outside {
    /// Looks at both sides. Nothing is changed.
    pub(super) async fn look(sides: &Sides<'_>, here: &App, there: &App) -> ActionResult<Self> {
        Ok(Self { here: look(&sides.source(), here).await?, there: look(&sides.destination(), there).await? })
    }

    /// What of the source only a container sees, by its names there.
    pub(super) fn closed_here(&self) -> Vec<String> {
        closed(&self.here)
    }

    /// What of the destination only a container sees and has to be compared.
    pub(super) fn closed_there(&self, keep: &[String], mark: &str) -> Vec<String> {
        let is_compared =
            |found: &&Found| found.held.mark() != Some(mark) && !keep.contains(&found.external.document);
        closed(self.there.iter().filter(is_compared))
    }

    /// Takes what a container at the source saw.
    pub(super) fn open_here(&mut self, read: BTreeMap<String, Material>) {
        open(&mut self.here, read);
    }

    /// Takes what a container at the destination saw.
    pub(super) fn open_there(&mut self, read: BTreeMap<String, Material>) {
        open(&mut self.there, read);
    }

    /// What becomes of each. `mark` is what the migration's own bear.
    pub(super) fn moving(&self, keep: &[String], mark: &str) -> Vec<MovingExternal> {
        let moving = |found: &Found| MovingExternal {
            document: found.external.document.clone(),
            from: self.of(&found.external.document).map(|one| one.external.native.clone()).collect(),
            to: found.external.native.clone(),
            fate: self.fate(found, keep, mark),
        };
        self.there.iter().map(moving).collect()
    }

    /// What the migration makes, with what goes into it; none for what is there by an earlier run of it.
    pub(super) fn to_make(&self, mark: &str) -> Vec<(External, Option<Entries>)> {
        let make = |found: &Found| match &found.held {
            held if held.mark() == Some(mark) => Some((found.external.clone(), None)),
            Held::Absent => match self.source(&found.external) {
                Source::Known(document) => {
                    found.external.made_of(&document).map(|entries| (found.external.clone(), Some(entries)))
                }
                Source::Later(_) | Source::Nothing(_) => None,
            },
            _ => None,
        };
        self.there.iter().filter_map(make).collect()
    }

    fn of(&self, document: &str) -> impl Iterator<Item = &Found> {
        self.here.iter().filter(move |one| one.external.document == document)
    }

    fn source(&self, wanted: &External) -> Source {
        let (mut known, mut later, mut is_there) = (Entries::new(), Vec::new(), false);
        for Found { external, held } in self.of(&wanted.document) {
            is_there = true;
            match held {
                Held::Absent => return Source::Nothing(format!("{} is not at the source", external.native)),
                Held::Hidden { why } => return Source::Nothing(why.clone()),
                Held::InContainer { .. } => later.extend(external.keys.iter().cloned()),
                Held::Shown { entries, .. } => {
                    known.extend(entries.iter().map(|(key, one)| (key.clone(), again(one))));
                }
            }
        }
        if !is_there {
            return Source::Nothing("no workload of the source uses it".to_owned());
        }
        if later.is_empty() {
            return Source::Known(known);
        }
        later.extend(known.into_keys());
        Source::Later(later)
    }

    fn fate(&self, found: &Found, keep: &[String], mark: &str) -> ExternalFate {
        let Found { external, held } = found;
        if held.mark() == Some(mark) {
            return ExternalFate::Copied;
        }
        match (held, self.source(external)) {
            (Held::Absent, source) => absent(external, source),
            (Held::Shown { entries, .. }, Source::Known(document))
                if is_equal(external, &document, entries) =>
            {
                ExternalFate::Equal
            }
            _ if keep.contains(&external.document) => ExternalFate::Kept,
            (Held::Hidden { why }, _) => ExternalFate::Unknown { why: why.clone() },
            (_, Source::Nothing(why)) => ExternalFate::Unknown { why },
            (Held::InContainer { .. }, _) | (_, Source::Later(_)) => ExternalFate::ComparedLater,
            (Held::Shown { .. }, Source::Known(_)) => ExternalFate::Other,
        }
    }
}

async fn look(at: &At<'_>, app: &App) -> ActionResult<Vec<Found>> {
    let (migration, scope) = (migration(&at.context)?, at.scope());
    let externals = migration.externals(app);
    if externals.is_empty() {
        return Ok(Vec::new());
    }
    let held = insist(|| migration.look_at_externals(&scope, &externals)).await?;
    Ok(externals.into_iter().zip(held).map(|(external, held)| Found { external, held }).collect())
}

fn closed<'f>(found: impl IntoIterator<Item = &'f Found>) -> Vec<String> {
    let closed = found.into_iter().filter(|one| matches!(one.held, Held::InContainer { .. }));
    closed.map(|one| one.external.native.clone()).collect()
}

/// What a platform shows in containers only holds one value.
fn open(found: &mut [Found], mut read: BTreeMap<String, Material>) {
    for one in found {
        let Held::InContainer { mark } = &one.held else { continue };
        let key = one.external.keys.first().cloned();
        if let Some((key, material)) = key.zip(read.remove(&one.external.native)) {
            one.held = Held::Shown { entries: [(key, material)].into(), mark: mark.clone() };
        }
    }
}

fn again(material: &Material) -> Material {
    Material::new(material.expose().to_vec())
}

fn absent(external: &External, source: Source) -> ExternalFate {
    let lacking = match source {
        Source::Nothing(why) => return ExternalFate::Unreadable { why },
        Source::Known(document) => lacking(external, |key| document.contains_key(key)),
        Source::Later(keys) => lacking(external, |key| keys.iter().any(|known| known == key)),
    };
    lacking.map_or(ExternalFate::Copied, |why| ExternalFate::Unreadable { why })
}

fn lacking(external: &External, has: impl Fn(&str) -> bool) -> Option<String> {
    let missing = external.keys.iter().find(|key| !has(key))?;
    Some(format!("what the source has of it holds no key `{missing}`"))
}

fn is_equal(external: &External, source: &Entries, there: &Entries) -> bool {
    let is_same = |(key, material): (&str, &Material)| {
        there.get(key).is_some_and(|other| other.expose() == material.expose())
    };
    let read = external.read_of(source);
    let is_all = external.extent != Extent::Whole || source.len() == there.len();
    is_all && read.is_some_and(|read| read.into_iter().all(is_same))
}

/// That nothing external keeps the migration from starting.
///
/// # Errors
/// Everything that cannot be copied, and everything that holds something else at the destination.
pub(super) fn insist_on_externals(moving: &[MovingExternal], sides: &Sides<'_>) -> ActionResult<()> {
    let (from, to) = (&sides.from.target.name, &sides.to.target.name);
    let wrong = moving.iter().filter_map(|one| match &one.fate {
        ExternalFate::Other => Some(
            Diagnostic::error(
                one.document.clone(),
                format!("{} is on {to} already, and holds something else than on {from}", one.to),
            )
            .why("it is not the release's, so it may be in use by others there")
            .remedy(format!(
                "--keep-external {} to go on with what {to} has; or the same on both sides first",
                one.document
            )),
        ),
        ExternalFate::Unreadable { why } => Some(
            Diagnostic::error(
                one.document.clone(),
                format!("{} is not on {to}, and cannot be copied there", one.to),
            )
            .why(why.clone())
            .remedy(format!("{} made on {to} first", one.to)),
        ),
        _ => None,
    });
    let wrong: Vec<Diagnostic> = wrong.collect();
    if wrong.is_empty() { Ok(()) } else { Err(ActionError::Diagnostics(wrong)) }
}

#[cfg(test)]
mod tests;
