//! One object while it is read, and what became of it.

use rhumb_backend::{Account, Fate, Object, ObjectId, Ownership, Rest};
use rhumb_spec::Diagnostic;
use serde_json::{Map, Value};

use super::defaults;
use super::world::World;
use rhumb_backend::fields::{Fields, Ledger, Source, leaves, patch, paths, prune};

/// One object while it is read.
pub(super) struct Document {
    pub(super) id: ObjectId,
    /// The word of its kind, whatever its namespace.
    pub(super) word: String,
    /// Its name in the cluster.
    pub(super) name: String,
    pub(super) ownership: Ownership,
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
        let text = |at: &str| object.body.pointer(at).and_then(Value::as_str).unwrap_or_default();
        let word = crate::kind::word(text("/apiVersion"), text("/kind"));
        let name = text("/metadata/name").to_owned();
        let mut body = object.body.as_object().cloned().unwrap_or_default();
        let source =
            if object.body.pointer("/metadata/uid").is_some() { Source::Server } else { Source::File };
        let ledger = Ledger::new(source);
        defaults::prepare(&mut body, &ledger);
        let fields = leaves(&object.body);
        let ownership = object.ownership;
        Self {
            id: object.id.clone(),
            word,
            name,
            ownership,
            whole: object.body.clone(),
            body,
            fields,
            ledger,
        }
    }

    /// Its kind as documents write it.
    pub(super) fn kind(&self) -> &str {
        self.whole.get("kind").and_then(Value::as_str).unwrap_or_default()
    }

    /// What is left to read.
    pub(super) fn fields(&mut self) -> Fields<'_> {
        Fields::new(&mut self.body, "", &self.ledger)
    }

    /// Text of it as it came.
    pub(super) fn text_at(&self, pointer: &str) -> Option<&str> {
        self.whole.pointer(pointer).and_then(Value::as_str)
    }

    /// Takes what says which object it is.
    pub(super) fn take_head(&mut self) {
        let mut fields = self.fields();
        fields.take_whole("apiVersion");
        fields.take_whole("kind");
        if let Some(mut metadata) = fields.below("metadata") {
            metadata.take_whole("name");
            metadata.lose("generateName", "an object of a release has a name");
            metadata.lose("namespace", "the release's namespace takes its place");
        }
    }

    /// Makes a template of a pod, as of one that something runs: that is where what is left of it will be.
    pub(super) fn wrap_pod(&mut self) {
        let metadata = self.body.get_mut("metadata").and_then(Value::as_object_mut).map(std::mem::take);
        let spec = self.body.shift_remove("spec").unwrap_or_default();
        self.body.shift_remove("metadata");
        let mut template = Map::new();
        template.insert("metadata".to_owned(), Value::Object(metadata.unwrap_or_default()));
        template.insert("spec".to_owned(), spec);
        let spec = Map::from_iter([("template".to_owned(), Value::Object(template))]);
        self.body.insert("spec".to_owned(), Value::Object(spec));
    }

    /// Ends the reading: what is left is a patch of an object of this kind, which the document becomes.
    pub(super) fn finish_with_patch(
        mut self,
        (document, kind): (&str, &str),
        world: &mut World,
    ) -> Option<Value> {
        prune(&mut self.body);
        let left = Value::Object(std::mem::take(&mut self.body));
        if leaves(&left) == 0 || left.as_object().is_some_and(Map::is_empty) {
            self.account(Some(document.to_owned()), world);
            return None;
        }
        let why = format!("no neutral field is for it; a patch under on.kubernetes.{kind} keeps it");
        self.tell(&left, Fate::Kept, &why);
        self.account(Some(document.to_owned()), world);
        Some(patch(left))
    }

    /// Ends the reading: what is left is not in the app.
    pub(super) fn finish(mut self, document: String, world: &mut World) {
        prune(&mut self.body);
        if !self.body.is_empty() {
            let left = Value::Object(std::mem::take(&mut self.body));
            self.tell(&left, Fate::Lost, "no neutral field is for it");
        }
        self.account(Some(document), world);
    }

    /// Ends the reading: nothing of it is in the app.
    pub(super) fn finish_lost(self, why: &str, world: &mut World) {
        self.finish_own(why, Fate::Lost, world);
    }

    /// Ends the reading: all of it meets one fate.
    pub(super) fn finish_own(mut self, why: &str, fate: Fate, world: &mut World) {
        self.ledger.borrow_mut().clear();
        let rest = Rest { path: String::new(), fields: self.fields, fate, why: why.to_owned() };
        self.ledger.borrow_mut().push(rest);
        self.body.clear();
        self.account(None, world);
    }

    /// The document as it came, but for what says nothing of the user's, to be passed through.
    pub(super) fn native(&self) -> (Value, Vec<Rest>) {
        let mut body = self.whole.as_object().cloned().unwrap_or_default();
        let ledger = Ledger::default();
        defaults::strip(&mut body, &ledger);
        (Value::Object(body), ledger.into_inner())
    }

    /// Ends the reading: the app passes the document through to its platform.
    pub(super) fn finish_native(mut self, document: String, why: &str, extra: Vec<Rest>, world: &mut World) {
        let (_, mut rest) = self.native();
        rest.extend(extra);
        let others: usize = rest.iter().map(|rest| rest.fields).sum();
        let kept = self.fields.saturating_sub(others);
        rest.push(Rest { path: String::new(), fields: kept, fate: Fate::Kept, why: why.to_owned() });
        *self.ledger.borrow_mut() = rest;
        self.body.clear();
        self.account(Some(document), world);
    }

    fn tell(&self, left: &Value, fate: Fate, why: &str) {
        let mut found = Vec::new();
        paths(left, "", &mut found);
        let rest = found.into_iter().map(|path| Rest { path, fields: 1, fate, why: why.to_owned() });
        self.ledger.borrow_mut().extend(rest);
    }

    /// Writes the account, and a note for what is not carried.
    fn account(self, document: Option<String>, world: &mut World) {
        let mut rest = self.ledger.into_inner();
        if self.word == "pod" {
            // A pod has its fields where others have those of a template.
            for one in &mut rest {
                one.path = one.path.strip_prefix("spec.template.").unwrap_or(&one.path).to_owned();
            }
        }
        for one in rest.iter().filter(|rest| rest.fate != Fate::Own) {
            let path =
                if one.path.is_empty() { self.id.to_string() } else { format!("{}.{}", self.id, one.path) };
            let what = match one.fate {
                Fate::Kept => "it is kept for Kubernetes only",
                Fate::Own | Fate::Lost => "it is not carried over",
            };
            world.notes.push(Diagnostic::note(path, what).why(&one.why));
        }
        world.accounts.push(Account { id: self.id, document, fields: self.fields, rest });
    }
}
