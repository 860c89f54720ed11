//! Documents of the user's own, in Kubernetes' own words.

use std::collections::BTreeMap;

use rhumb_backend::{After, Object, ObjectId, Until};
use rhumb_spec::Diagnostic;
use rhumb_spec::model::{Kind as Document, Native};
use serde_json::{Map, Value};

use super::patches::PLATFORM;
use super::pod::exists;
use super::{Context, Report};
use crate::kind::{Kind, group_of, id_of, word};
use crate::names;

/// Kinds that others rest on, in the order in which they come before everything else.
const FIRST: [&str; 14] = [
    "namespace",
    "customresourcedefinition",
    "priorityclass",
    "runtimeclass",
    "storageclass",
    "ingressclass",
    "persistentvolume",
    "resourcequota",
    "limitrange",
    "serviceaccount",
    "clusterrole",
    "clusterrolebinding",
    "role",
    "rolebinding",
];

/// Those of them that pods need from their start: without one, pods are refused or lack a right.
const BEFORE_PODS: [&str; 9] = [
    "priorityclass",
    "runtimeclass",
    "resourcequota",
    "limitrange",
    "serviceaccount",
    "clusterrole",
    "clusterrolebinding",
    "role",
    "rolebinding",
];

/// Kinds that run something that is waited for.
const RUNNERS: [&str; 5] = ["deployment", "statefulset", "daemonset", "job", "cronjob"];

/// The documents of the user's own as objects of the release.
pub(super) struct Natives {
    first: Vec<Object>,
    rest: Vec<Object>,
    paths: BTreeMap<ObjectId, String>,
}

impl Natives {
    /// Reads the documents for this platform and puts the release's marks on them.
    pub(super) fn of(context: &Context<'_>, report: &mut Report) -> Self {
        let definitions = Definitions::of(context);
        let mut found = Self { first: Vec::new(), rest: Vec::new(), paths: BTreeMap::new() };
        for (name, native) in context.app.natives.iter().filter(|(_, native)| native.platform == PLATFORM) {
            let path = Document::Native.path(name);
            let Some(object) = object(context, (name, native), &definitions, report) else { continue };
            if found.paths.insert(object.id.clone(), path.clone()).is_some() {
                report.refuse(twice(&path, &object.id));
                continue;
            }
            let is_first = FIRST.contains(&object.id.kind());
            if is_first { found.first.push(object) } else { found.rest.push(object) }
        }
        let rank = |object: &Object| FIRST.iter().position(|kind| *kind == object.id.kind());
        found.first.sort_by_key(rank);
        found.add_edges(&definitions);
        found
    }

    /// What comes before everything else, in order.
    pub(super) fn first(&self) -> &[Object] {
        &self.first
    }

    pub(super) fn rest(&self) -> &[Object] {
        &self.rest
    }

    /// That something waits for a document of a kind and name in the release's own namespace or in none; none where
    /// the app does not have it.
    pub(super) fn named(&self, kind: &str, name: &str) -> Option<After> {
        let id = ObjectId::new(kind, name);
        self.paths.contains_key(&id).then(|| exists(id))
    }

    /// What pods wait for.
    pub(super) fn before_pods(&self) -> Vec<After> {
        let needed = self.first.iter().filter(|object| BEFORE_PODS.contains(&object.id.kind()));
        needed.map(|object| exists(object.id.clone())).collect()
    }

    fn add_edges(&mut self, definitions: &Definitions) {
        let before_pods = self.before_pods();
        let namespaces: BTreeMap<String, ObjectId> = self
            .first
            .iter()
            .filter(|object| object.id.kind() == "namespace")
            .map(|object| (object.id.name().to_owned(), object.id.clone()))
            .collect();
        for object in self.first.iter_mut().chain(&mut self.rest) {
            let text = |at: &str| text(&object.body, at).unwrap_or_default();
            let mut after: Vec<After> =
                namespaces.get(text("/metadata/namespace")).cloned().map(exists).into_iter().collect();
            let key = (group_of(text("/apiVersion")).to_owned(), text("/kind").to_owned());
            if let Some(definition) = definitions.0.get(&key) {
                after.push(After { id: definition.id.clone(), until: Until::Ready });
            }
            if RUNNERS.contains(&object.id.kind()) || ["pod", "replicaset"].contains(&object.id.kind()) {
                after.extend(before_pods.iter().cloned());
            }
            object.after = after;
        }
    }
}

/// A kind that the app itself defines.
struct Definition {
    id: ObjectId,
    namespaced: bool,
}

/// The kinds that the app itself defines, by group and kind.
struct Definitions(BTreeMap<(String, String), Definition>);

impl Definitions {
    fn of(context: &Context<'_>) -> Self {
        let natives = context.app.natives.values().filter(|native| native.platform == PLATFORM);
        let definition = |native: &Native| {
            let text = |at: &str| native.manifest.pointer(at).and_then(Value::as_str);
            if text("/kind") != Some("CustomResourceDefinition") {
                return None;
            }
            let key = (text("/spec/group")?.to_owned(), text("/spec/names/kind")?.to_owned());
            let id = ObjectId::new("customresourcedefinition", text("/metadata/name")?);
            Some((key, Definition { id, namespaced: text("/spec/scope") != Some("Cluster") }))
        };
        Self(natives.filter_map(definition).collect())
    }

    /// Whether objects of a kind lie in a namespace; none where neither the app nor the cluster has the kind. A cluster
    /// that was not asked may have every kind.
    fn is_namespaced(&self, context: &Context<'_>, api_version: &str, kind: &str) -> Option<bool> {
        if let Some(known) = Kind::of_document(api_version, kind) {
            return Some(known.namespaced);
        }
        let key = (group_of(api_version).to_owned(), kind.to_owned());
        if let Some(definition) = self.0.get(&key) {
            return Some(definition.namespaced);
        }
        let served = context.facts.kinds.get(&word(api_version, kind)).map(|served| served.namespaced);
        served.or_else(|| context.facts.version.is_none().then_some(true))
    }
}

fn object(
    context: &Context<'_>,
    (name, native): (&str, &Native),
    definitions: &Definitions,
    report: &mut Report,
) -> Option<Object> {
    let path = format!("{}.manifest", Document::Native.path(name));
    let mut body = native.manifest.clone();
    if let Some(diagnostic) = unfit(&body, &path) {
        report.refuse(diagnostic);
        return None;
    }
    let (api_version, kind) = (text(&body, "/apiVersion")?.to_owned(), text(&body, "/kind")?.to_owned());
    let Some(namespaced) = definitions.is_namespaced(context, &api_version, &kind) else {
        report.refuse(
            Diagnostic::error(
                format!("{path}.kind"),
                format!("the cluster does not serve {kind} of {api_version}"),
            )
            .why("neither Kubernetes nor a definition in the cluster or in this app has this kind")
            .remedy("its CustomResourceDefinition in the app, or what brings it, first"),
        );
        return None;
    };
    mark(context, name, &mut body, namespaced);
    let id = id_of(context.scope, &body)?;
    let once = (id.kind() == "job").then(|| names::content_hash(&body["spec"]));
    if let Some(once) = &once {
        annotate(&mut body, names::CONTENT, once);
    }
    let runs = RUNNERS.contains(&id.kind());
    let workload =
        runs.then(|| body.pointer("/metadata/name").and_then(Value::as_str).unwrap_or(name).to_owned());
    Some(Object { once, workload, ..Object::new(id, body) })
}

fn text<'a>(body: &'a Value, at: &str) -> Option<&'a str> {
    body.pointer(at).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// Why a document cannot be an object of a release; none where it can.
fn unfit(body: &Value, path: &str) -> Option<Diagnostic> {
    let (Some(api_version), Some(kind)) = (text(body, "/apiVersion"), text(body, "/kind")) else {
        let diagnostic = Diagnostic::error(path, "it is not a document of Kubernetes")
            .why("the API tells documents apart by `apiVersion` and `kind`")
            .remedy("both, as in a manifest for kubectl");
        return Some(diagnostic);
    };
    let error = |field: &str, what: &str| Diagnostic::error(format!("{path}{field}"), what);
    if body.get("metadata").is_some_and(|metadata| !metadata.is_object()) {
        return Some(error(".metadata", "`metadata` is not a mapping").remedy("`metadata: { name: NAME }`"));
    }
    if body.get("items").is_some() && kind.ends_with("List") {
        let diagnostic = error(".kind", "a list is not one object");
        return Some(
            diagnostic
                .why("each object of a release has a name of its own")
                .remedy("a Native document for each item"),
        );
    }
    if body.pointer("/metadata/generateName").is_some() {
        let diagnostic = error(".metadata.generateName", "the name is not known before it is made");
        return Some(
            diagnostic.why("the release finds its objects by their names").remedy("`metadata.name`"),
        );
    }
    if kind == "Secret" && group_of(api_version).is_empty() {
        let diagnostic = error("", "a secret cannot be a native document");
        return Some(
            diagnostic.why("its data would be in the app and in every record").remedy("a Secret document"),
        );
    }
    None
}

/// Puts a document where it belongs and marks it as the release's. Labels by which other tools know it stay.
fn mark(context: &Context<'_>, name: &str, body: &mut Value, namespaced: bool) {
    let Some(fields) = body.as_object_mut() else { return };
    let metadata = fields.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    let Some(metadata) = metadata.as_object_mut() else { return };
    metadata.entry("name").or_insert_with(|| name.into());
    if namespaced {
        metadata.entry("namespace").or_insert_with(|| context.scope.namespace.clone().into());
    } else {
        metadata.shift_remove("namespace");
    }
    let is_elsewhere =
        metadata.get("namespace").and_then(Value::as_str) != Some(context.scope.namespace.as_str());
    let mut labels = metadata.get("labels").and_then(Value::as_object).cloned().unwrap_or_default();
    for (key, value) in names::labels(context.scope, name) {
        if key != names::NAME || !labels.contains_key(names::NAME) {
            labels.insert(key, value);
        }
    }
    metadata.insert("labels".to_owned(), labels.into());
    if is_elsewhere {
        annotate(body, names::NAMESPACE, &context.scope.namespace);
    }
}

fn annotate(body: &mut Value, key: &str, value: &str) {
    let metadata = &mut body["metadata"];
    let mut annotations = metadata.get("annotations").and_then(Value::as_object).cloned().unwrap_or_default();
    annotations.insert(key.to_owned(), value.into());
    metadata["annotations"] = annotations.into();
}

/// Refuses documents of the user's own that another document of the app becomes, too.
pub(super) fn refuse_twice(objects: &[Object], natives: &Natives, report: &mut Report) {
    for (id, path) in &natives.paths {
        if objects.iter().filter(|object| object.id == *id).count() > 1 {
            report.refuse(twice(path, id));
        }
    }
}

fn twice(path: &str, id: &ObjectId) -> Diagnostic {
    Diagnostic::error(path, format!("{id} is another document's already"))
        .why("two documents would be one object of the cluster")
        .remedy("another name, or a patch under `on` in the other document")
}
