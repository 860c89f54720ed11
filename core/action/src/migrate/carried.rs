//! Secret material on its way from one platform to the other, in memory only.

use std::collections::BTreeMap;
use std::fmt;

use rhumb_backend::material::Demand;
use rhumb_backend::{Live, Material, Object, ObjectId, Ownership, Shown};
use rhumb_ferry::{Run, TreePath, read_secrets};
use rhumb_release::Record;
use rhumb_spec::model::Generate;

use super::sides::{At, ferry_failed, migration, options};
use crate::ActionResult;
use crate::dock::{Dock, dock, undock};

/// The name of the helper that reads secrets.
const HELPER: &str = "secrets";

/// The material of a release, by what demands it.
#[derive(Default)]
pub(crate) struct Carried {
    sealed: BTreeMap<String, Material>,
    generated: BTreeMap<String, Material>,
}

impl fmt::Debug for Carried {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Carried({} values)", self.sealed.len() + self.generated.len())
    }
}

impl Carried {
    /// A value that somebody gave.
    pub(crate) fn sealed(&self, id: &str) -> Option<Material> {
        self.sealed.get(id).map(again)
    }

    /// A value that was generated.
    pub(crate) fn generated(&self, of: &str, how: &Generate, part: Option<&str>) -> Option<Material> {
        self.generated.get(&name(of, how, part)).map(again)
    }

    /// What is composed of other values is composed anew: addresses in it may be others.
    fn take(&mut self, demand: Demand, material: Material) {
        match demand {
            Demand::Sealed(id) => drop(self.sealed.insert(id, material)),
            Demand::Generate { of, how, part } => {
                self.generated.insert(name(&of, &how, part.as_deref()), material);
            }
            Demand::Template { .. } => {}
        }
    }
}

fn again(material: &Material) -> Material {
    Material::new(material.expose().to_vec())
}

fn name(of: &str, how: &Generate, part: Option<&str>) -> String {
    format!("{of} {} {}", serde_json::to_string(how).unwrap_or_default(), part.unwrap_or_default())
}

/// What a container saw of secrets, by their names on the platform.
pub(super) type Seen = BTreeMap<String, Material>;

/// Reads every secret that a revision made: from the platform where it shows them, else through a helper that has them mounted. The same
/// helper reads `others`.
pub(super) async fn read(
    at: &At<'_>,
    record: &Record,
    others: Vec<String>,
    with: (&Run, &str),
) -> ActionResult<(Carried, Seen)> {
    let mut carried = Carried::default();
    let closed = match shown(at, record).await? {
        Shown::Material(all) => {
            for (demand, material) in all {
                carried.take(demand, material);
            }
            Vec::new()
        }
        Shown::InContainer(all) => all,
    };
    let names = closed.iter().map(|(name, _)| name.clone()).chain(others).collect();
    let mut seen = read_in_container(at, names, with).await?;
    for (name, demand) in closed {
        if let Some(material) = seen.remove(&name) {
            carried.take(demand, material);
        }
    }
    Ok((carried, seen))
}

async fn shown(at: &At<'_>, record: &Record) -> ActionResult<Shown> {
    let is_made = |object: &&Object| {
        object.sensitive && object.ownership == Ownership::Owned && object.workload.is_none()
    };
    let wanted: Vec<&Object> = record.objects.iter().filter(is_made).collect();
    let ids: Vec<ObjectId> = wanted.iter().map(|object| object.id.clone()).collect();
    if ids.is_empty() {
        return Ok(Shown::Material(Vec::new()));
    }
    let scope = at.scope();
    let observed = at.context.backend().observe(&scope, &ids).await?;
    let found: Vec<(&Object, &Live)> = wanted
        .into_iter()
        .filter_map(|object| Some((object, observed.find(&object.id, object.generation.as_deref())?)))
        .collect();
    Ok(migration(&at.context)?.secrets(&scope, &found).await?)
}

/// Reads secrets by their names through a helper that has them mounted.
pub(super) async fn read_in_container(
    at: &At<'_>,
    names: Vec<String>,
    (run, image): (&Run, &str),
) -> ActionResult<Seen> {
    if names.is_empty() {
        return Ok(Seen::new());
    }
    let wish = Dock { secrets: names.clone(), ..at.dock(HELPER, image, Vec::new()) };
    let shore = at.shore(&at.scope());
    let docked = dock(&shore, run, &wish).await?;
    let read = read_secrets(&docked.end("none"), &options(None)).await.map_err(ferry_failed);
    undock(&shore, HELPER).await?;
    let (read, mut seen) = (read?, Seen::new());
    for name in names {
        let path = TreePath::new(name.as_bytes()).map_err(|error| super::sides::failed(error.to_string()))?;
        if let Some(bytes) = read.get(&path) {
            seen.insert(name, Material::new(bytes.to_vec()));
        }
    }
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_generated_is_found_by_what_and_how() {
        let mut carried = Carried::default();
        let (how, other) = (Generate::default(), Generate { length: Some(9), ..Generate::default() });
        let demand = Demand::Generate { of: "secret/db/password".to_owned(), how: how.clone(), part: None };
        carried.take(demand, Material::new(b"canary".to_vec()));
        carried.take(Demand::Sealed("s1".to_owned()), Material::new(b"given".to_vec()));
        assert_eq!(carried.generated("secret/db/password", &how, None).unwrap().expose(), b"canary");
        assert!(carried.generated("secret/db/password", &other, None).is_none());
        assert_eq!(carried.sealed("s1").unwrap().expose(), b"given");
        assert!(!format!("{carried:?}").contains("canary"));
    }
}
