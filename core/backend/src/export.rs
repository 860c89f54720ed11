//! Handing over what a release is made of as the platform's own files, for people who leave.

use std::collections::BTreeMap;
use std::fmt;

use rhumb_spec::Diagnostic;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::material::{self, Demand};
use crate::{Material, Materials, Object, ObjectId, Ownership, Scope, Until};

/// What stands in a file in the place of secret material that a person fills in.
pub const FILL_IN: &str = "<fill in>";

/// Writing objects as files that the platform's own tools take. Pure but for the material that it is handed.
pub trait Export: Send + Sync {
    /// The files, in the layout that people who use the platform's own tools expect.
    ///
    /// Every field of an object is written, or told in a note at its path: `service/web.TaskTemplate.Runtime`. Marks of
    /// releases are left out, and so are the names by content: what has one gets its plain name.
    ///
    /// # Errors
    /// Everything that cannot be written and must not be left out, and material that is nowhere.
    fn files(
        &self,
        scope: &Scope,
        objects: &[Object],
        secrets: &ExportSecrets<'_>,
    ) -> Result<Exported, Vec<Diagnostic>>;
}

/// What becomes of secret material.
#[derive(Clone, Copy)]
pub enum ExportSecrets<'a> {
    /// It is written into files of its own, which only their owner can read.
    Written(&'a dyn Materials),
    /// It is left out, and [`FILL_IN`] stands in its place.
    LeftOut,
}

impl fmt::Debug for ExportSecrets<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Written(_) => "Written",
            Self::LeftOut => "LeftOut",
        })
    }
}

impl ExportSecrets<'_> {
    /// The material that an object demands; none where it is left out.
    ///
    /// # Errors
    /// Where it is nowhere, with the object's id.
    pub fn meet(&self, id: &ObjectId, demand: &Demand) -> Result<Option<Material>, Box<Diagnostic>> {
        let Self::Written(materials) = self else { return Ok(None) };
        material::meet(demand, *materials).map(Some).map_err(|error| {
            let found = Diagnostic::error(id.as_str(), error.message.clone());
            let remedy =
                error.remedy.unwrap_or_else(|| "--no-secrets, which leaves the material out".to_owned());
            Box::new(found.remedy(remedy))
        })
    }
}

/// What was written.
#[derive(Debug, Default)]
pub struct Exported {
    /// The files, in the order in which a reader wants to meet them.
    pub files: Vec<ExportedFile>,
    /// How they are deployed: paragraphs and blocks of commands, in Markdown, for whoever is in the folder.
    pub deploying: String,
    /// What a person should know: what could not be written, and what no tool of the platform does.
    pub notes: Vec<Diagnostic>,
}

/// One file.
pub struct ExportedFile {
    /// Where it is in the folder, with slashes.
    pub path: String,
    /// What is in it. It is wiped from memory when dropped.
    pub content: Zeroizing<Vec<u8>>,
    /// Who may do what with it.
    pub access: FileAccess,
    /// What a person has to put in the place of [`FILL_IN`] before it can be used.
    pub fill_in: Vec<String>,
}

/// Who may do what with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileAccess {
    /// Everybody may read it.
    Open,
    /// It holds secrets: only its owner may read it, and it stays out of version control.
    Secret,
    /// It is a program.
    Program,
}

impl ExportedFile {
    /// A file that everybody may read.
    pub fn open(path: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        let content = Zeroizing::new(content.into());
        Self { path: path.into(), content, access: FileAccess::Open, fill_in: Vec::new() }
    }

    /// A program.
    pub fn program(path: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        Self { access: FileAccess::Program, ..Self::open(path, content) }
    }

    /// A file with secrets; with [`FILL_IN`] in it where these are to be filled in.
    pub fn secret(path: impl Into<String>, content: impl Into<Vec<u8>>, fill_in: Vec<String>) -> Self {
        Self { access: FileAccess::Secret, fill_in, ..Self::open(path, content) }
    }
}

impl fmt::Debug for ExportedFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ExportedFile")
            .field("path", &self.path)
            .field("access", &self.access)
            .field("fill_in", &self.fill_in)
            .finish_non_exhaustive()
    }
}

/// Every demand for material in a body, with its path: `data.password`.
pub fn demands(body: &Value) -> Vec<(String, Demand)> {
    let mut found = Vec::new();
    collect(body, "", &mut found);
    found
}

fn collect(value: &Value, path: &str, found: &mut Vec<(String, Demand)>) {
    if let Some(demand) = Demand::parse(value) {
        found.push((path.to_owned(), demand));
        return;
    }
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| collect(value, &below(key), found)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, value)| collect(value, &below(&at.to_string()), found));
        }
        _ => {}
    }
}

/// The body with text in it replaced, keys of mappings apart.
#[must_use]
pub fn map_texts(value: &Value, change: &dyn Fn(&str) -> Option<String>) -> Value {
    match value {
        Value::String(text) => Value::String(change(text).unwrap_or_else(|| text.clone())),
        Value::Array(items) => Value::Array(items.iter().map(|item| map_texts(item, change)).collect()),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(key, value)| (key.clone(), map_texts(value, change))).collect())
        }
        other => other.clone(),
    }
}

/// What releases do and files cannot: the order in which things become ready, and what outlives an uninstall. `tool` is
/// what deploys the files: `kubectl apply`.
pub fn release_notes(objects: &[Object], tool: &str) -> Vec<Diagnostic> {
    let mut notes: Vec<Diagnostic> = order(objects)
        .into_iter()
        .map(|(id, others)| {
            let what =
                format!("{tool} does not wait until {} is ready before it makes this", others.join(", "));
            Diagnostic::note(id, what)
                .why("a release waits for what a workload depends on")
                .remedy("two calls with a look in between where the workload does not bear the wait itself")
        })
        .collect();
    for object in objects {
        match object.ownership {
            Ownership::Owned => {}
            Ownership::Kept => notes.push(Diagnostic::note(
                object.id.as_str(),
                "an uninstall of the release would leave it; the platform's own tools remove it with the rest",
            )),
            Ownership::External => notes.push(
                Diagnostic::note(object.id.as_str(), "it is not in the files: it must be there already"),
            ),
        }
    }
    notes
}

fn order(objects: &[Object]) -> BTreeMap<&str, Vec<&str>> {
    let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for object in objects {
        let ready = object.after.iter().filter(|after| after.until == Until::Ready);
        for after in ready {
            found.entry(object.id.as_str()).or_default().push(after.id.as_str());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{After, Error, ErrorKind};
    use rhumb_spec::model::Generate;

    struct Nobody;

    impl Materials for Nobody {
        fn sealed(&self, _: &str) -> crate::Result<Material> {
            Err(Error::new(ErrorKind::MaterialMissing, "make a secret", "nobody has it"))
        }

        fn generated(&self, _: &str, _: &Generate, _: Option<&str>) -> crate::Result<Material> {
            Ok(Material::new(vec![0xff]))
        }
    }

    #[test]
    fn material_is_met_told_or_left_out() {
        let id = ObjectId::new("secret", "db");
        let sealed = Demand::Sealed("a".to_owned());
        let made = Demand::Generate { of: "secret/db/key".to_owned(), how: Generate::default(), part: None };
        assert!(ExportSecrets::LeftOut.meet(&id, &sealed).unwrap().is_none());
        let written = ExportSecrets::Written(&Nobody);
        let refused = written.meet(&id, &sealed).unwrap_err();
        assert_eq!((refused.path.as_str(), refused.what.as_str()), ("secret/db", "nobody has it"));
        assert_eq!(written.meet(&id, &made).unwrap().unwrap().expose(), [0xff]);
    }

    #[test]
    fn demands_are_found_where_they_are() {
        let demand = Demand::Sealed("a".to_owned());
        let body = json!({ "data": { "password": demand.to_value() }, "list": [{ "x": demand.to_value() }] });
        let paths: Vec<String> = demands(&body).into_iter().map(|(path, _)| path).collect();
        assert_eq!(paths, ["data.password", "list.0.x"]);
    }

    #[test]
    fn what_files_cannot_do_is_told() {
        let web = Object {
            after: vec![
                After { id: ObjectId::new("service", "db"), until: Until::Ready },
                After { id: ObjectId::new("config", "web"), until: Until::Exists },
            ],
            ..Object::new(ObjectId::new("service", "web"), json!({}))
        };
        let net = Object {
            ownership: Ownership::External,
            ..Object::new(ObjectId::new("network", "x"), json!({}))
        };
        let notes = release_notes(&[web, net], "kubectl apply");
        let told: Vec<&str> = notes.iter().map(|note| note.what.as_str()).collect();
        assert_eq!(
            told,
            [
                "kubectl apply does not wait until service/db is ready before it makes this",
                "it is not in the files: it must be there already",
            ]
        );
    }

    #[test]
    fn a_file_does_not_show_what_is_in_it() {
        let file = ExportedFile::secret("a", b"canary".to_vec(), Vec::new());
        assert!(!format!("{file:?}").contains("canary"));
        assert!(!format!("{file:?}").contains("99, 97"));
    }
}
