//! One object while it is read, and what became of it.

use rhumb_backend::fields::{Fields, Ledger, Source, leaves, patch, paths, prepare, prune};
use rhumb_backend::{Account, Fate, Object, ObjectId, Rest};
use rhumb_spec::Diagnostic;
use serde_json::{Map, Value};

use super::World;
use crate::names;

/// Mappings that say nothing where nothing is in them.
const SAY_NOTHING: &[&str] =
    &["env", "labels", "secrets", "environment", "portMappings", "upgradeStrategy", "volumes"];
/// Lists that say nothing where nothing is in them.
const EMPTY_LISTS: &[&str] = &[
    "args",
    "constraints",
    "dependencies",
    "fetch",
    "healthChecks",
    "readinessChecks",
    "uris",
    "volumes",
    "parameters",
    "portMappings",
    "portDefinitions",
    "ports",
    "acceptedResourceRoles",
    "storeUrls",
    "artifacts",
    "endpoints",
    "volumeMounts",
    "schedules",
    "networkNames",
];

/// One object while it is read.
pub(super) struct Document {
    pub(super) id: ObjectId,
    /// As it came.
    pub(super) whole: Value,
    /// What is left to read.
    body: Map<String, Value>,
    fields: usize,
    ledger: Ledger,
}

impl Document {
    /// An object, ready to be read: what says nothing and what is our own mark is taken out.
    pub(super) fn new(object: &Object) -> Self {
        let mut body = object.body.as_object().cloned().unwrap_or_default();
        let is_live = body.contains_key("versionInfo") || body.contains_key("tasksRunning");
        let ledger = Ledger::new(if is_live { Source::Server } else { Source::File });
        prepare(&mut body, SAY_NOTHING, &ledger);
        strip(&mut body, "", &ledger);
        Self { id: object.id.clone(), whole: object.body.clone(), body, fields: leaves(&object.body), ledger }
    }

    /// What is left to read.
    pub(super) fn fields(&mut self) -> Fields<'_> {
        Fields::new(&mut self.body, "", &self.ledger)
    }

    /// Its id on the platform.
    pub(super) fn native(&self) -> &str {
        self.whole.get("id").and_then(Value::as_str).unwrap_or_default()
    }

    /// Ends the reading: what is left is a patch of an object of this kind, which the document becomes.
    pub(super) fn finish_with_patch(
        mut self,
        (document, kind): (&str, &str),
        world: &mut World,
    ) -> Option<Value> {
        prune(&mut self.body);
        let left = Value::Object(std::mem::take(&mut self.body));
        if left.as_object().is_some_and(Map::is_empty) {
            self.account(Some(document.to_owned()), world);
            return None;
        }
        let why = format!("no neutral field is for it; a patch under on.marathon.{kind} keeps it");
        let mut found = Vec::new();
        paths(&left, "", &mut found);
        let kept = found.into_iter().map(|path| Rest { path, fields: 1, fate: Fate::Kept, why: why.clone() });
        self.ledger.borrow_mut().extend(kept);
        self.account(Some(document.to_owned()), world);
        Some(patch(left))
    }

    /// Ends the reading: all that is left is in the app as a neutral field.
    pub(super) fn finish_carried(mut self, document: String, world: &mut World) {
        self.body.clear();
        self.account(Some(document), world);
    }

    /// Ends the reading: all of it meets one fate.
    pub(super) fn finish_whole(mut self, why: &str, fate: Fate, world: &mut World) {
        let rest = Rest { path: String::new(), fields: self.fields, fate, why: why.to_owned() };
        *self.ledger.borrow_mut() = vec![rest];
        self.body.clear();
        self.account(None, world);
    }

    /// Ends the reading: the app passes it through. Gives what is left of it, as it was written.
    pub(super) fn finish_native(
        mut self,
        document: String,
        why: &str,
        world: &mut World,
    ) -> Map<String, Value> {
        let told: usize = self.ledger.borrow().iter().map(|rest| rest.fields).sum();
        let kept = self.fields.saturating_sub(told);
        let rest = Rest { path: String::new(), fields: kept, fate: Fate::Kept, why: why.to_owned() };
        self.ledger.borrow_mut().push(rest);
        let left = patch(Value::Object(std::mem::take(&mut self.body)));
        self.account(Some(document), world);
        left.as_object().cloned().unwrap_or_default()
    }

    /// Writes the account, and a note for what is not carried.
    fn account(self, document: Option<String>, world: &mut World) {
        let rest = self.ledger.into_inner();
        for one in rest.iter().filter(|rest| rest.fate != Fate::Own) {
            let path =
                if one.path.is_empty() { self.id.to_string() } else { format!("{}.{}", self.id, one.path) };
            let what = match one.fate {
                Fate::Kept => "it is kept for Marathon only",
                Fate::Own | Fate::Lost => "it is not carried over",
            };
            world.notes.push(Diagnostic::note(path, what).why(&one.why));
        }
        world.accounts.push(Account { id: self.id, document, fields: self.fields, rest });
    }
}

/// Takes out lists with nothing in them and labels that mark what is a release's.
fn strip(map: &mut Map<String, Value>, path: &str, ledger: &Ledger) {
    let own = |path: String, fields: usize, why: &str| {
        ledger.borrow_mut().push(Rest { path, fields, fate: Fate::Own, why: why.to_owned() });
    };
    map.retain(|key, value| {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match value {
            Value::Array(items) if items.is_empty() && EMPTY_LISTS.contains(&key.as_str()) => {
                own(path, 1, "it says nothing");
                return false;
            }
            Value::Object(below) => strip(below, &path, ledger),
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    if let Value::Object(item) = item {
                        let name = item.get("name").and_then(Value::as_str);
                        let name = name.map_or_else(|| index.to_string(), str::to_owned);
                        strip(item, &format!("{path}.{name}"), ledger);
                    }
                }
            }
            _ if key.starts_with(names::MARK) => {
                own(path, 1, "a release marks its own objects anew");
                return false;
            }
            _ => {}
        }
        true
    });
}
