//! One object while it is read, and what became of it.

use rhumb_backend::fields::{Fields, Ledger, Source, leaves, patch, paths, prune};
use rhumb_backend::{Account, Fate, Object, ObjectId, Ownership, Rest, reference};
use rhumb_spec::Diagnostic;
use serde_json::{Map, Value};

use super::{defaults, world::World};
use crate::gather::family_of;
use crate::kind::Kind;

/// The name of this platform in `on` and `platform`.
pub(super) const PLATFORM: &str = "ecs";

/// One object while it is read.
pub(super) struct Document {
    pub(super) id: ObjectId,
    pub(super) kind: Option<Kind>,
    pub(super) ownership: Ownership,
    /// The hash of its content, where it is named by that.
    pub(super) generation: Option<String>,
    /// As it came.
    pub(super) whole: Value,
    /// What is left to read.
    body: Map<String, Value>,
    fields: usize,
    ledger: Ledger,
}

impl Document {
    /// An object, ready to be read.
    pub(super) fn new(object: &Object) -> Self {
        let kind = Kind::of(&object.id);
        let source = if defaults::is_live(&object.body) { Source::Server } else { Source::File };
        let ledger = Ledger::new(source);
        let mut body = object.body.as_object().cloned().unwrap_or_default();
        defaults::empty(&mut body, &ledger);
        if let Some(kind) = kind {
            defaults::written(kind, &mut Fields::new(&mut body, "", &ledger));
        }
        Self {
            id: object.id.clone(),
            kind,
            ownership: object.ownership,
            generation: object.generation.clone(),
            whole: object.body.clone(),
            body,
            fields: leaves(&object.body),
            ledger,
        }
    }

    /// A copy that is read once more, of which nobody hears.
    pub(super) fn again(&self) -> Self {
        Self::new(&Object {
            ownership: self.ownership,
            generation: self.generation.clone(),
            ..Object::new(self.id.clone(), self.whole.clone())
        })
    }

    /// The name in its id.
    pub(super) fn name(&self) -> &str {
        self.id.name()
    }

    /// The family of a task definition.
    pub(super) fn family(&self) -> String {
        let arn = self.text_at("/taskDefinitionArn").map(|arn| arn.rsplit('/').next().unwrap_or(arn));
        let family = self.text_at("/family").or(arn).unwrap_or(self.name());
        family_of(family)
    }

    /// The family and revision of a task definition: `web:3`.
    pub(super) fn revision(&self) -> Option<String> {
        let revision = self.whole.get("revision").and_then(Value::as_u64)?;
        Some(format!("{}:{revision}", self.family()))
    }

    /// What is left to read.
    pub(super) fn fields(&mut self) -> Fields<'_> {
        Fields::new(&mut self.body, "", &self.ledger)
    }

    /// Text of it as it came.
    pub(super) fn text_at(&self, pointer: &str) -> Option<&str> {
        self.whole.pointer(pointer).and_then(Value::as_str)
    }

    /// The object or the text that a field of it refers by.
    pub(super) fn refers(&self, pointer: &str) -> Option<Referred> {
        self.whole.pointer(pointer).and_then(Referred::of)
    }

    /// Ends the reading: what is left is a patch of what the document becomes on ECS.
    pub(super) fn finish_with_patch(
        mut self,
        document: &str,
        kind: &str,
        world: &mut World,
    ) -> Option<Value> {
        prune(&mut self.body);
        let left = Value::Object(std::mem::take(&mut self.body));
        if left.as_object().is_some_and(Map::is_empty) {
            self.account(Some(document.to_owned()), world);
            return None;
        }
        let why = format!("no neutral field is for it; a patch under on.{PLATFORM}.{kind} keeps it");
        self.tell(&left, Fate::Kept, &why);
        self.account(Some(document.to_owned()), world);
        Some(patch(left))
    }

    /// Ends the reading: what is left is not in the app.
    pub(super) fn finish(mut self, document: &str, world: &mut World) {
        prune(&mut self.body);
        if !self.body.is_empty() {
            let left = Value::Object(std::mem::take(&mut self.body));
            self.tell(&left, Fate::Lost, "no neutral field is for it");
        }
        self.account(Some(document.to_owned()), world);
    }

    /// Ends the reading: all of it meets one fate.
    pub(super) fn finish_whole(self, why: &str, fate: Fate, world: &mut World) {
        let rest = Rest { path: String::new(), fields: self.fields, fate, why: why.to_owned() };
        *self.ledger.borrow_mut() = vec![rest];
        self.account(None, world);
    }

    fn tell(&self, left: &Value, fate: Fate, why: &str) {
        let mut found = Vec::new();
        paths(left, "", &mut found);
        let rest = found.into_iter().map(|path| Rest { path, fields: 1, fate, why: why.to_owned() });
        self.ledger.borrow_mut().extend(rest);
    }

    /// Writes the account, and a note for what is not carried.
    fn account(self, document: Option<String>, world: &mut World) {
        let rest = self.ledger.into_inner();
        for one in rest.iter().filter(|rest| rest.fate != Fate::Own) {
            let path =
                if one.path.is_empty() { self.id.to_string() } else { format!("{}.{}", self.id, one.path) };
            let what = match one.fate {
                Fate::Kept => "it is kept for ECS only",
                Fate::Own | Fate::Lost => "it is not carried over",
            };
            world.notes.push(Diagnostic::note(path, what).why(&one.why));
        }
        world.accounts.push(Account { id: self.id, document, fields: self.fields, rest });
    }
}

/// How a field names another thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Referred {
    /// An object of the same release.
    Object(ObjectId),
    /// A name or an ARN.
    Text(String),
}

impl Referred {
    /// What a value refers to.
    pub(super) fn of(value: &Value) -> Option<Self> {
        match reference::parse(value) {
            Some((id, _)) => Some(Self::Object(id)),
            None => value.as_str().map(|text| Self::Text(text.to_owned())),
        }
    }
}
