//! Manifests as people keep them: a file for each workload with what belongs to it, the rest in files of its own, and a
//! Kustomization.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rhumb_backend::export::{FILL_IN, demands, map_texts, release_notes};
use rhumb_backend::material::Demand;
use rhumb_backend::{ExportSecrets, Exported, ExportedFile, Object, Ownership, Scope};
use rhumb_spec::{Diagnostic, yaml};
use serde_json::{Map, Value, json};

use crate::names;

/// Files are applied in the order of their names: what others refer to is there first.
const SHARED: &str = "00-shared.yaml";
/// Kustomize takes this name, too, and `kubectl apply -f` reads files that end in `.yaml`, `.yml` and `.json` only, so
/// that both ways work on one folder.
///
/// Source: kustomize, `api/konfig/general.go`, `RecognizedKustomizationFileNames`; kubectl, `resource.FileExtensions`.
const KUSTOMIZATION: &str = "Kustomization";

/// Writes objects as manifests.
///
/// # Errors
/// Material that is nowhere.
pub(crate) fn files(
    scope: &Scope,
    objects: &[Object],
    secrets: &ExportSecrets<'_>,
) -> Result<Exported, Vec<Diagnostic>> {
    let renames = renames(objects);
    let own: Vec<&Object> = objects.iter().filter(|object| object.ownership != Ownership::External).collect();
    let workloads: BTreeSet<&str> = own.iter().filter_map(|object| object.workload.as_deref()).collect();
    let mut found: BTreeMap<String, Draft> = BTreeMap::new();
    let mut refused = Vec::new();
    for object in &own {
        let body = plain(object, &renames);
        let draft = found.entry(file_of(object, &body, &workloads)).or_default();
        match filled(object, body, secrets, &mut draft.fill_in) {
            Ok(body) => draft.add(&body, is_secret(object)),
            Err(found) => refused.push(*found),
        }
    }
    if !refused.is_empty() {
        return Err(refused);
    }
    let mut exported = Exported { notes: notes(objects), ..Exported::default() };
    let names: Vec<&String> = found.keys().collect();
    let kustomization = kustomization(&names);
    exported.deploying = deploying(scope);
    exported.files = found.into_iter().map(|(name, draft)| draft.into_file(name)).collect();
    exported.files.push(ExportedFile::open(KUSTOMIZATION, kustomization));
    Ok(exported)
}

/// A file that is being written.
#[derive(Default)]
struct Draft {
    text: zeroize::Zeroizing<String>,
    is_secret: bool,
    fill_in: Vec<String>,
}

impl Draft {
    fn add(&mut self, body: &Value, is_secret: bool) {
        if !self.text.is_empty() {
            self.text.push_str("---\n");
        }
        let text = zeroize::Zeroizing::new(yaml::to_string(body).unwrap_or_default());
        self.text.push_str(&text);
        self.is_secret |= is_secret;
    }

    fn into_file(self, name: String) -> ExportedFile {
        let content = self.text.as_bytes().to_vec();
        if self.is_secret {
            return ExportedFile::secret(name, content, self.fill_in);
        }
        ExportedFile::open(name, content)
    }
}

fn is_secret(object: &Object) -> bool {
    !demands(&object.body).is_empty()
}

/// The plain names of what is named by its content, by kind and name in the cluster.
fn renames(objects: &[Object]) -> BTreeMap<String, String> {
    let name_of = |object: &Object| object.body.pointer("/metadata/name")?.as_str().map(str::to_owned);
    let named = |object: &Object| object.generation.is_some() || object.once.is_some();
    let taken: BTreeSet<(&str, String)> = objects
        .iter()
        .filter(|object| !named(object))
        .filter_map(|object| Some((object.id.kind(), name_of(object)?)))
        .collect();
    let hashed = objects.iter().filter(|object| named(object));
    let pairs = hashed.filter_map(|object| {
        let plain = object.id.name().to_owned();
        let is_free = !plain.contains('/') && !taken.contains(&(object.id.kind(), plain.clone()));
        is_free.then(|| Some((name_of(object)?, plain)))?
    });
    pairs.collect()
}

/// The manifest without marks of ours.
fn plain(object: &Object, renames: &BTreeMap<String, String>) -> Value {
    let mut body = map_texts(&object.body, &|text| renames.get(text).cloned());
    strip(&mut body);
    if let Some(map) = body.as_object_mut().filter(|_| object.generation.is_some()) {
        map.shift_remove("immutable");
    }
    body
}

/// Takes our marks out of labels and annotations. The labels that selectors name stay: they are the objects' own.
fn strip(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for key in ["labels", "annotations"] {
                strip_marks(map, key);
            }
            map.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

fn strip_marks(map: &mut Map<String, Value>, key: &str) {
    let Some(Value::Object(marks)) = map.get_mut(key) else { return };
    let is_ours = |key: &str, value: &Value| {
        key.starts_with(names::MARK)
            || key == names::MANAGED_BY && value.as_str() == Some(names::FIELD_MANAGER)
    };
    let before = marks.len();
    marks.retain(|key, value| !is_ours(key, value));
    if marks.is_empty() && before > 0 {
        map.shift_remove(key);
    }
}

/// The file that an object is in: its workload's, a secret's own, or that of everything else.
fn file_of(object: &Object, body: &Value, workloads: &BTreeSet<&str>) -> String {
    if is_secret(object) {
        let name = body.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        return format!("00-{}-{name}.yaml", object.id.kind());
    }
    let label = object.body.pointer("/metadata/labels").and_then(|labels| labels.get(names::NAME));
    let named = label.and_then(Value::as_str).filter(|name| workloads.contains(name));
    match object.workload.as_deref().or(named) {
        Some(workload) => format!("10-{workload}.yaml"),
        None => SHARED.to_owned(),
    }
}

/// The manifest with its material. What is left out makes the API server refuse the manifest: it is no base64.
fn filled(
    object: &Object,
    mut body: Value,
    secrets: &ExportSecrets<'_>,
    fill_in: &mut Vec<String>,
) -> Result<Value, Box<Diagnostic>> {
    for (path, demand) in demands(&body) {
        let met = secrets.meet(&object.id, &demand)?;
        let is_text = path.starts_with("stringData.");
        let text = match met {
            None => {
                fill_in.push(if is_text { path } else { format!("{path}, in base64") });
                FILL_IN.to_owned()
            }
            Some(material) if is_text => String::from_utf8_lossy(material.expose()).into_owned(),
            Some(material) => STANDARD.encode(material.expose()),
        };
        put(&mut body, &demand, &text);
    }
    Ok(body)
}

/// Puts text in the place of a demand, wherever that stands.
fn put(value: &mut Value, demand: &Demand, text: &str) {
    if Demand::parse(value).as_ref() == Some(demand) {
        *value = text.into();
        return;
    }
    match value {
        Value::Object(map) => map.values_mut().for_each(|value| put(value, demand, text)),
        Value::Array(items) => items.iter_mut().for_each(|value| put(value, demand, text)),
        _ => {}
    }
}

fn kustomization(files: &[&String]) -> String {
    let body = json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": files,
    });
    yaml::to_string(&body).unwrap_or_default()
}

fn notes(objects: &[Object]) -> Vec<Diagnostic> {
    let mut notes = release_notes(objects, "kubectl apply");
    for object in objects {
        if object.generation.is_some() && object.ownership != Ownership::External {
            notes.push(
                Diagnostic::note(object.id.as_str(), "a change of it does not replace the pods that use it")
                    .why("a release names it by its content, and here it keeps one name")
                    .remedy("`kubectl rollout restart` of its workloads, or Kustomize's configMapGenerator and secretGenerator"),
            );
        }
        if object.id.kind() == "job" {
            notes.push(
                Diagnostic::note(object.id.as_str(), "a job that ran cannot be changed")
                    .why("the template of a Job is immutable")
                    .remedy("`kubectl delete` of the job before a changed one is applied"),
            );
        }
    }
    notes
}

fn deploying(scope: &Scope) -> String {
    let namespace = &scope.namespace;
    let mut text =
        "The manifests are for `kubectl`. The files are applied in the order of their names.\n\n```sh\n"
            .to_owned();
    if namespace != Scope::DEFAULT_NAMESPACE {
        text.extend(["kubectl create namespace ", namespace, "\n"]);
    }
    text.push_str("kubectl apply -k .\n```\n\n");
    text.push_str(
        "`kubectl apply -f .` does the same without Kustomize, and `kubectl delete -k .` takes everything away again.\n",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use rhumb_backend::{Material, Materials, ObjectId, Result as BackendResult};
    use rhumb_spec::model::Generate;

    struct Given;

    impl Materials for Given {
        fn sealed(&self, _: &str) -> BackendResult<Material> {
            Ok(Material::new(b"given".to_vec()))
        }

        fn generated(&self, _: &str, _: &Generate, _: Option<&str>) -> BackendResult<Material> {
            Ok(Material::new(b"made".to_vec()))
        }
    }

    fn object(id: &str, body: Value) -> Object {
        Object::new(ObjectId::from(id), body)
    }

    fn sample() -> Vec<Object> {
        let scope = Scope::new("prod", "shop");
        let metadata = |name: &str| json!({ "name": name, "labels": names::labels(&scope, "web"), "annotations": { names::OBJECT: "x" } });
        let demand = Demand::Sealed("a".to_owned()).to_value();
        let config = Object {
            generation: Some("0123".to_owned()),
            ..object(
                "configmap/web",
                json!({ "kind": "ConfigMap", "metadata": metadata("web-0123"), "immutable": true, "data": { "a": "b" } }),
            )
        };
        let secret = Object {
            generation: Some("4567".to_owned()),
            ..object(
                "secret/db",
                json!({ "kind": "Secret", "metadata": metadata("db-4567"), "data": { "key": demand } }),
            )
        };
        let web = Object {
            workload: Some("web".to_owned()),
            ..object(
                "deployment/web",
                json!({ "kind": "Deployment", "metadata": metadata("web"), "spec": { "uses": ["web-0123", "db-4567"] } }),
            )
        };
        let claim = object(
            "persistentvolumeclaim/data",
            json!({ "kind": "PersistentVolumeClaim", "metadata": { "name": "data" } }),
        );
        vec![config, secret, web, claim]
    }

    fn check(secrets: &ExportSecrets<'_>) -> Exported {
        files(&Scope::new("prod", "shop"), &sample(), secrets).unwrap()
    }

    fn text<'a>(exported: &'a Exported, path: &str) -> &'a str {
        let file = exported.files.iter().find(|file| file.path == path).expect(path);
        std::str::from_utf8(&file.content).unwrap()
    }

    #[test]
    fn objects_are_grouped_by_workload_under_plain_names() {
        let exported = check(&ExportSecrets::Written(&Given));
        let paths: Vec<&str> = exported.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["00-secret-db.yaml", "00-shared.yaml", "10-web.yaml", "Kustomization"]);
        let web = text(&exported, "10-web.yaml");
        assert!(web.contains("- web\n") && web.contains("- db\n"), "{web}");
        for mark in ["rhumb", "immutable", "0123", "4567"] {
            assert!(
                exported.files.iter().all(|file| !String::from_utf8_lossy(&file.content).contains(mark)),
                "{mark}"
            );
        }
        assert!(exported.deploying.contains("kubectl create namespace prod"));
    }

    #[test]
    fn material_is_written_or_asked_for() {
        let exported = check(&ExportSecrets::Written(&Given));
        assert!(text(&exported, "00-secret-db.yaml").contains(&STANDARD.encode("given")));
        let exported = check(&ExportSecrets::LeftOut);
        assert!(text(&exported, "00-secret-db.yaml").contains("<fill in>"));
        let file = exported.files.iter().find(|file| file.path == "00-secret-db.yaml").unwrap();
        assert_eq!(file.fill_in, ["data.key, in base64"]);
        assert_eq!(file.access, rhumb_backend::FileAccess::Secret);
    }

    /// Every field of what is lowered is in the files, apart from our own marks and the immutability.
    #[test]
    fn nothing_but_marks_is_left_out() {
        use rhumb_backend::fields::leaves;
        let exported = check(&ExportSecrets::Written(&Given));
        let written: usize = exported
            .files
            .iter()
            .filter(|file| file.path != KUSTOMIZATION)
            .flat_map(|file| yaml::parse(std::str::from_utf8(&file.content).unwrap()).unwrap())
            .map(|document| leaves(&document.to_value()))
            .sum();
        // In each of three: managed-by and an annotation; in the config `immutable`.
        let all: usize = sample().iter().map(|object| leaves(&object.body)).sum();
        assert_eq!(written, all - 3 * 2 - 1);
    }
}
