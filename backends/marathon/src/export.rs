//! Apps, pods and jobs as the APIs of Marathon, Metronome and Chronos take them, and what the secret store holds as files.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::export::{demands, map_texts, release_notes};
use rhumb_backend::material::Demand;
use rhumb_backend::{ExportSecrets, Exported, ExportedFile, Object, ObjectId, Ownership, Scope};
use rhumb_spec::Diagnostic;
use serde_json::{Map, Value};

use crate::kind::Kind;
use crate::names;

/// Writes objects as documents.
///
/// # Errors
/// Material that is nowhere, and a document that holds material where anybody may read it.
pub(crate) fn files(
    scope: &Scope,
    objects: &[Object],
    secrets: &ExportSecrets<'_>,
) -> Result<Exported, Vec<Diagnostic>> {
    let mut work = Work { paths: renames(scope, objects), ..Work::default() };
    let mut refused = Vec::new();
    for object in in_order(objects) {
        if let Err(found) = work.object(object, secrets) {
            refused.push(*found);
        }
    }
    if !refused.is_empty() {
        return Err(refused);
    }
    let mut notes = release_notes(objects, "dcos marathon");
    notes.extend(objects.iter().filter_map(unseen));
    Ok(Exported { files: work.files, deploying: deploying(&work.commands), notes })
}

#[derive(Default)]
struct Work {
    /// The plain paths in the secret store of what is named by its content.
    paths: BTreeMap<String, String>,
    files: Vec<ExportedFile>,
    commands: Vec<String>,
}

/// Entries of the store first, as apps refer to them; then what is depended on.
fn in_order(objects: &[Object]) -> Vec<&Object> {
    let mut left: Vec<&Object> =
        objects.iter().filter(|object| object.ownership != Ownership::External).collect();
    left.sort_by_key(|object| !matches!(Kind::of(&object.id), Some(Kind::Secret | Kind::Config)));
    let mut done = BTreeSet::new();
    let mut found = Vec::new();
    while !left.is_empty() {
        let is_there = |id: &ObjectId| done.contains(id) || !left.iter().any(|other| other.id == *id);
        let free = |object: &&Object| object.after.iter().all(|after| is_there(&after.id));
        let next = left.remove(left.iter().position(free).unwrap_or_default());
        done.insert(&next.id);
        found.push(next);
    }
    found
}

fn renames(scope: &Scope, objects: &[Object]) -> BTreeMap<String, String> {
    let named = objects.iter().filter(|object| object.generation.is_some());
    let pairs = named.filter_map(|object| {
        let path = object.body.get("path")?.as_str()?;
        let (stem, _) = path.rsplit_once('-')?;
        stem.starts_with(&format!("{}/{}/", scope.namespace, scope.release))
            .then(|| (path.to_owned(), stem.to_owned()))
    });
    pairs.collect()
}

impl Work {
    fn object(&mut self, object: &Object, secrets: &ExportSecrets<'_>) -> Result<(), Box<Diagnostic>> {
        let Some(kind) = Kind::of(&object.id) else { return Ok(()) };
        let mut body = map_texts(&object.body, &|text| self.paths.get(text).cloned());
        strip(&mut body);
        if matches!(kind, Kind::Secret | Kind::Config) {
            return self.entry(kind, object, &body, secrets);
        }
        if !demands(&body).is_empty() {
            let what = "secret material is wanted in a place that anybody who may read apps can read";
            let found = Diagnostic::error(object.id.as_str(), what);
            return Err(Box::new(found.remedy("take it from a secret of the store")));
        }
        let name = file_name(object.id.name());
        match kind {
            Kind::Pod => self.document(&format!("pods/{name}.json"), &body, "dcos marathon pod add <"),
            Kind::Job => self.job(object, &name, body),
            Kind::Chronos => {
                let post =
                    "curl -H 'Content-Type: application/json' \"$CHRONOS_URL/v1/scheduler/iso8601\" -d @";
                self.document(&format!("chronos/{name}.json"), &body, post);
            }
            _ => self.document(&format!("apps/{name}.json"), &body, "dcos marathon app add <"),
        }
        Ok(())
    }

    /// Adds a document and the command that takes it: one that ends in `<` or `@` has its path right behind.
    fn document(&mut self, path: &str, body: &Value, command: &str) {
        let content = serde_json::to_string_pretty(body).unwrap_or_default() + "\n";
        self.files.push(ExportedFile::open(path, content));
        let gap = if command.ends_with('@') { "" } else { " " };
        self.commands.push(format!("{command}{gap}{path}"));
    }

    /// A job, its schedules, which Metronome takes one by one, and its run where it runs once.
    fn job(&mut self, object: &Object, name: &str, mut body: Value) {
        let schedules = body.as_object_mut().and_then(|map| map.shift_remove("schedules"));
        let id = body.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        self.document(&format!("jobs/{name}.json"), &body, "dcos job add");
        for (number, schedule) in schedules.iter().filter_map(Value::as_array).flatten().enumerate() {
            let end = if number == 0 { String::new() } else { format!("-{}", number + 1) };
            self.document(
                &format!("schedules/{name}{end}.json"),
                schedule,
                &format!("dcos job schedule add {id}"),
            );
        }
        if object.once.is_some() {
            self.commands.push(format!("dcos job run {id}"));
        }
    }

    /// What the secret store holds at a path: the file of a config, or a secret.
    fn entry(
        &mut self,
        kind: Kind,
        object: &Object,
        body: &Value,
        secrets: &ExportSecrets<'_>,
    ) -> Result<(), Box<Diagnostic>> {
        let folder = if kind == Kind::Secret { "secrets" } else { "configs" };
        let name: Vec<String> = object.id.name().split('/').map(file_name).collect();
        let path = format!("{folder}/{}", name.join("/"));
        let value = body.get("value").cloned().unwrap_or_default();
        let file = match Demand::parse(&value) {
            None => ExportedFile::open(&path, value.as_str().unwrap_or_default()),
            Some(demand) => match secrets.meet(&object.id, &demand)? {
                Some(material) => ExportedFile::secret(&path, material.expose(), Vec::new()),
                None => ExportedFile::secret(&path, "", vec!["all of it; the file is empty".to_owned()]),
            },
        };
        self.files.push(file);
        let at = body.get("path").and_then(Value::as_str).unwrap_or_default();
        self.commands.push(format!("dcos security secrets create --file {path} {at}"));
        Ok(())
    }
}

/// Takes our labels out, and mappings of labels that held nothing else.
fn strip(value: &mut Value) {
    match value {
        Value::Object(map) => {
            strip_labels(map);
            map.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

fn strip_labels(map: &mut Map<String, Value>) {
    let Some(Value::Object(labels)) = map.get_mut("labels") else { return };
    let before = labels.len();
    labels.retain(|key, _| !key.starts_with(names::MARK));
    if labels.is_empty() && before > 0 {
        map.shift_remove("labels");
    }
}

/// A name as that of a file.
fn file_name(name: &str) -> String {
    let legal = |character: char| match character {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-' => character,
        _ => '-',
    };
    match name.chars().map(legal).collect::<String>() {
        name if name.trim_matches('.').is_empty() => format!("file{name}"),
        name => name,
    }
}

fn unseen(object: &Object) -> Option<Diagnostic> {
    let is_entry = matches!(Kind::of(&object.id), Some(Kind::Secret | Kind::Config));
    (is_entry && object.generation.is_some()).then(|| {
        Diagnostic::note(object.id.as_str(), "tasks that run do not see a change of it")
            .why("a release names it by its content, and here it keeps one path")
            .remedy("`dcos marathon app restart`")
    })
}

fn deploying(commands: &[String]) -> String {
    let needs_chronos = commands.iter().any(|command| command.contains("$CHRONOS_URL"));
    let mut text =
        "The files are what the APIs of Marathon and Metronome take. With the DC/OS CLI, in this order:\n\n```sh\n"
            .to_owned();
    for command in commands {
        text.push_str(command);
        text.push('\n');
    }
    text.push_str(
        "```\n\nWithout it, an app goes to `PUT /v2/apps/{id}` and a pod to `PUT /v2/pods/{id}` of Marathon, a job to \
         `POST /v1/jobs` and its schedule to `POST /v1/jobs/{id}/schedules` of Metronome:\n\n```sh\n\
         curl -X PUT -H 'Content-Type: application/json' \"$MARATHON_URL/v2/apps/NAMESPACE/RELEASE/NAME\" -d @apps/NAME.json\n```\n",
    );
    if needs_chronos {
        text.push_str("\n`CHRONOS_URL` is the address of Chronos.\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use rhumb_backend::{After, Material, Materials, Result as BackendResult, Until};
    use rhumb_spec::model::Generate;
    use serde_json::json;

    struct Given;

    impl Materials for Given {
        fn sealed(&self, _: &str) -> BackendResult<Material> {
            Ok(Material::new(b"canary".to_vec()))
        }

        fn generated(&self, _: &str, _: &Generate, _: Option<&str>) -> BackendResult<Material> {
            Ok(Material::new(b"made".to_vec()))
        }
    }

    fn sample() -> Vec<Object> {
        let marks = json!({ "rhumb.dev/release": "shop" });
        let source = "default/shop/db__key-0123456789abcdef";
        vec![
            Object {
                after: vec![After { id: Kind::Job.id("migrate"), until: Until::Ready }],
                ..Object::new(
                    Kind::App.id("web"),
                    json!({ "id": "/default/shop/web", "labels": marks, "secrets": { "db.key": { "source": source } } }),
                )
            },
            Object {
                once: Some("x".to_owned()),
                ..Object::new(
                    Kind::Job.id("migrate"),
                    json!({ "id": "default.shop.migrate", "labels": { "team": "web", "rhumb.dev/release": "shop" }, "run": {}, "schedules": [{ "id": "default", "cron": "* * * * *" }] }),
                )
            },
            Object {
                generation: Some("0123456789abcdef".to_owned()),
                ..Object::new(
                    Kind::Secret.id("db/key"),
                    json!({ "path": source, "value": Demand::Sealed("a".to_owned()).to_value() }),
                )
            },
        ]
    }

    fn export(secrets: &ExportSecrets<'_>) -> Exported {
        files(&Scope::new("default", "shop"), &sample(), secrets).unwrap()
    }

    fn json_of(exported: &Exported, path: &str) -> Value {
        let file = exported.files.iter().find(|file| file.path == path).expect(path);
        serde_json::from_slice(&file.content).unwrap()
    }

    #[test]
    fn documents_are_plain_and_complete() {
        let exported = export(&ExportSecrets::Written(&Given));
        assert_eq!(
            json_of(&exported, "apps/web.json"),
            json!({ "id": "/default/shop/web", "secrets": { "db.key": { "source": "default/shop/db__key" } } })
        );
        let job = json!({ "id": "default.shop.migrate", "labels": { "team": "web" }, "run": {} });
        assert_eq!(json_of(&exported, "jobs/migrate.json"), job);
        assert_eq!(
            json_of(&exported, "schedules/migrate.json"),
            json!({ "id": "default", "cron": "* * * * *" })
        );
        assert_eq!(&*exported.files[0].content, b"canary");
    }

    #[test]
    fn commands_come_in_the_order_of_what_is_needed() {
        let exported = export(&ExportSecrets::LeftOut);
        let commands: Vec<&str> =
            exported.deploying.lines().filter(|line| line.starts_with("dcos ")).collect();
        assert_eq!(
            commands,
            [
                "dcos security secrets create --file secrets/db/key default/shop/db__key",
                "dcos job add jobs/migrate.json",
                "dcos job schedule add default.shop.migrate schedules/migrate.json",
                "dcos job run default.shop.migrate",
                "dcos marathon app add < apps/web.json",
            ]
        );
        assert_eq!(exported.files[0].fill_in.len(), 1);
    }
}
