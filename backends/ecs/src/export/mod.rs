//! Requests for the AWS CLI, a folder for each kind of thing, and a script that sends them in order.

mod plain;
mod script;

use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::export::{FILL_IN, release_notes};
use rhumb_backend::material::{Demand, meet};
use rhumb_backend::{
    Error, ErrorKind, ExportSecrets, Exported, ExportedFile, Material, Materials, Object, ObjectId,
    Ownership, Result as BackendResult, Scope, Until,
};
use rhumb_spec::Diagnostic;
use rhumb_spec::model::Generate;
use serde_json::{Value, json};

use crate::facts::EcsFacts;
use crate::kind::Kind;
use crate::secret_string;
use script::{Call, Script};

/// The script.
const SCRIPT: &str = "deploy.sh";

/// Writes objects as requests of the AWS CLI.
///
/// # Errors
/// Material that is nowhere, and a body that holds material where anybody may read it.
pub(crate) fn files(
    scope: &Scope,
    objects: &[Object],
    secrets: &ExportSecrets<'_>,
) -> Result<Exported, Vec<Diagnostic>> {
    let names = plain::renames(objects);
    let mut script = Script::new(scope, wanted(objects));
    let mut exported = Exported::default();
    let mut refused = Vec::new();
    for object in ordered(objects) {
        let Some(kind) = Kind::of(&object.id) else { continue };
        let body = plain::body(scope, kind, &object.body, &names);
        match filled(kind, object, body, secrets) {
            Ok(filled) => add(object, kind, filled, (&mut script, &mut exported)),
            Err(found) => refused.push(*found),
        }
    }
    if !refused.is_empty() {
        return Err(refused);
    }
    exported.deploying = deploying(&script);
    exported.files.insert(0, ExportedFile::program(SCRIPT, script.text()));
    exported.notes = notes(objects);
    Ok(exported)
}

/// A request with its material.
struct Filled {
    body: Value,
    fill_in: Vec<String>,
}

/// Puts secret material into the request for a secret. Nothing else takes any.
fn filled(
    kind: Kind,
    object: &Object,
    mut body: Value,
    secrets: &ExportSecrets<'_>,
) -> Result<Filled, Box<Diagnostic>> {
    let mut fill_in = Vec::new();
    if kind == Kind::Secret
        && let Some(content) = body.get_mut("SecretString").filter(|content| !content.is_string())
    {
        let text = match secrets {
            ExportSecrets::Written(materials) => text(content, *materials),
            ExportSecrets::LeftOut => {
                fill_in.extend(missing(content));
                text(content, &Blank).map(|text| blank(&text))
            }
        };
        *content = text
            .map_err(|error| {
                let found = Diagnostic::error(object.id.as_str(), error.message);
                Box::new(found.remedy(error.remedy.unwrap_or_else(|| "--no-secrets".to_owned())))
            })?
            .into();
    }
    if !rhumb_backend::export::demands(&body).is_empty() {
        let what = "secret material is wanted in a place that anybody who may look can read";
        return Err(Box::new(
            Diagnostic::error(object.id.as_str(), what)
                .remedy("take it from a secret, as a variable or as a file"),
        ));
    }
    Ok(Filled { body, fill_in })
}

fn text(content: &Value, materials: &dyn Materials) -> BackendResult<String> {
    let material = match Demand::parse(content) {
        Some(demand) => meet(&demand, materials)?,
        None => secret_string::compose(content, materials)?,
    };
    String::from_utf8(material.expose().to_vec()).map_err(|_| {
        Error::new(ErrorKind::Invalid, "write a secret", "the material is to be text, and is none")
    })
}

/// What a person has to fill in.
fn missing(content: &Value) -> Vec<String> {
    if Demand::parse(content).is_some() {
        return vec!["SecretString".to_owned()];
    }
    if content.get(secret_string::REGISTRY).is_some() {
        return vec!["username and password in SecretString".to_owned()];
    }
    let keys = content.as_object().into_iter().flatten().map(|(key, _)| key);
    keys.map(|key| format!("{key} in SecretString, and {key}{} in base64", secret_string::BASE64)).collect()
}

/// Stands for every material.
struct Blank;

impl Materials for Blank {
    fn sealed(&self, _: &str) -> BackendResult<Material> {
        Ok(Material::new(FILL_IN.as_bytes().to_vec()))
    }

    fn generated(&self, _: &str, _: &Generate, _: Option<&str>) -> BackendResult<Material> {
        Ok(Material::new(FILL_IN.as_bytes().to_vec()))
    }
}

/// A secret's text of which every value is to be filled in, be it part of a text or in base64.
fn blank(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(map)) => {
            let blank = map.into_iter().map(|(key, _)| (key, Value::from(FILL_IN)));
            Value::Object(blank.collect()).to_string()
        }
        _ => FILL_IN.to_owned(),
    }
}

/// Adds the calls that make an object, and their files.
fn add(object: &Object, kind: Kind, filled: Filled, (script, exported): (&mut Script, &mut Exported)) {
    let waits = object.after.iter().filter(|after| after.until == Until::Ready);
    waits.for_each(|after| script.wait(&after.id));
    let stem = format!("{}/{}", folder(kind), file_name(object.id.name()));
    for (number, (operation, body)) in plain::calls(kind, &object.id, filled.body).into_iter().enumerate() {
        let path = match number {
            0 => format!("{stem}.json"),
            _ => format!("{stem}.{}.json", script::command(operation).1),
        };
        let content = serde_json::to_string_pretty(&body).unwrap_or_default() + "\n";
        exported.files.push(match kind {
            Kind::Secret => ExportedFile::secret(&path, content, filled.fill_in.clone()),
            _ => ExportedFile::open(&path, content),
        });
        script.call(&object.id, &Call { path, operation, body: &body, makes: number == 0 });
    }
    if !filled.fill_in.is_empty() {
        script.needs_filling();
    }
}

fn folder(kind: Kind) -> String {
    match kind {
        Kind::Discovery => "discovery-services".to_owned(),
        Kind::ScalingPolicy => "scaling-policies".to_owned(),
        kind => format!("{}s", kind.as_str()),
    }
}

/// A name as that of a file.
fn file_name(name: &str) -> String {
    let legal = |character: char| match character {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-' => character,
        _ => '-',
    };
    name.chars().map(legal).collect()
}

/// Objects in an order in which each comes after what it needs: by their kinds, and what runs by what it waits for.
fn ordered(objects: &[Object]) -> Vec<&Object> {
    let rank = |object: &Object| match Kind::of(&object.id) {
        Some(Kind::Task) => Some(Kind::Service),
        kind => kind,
    };
    let mut left: Vec<&Object> =
        objects.iter().filter(|object| object.ownership != Ownership::External).collect();
    left.sort_by_key(|object| rank(object));
    let mut done: BTreeSet<&ObjectId> = BTreeSet::new();
    let mut found = Vec::new();
    while !left.is_empty() {
        let first = rank(left[0]);
        let is_left = |id: &ObjectId, done: &BTreeSet<&ObjectId>| {
            !done.contains(id) && left.iter().any(|other| other.id == *id && rank(other) == first)
        };
        let free = |object: &&Object| {
            rank(object) == first && object.after.iter().all(|after| !is_left(&after.id, &done))
        };
        let at = left.iter().position(free).unwrap_or_default();
        let next = left.remove(at);
        done.insert(&next.id);
        found.push(next);
    }
    found
}

/// Which outputs of which objects others refer to.
fn wanted(objects: &[Object]) -> BTreeMap<ObjectId, BTreeSet<String>> {
    let mut found: BTreeMap<ObjectId, BTreeSet<String>> = BTreeMap::new();
    for object in objects {
        plain::references(&object.body, &mut |id, output| {
            found.entry(id).or_default().insert(output.to_owned());
        });
        // Whoever waits for a task asks for it by its ARN.
        for after in object.after.iter().filter(|after| Kind::of(&after.id) == Some(Kind::Task)) {
            found.entry(after.id.clone()).or_default().insert("arn".to_owned());
        }
    }
    found
}

fn notes(objects: &[Object]) -> Vec<Diagnostic> {
    let unordered: Vec<Object> =
        objects.iter().map(|object| Object { after: Vec::new(), ..object.clone() }).collect();
    let mut notes = release_notes(&unordered, SCRIPT);
    let assumed = EcsFacts::default();
    let text = objects.iter().any(|object| object.body.to_string().contains(&assumed.account));
    if text {
        notes.push(
            Diagnostic::note(
                "",
                format!("the account {}, its region, subnets and roles are examples", assumed.account),
            )
            .why("no target was asked")
            .remedy("--live with a target of your account, or your own names in their place"),
        );
    }
    for object in objects.iter().filter(|object| object.generation.is_some()) {
        if matches!(Kind::of(&object.id), Some(Kind::Parameter | Kind::Secret)) {
            notes.push(
                Diagnostic::note(object.id.as_str(), "tasks that run do not see a change of it")
                    .why("a release names it by its content, and here it keeps one name")
                    .remedy("`aws ecs update-service --force-new-deployment`"),
            );
        }
    }
    notes
}

fn deploying(script: &Script) -> String {
    let mut text = format!(
        "`{SCRIPT}` sends the requests with the AWS CLI, in the order below, with the credentials and the region that the \
         CLI has. It notes what it made in `.deployed` and goes on from there when it is called again.\n\n```sh\n./{SCRIPT}\n```\n\n\
         `${{…}}` in a request stands for what an earlier answer told. Later changes are calls of your own: \
         `aws ecs register-task-definition`, then `aws ecs update-service --task-definition`.\n\n"
    );
    let needed = script.needed();
    if !needed.is_empty() {
        text.push_str("Set in the environment before, as they are there already: ");
        text.push_str(&needed.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "));
        text.push_str(".\n\n");
    }
    text.push_str("| request | call |\n|---|---|\n");
    for (path, command) in script.calls() {
        text.extend(["| `", path, "` | `", command, "` |\n"]);
    }
    text
}

/// A placeholder for an output of an object.
fn placeholder(id: &ObjectId, output: &str) -> Value {
    json!(format!("${{{}}}", variable(id, output)))
}

/// The name of a placeholder: `TARGET_GROUP_WEB_HTTP_ARN`.
fn variable(id: &ObjectId, output: &str) -> String {
    let legal = |character: char| {
        if character.is_ascii_alphanumeric() { character.to_ascii_uppercase() } else { '_' }
    };
    format!("{id}_{output}").chars().map(legal).collect()
}

#[cfg(test)]
mod tests;
